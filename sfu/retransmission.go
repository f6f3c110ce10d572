package sfu

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// retransmission is the second stream of a video slot, on which packets are
// sent again (RFC 4588): with an SSRC and sequence numbers of its own, so that
// every repair is a new packet with a new nonce and a new number on the
// downlink. The slot's mutex guards it.
type retransmission struct {
	ssrc   uint32
	seq    uint16
	stream *egress.Stream // sends in batches; nil where pion sends
	header rtp.Header     // for pion
	buffer [readSize + originalSize]byte
}

// originalSize is that of the original sequence number, which begins the
// payload (RFC 4588, section 4).
const originalSize = 2

// retransmissionWindow is how many of its packets the stream of repairs
// remembers. Each is sent once.
const retransmissionWindow = egress.VoiceWindow

// openRepairs prepares the second stream where pion named one, which it does if
// the client takes it. pion itself never sends on it. mu is held.
func (s *slot) openRepairs(ssrc webrtc.SSRC, number *[2]byte) error {
	if s.kind != forward.Video || ssrc == 0 || s.session.offer.Load().repairs.rtx == [forward.Codecs]uint8{} {
		return nil
	}
	r := &retransmission{ssrc: uint32(ssrc), seq: uint16(rand.Uint32()), header: rtp.Header{Version: 2, SSRC: uint32(ssrc)}}
	if s.twccID != 0 {
		if err := r.header.SetExtension(s.twccID, number[:]); err != nil {
			return err
		}
	}
	s.repairs = r
	s.session.strays.add(r.ssrc)
	return nil
}

// begin takes the way that was chosen for the session's packets. mu is held.
func (r *retransmission) begin(o *outgoing, batched bool) {
	if r != nil && batched && (r.stream == nil || r.stream.SSRC() != r.ssrc) {
		r.stream = o.stream(r.ssrc, retransmissionWindow)
	}
}

// end sends nothing any more. mu is held.
func (r *retransmission) end() {
	if r != nil {
		r.stream = nil
	}
}

// retransmit sends a packet again on the second stream and returns how many
// bytes that took; 0 where there is none for the codec, or nothing can be sent.
// mu is held.
func (s *slot) retransmit(stamp forward.Stamp, codec forward.Codec, payload []byte, burst *egress.Burst) int {
	r := s.repairs
	pt := s.session.offer.Load().repairs.rtx[codec]
	if r == nil || pt == 0 || len(payload) > readSize || s.held && r.stream == nil {
		return 0
	}
	binary.BigEndian.PutUint16(r.buffer[:], stamp.Seq)
	payload = r.buffer[:originalSize+copy(r.buffer[originalSize:], payload)]
	number := uint16(0)
	if s.twccID != 0 {
		number = s.session.downlink.number(len(payload), time.Now())
	}
	r.seq++
	n := 0
	if r.stream != nil {
		n = burst.Add(&s.session.out.peer, r.stream, &s.fence, egress.Header{
			Timestamp: stamp.Timestamp, Seq: r.seq, PayloadType: pt, Marker: stamp.Marker,
			NumberID: s.twccID, Number: number, DescriptorID: s.descriptorID, Descriptor: stamp.Dependency,
		}, payload)
	} else {
		binary.BigEndian.PutUint16(s.number[:], number)
		r.header.Marker, r.header.PayloadType = stamp.Marker, pt
		r.header.SequenceNumber, r.header.Timestamp = r.seq, stamp.Timestamp
		if s.describeByPion(&r.header, stamp.Dependency) == nil {
			n, _ = s.writer.WriteRTP(&r.header, payload) // 0 is counted
		}
		if n > 0 {
			s.session.sfu.metrics.sentByPion(n)
		}
	}
	if n == 0 {
		s.session.sfu.metrics.dropWrite.Inc()
	}
	return n
}

// repairsApart reports whether repairs have a stream of their own.
func (s *slot) repairsApart(codec forward.Codec) bool {
	return s.repairs != nil && s.session.offer.Load().repairs.rtx[codec] != 0
}

// repairBy sends a packet again: on the stream of repairs, or as it was on the
// slot's own. mu is held.
func (s *slot) repairBy(stamp forward.Stamp, codec forward.Codec, payload []byte, burst *egress.Burst) bool {
	if s.repairsApart(codec) {
		return s.retransmit(stamp, codec, payload, burst) > 0
	}
	return s.again(stamp, s.session.offer.Load().pts[codec], payload, burst)
}

// resendInPlace repairs the loss of one packet on the slot's own stream, where a
// second one would not do.
func (s *slot) resendInPlace(out uint16, burst *egress.Burst) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	stamp, codec, payload, ok := s.recall(out)
	if !ok || !s.again(stamp, s.session.offer.Load().pts[codec], payload, burst) {
		return false
	}
	s.sent.Add(1)
	return true
}
