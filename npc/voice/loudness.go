package voice

import "math"

// How loud voices are made. Those of servers and languages differ by 20 dB;
// side by side in a world they should not.
const (
	targetLevel = -23.0 // dBov RMS of speech
	maxGain     = 24.0  // dB, up and down
	gateBelow   = 20.0  // dB below the loudest frame: pauses do not count
	slewRate    = 0.5   // dB a frame by which the gain may move while speaking
	limitFrom   = 0.5   // amplitude from which peaks are rounded off
)

// loudness evens out the level of one utterance.
type loudness struct {
	loudest float64 // power of the loudest frame
	power   float64 // sum over the frames that count
	frames  int
	gain    float64 // dB, at the end of the last frame
	started bool
}

// observe takes a frame into account that will be evened later.
func (l *loudness) observe(frame []float32) {
	p := power(frame)
	l.loudest = max(l.loudest, p)
	if p > 0 && p >= l.loudest*math.Pow(10, -gateBelow/10) {
		l.power += p
		l.frames++
	}
}

// even brings a frame to the target, as far as the frames observed tell.
func (l *loudness) even(frame []float32) {
	want := l.gain
	if l.frames > 0 {
		want = targetLevel - 10*math.Log10(l.power/float64(l.frames))
		want = max(-maxGain, min(maxGain, want))
	}
	if !l.started {
		l.gain, l.started = want, true
	}
	next := max(l.gain-slewRate, min(l.gain+slewRate, want))
	from, to := math.Pow(10, l.gain/20), math.Pow(10, next/20)
	step := (to - from) / float64(len(frame))
	for i, s := range frame {
		frame[i] = limit(s * float32(from+step*float64(i)))
	}
	l.gain = next
}

// limit leaves an amplitude below limitFrom as it is and rounds those above off,
// so that none reaches 1.
func limit(s float32) float32 {
	a := float32(math.Abs(float64(s)))
	if a <= limitFrom {
		return s
	}
	a = limitFrom + (1-limitFrom)*float32(math.Tanh(float64((a-limitFrom)/(1-limitFrom))))
	return float32(math.Copysign(float64(a), float64(s)))
}

// power is the mean square of a frame, 1 for a square wave of full amplitude.
func power(frame []float32) (p float64) {
	for _, s := range frame {
		p += float64(s) * float64(s)
	}
	return p / float64(max(1, len(frame)))
}

// levelOf is the level of a frame as RFC 6464 has it, in dBov.
func levelOf(frame []float32) int8 {
	p := power(frame)
	if p <= 0 {
		return -127
	}
	return int8(max(-127, min(0, math.Round(10*math.Log10(p)))))
}
