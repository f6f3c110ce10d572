package forward

// Guesses for layers whose rate is not known: bit/s, and the share of it that
// the lowest of so many temporal layers takes.
var (
	layerGuess    = [MaxLayers]float64{150_000, 500_000, 1_700_000}
	temporalGuess = [MaxTemporal]float64{0.4, 0.6, 1} // the last is with all
)

// ladder is the targets that are worth showing of a video, the cheapest first.
type ladder struct {
	targets [allTargets]Target
	steps   int
}

func (l *ladder) add(t Target) {
	l.targets[l.steps] = t
	l.steps++
}

// climb makes the ladder of a demand.
//
// A camera is raised in frame rate first at its smallest size; of larger sizes
// only the full frame rate and the one below it count, since a large picture
// that jerks is worse than a smaller one that does not. Where the highest frame
// rate is a little too much, it alone goes.
//
// Of a screen what can be read counts: it is raised in size first, at the lowest
// frame rate, and then in frame rate.
func (d *Demand) climb() {
	d.ladder.steps = 0
	lowest, highest := d.ends()
	for l := lowest; l <= highest; l++ {
		if l != lowest && !d.Active[l] {
			continue
		}
		full := d.Temporals[l] - 1
		switch {
		case d.Detail:
			d.ladder.add(MakeTarget(l, 0))
		case l == lowest:
			d.climbRates(l, 0, full)
		default:
			d.climbRates(l, max(0, full-1), full)
		}
	}
	if d.Detail {
		d.climbRates(highest, 1, d.Temporals[highest]-1)
	}
	d.was = -1
	for i, t := range d.ladder.targets[:d.ladder.steps] {
		if t.Layer() <= d.Now.Layer() && t.Temporal() <= d.Now.Temporal() {
			d.was = i
		}
	}
	d.take(-1)
}

func (d *Demand) climbRates(layer, from, to int) {
	for t := from; t <= to; t++ {
		d.ladder.add(MakeTarget(layer, t))
	}
}

// ends returns the lowest and the highest layer of use: those that are sent,
// or the lowest where none is. A layer of no use is shown where nothing below
// it is sent.
func (d *Demand) ends() (lowest, highest int) {
	lowest = -1
	for l := range d.Layers {
		if d.Active[l] && (lowest < 0 || l <= d.Most) {
			if lowest < 0 {
				lowest = l
			}
			highest = l
		}
	}
	return max(0, lowest), highest
}

// take allots a step; -1 is none.
func (d *Demand) take(step int) {
	d.step, d.Target = step, NoTarget
	if step >= 0 {
		d.Target = d.ladder.targets[step]
	}
}

// nextSize returns the last step of the size that the next step has; the present
// one at the end.
func (d *Demand) nextSize() int {
	next := d.step + 1
	for next+1 < d.ladder.steps && d.ladder.targets[next+1].Layer() == d.ladder.targets[next].Layer() {
		next++
	}
	return min(next, d.ladder.steps-1)
}

// cost returns what a step takes in bit/s.
func (d *Demand) cost(step int) float64 {
	if step < 0 {
		return 0
	}
	t := d.ladder.targets[step]
	if d.Rates[t] > 0 {
		return d.Rates[t]
	}
	guess := layerGuess[t.Layer()]
	if d.Layers == 1 {
		guess = layerGuess[1]
	}
	below := d.Temporals[t.Layer()] - 1 - t.Temporal() // temporal layers above t
	return guess * temporalGuess[MaxTemporal-1-below]
}
