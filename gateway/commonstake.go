package gateway

import (
	"context"
	"time"

	"earshot"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
	"earshot/presence/docket"
)

// take has what others wrote taken in, in its order. Where the journal fails, all
// is read again later.
func (c *commons) take(ctx context.Context, list []docket.Placed) bool {
	var batch []journal.Shared
	flush := func() bool {
		if len(batch) == 0 {
			return true
		}
		judged, err := c.g.pipeline.Hear(ctx, batch)
		for i := range judged {
			if judged[i].Signal.Kind == policy.Persona {
				c.g.retryPersonas(judged[i].World)
			}
		}
		c.taken.WithLabelValues("taken").Add(float64(len(batch)))
		batch = nil
		return c.ok(err)
	}
	for i := range list {
		s, err := c.seal.open(&list[i])
		if err != nil {
			c.unreadable(err)
			continue
		}
		if _, _, erased := s.Erased(); !erased {
			batch = append(batch, s)
			continue
		}
		if !flush() || !c.ok(c.forget(ctx, &s)) {
			return false
		}
	}
	return flush()
}

// ok notes that the journal failed.
func (c *commons) ok(err error) bool {
	if err == nil {
		return true
	}
	c.taken.WithLabelValues("failed").Inc()
	c.g.log.Error("what other nodes decided could not be taken in, and is read again", "err", err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = nil
	c.docket.Again()
	return false
}

// unreadable notes what nobody here has the key to; the first is logged.
func (c *commons) unreadable(err error) {
	c.taken.WithLabelValues("unreadable").Inc()
	c.mu.Lock()
	first := !c.warned
	c.warned = true
	c.mu.Unlock()
	if first {
		c.g.log.Warn("something that other nodes wrote down about moderation cannot be read here", "err", err)
	}
}

// erase has a person erased here and on all nodes. The error is unavailable where
// the others could not be told.
func (c *commons) erase(ctx context.Context, who earshot.ParticipantID, by string, now time.Time) error {
	s := journal.NewErasure(c.g.cfg.Fleet.URL, who, by, now)
	if err := c.forget(ctx, &s); err != nil {
		return err
	}
	c.tell(s)
	if !c.written() {
		return earshot.Errorf(earshot.CodeUnavailable, "%s is erased on this node; the others have not been told, for the store does not answer: repeat it in a minute", who)
	}
	return nil
}

// forget erases a person on this node.
func (c *commons) forget(ctx context.Context, s *journal.Shared) error {
	fresh, err := c.g.deps.Moderation.Journal.HearErasure(ctx, s)
	if err != nil || !fresh {
		return err
	}
	who, _, _ := s.Erased()
	return c.g.forgetHere(ctx, who)
}
