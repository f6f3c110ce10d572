package loudness

import "math"

// How mixes are limited.
const (
	limit     = 0.8912509 // -1 dB: between samples a wave may rise above them
	stepSize  = Rate / 1000
	lookAhead = 5 // steps of 1 ms
	frameStep = FrameSamples / stepSize
)

// recovery is by how much of what is missing the gain rises in a step: e times
// less is missing after 100 ms.
var recovery = float32(1 - math.Exp(-1.0/100))

// LimiterDelay is by how many samples a channel a Limiter delays a mix.
const LimiterDelay = lookAhead * stepSize

// Limiter keeps a mix below -1 dB of full scale, by a gain that falls before
// each peak and rises after it, the same for all channels, so that voices stay
// where they are. What is below goes through as it is.
//
// The gain is straight within steps of 1 ms. At the borders between steps it is
// the mean of the last lookAhead values of the least that the next lookAhead
// borders can bear; each of these means has the border's own need in it, and so
// none is above it.
type Limiter struct {
	channels int
	delayed  []float32 // the last lookAhead steps
	peak     float32   // gain that the step before could bear
	needs    [lookAhead]float32
	means    [lookAhead]float32
	at       int     // in both
	value    float32 // the last of the means
	gain     float32 // at the last border
}

// NewLimiter returns a Limiter for interleaved sound of 1 or 2 channels.
func NewLimiter(channels int) *Limiter {
	l := &Limiter{channels: channels, delayed: make([]float32, LimiterDelay*channels)}
	l.Reset()
	return l
}

// Reset forgets the mix, of which LimiterDelay samples have not come out yet:
// part of every order after which somebody in it may not be heard any more.
func (l *Limiter) Reset() {
	clear(l.delayed)
	l.peak, l.value, l.gain = 1, 1, 1
	for i := range l.needs {
		l.needs[i], l.means[i] = 1, 1
	}
}

// Process limits the next frame, of FrameSamples a channel, in place. What comes
// out came in LimiterDelay samples before.
func (l *Limiter) Process(pcm []float32) {
	size := stepSize * l.channels
	pcm = pcm[:frameStep*size]
	var gains [frameStep]float32
	for i := range gains {
		gains[i] = l.border(pcm[i*size : (i+1)*size])
	}
	l.delay(pcm)
	for i, to := range gains {
		if l.gain != 1 || to != 1 {
			l.apply(pcm[i*size:(i+1)*size], to)
		}
		l.gain = to
	}
}

// delay puts what came before a frame before it, and keeps its end.
func (l *Limiter) delay(pcm []float32) {
	var end [2 * LimiterDelay]float32
	late := len(l.delayed)
	copy(end[:late], pcm[len(pcm)-late:])
	copy(pcm[late:], pcm)
	copy(pcm, l.delayed)
	copy(l.delayed, end[:late])
}

// border takes note of a step that comes in and returns the gain at the end of
// the step that goes out.
func (l *Limiter) border(in []float32) float32 {
	var highest float32
	for _, x := range in { // comparisons: max would also care for what is no number
		if x < 0 {
			x = -x
		}
		if x > highest {
			highest = x
		}
	}
	bears := float32(1)
	if highest > limit {
		bears = limit / highest
	}
	l.needs[l.at] = min(bears, l.peak)
	l.peak = bears
	least := l.needs[0]
	for _, n := range l.needs[1:] {
		least = min(least, n)
	}
	if l.value += (1 - l.value) * recovery; l.value > 0.9999 {
		l.value = 1
	}
	l.value = min(l.value, least)
	l.means[l.at] = l.value
	l.at = (l.at + 1) % lookAhead
	var sum float32
	for _, m := range l.means {
		sum += m
	}
	return sum / lookAhead
}

// apply multiplies a step by a gain that goes from that of the last border to
// that of the next.
func (l *Limiter) apply(step []float32, to float32) {
	gain, slope := l.gain, (to-l.gain)/stepSize
	if l.channels == 1 {
		for i := range step {
			gain += slope
			step[i] *= gain
		}
		return
	}
	for i := 1; i < len(step); i += 2 {
		gain += slope
		step[i-1] *= gain
		step[i] *= gain
	}
}
