package sfu

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// slot is one receive line of a session: for pion a track that is sent, for
// Earshot the place where one publication after the other is heard or seen.
type slot struct {
	session *Session
	kind    forward.Kind
	twccID  uint8 // of the header extension; 0 is none
	// descriptorID is of the dependency descriptor's; 0 is none.
	descriptorID uint8
	ssrc         atomic.Uint32 // of header, for those who do not hold mu

	// mu guards what follows. Whoever changes source holds it, so that with
	// the change done no packet of the old source is written any more. What is
	// touched for each packet comes first: there are as many slots as packets on
	// their way, and their lines of the cache are much of what a packet costs.
	mu       sync.Mutex
	held     bool                    // nothing is sent: it is not decided who does
	waitKey  bool                    // nothing is sent before a key frame
	surges   uint32                  // of the downlink that are answered
	source   *Publication            // nil is empty
	stream   *egress.Stream          // sends in place of writer, in batches; nil where pion sends
	writer   webrtc.TrackLocalWriter // nil while pion does not send
	sent     *atomic.Uint64          // packets of source to this session
	packets  uint32                  // for sender reports
	octets   uint32
	earlier  *forward.Redundancy // frames of voice that are sent along with the next; nil before the first
	rescued  int                 // packets since the last
	fence    egress.Fence        // of the packets in batches; Lock it before mu
	rewriter forward.Rewriter
	left     forward.Window // what left, for reports

	header   rtp.Header
	number   [2]byte           // of the packet on the downlink; part of header
	numbers  numbers           // of packets that may be repaired
	repairs  *retransmission   // where they have a stream of their own
	got      forward.Reception // what of what left the listener has
	choice   forward.LayerChoice
	own      continuity
	reported uint32 // packets at the last report
	scratch  []byte // see room

	mid    string
	index  int
	sender *webrtc.RTPSender

	// Session.mu guards these, of which the other three matter to LiveKit alone.
	paused bool         // the downlink carries too little for what would be shown
	closed bool         // nothing is shown
	pin    *Publication // where lines are pinned, what may be shown
	pinned *Publication // and what is, of voices
}

var _ webrtc.TrackLocal = (*slot)(nil)

func newSlot(s *Session, mid string, kind forward.Kind, index int) *slot {
	return &slot{
		session: s, mid: mid, kind: kind, index: index,
		held:     s.out.sender != nil,
		rewriter: forward.NewRewriter(kind, uint16(rand.Uint32()), rand.Uint32()),
		header:   rtp.Header{Version: 2},
	}
}

// forward writes a packet of p, if p is still what the slot shows.
func (s *slot) forward(p *Publication, packet *forward.Packet, codec forward.Codec, starts bool, now time.Time, burst *egress.Burst) {
	m := p.metrics
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source != p || s.writer == nil || !p.open.Load() {
		return
	}
	pt := s.session.offer.Load().pts[codec]
	if pt == 0 {
		m.dropCodec.Inc()
		return
	}
	if s.kind == forward.Video && !s.chooseLayer(p, packet, now) {
		return
	}
	if s.waitKey && !starts {
		m.dropKeyFrame.Inc()
		return
	}
	s.waitKey = false
	stamp, ok := s.rewriter.Rewrite(packet, now)
	if !ok {
		m.dropOld.Inc()
		return
	}
	pt, payload := s.protect(stamp, pt, s.fit(&stamp, codec, packet))
	if s.write(stamp, pt, payload, burst) {
		s.sent.Add(1)
	}
}

// write sends a new packet. mu is held.
func (s *slot) write(stamp forward.Stamp, pt uint8, payload []byte, burst *egress.Burst) bool {
	number := uint16(0)
	s.left.Add(stamp.Seq)
	if s.twccID != 0 {
		number = s.session.downlink.number(len(payload)+len(stamp.Dependency), time.Now())
		s.numbers.put(stamp.Seq, number)
	}
	return s.send(stamp, pt, number, payload, burst)
}

// again sends a packet once more, as it was. mu is held.
func (s *slot) again(stamp forward.Stamp, pt uint8, payload []byte, burst *egress.Burst) bool {
	number, ok := uint16(0), true
	if s.twccID != 0 {
		number, ok = s.numbers.get(stamp.Seq)
	}
	return ok && s.send(stamp, pt, number, payload, burst)
}

