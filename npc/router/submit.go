package router

import (
	"time"

	"earshot"
)

// Limits of a Request.
const (
	MaxRequestModels = 16
	MaxPrefixBlocks  = 4096
	MaxTokens        = 1 << 24
	MaxWorldBytes    = 128
)

// Submit queues a request. Call Next afterwards. The error is an
// *earshot.Error for a request that makes no sense, and a *Refusal where no
// backend can answer it in time or the queue is full.
func (r *Router) Submit(q Request, now time.Time) (Ticket, error) {
	if err := q.validate(); err != nil {
		return 0, err
	}
	w := r.world(q.World)
	if w == nil {
		return 0, refuse(ByQueue, earshot.CodeResourceExhausted, "%d worlds have requests here: try again in a moment", len(r.worlds))
	}
	if n := len(w.queues[q.Class]); n >= r.cfg.MaxQueued {
		return 0, refuse(ByQueue, earshot.CodeResourceExhausted,
			"the world has %d %s requests waiting: try again in a moment, or add capacity", n, q.Class)
	}
	t, id := r.tickets.take()
	if t == nil {
		return 0, refuse(ByQueue, earshot.CodeResourceExhausted,
			"the router has %d requests: try again in a moment, or add capacity", r.cfg.MaxRequests)
	}
	*t = ticket{id: Ticket(id), req: q, world: w, deadline: q.Deadline, kind: q.kind()}
	if t.deadline.IsZero() {
		t.deadline = now.Add(r.cfg.deadline(q.Class))
	}
	if _, last, ok := r.decide(t, now); !ok {
		err := refusal(last, &t.req)
		r.tickets.release(id)
		return 0, err
	}
	w.tickets++
	r.enqueue(t)
	return t.id, nil
}

func (c *Config) deadline(class Class) time.Duration {
	if class == Dialogue {
		return c.DialogueDeadline
	}
	return c.ModerationDeadline
}

func (q *Request) validate() error {
	switch {
	case len(q.World) > MaxWorldBytes:
		return invalid("world name of %d bytes, at most %d", len(q.World), MaxWorldBytes)
	case q.Class >= classes:
		return invalid("class %d is unknown", uint8(q.Class))
	case len(q.Models) == 0 || len(q.Models) > MaxRequestModels:
		return invalid("%d models: name 1 to %d, the preferred one first", len(q.Models), MaxRequestModels)
	case len(q.Labels) > MaxLabels:
		return invalid("%d labels, at most %d", len(q.Labels), MaxLabels)
	case q.PromptTokens < 0 || q.PromptTokens > MaxTokens || q.MaxOutput < 0 || q.MaxOutput > MaxTokens:
		return invalid("prompt of %d and output of %d tokens: give 0 to %d", q.PromptTokens, q.MaxOutput, MaxTokens)
	case len(q.Prefix) > MaxPrefixBlocks:
		return invalid("prefix of %d blocks, at most %d", len(q.Prefix), MaxPrefixBlocks)
	}
	return nil
}

// Cancel ends a ticket: barge-in, or nobody waits any more. It returns the
// attempts to close at once, of which there may be two or none; report each
// with Done and Cancelled.
func (r *Router) Cancel(id Ticket, now time.Time) (running [2]Attempt) {
	t := r.tickets.get(uint64(id))
	if t == nil || t.over {
		return running
	}
	t.over = true
	if t.queued {
		r.dequeue(t)
	}
	for i, a := range t.attempts {
		if a != nil {
			running[i] = a.id
		}
	}
	if running[0] == 0 {
		running[0], running[1] = running[1], 0
	}
	if running[0] == 0 {
		r.end(t)
	}
	return running
}

// end forgets a ticket without attempts.
func (r *Router) end(t *ticket) {
	t.world.tickets--
	r.tickets.release(uint64(t.id))
}
