package forward

import (
	"math"
	"time"
)

// Bounds of an Estimate and how it moves, after draft-ietf-rmcat-gcc-02 and
// the trendline filter of libwebrtc.
const (
	EstimateLeast = 50_000     // bit/s
	EstimateMost  = 50_000_000 // bit/s
	estimateStart = 600_000    // bit/s: a first picture, not the best one
	burst         = 5 * time.Millisecond
	trendWindow   = 20   // groups
	trendGain     = 4.0  // of the slope, in ms
	trendSmooth   = 0.9  // of the accumulated delay
	threshStart   = 12.5 // ms
	threshUp      = 0.0087
	threshDown    = 0.039
	overuseTime   = 10 * time.Millisecond
	decrease      = 0.85 // of what arrives, on overuse
	increase      = 1.08 // a second, far from the last overuse
	ackedSpan     = 500 * time.Millisecond
	lossSpan      = 500 * time.Millisecond
	lossHigh      = 0.10
	lossLow       = 0.02
)

// Estimate finds how much a listener's downlink carries from when packets
// left and, by the listener's transport-wide feedback, when they arrived: a
// delay that grows means that more is sent than passes, and so does loss of
// more than a tenth. The zero Estimate knows nothing; EstimateStart holds.
type Estimate struct {
	rate  float64 // bit/s
	known bool    // there was feedback

	send, arrival           time.Duration // of the present group, its first and last packet
	lastSend, lastArrival   time.Duration // of the group before
	sendEnd                 time.Duration
	grouped, compared       bool
	accumulated, smoothed   float64 // ms
	points                  [trendWindow]trendPoint
	count                   int
	deltas                  int
	threshold, trend        float64
	thresholdAt, overSince  time.Duration
	overuse, overuseStarted bool

	acked      [32]ackedBytes // what arrived, in slices of ackedSpan/16
	updated    time.Time
	decreased  time.Time
	congested  time.Time
	shielded   time.Time // until then a queue may be a probe's
	surge      surge
	link       float64 // mean of what arrived at overuse, bit/s; 0 while unknown
	lost, seen int
	lossAt     time.Time
	loss       float64
}

type trendPoint struct{ at, delay float64 } // ms

type ackedBytes struct {
	slice int64
	bytes int
}

// Rate returns the estimate in bit/s of video. known is false before there
// was feedback.
func (e *Estimate) Rate() (rate float64, known bool) {
	if e.rate == 0 {
		return estimateStart, false
	}
	return e.rate, e.known
}

// Loss returns the share of packets that did not arrive lately, 0 to 1.
func (e *Estimate) Loss() float64 { return e.loss }

// Congested returns when more was last sent than passes; zero for never.
func (e *Estimate) Congested() time.Time { return e.congested }

// Arrived takes one packet of so many bytes that left and arrived at these
// times, each on its own clock. Packets come in the order in which they left.
func (e *Estimate) Arrived(size int, send, arrival time.Duration) {
	e.seen++
	e.ack(size, arrival)
	switch {
	case !e.grouped:
		e.beginGroup(send, arrival)
	case send < e.send:
		return
	case send-e.send <= burst || e.inBurst(send, arrival):
		e.sendEnd = max(e.sendEnd, send)
		e.arrival = max(e.arrival, arrival)
	default:
		e.endGroup()
		e.beginGroup(send, arrival)
	}
	e.surge.train.add(size, arrival)
	e.surge.stretched(e)
}

// inBurst reports whether a packet came right behind the group, together with
// it: what held it up held up both.
func (e *Estimate) inBurst(send, arrival time.Duration) bool {
	between := arrival - e.arrival
	return between >= 0 && between <= burst && between < send-e.sendEnd
}

// Lost takes one packet that did not arrive.
func (e *Estimate) Lost() { e.seen++; e.lost++ }

func (e *Estimate) ack(size int, arrival time.Duration) {
	slice := int64(arrival / (ackedSpan / 16))
	a := &e.acked[int(uint64(slice)%uint64(len(e.acked)))]
	if a.slice != slice {
		a.slice, a.bytes = slice, 0
	}
	a.bytes += size
}

// ackedRate returns what arrived lately, in bit/s.
func (e *Estimate) ackedRate() float64 {
	return e.ackedOver(16)
}

func (e *Estimate) beginGroup(send, arrival time.Duration) {
	e.grouped = true
	e.send, e.sendEnd, e.arrival = send, send, arrival
}

func (e *Estimate) endGroup() {
	if e.compared {
		dSend, dArrival := e.sendEnd-e.lastSend, e.arrival-e.lastArrival
		if dArrival > -time.Second && dArrival < 3*time.Second {
			e.observe(dSend, dArrival)
		}
	}
	e.surge.observe(e.sendEnd, e.arrival, e.ackedRate())
	e.compared = true
	e.lastSend, e.lastArrival = e.sendEnd, e.arrival
}

