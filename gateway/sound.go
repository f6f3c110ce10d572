package gateway

import (
	"time"

	"earshot/gateway/desk"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

// The sound of a shared screen is a second voice of its owner, which only
// LiveKit's clients publish. It is heard from where they are, and whatever keeps
// their voice from somebody, or from everybody, keeps it too: a block, a wall, a
// moderator, a zone in which they may not speak. That they mute their microphone
// does not.

// sound is nil where there is none.
func (s *session) sound() *sfu.Publication {
	if s.door == nil {
		return nil
	}
	return s.media.Audio(sfu.SourceScreenAudio)
}

// soundShut reports whether nobody is to hear the sound of the screen of s. in.mu
// is held.
func (s *session) soundShut() bool {
	return !s.sounding || s.moderated || s.hushed || s.withheld[protocol.SourceScreenAudio]
}

// share begins or ends the sound of a screen, as its owner wishes, and tells
// LiveKit's clients.
func (in *Instance) share(s *session, on bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	s.sounding = on
	in.settleSound(s)
	in.noteTracks(s)
	in.tellChanged(s)
}

// settleSound makes the sound of a screen follow what its owner wants and what is
// allowed. in.mu is held, so that the last change wins at the sfu too.
func (in *Instance) settleSound(s *session) {
	p := s.sound()
	if p == nil {
		return
	}
	shut := s.soundShut()
	p.SetMuted(shut)
	if shut {
		in.g.desk.Silence(p)
	}
}

// sounds adds to the candidates of m the sounds of screens of those who are heard.
func (m *mixer) sounds(now time.Time) {
	for i := range m.heard {
		h := &m.heard[i]
		p := h.session.sound()
		if p == nil || !p.Active() {
			continue
		}
		if h.voiceless {
			m.gauge(h)
			h.voiceless = false
		}
		if h.why.GainDB > silent {
			level, talking := p.Level(now)
			m.voice = append(m.voice, sfu.VoiceCandidate{
				Publication: p, ScoreDB: float32(h.why.ScoreDB - h.level + float64(level)), Talking: talking,
			})
		}
	}
}

// mixSound adds the sound of a screen of h to a listener's mix.
func (m *mixer) mixSound(h *hearing, gain float32) {
	if p := h.session.sound(); p != nil && p.Active() && len(m.mixed) < desk.MaxVoices {
		m.mixed = append(m.mixed, desk.Voice{Publication: p, Position: h.head.Position, Gain: gain})
	}
}
