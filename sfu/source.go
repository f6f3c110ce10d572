package sfu

import (
	"math/rand/v2"
	"sync"
	"time"

	"earshot"
	"earshot/sfu/forward"
)

// A frame of a Source.
const (
	frameTime    = 20 * time.Millisecond
	frameSamples = 960  // at 48 kHz
	maxOpusFrame = 1275 // bytes: RFC 6716, section 3.2.1
)

// Source is a publication that the server itself makes: the voice of an NPC.
// For listeners it is a microphone like any other: it competes for slots,
// can be muted and denied, and takes part in Publication.Level.
//
// Methods may be called from any goroutine, but not from a Tap's handle.
type Source struct {
	publication *Publication

	// mu guards what follows and keeps frames in order.
	mu     sync.Mutex
	packet forward.Packet // the newest, without its payload
	due    time.Time      // when the frame after it is; zero before the first
}

// NewSource publishes a voice of a participant. It is silent until something
// is written, and ends with Close only.
func (s *SFU) NewSource(participant earshot.ParticipantID) *Source {
	return &Source{
		publication: emptyPublication(s, participant, SourceMicrophone),
		packet: forward.Packet{ // random beginnings: RFC 3550, section 5.1
			SSRC: rand.Uint32(), Seq: uint16(rand.Uint32()), Timestamp: rand.Uint32(),
		},
	}
}

// NewMix publishes all that one listener hears, mixed for them by the server. It
// belongs to no participant, so it cannot be denied: whoever mixes answers for
// what is in it. Only the session it is made for may be given it.
func (s *SFU) NewMix() *Source {
	return s.newMixture(SourceMix)
}

// newMixture returns a Source of what is mixed of many. It is not given silence
// where a frame is late: who mixes ends what sounds, and a machine that is busy
// for a moment would else put 100 ms of it before each frame that is late, which
// listeners then are behind by.
func (s *SFU) newMixture(of string) *Source {
	m := s.NewSource("")
	m.publication.source = of
	m.packet.Ends = true
	return m
}

// Publication returns what listeners are given to hear (Session.SetVoice), and
// what is muted.
func (s *Source) Publication() *Publication { return s.publication }

// Write sends one Opus packet of 20 ms to everybody who hears the source now,
// and takes its level in dBov (-127 to 0). The caller paces it: one frame every
// 20 ms while the source sounds, none while it is silent. A frame that comes
// forward.TailAfterPause later than it was due begins a new talkspurt: it has
// the marker bit, and its timestamp counts the silence. opus is used during the
// call only. An empty packet, or one above 1,275 bytes, is dropped and counted.
func (s *Source) Write(opus []byte, level int8, now time.Time) {
	if len(opus) == 0 || len(opus) > maxOpusFrame {
		s.publication.metrics.dropMalformed.Inc()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(now)
	s.packet.Payload = opus
	s.publication.observe(int(level), true, now)
	s.publication.send(&s.packet, forward.Opus, true, now)
	s.packet.Payload = nil
}

// advance numbers the next frame. mu is held.
func (s *Source) advance(now time.Time) {
	s.packet.Seq++
	s.packet.Timestamp += frameSamples
	late := now.Sub(s.due)
	s.packet.Marker = s.due.IsZero() || late >= forward.TailAfterPause
	if !s.packet.Marker {
		s.due = s.due.Add(frameTime)
		return
	}
	if !s.due.IsZero() {
		s.packet.Timestamp += uint32((late+frameTime/2)/frameTime) * frameSamples
	}
	s.due = now.Add(frameTime)
}

// Close ends the publication: it leaves every slot and every tap, and nothing
// of it is sent any more when Close returns. It may be called more than once.
func (s *Source) Close() { s.publication.close() }
