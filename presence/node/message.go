package node

import (
	"encoding/json"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// envelope is the wire form of a message between nodes: JSON with the version
// of these fields. A node of another version drops it.
type envelope struct {
	Version int             `json:"v"`
	Message cluster.Message `json:"m"`
}

const messageVersion = 1

// Encode returns the wire form of m. Orders that would make it longer than a
// store carries are left out: who admits somebody reads them from the store.
func Encode(m cluster.Message) []byte {
	data, err := json.Marshal(envelope{messageVersion, m})
	if err == nil && len(data) > store.MaxMessage {
		m.Orders = nil
		data, err = json.Marshal(envelope{messageVersion, m})
	}
	if err != nil { // NaN in a position, which nothing of ours writes
		return nil
	}
	return data
}

// Decode reads what Encode wrote. The *earshot.Error is invalid_argument.
func Decode(data []byte) (cluster.Message, error) {
	if len(data) > store.MaxMessage {
		return cluster.Message{}, earshot.Errorf(earshot.CodeInvalidArgument, "a message of %d bytes; at most %d are taken", len(data), store.MaxMessage)
	}
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return cluster.Message{}, earshot.Errorf(earshot.CodeInvalidArgument, "a message between nodes that is no JSON of ours: %v", err)
	}
	if e.Version != messageVersion || !e.Message.Sane() {
		return cluster.Message{}, earshot.Errorf(earshot.CodeInvalidArgument, "a message between nodes of version %d, or beyond the limits; all nodes must run the same release", e.Version)
	}
	return e.Message, nil
}
