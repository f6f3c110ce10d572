package forward

import "time"

// Demand is one video that a listener may get. Demands come in the order of
// their weight, the most important first.
type Demand struct {
	Rates     [allTargets]float64 // bit/s that each target takes; 0 is unknown
	Active    [MaxLayers]bool     // the layer is being sent
	Temporals [MaxLayers]int      // frame rates it is sent in, 1 to MaxTemporal
	Layers    int                 // how many there are, 1 to MaxLayers
	Most      int                 // the best layer that is of use here
	Detail    bool                // a small letter matters more than a smooth movement
	Now       Target              // what was allotted last; NoTarget for none
	Target    Target              // the answer: what is allotted now

	ladder ladder
	step   int // of Target on it; -1 for none
	was    int // of Now
}

// How the allocation moves.
const (
	raiseMargin = 1.15                    // so much more room than it takes must be there to raise
	trialFirst  = 1500 * time.Millisecond // quiet time before a layer is tried above the estimate
	trialMost   = 6 * time.Second
	trialMargin = 3.5                    // of the estimate is the most that is tried: a key frame far above it would stop the picture
	trialWatch  = 2 * time.Second        // congestion within it means that the trial failed
	probeMost   = 2.5                    // of the estimate is the most that is probed for
	probePause  = 4 * time.Second        // at most, between two that fail
	probeNext   = 300 * time.Millisecond // between two steps of a rise
)

// Allocation shares a listener's downlink among the videos shown. Every video
// gets the lowest step of its ladder before any gets a better one, and then all
// are raised step by step, the most important first. What is below the estimate
// is granted; above it one video at a time is raised as a trial once all was
// quiet for a while, since an estimate cannot see more than is sent. A trial
// goes to the full frame rate of its size at once, where that is not too much:
// each costs seconds. The pause doubles after each trial that failed. The zero
// Allocation is ready for use.
//
// Where the way can be probed (Probes), nothing is raised to find out: Probe
// says for what rate to probe, and the layer follows when the estimate has it.
type Allocation struct {
	Probes    bool
	probe     float64   // the rate to probe for; 0 is none
	probed    float64   // the last one, until it was judged
	trialAt   time.Time // the last trial
	trialRate float64   // what it brought the sum to
	pause     time.Duration
	changed   time.Time
	congested time.Time
}

// Share sets Target of each demand. rate is the estimate in bit/s, known false
// where there is none: then all get what they want. congested is when more was
// last sent than passes.
func (a *Allocation) Share(now time.Time, rate float64, known bool, congested time.Time, demands []Demand) {
	for i := range demands {
		demands[i].climb()
	}
	if !known {
		for i := range demands {
			demands[i].take(demands[i].ladder.steps - 1)
		}
		return
	}
	a.probe = 0
	a.judge(now, congested)
	a.judgeProbe(now, rate)
	left := rate
	if !a.Probes && !a.trialAt.IsZero() && congested.Before(a.trialAt) && now.Sub(a.trialAt) < trialWatch {
		left = max(left, a.trialRate) // let it show itself
	}
	least(demands, &left)
	raise(demands, &left)
	a.try(now, rate, demands)
}

// judge notes how a trial ended.
func (a *Allocation) judge(now, congested time.Time) {
	tried := !a.trialAt.IsZero() && !a.Probes
	if a.pause == 0 || tried && !congested.After(a.trialAt) && now.Sub(a.trialAt) >= trialWatch {
		a.pause = trialFirst
	}
	if !congested.After(a.congested) {
		return
	}
	a.congested = congested
	a.pause = max(a.pause, trialFirst)
	if tried && congested.After(a.trialAt) {
		if congested.Sub(a.trialAt) < trialWatch {
			a.pause = min(2*a.pause, trialMost)
		}
		a.trialAt = time.Time{}
	}
}

// judgeProbe notes how a probe ended: one that passed is followed soon by the
// next step, one that did not by a pause that doubles.
func (a *Allocation) judgeProbe(now time.Time, rate float64) {
	switch {
	case a.probed == 0:
	case rate >= 0.99*a.probed:
		a.probed, a.pause = 0, probeNext
	case now.Sub(a.trialAt) >= probeWait:
		a.probed, a.pause = 0, min(max(2*a.pause, trialFirst), probePause)
	}
}

// Probe returns the rate in bit/s to probe for now, which the last Share asked
// for; 0 is none.
func (a *Allocation) Probe() float64 { return a.probe }

// least gives every demand its lowest step, the most important first; the first
// of all gets it in any case.
func least(demands []Demand, left *float64) {
	for i := range demands {
		d := &demands[i]
		d.take(-1)
		need := d.cost(0)
		if d.Now == NoTarget {
			need *= raiseMargin
		}
		if i == 0 || need <= *left {
			d.take(0)
			*left -= d.cost(0)
		}
	}
}

func raise(demands []Demand, left *float64) {
	for step := 1; step < allTargets; step++ {
		for i := range demands {
			d := &demands[i]
			if d.step != step-1 || step >= d.ladder.steps {
				continue
			}
			more := d.cost(step) - d.cost(d.step)
			need := more
			if step > d.was {
				need = d.cost(step)*raiseMargin - d.cost(d.step)
			}
			if need <= *left {
				d.take(step)
				*left -= more
			}
		}
	}
}

// try raises one demand above what the estimate grants, where that may be
// found out now.
func (a *Allocation) try(now time.Time, rate float64, demands []Demand) {
	quiet := a.congested
	if a.trialAt.After(quiet) {
		quiet = a.trialAt
	}
	if a.changed.IsZero() {
		a.changed = now
	}
	if a.changed.After(quiet) {
		quiet = a.changed
	}
	if now.Sub(quiet) < a.pause || a.probed > 0 { // one at a time
		return
	}
	sum := 0.0
	for i := range demands {
		sum += demands[i].cost(demands[i].step)
	}
	for i := range demands {
		d := &demands[i]
		for next := d.nextSize(); next > d.step; next-- {
			total := sum + d.cost(next) - d.cost(d.step)
			if a.Probes {
				a.probe = min(total*raiseMargin, probeMost*rate)
				a.probed, a.trialAt = a.probe, now
				return
			}
			if total > trialMargin*rate {
				continue
			}
			a.trialRate = total * raiseMargin
			a.trialAt = now
			d.take(next)
			return
		}
	}
}
