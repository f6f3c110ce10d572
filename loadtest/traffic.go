package loadtest

import "sync/atomic"

// Traffic is what a bot's sockets carried since it joined, by kind and
// direction. HTTP is not in it.
type Traffic struct{ Up, Down Flows }

// Flows is one direction. Voice, Video, RTCP, Data and Other are UDP datagrams
// and their payload: add 28 bytes each for IPv4 and UDP. Pose and Control are
// what is inside Data: messages and their own bytes, without SCTP and DTLS.
type Flows struct {
	Voice, Video, RTCP Flow
	Data               Flow // DTLS: handshake, poses, control and what SCTP adds
	Other              Flow // STUN
	Pose, Control      Flow
}

// Total is all datagrams.
func (f Flows) Total() Flow {
	var sum Flow
	for _, g := range []Flow{f.Voice, f.Video, f.RTCP, f.Data, f.Other} {
		sum.Packets += g.Packets
		sum.Bytes += g.Bytes
	}
	return sum
}

// Flow counts.
type Flow struct{ Packets, Bytes uint64 }

// kind is what a datagram or message is.
type kind uint8

const (
	kindVoice kind = iota
	kindVideo
	kindRTCP
	kindData
	kindOther
	kindPose
	kindControl
	kinds
)

// kindOf tells what a datagram carries by its first bytes (RFC 7983, RFC 5761).
func kindOf(b []byte) kind {
	switch {
	case len(b) < 2:
		return kindOther
	case b[0] >= 20 && b[0] <= 63:
		return kindData
	case b[0] < 128 || b[0] > 191:
		return kindOther
	case b[1] >= 192 && b[1] <= 223:
		return kindRTCP
	case b[1]&0x7f == opusPayload, b[1]&0x7f == redPayload:
		return kindVoice
	}
	return kindVideo
}

// meter counts the traffic of one direction. It is safe for concurrent use.
type meter struct {
	flows [kinds]struct{ packets, bytes atomic.Uint64 }
}

func (m *meter) add(k kind, bytes int) {
	m.flows[k].packets.Add(1)
	m.flows[k].bytes.Add(uint64(bytes))
}

func (m *meter) read() Flows {
	flow := func(k kind) Flow { return Flow{m.flows[k].packets.Load(), m.flows[k].bytes.Load()} }
	return Flows{
		Voice: flow(kindVoice), Video: flow(kindVideo), RTCP: flow(kindRTCP), Data: flow(kindData),
		Other: flow(kindOther), Pose: flow(kindPose), Control: flow(kindControl),
	}
}

// meters are both directions of a bot.
type meters struct{ up, down meter }
