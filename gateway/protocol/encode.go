package protocol

import (
	"bytes"
	"encoding/json"
	"math"

	"earshot"
)

// Encode returns the JSON of a message of the server, type first. Lists that
// the protocol says are always there are written as [] when empty. A number
// that is not finite has no JSON: such a message, which would be a fault of
// the server, becomes an error with CodeInternal.
func Encode(m ServerMessage) []byte {
	switch v := m.(type) {
	case *Joined:
		if v.Participants == nil {
			m = &Joined{Participants: []Participant{}}
		}
	case *Slots:
		m = &Slots{Voice: present(v.Voice), Video: present(v.Video)}
	case *Audible:
		if v.Participants == nil {
			m = &Audible{Participants: []earshot.ParticipantID{}}
		}
	case *Order:
		if v.Sanctions == nil {
			order := *v
			order.Sanctions = []Sanction{}
			m = &order
		}
	case *Act:
		if v.Args == nil {
			act := *v
			act.Args = map[string]any{}
			m = &act
		}
	}
	b, err := marshal(m.serverType(), "", m)
	if err != nil {
		return []byte(`{"type":"error","code":"internal","message":"the server could not encode a message"}`)
	}
	return b
}

// EncodeClient returns the JSON of a message of a client, with ref where it is
// not empty. It does not check limits: the server's Parse does. A number that
// is not finite is written as null, which Parse refuses.
func EncodeClient(m ClientMessage, ref string) []byte {
	switch v := m.(type) {
	case *Ping:
		if !finite(v.T) {
			return []byte(`{"type":"ping","t":null}`)
		}
	case *Gain:
		if !finite(v.GainDB) {
			return []byte(`{"type":"gain","gain_db":null}`)
		}
	}
	b, err := marshal(m.clientType(), ref, m)
	if err != nil {
		return []byte(`{}`) // not reached: what is left holds only strings and booleans
	}
	return b
}

// Decode reads one message of the server, for clients written in Go. The error
// is an *earshot.Error: CodeUnimplemented for a type this version does not
// know, which a client should ignore, and CodeInvalidArgument for anything
// that is not a message.
func Decode(data []byte) (ServerMessage, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, invalid("not a message: %v", err)
	}
	m := newServerMessage(head.Type)
	if m == nil {
		return nil, earshot.Errorf(earshot.CodeUnimplemented, "unknown message type %s: ignore it or update this client", quote(head.Type))
	}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, invalid("malformed %s: %v", head.Type, err)
	}
	return m, nil
}

func newServerMessage(kind string) ServerMessage {
	for _, m := range []ServerMessage{
		&Welcome{}, &Joined{}, &Left{}, &Near{}, &Slots{}, &Speaking{}, &Muted{}, &Renamed{}, &Published{}, &Layers{},
		&Chat{}, &Blocked{}, &Gained{}, &Token{}, &Pong{}, &Error{}, &Bye{},
		&Caption{}, &NPC{}, &Act{}, &WorldChanged{}, &Forgotten{},
		&Retract{}, &Order{}, &Reported{}, &Appealed{}, &Recording{}, &Data{}, &Audio{}, &Audible{}, &Invite{},
	} {
		if m.serverType() == kind {
			return m
		}
	}
	return nil
}

// marshal writes {"type":kind,"ref":ref, members of m}. HTML is not escaped:
// chat is shown as text, and < would cost six bytes.
func marshal(kind, ref string, m any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`{"type":"` + kind + `"`)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if ref != "" {
		b.WriteString(`,"ref":`)
		if err := enc.Encode(ref); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1)
	}
	start := b.Len()
	if err := enc.Encode(m); err != nil {
		return nil, err
	}
	b.Truncate(b.Len() - 1) // Encode ends with a line feed
	out := b.Bytes()
	if bytes.Equal(out[start:], []byte("{}")) {
		return append(out[:start], '}'), nil
	}
	out[start] = ','
	return out, nil
}

// MarshalJSON writes whole centimetres and hundredths of a decibel: statistics
// come twice a second and nobody reads more digits. Silence, which is minus
// infinity in decibels, is written as -120.
func (w Why) MarshalJSON() ([]byte, error) {
	type plain Why
	w.Distance, w.GainDB, w.ScoreDB, w.LevelledDB = tidy(w.Distance), tidy(w.GainDB), tidy(w.ScoreDB), tidy(w.LevelledDB)
	if w.LevelDB != nil {
		level := tidy(*w.LevelDB)
		w.LevelDB = &level
	}
	return json.Marshal(plain(w))
}

func tidy(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, -1) {
		return -120
	}
	if x > 1e12 {
		return 1e12
	}
	if x < -1e12 {
		return -1e12
	}
	return math.Round(x*100) / 100
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func present(s []Slot) []Slot {
	if s == nil {
		return []Slot{}
	}
	return s
}
