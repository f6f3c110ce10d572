package jitter

// How delays are measured. A millisecond has 48 samples.
const (
	longWindow   = 512 // packets: about ten seconds
	shortWindow  = 64  // the last second
	estimateFrom = 8   // packets between two estimates
	settled      = 50  // packets before the target may be below the first one
	percentile   = 95

	millisecond = 48
	minTarget   = 20 * millisecond
	maxTarget   = 200 * millisecond
	firstTarget = 40 * millisecond
)

// delays estimates how long to wait for packets.
type delays struct {
	transit [longWindow]int64 // arrival less timestamp
	n, next int
	since   int   // packets since the last estimate
	base    int64 // the least transit
	target  int64
	first   int64 // target before there is enough to estimate it from
}

func newDelays() delays { return delays{target: firstTarget, first: firstTarget} }

// restart forgets what came, not how long it seemed right to wait.
func (d *delays) restart() {
	d.first = max(d.target, firstTarget)
	d.n, d.next, d.since = 0, 0, 0
}

// add takes note of a packet.
func (d *delays) add(transit int64) {
	d.transit[d.next] = transit
	d.next = (d.next + 1) % longWindow
	d.n = min(d.n+1, longWindow)
	if d.since++; d.since >= estimateFrom || d.n == 1 || transit < d.base {
		d.since = 0
		d.estimate()
	}
}

func (d *delays) estimate() {
	d.base = d.transit[0]
	for _, t := range d.transit[1:d.n] {
		d.base = min(d.base, t)
	}
	d.target = max(d.within(d.n), d.within(min(d.n, shortWindow)), minTarget)
	if d.n < settled {
		d.target = max(d.target, d.first)
	}
}

// within returns the delay that percentile of the last n packets did not exceed,
// in whole milliseconds, at most maxTarget.
func (d *delays) within(n int) int64 {
	var counts [maxTarget/millisecond + 1]int32
	for i := range n {
		t := d.transit[(d.next-1-i+longWindow)%longWindow]
		counts[min((t-d.base+millisecond-1)/millisecond, int64(len(counts)-1))]++
	}
	sum, enough := 0, (n*percentile+99)/100
	for ms, count := range counts {
		if sum += int(count); sum >= enough {
			return int64(ms) * millisecond
		}
	}
	return maxTarget
}
