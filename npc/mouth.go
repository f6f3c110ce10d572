package npc

import (
	"context"
	"errors"
	"io"
	"time"

	"earshot/npc/director"
)

// How sentences are spoken.
const (
	frameTime  = 20 * time.Millisecond
	bufferSize = 256                     // frames ready ahead: 5 s; the synthesis waits for room
	maxFrames  = 1500                    // of a sentence: 30 s
	catchUp    = 5                       // frames sent at once after a hiccup; more and they are late for good
	dryLimit   = 1500 * time.Millisecond // for which a sentence may stall
	voiceLimit = 3 * time.Second         // after the caption was shown without voice
	ahead      = 2                       // sentences synthesised at a time, with the one being said
	letterTime = 70 * time.Millisecond   // of speech, about, to guess how much of a sentence was heard
)

var errMute = errors.New("the voice did not come in time")

// mouth is what is being said and what comes after it.
type mouth struct {
	line []*saying
	due  time.Time // of the next frame
}

// saying is one sentence on its way to ears.
type saying struct {
	director.Command
	silent bool            // there is no voice: a caption only
	frames chan VoiceFrame // closed after the last; err is set before
	err    error
	cancel context.CancelFunc // nil: not synthesised yet
	shown  time.Time          // when its caption was
	played int
	dry    time.Time // since when a frame is missing
}

// next is when the mouth has something to do.
func (m *mouth) next() (time.Time, bool) {
	if len(m.line) == 0 {
		return time.Time{}, false
	}
	return m.due, true
}

// say puts a sentence in line.
func (s *stage) say(ctx context.Context, c director.Command) {
	s.play.of(c)
	if len(s.mouth.line) == 0 && s.mouth.due.Before(time.Now()) {
		s.mouth.due = time.Now()
	}
	s.mouth.line = append(s.mouth.line, &saying{Command: c, silent: !s.deps.voiced(s.cfg.Labels)})
	s.synthesise(ctx)
}

// synthesise has the next sentence made while the first is played.
func (s *stage) synthesise(ctx context.Context) {
	how := s.character.Persona().Voice
	if how.Model == "" {
		how.Model = s.cfg.SpeechModel
	}
	for _, u := range s.mouth.line[:min(len(s.mouth.line), ahead)] {
		if u.cancel != nil || u.silent {
			continue
		}
		u.frames = make(chan VoiceFrame, bufferSize)
		ctx, cancel := context.WithCancel(ctx)
		u.cancel = cancel
		where := s.where()
		s.work.Go(func() {
			defer close(u.frames)
			sound, err := s.deps.Speaker.Speak(ctx, where, how, u.Text)
			if err != nil {
				u.err = err
				return
			}
			defer sound.Close()
			u.err = u.fill(ctx, sound)
		})
	}
}

// fill takes the frames of a sentence until its end.
func (u *saying) fill(ctx context.Context, sound Utterance) error {
	for range maxFrames {
		f, err := sound.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case u.frames <- f:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// speak sends the frames that are due, and goes from sentence to sentence.
func (s *stage) speak(ctx context.Context, now time.Time) {
	m := &s.mouth
	for len(m.line) > 0 && !now.Before(m.due) {
		u := m.line[0]
		done := true
		if u.silent {
			s.show(now, u)
		} else {
			done = s.voice(now, u)
		}
		if done {
			m.pop()
			s.play.said(u)
			s.d.Spoken(now, u.Turn, u.Part)
			s.obey(ctx)
			s.synthesise(ctx)
		}
	}
	s.caption(now)
}

func (m *mouth) pop() {
	if c := m.line[0].cancel; c != nil {
		c()
	}
	m.line[0] = nil
	if m.line = m.line[1:]; len(m.line) == 0 {
		m.line = nil
	}
}

// voice plays one frame of a sentence if there is one, and reports whether the
// sentence is over. It moves m.due forward unless it is.
func (s *stage) voice(now time.Time, u *saying) (done bool) {
	m := &s.mouth
	if u.cancel == nil {
		m.due = now.Add(frameTime)
		return false
	}
	select {
	case f, more := <-u.frames:
		if !more {
			s.show(now, u)
			if u.err != nil {
				s.muted(now, u.err)
			}
			return true
		}
		s.show(now, u)
		u.played, u.dry = u.played+1, time.Time{}
		s.deps.Body.Voice(f.Opus, f.Level)
		if m.due = m.due.Add(frameTime); now.Sub(m.due) > catchUp*frameTime {
			m.due = now.Add(frameTime)
		}
		return false
	default:
		return s.wait(now, u)
	}
}

// wait is a frame that is not there yet.
func (s *stage) wait(now time.Time, u *saying) (done bool) {
	s.mouth.due = now.Add(frameTime / 2)
	if u.dry.IsZero() {
		u.dry = now
	}
	switch {
	case u.shown.IsZero():
		if !now.Before(u.Until) {
			s.show(now, u)
		}
	case u.played == 0 && now.Sub(u.shown) > voiceLimit, u.played > 0 && now.Sub(u.dry) > dryLimit:
		s.muted(now, errMute)
		return true
	}
	return false
}

func (s *stage) muted(now time.Time, err error) {
	s.trouble(now, "speech", err, func(f *Figures) { f.Mute++ })
}

// show puts a sentence into the caption, and says so to the director.
func (s *stage) show(now time.Time, u *saying) {
	if !u.shown.IsZero() {
		return
	}
	u.shown = now
	s.play.show(s, now, u)
	s.firstWord(now, u.Ended)
	s.d.Begun(now, u.Turn, u.Part)
}

// firstWord takes the time from the end of the player's turn, once a turn.
func (s *stage) firstWord(now, ended time.Time) {
	if s.play.worded || !s.play.answers {
		return
	}
	s.play.worded = true
	took := now.Sub(ended)
	s.figures.firstWord(took)
	s.deps.Metrics.firstWord.Observe(took.Seconds())
}

// stop is silence at once.
func (s *stage) stop() {
	m := &s.mouth
	if len(m.line) > 0 {
		s.play.cut(m.line[0])
	}
	for _, u := range m.line {
		if u.cancel != nil {
			u.cancel()
		}
	}
	m.line = nil
}

// heard guesses how much of a sentence was heard, in whole words.
func (u *saying) heard() string {
	if u.cancel == nil { // no voice: what was shown was read
		if u.shown.IsZero() {
			return ""
		}
		return u.Text
	}
	letters := int(time.Duration(u.played) * frameTime / letterTime)
	at := 0
	for i, r := range u.Text {
		if letters--; letters < 0 {
			return u.Text[:at]
		}
		if r == ' ' {
			at = i
		}
	}
	return u.Text
}