// observe takes how much later a group left and arrived than the one before.
func (e *Estimate) observe(dSend, dArrival time.Duration) {
	e.deltas++
	e.accumulated += millis(dArrival - dSend)
	e.smoothed = trendSmooth*e.smoothed + (1-trendSmooth)*e.accumulated
	e.points[e.count%trendWindow] = trendPoint{millis(e.arrival), e.smoothed}
	e.count++
	if e.count < trendWindow {
		return
	}
	trend := e.slope() * float64(min(e.deltas, 60)) * trendGain
	e.detect(trend, dSend)
	e.trend = trend
}

func (e *Estimate) slope() float64 {
	var at, delay float64
	for _, p := range e.points {
		at += p.at
		delay += p.delay
	}
	at, delay = at/trendWindow, delay/trendWindow
	var top, bottom float64
	for _, p := range e.points {
		top += (p.at - at) * (p.delay - delay)
		bottom += (p.at - at) * (p.at - at)
	}
	if bottom == 0 {
		return 0
	}
	return top / bottom
}

// detect compares the trend with a threshold that follows it slowly, so that
// traffic beside ours, which fills buffers, does not starve us.
func (e *Estimate) detect(trend float64, dSend time.Duration) {
	if e.threshold == 0 {
		e.threshold = threshStart
	}
	if trend > e.threshold {
		if !e.overuseStarted {
			e.overuseStarted, e.overSince = true, 0
		} else {
			e.overSince += dSend
		}
		e.overuse = e.overuse || e.overSince > overuseTime && trend >= e.trend
	} else {
		e.overuse, e.overuseStarted = false, false
	}
	if over := math.Abs(trend); over <= e.threshold+15 {
		k := threshUp
		if over < e.threshold {
			k = threshDown
		}
		elapsed := min(millis(e.arrival-e.thresholdAt), 100)
		e.threshold += k * (over - e.threshold) * elapsed
		e.threshold = min(max(e.threshold, 6), 600)
	}
	e.thresholdAt = e.arrival
}

// Update moves the estimate after the packets of one feedback were taken.
func (e *Estimate) Update(now time.Time) {
	if e.rate == 0 {
		e.rate = estimateStart
	}
	if e.updated.IsZero() {
		e.updated, e.lossAt = now, now
	}
	e.known = true
	elapsed := min(now.Sub(e.updated).Seconds(), 1)
	e.updated = now
	acked := e.ackedRate()
	lossy := e.updateLoss(now)
	switch {
	case e.surge.now:
		e.answerSurge(now)
	case e.overuse && now.Before(e.shielded):
	case e.overuse:
		e.congested = now
		if acked > 0 && (e.decreased.IsZero() || now.Sub(e.decreased) > 200*time.Millisecond) {
			e.learnLink(acked)
			e.decreased = now
			e.rate = min(e.rate, decrease*acked)
		}
		e.overuse = false
	case lossy || e.drains(now) || e.trend < -e.threshold && e.threshold > 0: // a queue drains: leave it
	default:
		e.raise(elapsed, acked)
	}
	e.rate = min(max(e.rate, EstimateLeast), EstimateMost)
}

// learnLink remembers at what rate the link was full.
func (e *Estimate) learnLink(acked float64) {
	if e.link == 0 || acked < 0.7*e.link || acked > 1.3*e.link {
		e.link = acked
		return
	}
	e.link += 0.05 * (acked - e.link)
}

// raise lets the estimate grow, quickly far below the rate at which the link
// was full and slowly near it, but never far above what is really sent: that
// would be a guess.
func (e *Estimate) raise(elapsed, acked float64) {
	if e.link > 0 && acked > 1.3*e.link {
		e.link = 0
	}
	next := e.rate * math.Pow(increase, elapsed)
	if near := e.link > 0 && e.rate > 0.8*e.link && e.rate < 1.3*e.link; near {
		next = e.rate + elapsed*8*1200*5
	}
	limit := 1.5*acked + 10_000
	if next < limit {
		e.rate = next
	} else if e.rate < limit {
		e.rate = limit
	}
	if e.rate < acked*0.95 { // it passes
		e.rate = acked * 0.95
	}
}

func (e *Estimate) updateLoss(now time.Time) (hold bool) {
	if now.Sub(e.lossAt) < lossSpan {
		return e.loss > lossLow
	}
	e.loss = 0
	if e.seen > 10 {
		e.loss = float64(e.lost) / float64(e.seen)
	}
	e.lost, e.seen, e.lossAt = 0, 0, now
	if e.loss > lossHigh {
		e.congested = now
		e.rate *= 1 - 0.5*e.loss
	}
	return e.loss > lossLow
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
