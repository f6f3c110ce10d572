package moderation

import (
	"sync"
	"time"
)

// breaker keeps a guard that does not answer from being asked, so that nobody
// waits for it. After a rest one batch at a time tries whether it is back.
type breaker struct {
	failures int           // in a row, that open it
	rest     time.Duration // doubled with each failed try, at most 8 times

	mu    sync.Mutex
	row   int
	until time.Time // open until; zero: closed
	nap   time.Duration
	trial bool // a try is under way
}

// permission says what may be asked.
type permission int

const (
	forbidden permission = iota
	tryOnly              // ask, but let nobody wait for it
	allowed
)

func (b *breaker) ask(now time.Time) permission {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.until.IsZero():
		return allowed
	case now.Before(b.until) || b.trial:
		return forbidden
	}
	b.trial = true
	return tryOnly
}

// forgo says that a try that ask allowed does not take place.
func (b *breaker) forgo() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trial = false
}

func (b *breaker) done(ok bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ok {
		b.row, b.until, b.nap, b.trial = 0, time.Time{}, 0, false
		return
	}
	b.row++
	if b.row < b.failures && b.until.IsZero() {
		return
	}
	if !b.until.IsZero() && !b.trial {
		return // an answer to what was asked before it opened
	}
	b.trial = false
	b.nap = min(max(2*b.nap, b.rest), 8*b.rest)
	b.until = now.Add(b.nap)
}

func (b *breaker) open(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.until.IsZero()
}
