package desk

import (
	"context"
	"time"
)

// maxPlans is how many crowds wait to be planned at most.
const maxPlans = 256

// planAll plans one crowd after the other until ctx ends.
func (d *Desk) planAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-d.plans:
			began := time.Now()
			d.planning.Lock()
			c.replan(began)
			d.planning.Unlock()
			d.metrics.plan.Observe(time.Since(began).Seconds())
		}
	}
}

// enlist has the beat mix the beds of a crowd, where it has any.
func (d *Desk) enlist(c *Crowd, beds int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if beds == 0 {
		delete(d.crowds, c)
		return
	}
	d.crowds[c] = struct{}{}
	d.rouse()
}
