package sfu

import (
	"time"

	"earshot/sfu/forward"
)

// continuity keeps what a codec counts of its own continuous while the source
// in a slot changes and layers of it are left out.
type continuity struct {
	vp8    forward.VP8Continuity
	vp9    forward.VP9Continuity
	frames forward.FrameContinuity
	shown  *shown // what was shown of each packet; nil before it mattered
	// descriptor is scratch: that of the packet being sent.
	descriptor [descriptorSize]byte
}

// descriptorSize has room for a dependency descriptor, 255 bytes, and what is
// added to one on the way.
const descriptorSize = 264

// shown remembers the target that was shown when a packet left, by its number.
// A repair has to be the packet that was lost, to the bit: see numbers.
type shown [numbersKept]forward.Target

// fit makes a packet that leaves in the present epoch what the listener is to
// get: the marker where a picture ends for it, the dependency descriptor, the
// codec's own numbers. It returns the payload, which may be in s.scratch. mu is
// held.
func (s *slot) fit(stamp *forward.Stamp, codec forward.Codec, packet *forward.Packet) []byte {
	if s.kind != forward.Video {
		return packet.Payload
	}
	target := s.choice.Current()
	if codec == forward.VP9 || len(packet.Dependency.Raw) > 0 {
		if s.own.shown == nil {
			s.own.shown = new(shown)
		}
		s.own.shown[stamp.Seq%numbersKept] = target
	}
	return s.fitTarget(stamp, codec, packet, target)
}

// refit is fit for a packet that is sent again. mu is held.
func (s *slot) refit(stamp *forward.Stamp, codec forward.Codec, packet *forward.Packet) []byte {
	target := s.choice.Current()
	if s.own.shown != nil {
		target = s.own.shown[stamp.Seq%numbersKept]
	}
	return s.fitTarget(stamp, codec, packet, target)
}

func (s *slot) fitTarget(stamp *forward.Stamp, codec forward.Codec, packet *forward.Packet, target forward.Target) []byte {
	epoch := s.rewriter.Epoch()
	stamp.Marker = stamp.Marker || packet.Place.Ends.Has(target)
	if d := &packet.Dependency; len(d.Raw) > 0 && s.descriptorID != 0 {
		stamp.Dependency = d.Rewrite(s.own.frames.Offset(epoch, d), target, s.own.descriptor[:0])
	}
	switch codec {
	case forward.VP8:
		return s.own.vp8.Rewrite(epoch, packet.Payload, s.room())
	case forward.VP9:
		return s.own.vp9.Rewrite(epoch, packet.Payload, s.room())
	}
	return packet.Payload
}

// leaveOut leaves a packet of the source out for good. mu is held.
func (s *slot) leaveOut(packet *forward.Packet, now time.Time) {
	if !s.rewriter.Open() || packet.SSRC != s.rewriter.SSRC() {
		return
	}
	s.rewriter.Drop(packet, now)
	if s.source.codecs[packet.PayloadType&0x7f] == forward.VP8 {
		s.own.vp8.LeaveOut(s.rewriter.Epoch(), packet.Payload)
	}
}
