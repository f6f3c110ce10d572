package loudness

import (
	"math"

	"earshot"
)

// Config says towards what talkers are levelled.
type Config struct {
	Target   float64 // LUFS, -40 to -10
	MaxBoost float64 // dB, 0 to 24
	MaxCut   float64 // dB, 0 to 40
}

// DefaultConfig leaves room for three equally loud talkers before the limiter
// of a mix has anything to do.
func DefaultConfig() Config { return Config{Target: -24, MaxBoost: 12, MaxCut: 24} }

// Validate returns an *earshot.Error that names the first field that cannot be.
func (c Config) Validate() error {
	for _, f := range []struct {
		name            string
		value, min, max float64
	}{{"target", c.Target, -40, -10}, {"max_boost", c.MaxBoost, 0, 24}, {"max_cut", c.MaxCut, 0, 40}} {
		if !(f.value >= f.min && f.value <= f.max) {
			return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %v is not between %v and %v", f.name, f.value, f.min, f.max)
		}
	}
	return nil
}

// gain returns by how many dB one of a loudness in LUFS is to be levelled.
func (c *Config) gain(loudness float64) float64 {
	return min(max(c.Target-loudness, -c.MaxCut), c.MaxBoost)
}

// How loudness is measured and followed.
const (
	stepFrames   = 5   // of 20 ms: a block begins every 100 ms
	blockSteps   = 4   // and lasts 400 ms
	remembered   = 128 // blocks of speech
	recent       = 10  // of them, by which shouting is noticed
	raise        = 3   // dB a second
	lower        = 12  // dB a second
	frameSeconds = float64(FrameSamples) / Rate
)

// Leveller brings a talker's loudness towards a target, slowly, and only while
// they speak.
type Leveller struct {
	cfg   Config
	gate  float64 // absoluteGate as power
	meter meter

	frame int                 // in the step
	steps [blockSteps]float64 // power, the last ones
	step  int
	said  said // by blocks

	want float64 // dB
	gain float64 // dB
	last float32 // factor at the end of the last frame
}

// NewLeveller returns a Leveller whose gain is 0 dB. cfg is valid.
func NewLeveller(cfg Config) *Leveller {
	return &Leveller{cfg: cfg, last: 1, gate: powerOf(absoluteGate), said: newSaid(remembered, recent)}
}

// GainDB returns the gain that a talker has now.
func (l *Leveller) GainDB() float64 { return l.gain }

// Process levels the next frame of FrameSamples in place.
func (l *Leveller) Process(pcm []float32) {
	pcm = pcm[:FrameSamples]
	power := l.meter.power(pcm)
	l.steps[l.step] += power / (stepFrames * blockSteps)
	if l.frame++; l.frame == stepFrames {
		l.frame = 0
		l.block()
		l.step = (l.step + 1) % blockSteps
		l.steps[l.step] = 0
	}
	if power > l.gate { // else it is a pause, in which gain must not creep
		l.gain += min(max(l.want-l.gain, -lower*frameSeconds), raise*frameSeconds)
	}
	to := l.last
	if now := float32(math.Pow(10, l.gain/20)); now != to {
		to = now
	}
	ramp(pcm, l.last, to)
	l.last = to
}

// block takes note of the last 400 ms.
func (l *Leveller) block() {
	var power float64
	for _, s := range l.steps {
		power += s
	}
	if power < l.gate {
		return
	}
	l.said.add(power)
	l.want = l.cfg.gain(l.said.loudness())
}

// ramp multiplies by a factor that goes from one value to another.
func ramp(pcm []float32, from, to float32) {
	if from == 1 && to == 1 {
		return
	}
	step := (to - from) / float32(len(pcm))
	for i := range pcm {
		pcm[i] *= from + float32(i+1)*step
	}
}
