package gateway

import (
	"cmp"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/gateway/desk"
	"earshot/gateway/protocol"
	"earshot/sfu"
	"earshot/spatialaudio/reverb"
)

// How often it is said who is in a mix: soon for few, and less often the longer
// the list, so that it takes 4 kbit/s of the downlink at most.
const (
	audibleEvery  = 400 * time.Millisecond
	audibleOfEach = 50 * time.Millisecond // 24 bytes of JSON
)

// ears is how a session gets its voices: slots, or a mix.
type ears struct {
	mix      atomic.Pointer[desk.Listener] // nil for slots
	choosing atomic.Bool                   // a mix is being begun
	shut     atomic.Bool                   // there will be none any more

	// Only the instance's tick touches these.
	told   []earshot.ParticipantID // who was last said to be in the mix, sorted
	toldAt time.Time
}

// onSetAudio changes how s gets its voices. It does not wait for a mix to begin.
func (s *session) onSetAudio(m *protocol.SetAudio) error {
	if !s.can(protocol.GrantSubscribe) {
		return missing(protocol.GrantSubscribe)
	}
	if m.Mode == protocol.AudioSlots {
		s.endMix()
		s.send(&protocol.Audio{Mode: protocol.AudioSlots})
		return nil
	}
	switch {
	case s.media == nil || len(s.media.VoiceMIDs()) == 0:
		return earshot.Errorf(earshot.CodeFailedPrecondition, "this session has no voice slot for a mix: join with an offer that has one")
	case s.door != nil && !s.door.mixed:
		return earshot.Errorf(earshot.CodeFailedPrecondition, "the tracks of this client are each of one participant: ask for a mix by the attribute %s when you join", attributeAudio)
	case s.encrypted:
		return earshot.Errorf(earshot.CodeFailedPrecondition, "voices are encrypted end to end here, so the server cannot mix them: stay with slots")
	case s.ears.mix.Load() != nil:
		s.send(&protocol.Audio{Mode: protocol.AudioBinaural})
		return nil
	case s.ears.choosing.Swap(true):
		return earshot.Errorf(earshot.CodeAborted, "a mix is being begun already: wait for the message audio")
	}
	s.in.g.work.Go(func() {
		defer s.ears.choosing.Store(false)
		if err := s.beginMix(); err != nil {
			s.refuse("", err)
		}
	})
	return nil
}

// beginMix gives s a mix in which nobody is heard who may not be.
func (s *session) beginMix() error {
	l, err := s.in.g.desk.Listen()
	if err != nil {
		return err
	}
	s.in.policy.Lock()
	for _, other := range s.in.live.Load().all {
		if other != s && (s.in.closed(other, s) || !s.in.passes(other, s)) {
			l.Deny(other.participant, true)
		}
	}
	s.ears.mix.Store(l)
	s.in.policy.Unlock()
	if s.ears.shut.Load() { // deafen may have looked before there was a mix
		s.endMix()
		return nil
	}
	s.send(&protocol.Audio{Mode: protocol.AudioBinaural})
	return nil
}

// endMix goes back to slots.
func (s *session) endMix() {
	if l := s.ears.mix.Swap(nil); l != nil {
		l.Close()
	}
}

// deafen ends the mix of one who leaves: no order finds them any more, so nobody
// is mixed for them while they are said goodbye to.
func (s *session) deafen() {
	s.ears.shut.Store(true)
	s.endMix()
}

// silenceMixes forgets what s has said and nobody has heard yet.
func (s *session) silenceMixes() {
	if mic := s.microphone(); mic != nil {
		s.in.g.desk.Silence(mic)
	}
}

// mix gives the desk what s hears, and the session the mix once that sounds as
// it should. Until then its slots go on.
func (m *mixer) mix(s *session, l *desk.Listener, now time.Time) {
	slices.SortFunc(m.heard, func(a, b hearing) int { return cmp.Compare(b.why.ScoreDB, a.why.ScoreDB) })
	m.ask(s)
	m.mixed = m.mixed[:0]
	for i := range m.heard {
		h := &m.heard[i]
		mic, gain := h.session.voice.microphone, float32(math.Pow(10, h.why.GainDB/20))
		if h.why.GainDB > silent {
			m.mixSound(h, gain)
		}
		if mic == nil || mic.Encrypted() || h.why.GainDB <= silent || len(m.mixed) == desk.MaxVoices ||
			m.crowd.Covers(h.session.person) {
			continue
		}
		m.mixed = append(m.mixed, desk.Voice{
			Publication: mic, Position: h.head.Position, Gain: gain, WallDB: float32(h.why.WallDB),
		})
		if h.session.door != nil && !s.hidden {
			h.session.door.taken(sfu.SourceMicrophone)
		}
	}
	l.SetRoom(reverb.Named(m.zones.Reverb(s.spot.In)))
	l.Set(m.ears, m.mixed)
	if l.Ready() {
		m.voice = append(m.voice[:0], sfu.VoiceCandidate{Publication: l.Publication(), Talking: true})
		m.tellAudible(s, now)
	}
}

// tellAudible says who talks in the mix, when that changed.
func (m *mixer) tellAudible(s *session, now time.Time) {
	if now.Sub(s.ears.toldAt) < max(audibleEvery, time.Duration(len(s.ears.told))*audibleOfEach) {
		return
	}
	var audible []earshot.ParticipantID
	for i := range m.heard {
		if h := &m.heard[i]; h.talking && m.inMix(h.session.voice.microphone) {
			audible = append(audible, h.session.participant)
		}
	}
	slices.Sort(audible)
	if slices.Equal(audible, s.ears.told) {
		return
	}
	s.ears.told, s.ears.toldAt = audible, now
	s.send(&protocol.Audible{Participants: audible})
}

func (m *mixer) inMix(p *sfu.Publication) bool {
	return slices.ContainsFunc(m.mixed, func(v desk.Voice) bool { return v.Publication == p })
}
