package cluster

import (
	"sync"
	"time"
)

const (
	// gapFrom is the shortest pause that is noted: two packets of a voice are 20 ms
	// apart.
	gapFrom = 60 * time.Millisecond
	// inFlight is for how long after somebody was killed their packets may arrive.
	inFlight = 30 * time.Millisecond
)

// line is a voice that should come without a pause, and where it had one. Safe
// for concurrent use.
type line struct {
	mu          sync.Mutex
	first, last time.Time
	gaps        []gap
}

type gap struct{ from, to time.Time }

func (g gap) length() time.Duration { return g.to.Sub(g.from) }

// note takes a packet that arrived. Those of two connections may come in any
// order.
func (l *line) note(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.first.IsZero():
		l.first = at
	case !at.After(l.last):
		return
	case at.Sub(l.last) > gapFrom:
		l.gaps = append(l.gaps, gap{l.last, at})
	}
	l.last = at
}

// fresh reports whether something came within d before now.
func (l *line) fresh(now time.Time, d time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Sub(l.last) <= d
}

// again is how long after a cut the line was heard again; false: not yet.
func (l *line) again(cut time.Time) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.gaps {
		if g.to.After(cut.Add(inFlight)) && g.from.Before(cut.Add(inFlight)) {
			return g.to.Sub(cut), true
		}
	}
	if !l.last.After(cut.Add(inFlight)) {
		return 0, false
	}
	if l.first.After(cut) {
		return l.first.Sub(cut), true
	}
	return 0, true
}

// silence is the longest pause that ended, or lasts, in a time.
func (l *line) silence(from, to time.Time) (longest gap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.IsZero() {
		return gap{from, to}
	}
	for _, g := range l.gaps {
		if g.to.After(from) && g.from.Before(to) && g.length() > longest.length() {
			longest = g
		}
	}
	if g := (gap{l.last, to}); g.length() > longest.length() {
		longest = g
	}
	return longest
}

// ears are what somebody may hear, and whether they hear more. Safe for
// concurrent use.
type ears struct {
	mu     sync.Mutex
	banned map[uint32]time.Time // talkers who must not be heard from then on
	leaks  []leak
}

// leak is a packet that should not have come.
type leak struct {
	talker uint32
	after  time.Duration // the order was in force
}

// maxLeaks is how many leaks of one listener are kept: one is too many.
const maxLeaks = 100

// ban forbids the packets of a talker from a time on.
func (e *ears) ban(talker uint32, from time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.banned == nil {
		e.banned = map[uint32]time.Time{}
	}
	e.banned[talker] = from
}

// mayHear reports whether talker may be heard at a time, and notes it where
// a packet of theirs came though.
func (e *ears) mayHear(talker uint32, at time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	from, banned := e.banned[talker]
	if banned && at.After(from) && len(e.leaks) < maxLeaks {
		e.leaks = append(e.leaks, leak{talker, at.Sub(from)})
	}
	return !banned
}

func (e *ears) leaked() []leak {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.leaks[:len(e.leaks):len(e.leaks)]
}
