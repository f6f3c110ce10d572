package egress

import "time"

// When packets are gathered. Between the two shares nothing changes, and since
// gathering lowers the load, they are far apart.
const (
	busyAbove  = 0.50                   // share of the cores above which to gather longer
	busyBelow  = 0.25                   // share below which to gather less
	riseAfter  = 300 * time.Millisecond // of load
	fallAfter  = 2 * time.Second        // of calm
	leastPace  = 5000                   // packets a second and core that make gathering worth its delay
	paceEvery  = 100 * time.Millisecond // least time between two looks
	paceLevels = 4
)

// Pace decides how long packets are gathered: for Min while the process is
// calm, step by step up to Max while it is busy with sending. It is a pure core:
// Observe is told everything.
type Pace struct {
	Min, Max time.Duration

	level      int
	at         time.Time // of the last look
	cpu        time.Duration
	packets    uint64
	high, low  time.Time // since when the load is high, low; zero while it is not
	lastShare  float64
	lastPacket float64
}

// Observe takes what the process has used of the processor, what was sent since
// the beginning, and how many cores there are, and returns how long to gather.
func (p *Pace) Observe(now time.Time, cpu time.Duration, packets uint64, cores int) time.Duration {
	passed := now.Sub(p.at)
	if passed < paceEvery {
		return p.gather()
	}
	first := p.at.IsZero()
	wall := passed.Seconds() * float64(max(cores, 1))
	p.lastShare = (cpu - p.cpu).Seconds() / wall
	p.lastPacket = float64(packets-p.packets) / wall
	p.at, p.cpu, p.packets = now, cpu, packets
	if first {
		return p.gather()
	}
	p.note(now)
	switch {
	case !p.high.IsZero() && now.Sub(p.high) >= riseAfter && p.level < paceLevels-1:
		p.level++
		p.high = now
	case !p.low.IsZero() && now.Sub(p.low) >= fallAfter && p.level > 0:
		p.level--
		p.low = now
	}
	return p.gather()
}

// gather is a fifth of Max, two fifths and all of it, level by level.
func (p *Pace) gather() time.Duration {
	fifths := [paceLevels]time.Duration{0, 1, 2, 5}
	return max(p.Min, fifths[p.level]*p.Max/5)
}

// note keeps since when the load is high or low.
func (p *Pace) note(now time.Time) {
	worth := p.lastPacket >= leastPace
	p.high = since(p.high, now, worth && p.lastShare > busyAbove)
	p.low = since(p.low, now, !worth || p.lastShare < busyBelow)
}

func since(was, now time.Time, is bool) time.Time {
	switch {
	case !is:
		return time.Time{}
	case was.IsZero():
		return now
	}
	return was
}
