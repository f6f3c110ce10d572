package sfu

import (
	"time"

	"earshot/sfu/forward"
)

// uplinkVoice is what is remembered of the voice of a publisher who may send
// earlier frames along (RFC 2198), to fill loss with them. Only the goroutine
// that reads the publication has it.
type uplinkVoice struct {
	opus, red uint8  // payload types; red is 0 where the publisher sends none
	turn      uint32 // of the publication: muted or not
	ssrc      uint32
	came      forward.Window
	newest    uint32         // timestamp
	lost      forward.Packet // scratch
}

// admit reports whether a packet did not come yet, be it on its own or as an
// earlier frame of another.
func (u *uplinkVoice) admit(packet *forward.Packet) bool {
	fresh := packet.SSRC == u.ssrc && u.came.Add(packet.Seq)
	if !fresh {
		if packet.SSRC == u.ssrc && u.came.Has(packet.Seq) {
			return false
		}
		u.ssrc, u.came = packet.SSRC, forward.Window{} // it begins anew
		u.came.Add(packet.Seq)
		u.newest = packet.Timestamp
	}
	if int32(packet.Timestamp-u.newest) > 0 {
		u.newest = packet.Timestamp
	}
	return true
}

// fills reports whether an earlier frame is one that was lost: of this source,
// newer than all that came, and not there yet.
func (u *uplinkVoice) fills(lost *forward.Packet) bool {
	if len(lost.Payload) == 0 || lost.SSRC != u.ssrc || int32(lost.Timestamp-u.newest) <= 0 || !u.came.Add(lost.Seq) {
		return false
	}
	u.newest = lost.Timestamp
	return true
}

// receiveVoice takes a packet of a publisher who may send earlier frames along:
// what was lost before it goes first, what came already not again.
func (p *Publication) receiveVoice(packet *forward.Packet, now time.Time) {
	u := &p.voice
	if packet.PayloadType != u.red {
		if u.admit(packet) {
			p.send(packet, forward.Opus, true, now)
		}
		return
	}
	var red forward.RED
	if !red.Parse(packet.Payload, u.opus) {
		p.metrics.dropMalformed.Inc()
		return
	}
	earlier := red.Earlier()
	if turn := p.turn.Load(); turn != u.turn { // they may have been said while the talker was muted
		u.turn, earlier = turn, nil
	}
	for i := range earlier {
		u.lost = *packet
		u.lost.PayloadType, u.lost.Payload, u.lost.Marker = u.opus, earlier[i].Payload, false
		u.lost.Seq -= uint16(len(earlier) - i)
		u.lost.Timestamp -= earlier[i].Offset
		if u.fills(&u.lost) {
			p.metrics.filled.Inc()
			p.send(&u.lost, forward.Opus, true, now)
		}
	}
	u.lost.Payload = nil
	if len(red.Primary) == 0 || !u.admit(packet) {
		return
	}
	packet.PayloadType, packet.Payload = u.opus, red.Primary
	p.send(packet, forward.Opus, true, now)
}
