package npc

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"earshot/npc/router"
)

// Placement says who answers, and how far that is from what was asked.
type Placement struct {
	Backend  string             `json:"backend"`
	Region   string             `json:"region,omitempty"`
	Model    string             `json:"model"`
	Degraded router.Degradation `json:"-"`
	Attempts int                `json:"attempts"` // backends asked
	Hedged   bool               `json:"hedged"`
	// TTFT is how long the first token took from the call of Chat on,
	// Predicted what the router expected of the backend, 0 for unknown.
	TTFT      time.Duration `json:"-"`
	Predicted time.Duration `json:"-"`
}

// Stream is an answer that has begun. One goroutine reads it; Close may be
// called from any.
type Stream struct {
	in        *Inference
	placement Placement
	attempt   router.Attempt
	class     router.Class
	answer    answer
	cancel    context.CancelCauseFunc

	first  string // not yet read
	pieces int    // read so far, for a server that does not count tokens
	err    error  // what Next goes on returning

	once sync.Once
}

// stream makes the Stream of r, which won.
func (c *call) stream(r result, now time.Time) *Stream {
	p := Placement{
		Backend: string(r.Backend), Region: r.e.cfg.Region, Model: r.Model, Degraded: r.Degraded,
		Attempts: c.made, Hedged: c.hedged, TTFT: now.Sub(c.begun), Predicted: r.TTFT,
	}
	return &Stream{
		in: c.in, placement: p, attempt: r.Attempt, class: c.req.Class, answer: r.answer, first: r.first,
		cancel: func(why error) { r.cancel(why); c.cancel(why) },
	}
}

// Placement says who answers.
func (s *Stream) Placement() Placement { return s.placement }

// Next returns the next piece of the answer, never empty. After the last it
// returns io.EOF; if the backend fails, a *Failure, which unwraps to an
// *earshot.Error. What has been returned before remains said: nothing is tried
// again.
func (s *Stream) Next() (string, error) {
	if s.err != nil {
		return "", s.err
	}
	text := s.first
	if s.first = ""; text == "" {
		text, s.err = s.answer.Next()
	}
	if s.err == nil {
		s.pieces++
		return text, nil
	}
	var f *Failure
	switch {
	case s.err == io.EOF:
		s.end(router.Outcome{Result: router.Finished, OutTokens: s.tokens()}, "ok")
	case errors.As(s.err, &f):
		s.end(router.Outcome{Result: f.result(), OutTokens: s.pieces}, string(f.Kind))
	}
	return "", s.err
}

// Usage is what the answer took. It is complete once Next has returned io.EOF.
func (s *Stream) Usage() Usage {
	u := s.answer.Usage()
	u.OutputTokens = s.tokens()
	return u
}

func (s *Stream) tokens() int {
	if n := s.answer.Usage().OutputTokens; n > 0 {
		return n
	}
	return s.pieces
}

// Close ends the answer: barge-in. It closes the upstream connection at once,
// unless the answer is complete. It is idempotent.
func (s *Stream) Close() {
	s.end(router.Outcome{Result: router.Cancelled}, string(FailedCanceled))
}

func (s *Stream) end(o router.Outcome, kind string) {
	s.once.Do(func() {
		s.cancel(context.Canceled) // first: this is what closes the connection
		s.answer.Close()
		in := s.in
		in.mu.Lock()
		delete(in.open, s)
		in.mu.Unlock()
		in.done(s.attempt, o)
		in.metrics.attempts.WithLabelValues(kind).Inc()
	})
}
