package loudness

import "math"

// How noise is told from speech. Levels are in dB of full scale.
const (
	aboveNoise   = 9
	lowestOpen   = -60
	highestOpen  = -35 // what is louder is never taken for noise
	hysteresis   = 3
	holdFrames   = 10  // 200 ms, so that ends of words are not cut off
	openSamples  = 240 // 5 ms
	bucketFrames = 25  // half a second
	buckets      = 8
	smoothing    = 0.3
)

// Gate makes a microphone silent between words. It looks at a whole frame before
// it decides on it, so the first sound of a word is let through.
type Gate struct {
	smooth float64 // power
	least  [buckets]float64
	bucket int
	frames int // in the bucket
	full   int // buckets that hold something

	hold int // frames it stays open for
	gain float32
}

// Process gates the next frame of FrameSamples in place and reports whether any
// of it is to be heard; else all of it is 0.
func (g *Gate) Process(pcm []float32) bool {
	pcm = pcm[:FrameSamples]
	var power float64
	for _, x := range pcm {
		power += float64(x) * float64(x)
	}
	power /= FrameSamples
	open := g.threshold()
	g.follow(power)
	switch level := 10 * math.Log10(power); {
	case level >= open, g.hold > 0 && level >= open-hysteresis:
		g.hold = holdFrames
	case g.hold > 0:
		g.hold--
	}
	before := g.gain
	if g.hold > 0 {
		g.gain = 1
		ramp(pcm[:openSamples], before, 1)
		return true
	}
	g.gain = 0
	if before == 0 {
		clear(pcm)
		return false
	}
	ramp(pcm, before, 0)
	return true
}

// Rest tells the gate that there is no frame, because the talker's sound has
// ended: it closes.
func (g *Gate) Rest() { g.hold, g.gain = 0, 0 }

// Noise returns the level of the noise between words, in dB of full scale;
// -infinity in the first half second, when it is not known.
func (g *Gate) Noise() float64 {
	if g.full < 2 {
		return math.Inf(-1)
	}
	least := g.least[0]
	for _, p := range g.least[1:g.full] {
		least = min(least, p)
	}
	return 10 * math.Log10(least)
}

func (g *Gate) threshold() float64 {
	return min(max(g.Noise()+aboveNoise, lowestOpen), highestOpen)
}

// follow keeps the least smoothed power of each half second: what is there even
// between words is noise.
func (g *Gate) follow(power float64) {
	if g.full == 0 {
		g.smooth, g.full, g.least[0] = power, 1, power
	}
	g.smooth += smoothing * (power - g.smooth)
	if g.frames++; g.frames > bucketFrames {
		g.frames = 1
		g.bucket = (g.bucket + 1) % buckets
		g.full = max(g.full, g.bucket+1)
		g.least[g.bucket] = g.smooth
	}
	g.least[g.bucket] = min(g.least[g.bucket], g.smooth)
}
