package gateway

import (
	"slices"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

// maxDataBytes bounds what an application sends at once: LiveKit's own limit.
const maxDataBytes = 15 << 10

const maxTopicBytes = 256

// sendData sends bytes of an application to those named, or to all in a room but
// NPCs. Earshot's own clients get them as the message data, reliably.
func (call *roomCall) sendData(r *wire.SendDataRequest) (*wire.Empty, error) {
	if len(r.Data) > maxDataBytes {
		return nil, invalid("data: %d bytes, at most %d are taken; send larger things in pieces, or put them where clients fetch them", len(r.Data), maxDataBytes)
	}
	if r.Topic != nil && len(*r.Topic) > maxTopicBytes {
		return nil, invalid("topic: %d bytes, at most %d are taken", len(*r.Topic), maxTopicBytes)
	}
	in, err := call.administered(r.Room)
	if err != nil {
		return nil, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	to, err := in.recipients(call.by.Key, r)
	if err != nil {
		return nil, err
	}
	packet := &wire.DataPacket{
		Kind: int32(r.Kind), DestinationIdentities: r.DestinationIdentities,
		User: &wire.UserPacket{Payload: r.Data, Topic: r.Topic, DestinationIdentities: r.DestinationIdentities},
	}
	own := &protocol.Data{Data: r.Data}
	if r.Topic != nil {
		own.Topic = *r.Topic
	}
	encoded := protocol.Encode(own)
	for _, s := range to {
		if s.resident != nil || !s.opened.Load() {
			continue
		}
		if l, ok := s.line.(liveKitLine); ok {
			l.data(packet, r.Kind == wire.Reliable)
		} else {
			s.sendBytes(encoded)
		}
	}
	return &wire.Empty{}, nil
}

// recipients are those whom r names, or all. in.mu is held.
func (in *Instance) recipients(key string, r *wire.SendDataRequest) (to []*session, err error) {
	if len(r.DestinationIdentities) == 0 && len(r.DestinationSIDs) == 0 {
		return in.live.Load().all, nil
	}
	for _, identity := range r.DestinationIdentities {
		if s, err := in.find(key, identity); err == nil {
			to = append(to, s)
		}
	}
	for _, sid := range r.DestinationSIDs {
		if s := in.members[livekit.ParticipantOf(sid)]; s != nil && !slices.Contains(to, s) {
			to = append(to, s)
		}
	}
	if len(to) == 0 {
		return nil, earshot.Errorf(earshot.CodeNotFound, "none of those the data are for is in room %s; ListParticipants says who is", in.roomName())
	}
	return to, nil
}
