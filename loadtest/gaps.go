package loadtest

import (
	"sync"
	"time"
)

// Lateness watches until it is asked how late a timer was at most meanwhile: for
// so long something else ran on this machine, and what is measured by the clock
// may have waited. Ask it, or its goroutine stays.
func Lateness() (most func() time.Duration) {
	const every = 5 * time.Millisecond
	stop, found := make(chan struct{}), make(chan time.Duration, 1)
	go func() {
		longest := time.Duration(0)
		for {
			began := time.Now()
			select {
			case <-stop:
				found <- longest
				return
			case <-time.After(every):
				longest = max(longest, time.Since(began)-every)
			}
		}
	}()
	return sync.OnceValue(func() time.Duration {
		close(stop)
		return <-found
	})
}

// Arrivals are the times at which packets came, in order. Its methods may be
// called from any goroutine.
type Arrivals struct {
	mu sync.Mutex
	at []time.Time
}

// Note notes that a packet came.
func (a *Arrivals) Note(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = append(a.at, at)
}

// Longest returns the longest time without a packet between two times.
func (a *Arrivals) Longest(from, to time.Time) (gap time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := from
	for _, at := range a.at {
		if at.After(from) && at.Before(to) {
			gap, last = max(gap, at.Sub(last)), at
		}
	}
	return max(gap, to.Sub(last))
}