// send sends a packet with its number on the downlink. mu is held.
func (s *slot) send(stamp forward.Stamp, pt uint8, number uint16, payload []byte, burst *egress.Burst) bool {
	n := 0
	switch {
	case s.stream == nil && !s.held:
		if n = s.writeByPion(stamp, pt, number, payload); n > 0 {
			s.session.sfu.metrics.sentByPion(n)
		}
	case s.stream != nil:
		n = burst.Add(&s.session.out.peer, s.stream, &s.fence, egress.Header{
			Timestamp: stamp.Timestamp, Seq: stamp.Seq, PayloadType: pt, Marker: stamp.Marker,
			NumberID: s.twccID, Number: number, DescriptorID: s.descriptorID, Descriptor: stamp.Dependency,
		}, payload)
	}
	if n == 0 { // also while the connection is not up
		s.session.sfu.metrics.dropWrite.Inc()
		return false
	}
	s.packets++
	s.octets += uint32(len(payload))
	return true
}

func (s *slot) writeByPion(stamp forward.Stamp, pt uint8, number uint16, payload []byte) int {
	binary.BigEndian.PutUint16(s.number[:], number)
	s.header.Marker = stamp.Marker
	s.header.PayloadType = pt
	s.header.SequenceNumber = stamp.Seq
	s.header.Timestamp = stamp.Timestamp
	if err := s.describeByPion(&s.header, stamp.Dependency); err != nil {
		return 0
	}
	n, err := s.writer.WriteRTP(&s.header, payload)
	if err != nil {
		return 0
	}
	return n
}

// describeByPion puts a dependency descriptor into the header, or takes the last
// one out of it. One of more than 16 bytes needs the form with two bytes (RFC
// 8285, section 4.3). mu is held.
func (s *slot) describeByPion(h *rtp.Header, descriptor []byte) error {
	if s.descriptorID == 0 {
		return nil
	}
	if len(descriptor) == 0 {
		if h.Extension && h.GetExtension(s.descriptorID) != nil {
			h.ExtensionProfile = rtp.ExtensionProfileOneByte
			return h.DelExtension(s.descriptorID)
		}
		return nil
	}
	if len(descriptor) > 16 {
		h.ExtensionProfile = rtp.ExtensionProfileTwoByte
	} else if h.Extension {
		h.ExtensionProfile = rtp.ExtensionProfileOneByte
	}
	return h.SetExtension(s.descriptorID, descriptor)
}

// begin takes the way that was chosen for the session's packets.
func (s *slot) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beginLocked()
}

// end sends nothing any more.
func (s *slot) end() {
	s.change(func() {
		s.stream, s.held = nil, true
		s.repairs.end()
	})
}

func (s *slot) beginLocked() {
	window := egress.VoiceWindow
	if s.kind == forward.Video {
		window = egress.VideoWindow
	}
	s.held = !s.session.out.byPion()
	if ssrc := s.header.SSRC; s.held && ssrc != 0 && (s.stream == nil || s.stream.SSRC() != ssrc) {
		s.stream = s.session.out.stream(ssrc, window)
	}
	s.repairs.begin(&s.session.out, s.held)
}

// change does f under the mutex, and returns when all packets that were
// written before have left.
func (s *slot) change(f func()) {
	s.fence.Lock()
	defer s.fence.Unlock()
	s.mu.Lock()
	f()
	before := s.fence.Turn()
	s.mu.Unlock()
	if sender := s.session.out.sender; sender != nil {
		sender.Flush()
	}
	before.Wait()
}

// assign changes what the slot shows; nil empties it. When it returns, nothing
// of the former source is written any more.
func (s *slot) assign(p *Publication, sent *atomic.Uint64) {
	var old *Publication
	s.change(func() {
		old = s.source
		s.rewriter.Switch()
		s.forget()
		s.source, s.sent = p, sent
		s.waitKey = s.kind == forward.Video
		if p != nil {
			s.choice.Reset(forward.MakeTarget(p.Sizes()-1, forward.MaxTemporal-1)) // adapt says better within a tick
		}
	})
	if old != nil {
		old.unsubscribe(s)
	}
	if p == nil {
		return
	}
	s.session.sfu.metrics.switches.Inc()
	p.subscribe(s)
	if s.kind == forward.Video {
		p.wantKeyFrames(time.Now())
	}
}

// shows reports whether p is what the slot shows.
func (s *slot) shows(p *Publication) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source == p
}

// interrupt separates what p sent from what it will send: it was muted, or
// begins anew. When it returns, nothing sent before is repaired any more.
func (s *slot) interrupt(p *Publication) {
	s.change(func() {
		if s.source == p {
			s.rewriter.Switch()
			s.forget()
			s.waitKey = s.kind == forward.Video
			s.choice.Reset(s.choice.Target())
		}
	})
}

// release empties the slot of a publication that has ended.
func (s *slot) release(p *Publication) { s.session.release(p) }

