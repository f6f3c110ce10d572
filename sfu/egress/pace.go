package egress

import "time"

// When packets are gathered. Between the two shares nothing changes, and since
// gathering lowers the load, they are far apart.
const (
	busyAbove  = 0.50                   // share of the cores above which to gather longer
	fullAbove  = 0.85                   // share above which to do so soon
	busyBelow  = 0.25                   // share below which to gather less
	riseAfter  = 3 * time.Second        // of load: a rush of newcomers is over by then
	fullAfter  = time.Second            // of full load
	fallAfter  = 2 * time.Second        // of calm
	leastPace  = 20000                  // packets a second and core: fewer are not what fills it
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
	full       time.Time // since when it is full
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
	case (lasts(p.high, now, riseAfter) || lasts(p.full, now, fullAfter)) && p.level < paceLevels-1:
		p.level++
		p.high, p.full = now, now // the next step takes as long
	case lasts(p.low, now, fallAfter) && p.level > 0:
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
	p.full = since(p.full, now, worth && p.lastShare > fullAbove)
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

// lasts reports whether what began at a time, if it did, has gone on for so long.
func lasts(since, now time.Time, d time.Duration) bool {
	return !since.IsZero() && now.Sub(since) >= d
}
