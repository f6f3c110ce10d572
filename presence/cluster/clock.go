package cluster

import (
	"time"

	"earshot"
)

// HLC is a reading of a hybrid logical clock (Kulkarni et al., OPODIS 2014):
// milliseconds since 1970 in the upper 48 bits, a counter in the lower 16. It
// grows with every event that one has heard of, however wrong the clocks of
// those involved are.
//
// It does not fit the numbers of Lua exactly: a script compares it as 16
// hexadecimal digits (String).
type HLC uint64

const (
	hlcCounter = 16
	// maxAhead is how far ahead of one's own clock a reading of another node
	// may be to be adopted. Nothing that must hold depends on it: it keeps one
	// node whose clock says 2106 from dragging all others there.
	maxAhead = time.Hour
)

// At is the first reading of a millisecond.
func At(t time.Time) HLC { return HLC(max(t.UnixMilli(), 0)) << hlcCounter }

// Time is the physical part.
func (h HLC) Time() time.Time { return time.UnixMilli(int64(h >> hlcCounter)) }

// String is h in 16 hexadecimal digits, which sort like h.
func (h HLC) String() string {
	const digits = "0123456789abcdef"
	var b [16]byte
	for i := range b {
		b[15-i] = digits[h>>(4*i)&15]
	}
	return string(b[:])
}

// Clock makes readings. The zero Clock is ready.
type Clock struct{ last HLC }

// Next is a reading later than all before and all observed.
func (c *Clock) Next(wall time.Time) HLC {
	c.last = max(c.last+1, At(wall))
	return c.last
}

// Observe makes what follows later than h, unless h is an hour ahead of wall.
func (c *Clock) Observe(h HLC, wall time.Time) {
	if h <= At(wall.Add(maxAhead)) {
		c.last = max(c.last, h)
	}
}

// Now is the time at one node. Mono only goes forward, also while the process
// sleeps; leases and deadlines are measured by it. Wall may be wrong by minutes
// and jump: it only feeds the clock of readings.
type Now struct {
	Mono time.Duration
	Wall time.Time
}

// Epoch counts the owners of an instance, or the places a participant has been
// at: a fencing token. It stays below 2^53, so that Lua compares it exactly.
type Epoch uint64

// SeedEpoch is the least epoch to give out at h: a store that forgot everything
// still gives later ones than before, as far as clocks are right.
func SeedEpoch(h HLC) Epoch { return Epoch(h>>hlcCounter/1000) << 16 }

// Key names an attempt to place a participant: the same key asked twice is done
// once. Node is who made it: clocks that are minutes apart give the same
// reading twice.
type Key struct {
	Participant earshot.ParticipantID
	HLC         HLC
	Node        earshot.NodeID
}

// Stamp orders writes about the same thing: by epoch, then reading, then node.
type Stamp struct {
	Epoch Epoch
	HLC   HLC
	Node  earshot.NodeID
}

// Before reports whether o is the later write.
func (s Stamp) Before(o Stamp) bool {
	switch {
	case s.Epoch != o.Epoch:
		return s.Epoch < o.Epoch
	case s.HLC != o.HLC:
		return s.HLC < o.HLC
	}
	return s.Node < o.Node
}