// tail sends the silence that ends a talkspurt, where one is due.
func (s *slot) tail(now time.Time, burst *egress.Burst) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pt := s.session.offer.Load().pts[forward.Opus]
	if s.writer == nil || pt == 0 || !s.rewriter.TailDue(now) {
		return
	}
	var stamps [forward.TailFrames]forward.Stamp
	s.session.sfu.metrics.tails.Inc()
	for _, stamp := range stamps[:s.rewriter.Tail(&stamps)] {
		s.write(stamp, pt, forward.SilenceFrame(), burst)
	}
}

// resend repairs the loss of one packet, if it is one of the present source
// since it took the slot.
func (s *slot) resend(out uint16, burst *egress.Burst) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	stamp, codec, payload, ok := s.recall(out)
	if !ok || !s.repairBy(stamp, codec, payload, burst) {
		return false
	}
	s.sent.Add(1)
	return true
}

// recall returns a packet of the present source as it left, if that is kept and
// left since the source took the slot. The payload is good until the next call
// of anything here. mu is held.
func (s *slot) recall(out uint16) (stamp forward.Stamp, codec forward.Codec, payload []byte, ok bool) {
	p := s.source
	in, ok := s.rewriter.Source(out)
	if !ok || p == nil || s.writer == nil || !p.open.Load() {
		return stamp, codec, nil, false
	}
	var packet forward.Packet
	encoding := s.choice.Encoding()
	if encoding < 0 || !p.layers[encoding].get(s.rewriter.SSRC(), in, s.room(), &packet) {
		return stamp, codec, nil, false
	}
	codec = p.codecs[packet.PayloadType&0x7f]
	if stamp, ok = s.rewriter.Repair(&packet); !ok || s.session.offer.Load().pts[codec] == 0 {
		return stamp, codec, nil, false
	}
	payload = s.refit(&stamp, codec, &packet)
	return stamp, codec, payload, true
}

// room returns an empty buffer for one packet. Most slots never need one. mu is
// held.
func (s *slot) room() []byte {
	if s.scratch == nil {
		s.scratch = make([]byte, 0, readSize)
	}
	return s.scratch
}

// report returns a sender report, or nil where nothing was sent since the last.
func (s *slot) report(now time.Time) rtcp.Packet {
	s.mu.Lock()
	defer s.mu.Unlock()
	timestamp, ok := s.rewriter.Now(now)
	if !ok || s.writer == nil || s.packets == s.reported {
		return nil
	}
	s.reported = s.packets
	return &rtcp.SenderReport{
		SSRC: s.header.SSRC, NTPTime: ntp(now), RTPTime: timestamp,
		PacketCount: s.packets, OctetCount: s.octets,
	}
}

// Bind implements webrtc.TrackLocal: pion begins to send.
func (s *slot) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	codecs := c.CodecParameters()
	if len(codecs) == 0 {
		return webrtc.RTPCodecParameters{}, fmt.Errorf("sfu: slot %s: no codec in common", s.mid)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writer = c.WriteStream()
	s.header.SSRC = uint32(c.SSRC())
	s.ssrc.Store(s.header.SSRC)
	if s.twccID != 0 {
		if err := s.header.SetExtension(s.twccID, s.number[:]); err != nil {
			return webrtc.RTPCodecParameters{}, fmt.Errorf("sfu: slot %s: %w", s.mid, err)
		}
	}
	if err := s.openRepairs(c.SSRCRetransmission(), &s.number); err != nil {
		return webrtc.RTPCodecParameters{}, fmt.Errorf("sfu: slot %s: %w", s.mid, err)
	}
	s.beginLocked()
	return codecs[0], nil
}

// Unbind implements webrtc.TrackLocal.
func (s *slot) Unbind(webrtc.TrackLocalContext) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writer = nil
	return nil
}

// ID implements webrtc.TrackLocal.
func (s *slot) ID() string { return "slot-" + s.mid }

// RID implements webrtc.TrackLocal: there is no simulcast towards clients.
func (s *slot) RID() string { return "" }

// StreamID implements webrtc.TrackLocal. The two slots of a player are one
// stream, so that its voice and picture are kept together; those of a
// participant show many.
func (s *slot) StreamID() string {
	if s.session.profile == Player {
		return "earshot"
	}
	return "slot-" + s.mid
}

// Kind implements webrtc.TrackLocal.
func (s *slot) Kind() webrtc.RTPCodecType {
	if s.kind == forward.Video {
		return webrtc.RTPCodecTypeVideo
	}
	return webrtc.RTPCodecTypeAudio
}
