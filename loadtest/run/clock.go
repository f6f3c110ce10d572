package run

import (
	"sync"
	"time"
)

// serverClock is the clock of the server's poses and messages, found by pings:
// the one that was answered soonest tells it best. Safe for concurrent use.
type serverClock struct {
	mu    sync.Mutex
	zero  time.Time // when it showed 0; the zero time while it is not known
	round time.Duration
}

// observe takes the answer to a ping: when it was sent, when it came back, and
// what the clock showed in between.
func (c *serverClock) observe(sent, came time.Time, ms uint32) {
	round := came.Sub(sent)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.zero.IsZero() || round < c.round {
		c.zero, c.round = sent.Add(round/2).Add(-time.Duration(ms)*time.Millisecond), round
	}
}

// at returns when the clock showed ms, false while that is not known. about is
// a time close to it: the clock wraps every 49.7 days.
func (c *serverClock) at(ms uint32, about time.Time) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.zero.IsZero() {
		return time.Time{}, false
	}
	now := about.Sub(c.zero).Milliseconds()
	return c.zero.Add(time.Duration(now+int64(int32(ms-uint32(now)))) * time.Millisecond), true
}
