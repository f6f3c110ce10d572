package npc

import (
	"strings"
	"time"

	"earshot"
	"earshot/npc/director"
	"earshot/npc/router"
)

// captionEvery is how often a growing caption is sent.
const captionEvery = 200 * time.Millisecond

// performance is the turn that is being said: its captions, and what is to be
// remembered of it.
type performance struct {
	turn      director.TurnID
	to        earshot.ParticipantID
	name      string
	asked     string // what is answered
	answers   bool   // somebody waits for it
	goals     []string
	mark      string // degradation of the model's words
	worded    bool
	forgotten bool // the player was lost: nothing of it is kept
	acted     bool
	script    bool // anything of it was scripted for lack of a model
	model     bool // anything of it came from a model
	whole     []string

	caption Caption
	done    []string // sentences of the caption that were said
	now     string   // the one being said, or the part of it that is certain
	sent    time.Time
	dirty   bool
}

// of returns the play of the command's turn, and begins it if that is new.
func (p *performance) of(c director.Command) *performance {
	if p.turn != c.Turn {
		*p = performance{turn: c.Turn, to: c.To, name: c.Name}
	}
	return p
}

// show makes a sentence part of the caption. Words from another source are
// another caption.
func (p *performance) show(s *stage, now time.Time, u *saying) {
	source, mark := SourceModel, p.mark
	if u.Script {
		source, mark = SourceScript, ""
		if u.Reason != "" {
			mark = DegradedScript
			p.script, p.answers = true, true
		}
	} else {
		p.model = true
	}
	p.open(s, now, source, mark, u.Reason)
	p.now, p.dirty = u.Text, true
}

// open begins a caption, and ends that of another source.
func (p *performance) open(s *stage, now time.Time, source, mark, reason string) {
	if p.caption.ID != "" && p.caption.Source == source {
		return
	}
	p.now = "" // a sentence of the other source that never ended
	p.close(s, false)
	p.caption = Caption{ID: earshot.NewEventID(), To: p.to, Source: source, Degraded: mark, Reason: reason}
	p.done, p.now, p.sent, p.dirty = nil, "", time.Time{}, true
}

// said takes a sentence as said to its end.
func (p *performance) said(u *saying) {
	if p.turn != u.Turn {
		return
	}
	p.done, p.whole, p.now, p.dirty = append(p.done, u.Text), append(p.whole, u.Text), "", true
}

// cut takes a sentence as said as far as it was heard.
func (p *performance) cut(u *saying) {
	if p.turn != u.Turn {
		return
	}
	p.now, p.dirty = u.heard(), true
}

func (p *performance) text() string {
	parts := p.done
	if p.now != "" {
		parts = append(parts[:len(parts):len(parts)], p.now)
	}
	return strings.Join(parts, " ")
}

// caption sends the caption if it grew and the last is long enough ago.
func (s *stage) caption(now time.Time) {
	p := &s.play
	if !p.dirty || p.caption.ID == "" || now.Sub(p.sent) < captionEvery {
		return
	}
	text := p.text()
	if text == "" {
		return
	}
	p.sent, p.dirty, p.caption.Text = now, false, text
	s.deps.Body.Caption(p.caption)
}

// close sends the caption for the last time, if there is one.
func (p *performance) close(s *stage, cut bool) {
	if p.caption.ID == "" {
		return
	}
	p.caption.Text, p.caption.Final, p.caption.Interrupted = p.text(), true, cut
	if p.caption.Text != "" || !p.sent.IsZero() {
		s.deps.Body.Caption(p.caption)
	}
	p.caption = Caption{}
}

// partial shows the beginning of a sentence that is still being written.
func (s *stage) partial(turn director.TurnID, text string) {
	if !s.d.Committed(turn) || s.play.turn != turn || text == "" || len(s.mouth.line) > 0 {
		return
	}
	now := time.Now()
	p := &s.play
	p.model = true
	p.open(s, now, SourceModel, p.mark, "")
	p.now, p.dirty = text, true
	s.firstWord(now, s.thoughtEnded(turn))
	s.d.Begun(now, turn, len(p.whole))
}

// finish ends the turn: the last caption, the figures, the memory.
func (s *stage) finish(c director.Command) {
	p := s.play.of(c)
	if len(s.mouth.line) > 0 {
		s.stop()
	}
	if p.now != "" && c.Cut {
		p.whole = append(p.whole, p.now)
	} else {
		p.now = "" // the end of a sentence that never came
	}
	p.close(s, c.Cut)
	said := strings.Join(p.whole, " ")
	if said == "" && !p.acted {
		*p = performance{}
		return
	}
	if p.answers {
		s.answered(p)
	}
	if !p.forgotten {
		s.learn(p, said)
	}
	*p = performance{}
}

// answered counts a turn.
func (s *stage) answered(p *performance) {
	source, mark := SourceModel, p.mark
	if !p.model {
		source, mark = SourceScript, DegradedScript
	}
	s.figures.add(func(f *Figures) {
		f.Turns++
		if !p.model {
			f.Scripted++
		} else if p.mark != "" || p.script {
			f.Degraded++
		}
	})
	s.deps.Metrics.turns.WithLabelValues(source, mark).Inc()
}

// markOf is a degradation in the words of captions.
func markOf(d router.Degradation) string {
	switch d {
	case router.OtherRegion:
		return DegradedRegion
	case router.SmallerModel:
		return DegradedModel
	case router.ScriptedLine:
		return DegradedScript
	}
	return DegradedNot
}
