package forward

import "time"

// Demand is one video that a listener may get. Demands come in the order of
// their weight, the most important first.
type Demand struct {
	Rates  [MaxLayers]float64 // bit/s of each layer; 0 is unknown
	Active [MaxLayers]bool    // the layer is being sent
	Layers int                // how many there are, 1 to MaxLayers
	Most   int                // the best layer that is of use here
	Now    int                // what was allotted last; NoLayer for none
	Layer  int                // the answer: what is allotted now
}

// Guesses for layers whose rate is not known.
var layerGuess = [MaxLayers]float64{150_000, 500_000, 1_700_000}

// How the allocation moves.
const (
	raiseMargin = 1.15                    // so much more room than it takes must be there to raise
	trialFirst  = 1500 * time.Millisecond // quiet time before a layer is tried above the estimate
	trialMost   = 6 * time.Second
	trialMargin = 3.5             // of the estimate is the most that is tried: a key frame far above it would stop the picture
	trialWatch  = 2 * time.Second // congestion within it means that the trial failed
)

// Allocation shares a listener's downlink among the videos shown. Every video
// gets its lowest layer before any gets a better one, and then the most
// important are raised first. What is below the estimate is granted; above it
// one video at a time is raised as a trial once all was quiet for a while,
// since an estimate cannot see more than is sent. The pause doubles after each
// trial that failed. The zero Allocation is ready for use.
type Allocation struct {
	trialAt   time.Time // the last trial
	trialRate float64   // what it brought the sum to
	pause     time.Duration
	changed   time.Time
	congested time.Time
}

// Share sets Layer of each demand. rate is the estimate in bit/s, known false
// where there is none: then all get what they want. congested is when more was
// last sent than passes.
func (a *Allocation) Share(now time.Time, rate float64, known bool, congested time.Time, demands []Demand) {
	if !known {
		for i := range demands {
			demands[i].Layer = demands[i].best(demands[i].Most)
		}
		return
	}
	a.judge(now, congested)
	left := rate
	if !a.trialAt.IsZero() && congested.Before(a.trialAt) && now.Sub(a.trialAt) < trialWatch {
		left = max(left, a.trialRate) // let it show itself
	}
	least(demands, &left)
	raise(demands, &left)
	a.try(now, rate, demands)
}

// judge notes how a trial ended.
func (a *Allocation) judge(now, congested time.Time) {
	tried := !a.trialAt.IsZero()
	if a.pause == 0 || tried && !congested.After(a.trialAt) && now.Sub(a.trialAt) >= trialWatch {
		a.pause = trialFirst
	}
	if !congested.After(a.congested) {
		return
	}
	a.congested = congested
	if tried && congested.After(a.trialAt) {
		if congested.Sub(a.trialAt) < trialWatch {
			a.pause = min(2*a.pause, trialMost)
		}
		a.trialAt = time.Time{}
	}
}

// least gives every demand its lowest layer, the most important first; the
// first of all gets it in any case.
func least(demands []Demand, left *float64) {
	for i := range demands {
		d := &demands[i]
		d.Layer = NoLayer
		l := d.lowest()
		need := d.rate(l)
		if d.Now == NoLayer {
			need *= raiseMargin
		}
		if i == 0 || need <= *left {
			d.Layer = l
			*left -= d.rate(l)
		}
	}
}

func raise(demands []Demand, left *float64) {
	for level := 1; level < MaxLayers; level++ {
		for i := range demands {
			d := &demands[i]
			next := d.next()
			if d.Layer == NoLayer || next != level {
				continue
			}
			cost := d.rate(next) - d.rate(d.Layer)
			need := cost
			if next > d.Now {
				need = d.rate(next)*raiseMargin - d.rate(d.Layer)
			}
			if need <= *left {
				d.Layer = next
				*left -= cost
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
	if now.Sub(quiet) < a.pause {
		return
	}
	sum := 0.0
	for i := range demands {
		sum += demands[i].rate(demands[i].Layer)
	}
	for i := range demands {
		d := &demands[i]
		next := d.next()
		if d.Layer == NoLayer {
			next = d.lowest()
		}
		if next == NoLayer {
			continue
		}
		total := sum + d.rate(next) - d.rate(d.Layer)
		if total > trialMargin*rate {
			continue
		}
		a.trialRate = total * raiseMargin
		a.trialAt = now
		d.Layer = next
		return
	}
}

// rate returns what a layer takes in bit/s.
func (d *Demand) rate(layer int) float64 {
	switch {
	case layer == NoLayer:
		return 0
	case d.Rates[layer] > 0:
		return d.Rates[layer]
	case d.Layers == 1:
		return layerGuess[1]
	}
	return layerGuess[layer]
}

// lowest returns the lowest layer that is sent, or 0.
func (d *Demand) lowest() int {
	for l := range d.Layers {
		if d.Active[l] {
			return l
		}
	}
	return 0
}

// next returns the layer above the present one that is sent and of use, or NoLayer.
func (d *Demand) next() int {
	for l := d.Layer + 1; d.Layer != NoLayer && l < d.Layers && l <= d.Most; l++ {
		if d.Active[l] {
			return l
		}
	}
	return NoLayer
}

// best returns the highest layer that is sent, up to most.
func (d *Demand) best(most int) int {
	for l := min(most, d.Layers-1); l > 0; l-- {
		if d.Active[l] {
			return l
		}
	}
	return d.lowest()
}
