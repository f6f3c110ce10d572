package npc

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/npc/router"
)

// maxAttempts is more than router.Config.MaxAttempts can be.
const maxAttempts = 16

// call is a request on its way to its first token. The goroutine of Chat owns
// it; attempts send to its channels, which have room for all of them.
type call struct {
	in       *Inference
	cancel   context.CancelCauseFunc
	req      *Request
	ticket   router.Ticket
	deadline time.Time
	begun    time.Time

	assigned chan router.Assignment
	results  chan result
	running  []*attempt
	made     int
	hedged   bool
	last     *Failure // of the attempt that failed last
}

// attempt is one sending of a call.
type attempt struct {
	router.Assignment
	e      *entry
	sent   time.Time
	cancel context.CancelCauseFunc
	limit  *time.Timer

	// mu guards left and the delivery of the result: nothing is delivered
	// once it was left.
	mu   sync.Mutex
	left bool
}

// result is how an attempt came to its first token, or did not.
type result struct {
	*attempt
	answer answer
	first  string
	err    error
}

// Chat sends the request where the router says, and returns once the first
// token has come. Until then it is hedged and tried again within the router's
// budgets; after that never, since it may have been spoken. Ending ctx or
// closing the Stream closes the upstream at once.
//
// Errors unwrap to *earshot.Error. A *router.Refusal means that nothing was
// sent, a *Failure that the last backend failed: both are the time for a
// scripted line.
func (in *Inference) Chat(ctx context.Context, req Request) (*Stream, error) {
	if err := req.validate(in.cfg.MaxPromptBytes); err != nil {
		return nil, err
	}
	s, err := in.chat(ctx, &req)
	in.metrics.answered(req.Class, s, err)
	return s, err
}

