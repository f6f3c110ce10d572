package gateway

import (
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long is waited for what must come: long, for CI shares its
// cores with other tests, and a wait ends as soon as it may.
const patience = 30 * time.Second

// eventually waits for something to hold, for as long as patience lasts.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !f(); <-time.After(step) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// step is how often eventually looks, and what pause is made of.
const step = 10 * time.Millisecond

// pause waits for d in steps, each of which has to get its turn: where the
// machine has little time for the test, it lasts as much longer as all that the
// test waits for. So what was under way before has come after, and what does not
// come meanwhile does not come.
func pause(d time.Duration) {
	for range d / step {
		<-time.After(step)
	}
}

// lateness is for how long the machine let the test wait for its turn at most.
type lateness struct{ longest atomic.Int64 }

// hops is how often a packet waits for somebody's turn from one client through
// two nodes to another, and back.
const hops = 8

// watchLateness watches until the test ends.
func watchLateness(t *testing.T) *lateness {
	t.Helper()
	l, stop, stopped := &lateness{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			began := time.Now()
			select {
			case <-stop:
				return
			case <-time.After(step):
			}
			if late := int64(time.Since(began) - step); late > l.longest.Load() {
				l.longest.Store(late)
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped })
	return l
}

// allowance is what is to be added to a time on a quiet machine.
func (l *lateness) allowance() time.Duration { return hops * time.Duration(l.longest.Load()) }
