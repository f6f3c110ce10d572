package loadtest

import (
	"sync"
	"time"
)

// JoinTimes is how long the phases of joining took, one after the other. A
// phase that did not come to its end is 0.
type JoinTimes struct {
	HTTP     time.Duration // from Join until the answer is there, the making of the offer included
	ICE      time.Duration // until the server answered a connectivity check
	DTLS     time.Duration // until the keys are agreed on
	Channels time.Duration // until SCTP is up and the control channel open
	Welcome  time.Duration // until the server said welcome
}

// Total is from Join until welcome.
func (t JoinTimes) Total() time.Duration { return t.HTTP + t.ICE + t.DTLS + t.Channels + t.Welcome }

// phase is a point in a join, in order.
type phase int

const (
	begun phase = iota
	answered
	reachable
	agreed
	opened
	welcomed
	phases
)

// course is when a bot came to each phase.
type course struct {
	mu sync.Mutex
	at [phases]time.Time
}

// reach notes a phase the first time it is come to.
func (c *course) reach(p phase, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at[p].IsZero() {
		c.at[p] = now
	}
}

func (c *course) times() JoinTimes {
	c.mu.Lock()
	defer c.mu.Unlock()
	took := func(p phase) time.Duration {
		if c.at[p].IsZero() || c.at[p-1].IsZero() {
			return 0
		}
		return max(0, c.at[p].Sub(c.at[p-1]))
	}
	return JoinTimes{took(answered), took(reachable), took(agreed), took(opened), took(welcomed)}
}