func (in *Inference) chat(ctx context.Context, req *Request) (*Stream, error) {
	begun := time.Now()
	patience := req.Patience
	if patience == 0 {
		patience = in.cfg.Router.DialogueDeadline
		if req.Class == router.Moderation {
			patience = in.cfg.Router.ModerationDeadline
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	c := &call{
		in: in, cancel: cancel, req: req, begun: begun, deadline: begun.Add(patience),
		assigned: make(chan router.Assignment, maxAttempts), results: make(chan result, maxAttempts),
	}
	q := req.place(in.seed, in.cfg.Router.BlockTokens, c.deadline)
	if err := c.submit(q); err != nil {
		cancel(err)
		return nil, err
	}
	s, err := c.await(ctx)
	if err != nil {
		c.abandon()
		cancel(err)
		return nil, err
	}
	return s, nil
}

func (c *call) submit(q router.Request) (err error) {
	in := c.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return earshot.Errorf(earshot.CodeUnavailable, "%v", errClosing)
	}
	if c.ticket, err = in.router.Submit(q, c.begun); err != nil {
		return err
	}
	in.calls[c.ticket] = c
	in.pump(c.begun)
	in.wake()
	return nil
}

// give ends the call for a reason.
func (c *call) give(why error) { c.cancel(why) }

// await runs the call until its first token or its end.
func (c *call) await(ctx context.Context) (*Stream, error) {
	deadline := time.NewTimer(time.Until(c.deadline))
	defer deadline.Stop()
	for {
		select {
		case a := <-c.assigned:
			if a.Err != nil {
				return nil, c.refused(a.Err)
			}
			c.start(ctx, a)
		case r := <-c.results:
			if r.err == nil {
				return c.won(ctx, r)
			}
			if c.failed(r) == router.Ended {
				return nil, c.last
			}
		case <-deadline.C:
			return nil, c.late()
		case <-ctx.Done():
			return nil, gaveUp(context.Cause(ctx))
		}
	}
}

func gaveUp(cause error) error {
	switch {
	case errors.Is(cause, context.DeadlineExceeded):
		return earshot.Errorf(earshot.CodeDeadlineExceeded, "no model answered in time")
	case errors.Is(cause, errClosing):
		return earshot.Errorf(earshot.CodeUnavailable, "%v", errClosing)
	}
	return earshot.Errorf(earshot.CodeCanceled, "the answer was no longer wanted")
}

// refused prefers what a backend did over that nobody else could be asked.
func (c *call) refused(err *router.Refusal) error {
	if c.last != nil {
		return c.last
	}
	return err
}

// late ends a call at its deadline. The backends asked are to blame for it.
func (c *call) late() error {
	c.last = &Failure{Kind: FailedTimeout, Detail: "no first token by the deadline"}
	for _, a := range c.running {
		c.last.Backend = string(a.Backend)
		c.in.metrics.attempts.WithLabelValues(string(FailedTimeout)).Inc()
		c.in.done(a.Attempt, router.Outcome{Result: router.Late})
		a.leave(errHung)
	}
	c.running = nil
	return c.last
}

// start sends the request as the router said.
func (c *call) start(ctx context.Context, a router.Assignment) {
	at := &attempt{Assignment: a, sent: time.Now()}
	var upstream string
	at.e, upstream = c.in.lookup(a.Backend, a.Model)
	ctx, at.cancel = context.WithCancelCause(ctx)
	c.running = append(c.running, at)
	c.made++
	c.hedged = c.hedged || a.Hedge
	if at.e == nil { // it left the catalogue a moment ago
		at.limit = time.NewTimer(0)
		c.results <- result{attempt: at, err: &Failure{Kind: FailedConnect, Backend: string(a.Backend), Detail: "it left the catalogue"}}
		return
	}
	at.limit = time.AfterFunc(c.patience(&a), func() { at.cancel(errHung) })
	req := ChatRequest{Model: upstream, Messages: c.req.Messages, MaxTokens: c.req.MaxTokens, Options: c.req.Options}
	c.in.work.Go(func() { c.deliver(at, at.ask(ctx, req)) })
}

// patience is how long an attempt may take to its first token: half of what is
// left, so that another backend has a chance, unless more was predicted or
// there is no other.
func (c *call) patience(a *router.Assignment) time.Duration {
	left := time.Until(c.deadline)
	if c.in.alone(a.Backend, c.req.Models) {
		return left
	}
	return min(left, max(left/2, 2*a.TTFT))
}

func (at *attempt) ask(ctx context.Context, req ChatRequest) (r result) {
	r.attempt = at
	if r.answer, r.err = at.e.server.Chat(ctx, req); r.err != nil {
		return r
	}
	if r.first, r.err = r.answer.Next(); r.err == io.EOF {
		r.err = &Failure{Kind: FailedGarbage, Backend: string(at.Backend), Detail: "an answer without a word"}
	}
	return r
}

// deliver hands r to the call, unless it has left the attempt.
func (c *call) deliver(at *attempt, r result) {
	at.mu.Lock()
	defer at.mu.Unlock()
	if at.left {
		if r.answer != nil {
			r.answer.Close()
		}
		return
	}
	c.results <- r
}

// leave closes an attempt's upstream. Nothing of it is delivered afterwards.
func (at *attempt) leave(why error) {
	at.mu.Lock()
	at.left = true
	at.mu.Unlock()
	at.limit.Stop()
	at.cancel(why)
}

// won makes the Stream of the attempt that had its first token first.
func (c *call) won(ctx context.Context, r result) (*Stream, error) {
	in, now := c.in, time.Now()
	r.limit.Stop()
	in.mu.Lock()
	_, won := in.router.FirstToken(r.Attempt, now)
	delete(in.calls, c.ticket)
	s := c.stream(r, now)
	if !in.closed {
		in.open[s] = struct{}{}
	}
	closed := in.closed
	in.mu.Unlock()
	c.forget(r.attempt)
	c.leaveAll()
	if !won || closed {
		s.Close()
		return nil, gaveUp(errClosing)
	}
	context.AfterFunc(ctx, s.Close) // even if nobody reads it; s ends ctx when it ends
	in.metrics.firstToken(c.req.Class, now.Sub(c.begun))
	return s, nil
}

// failed reports the end of an attempt to the router.
func (c *call) failed(r result) router.After {
	r.limit.Stop()
	r.cancel(context.Canceled)
	c.forget(r.attempt)
	var f *Failure
	if !errors.As(r.err, &f) {
		f = &Failure{Kind: FailedGarbage, Backend: string(r.Backend), Detail: r.err.Error()}
	}
	c.last = f
	c.in.metrics.attempts.WithLabelValues(string(f.Kind)).Inc()
	c.in.log.Debug("a backend failed", "backend", f.Backend, "kind", f.Kind, "detail", f.Detail)
	after := c.in.done(r.Attempt, router.Outcome{Result: f.result()})
	if !f.Retryable() {
		return router.Ended
	}
	if after == router.Queued {
		c.in.metrics.retries.Inc()
	}
	return after
}

// result is how the router's breaker should see f.
func (f *Failure) result() router.Result {
	switch f.Kind {
	case FailedConnect:
		return router.Unreachable
	case FailedBusy:
		return router.Busy
	case FailedTimeout:
		return router.Late
	case FailedRequest, FailedCanceled: // not the backend's fault
		return router.Cancelled
	}
	return router.Failed
}

func (c *call) forget(at *attempt) {
	c.running = slices.DeleteFunc(c.running, func(o *attempt) bool { return o == at })
}

// leaveAll closes every attempt but the winner, and what of them was
// delivered and not read. The router must not know the call any more.
func (c *call) leaveAll() {
	for _, at := range c.running {
		at.leave(context.Canceled)
		c.in.done(at.Attempt, router.Outcome{Result: router.Cancelled})
		c.in.metrics.attempts.WithLabelValues(string(FailedCanceled)).Inc()
	}
	c.running = nil
	for {
		select {
		case a := <-c.assigned: // not sent yet
			if a.Err == nil {
				c.in.done(a.Attempt, router.Outcome{Result: router.Cancelled})
			}
		case r := <-c.results:
			if r.answer != nil {
				r.answer.Close()
			}
		default:
			return
		}
	}
}

// abandon ends a call without an answer.
func (c *call) abandon() {
	in := c.in
	in.mu.Lock()
	in.router.Cancel(c.ticket, time.Now())
	delete(in.calls, c.ticket)
	in.mu.Unlock()
	c.leaveAll()
}

// done reports the end of an attempt, and sends what that made room for.
func (in *Inference) done(a router.Attempt, o router.Outcome) (after router.After) {
	now := time.Now()
	in.mu.Lock()
	defer in.mu.Unlock()
	after = in.router.Done(a, o, now)
	in.pump(now)
	return after
}
