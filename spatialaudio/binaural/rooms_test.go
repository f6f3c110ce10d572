package binaural

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"earshot/spatialaudio/quality"
)

// TestWallsMuffle: a voice behind walls is that without them through the
// low-pass that clients apply.
func TestWallsMuffle(t *testing.T) {
	table, filters := kemar()
	for _, wallDB := range []float32{3, 6, 12, 18, 24, 30, 40} {
		rng := rand.New(rand.NewPCG(4, 4))
		m, l, s := NewMixer(filters), new(Listener), new(Source)
		class := wallClass(wallDB)
		taps := make([]float32, wallTaps)
		hertz := wallHertz(int(class))
		lowPass(taps, hertz)
		low := make([]float64, len(taps))
		for i, v := range taps {
			low[i] = float64(v)
		}
		var said, got, want []float64
		for tick := range 8 {
			block := noise(rng, 0.3)
			s.Analyse(m, block)
			for _, x := range block {
				said = append(said, float64(x))
			}
			var out Stereo
			m.Mix(l, ahead, []Heard{{Source: s, Gain: 1, WallDB: wallDB, Position: at(50, 0, 2)}}, &out)
			if tick < 2 {
				continue // it fades in
			}
			muffled := quality.Convolve(said, low)[:len(said)]
			ears := direct(table, muffled, [2]float64{50, 0})
			for i := range Block {
				got = append(got, float64(out[2*i]), float64(out[2*i+1]))
				want = append(want, ears[0][i], ears[1][i])
			}
		}
		var worst float64 // of the response, against the analogue's, warped, down to -20 dB
		for f := 50.; f < 20_000; f *= 1.1 {
			var h complex128
			for i, v := range low {
				h += complex(v, 0) * cmplx.Rect(1, -2*math.Pi*f/Rate*float64(i))
			}
			x := math.Tan(math.Pi*f/Rate) / math.Tan(math.Pi*hertz/Rate)
			if ideal := -10 * math.Log10(1+x*x*x*x); ideal > -20 {
				worst = max(worst, math.Abs(20*math.Log10(cmplx.Abs(h))-ideal))
			}
		}
		snr := quality.SNR(want, got)
		t.Logf("walls of %g dB: low-pass at %.0f Hz, off by %.2f dB at most down to -20 dB; %.1f dB from direct convolution", wallDB, hertz, worst, snr)
		least := 80. // where the impulse response was cut off
		if wallDB <= 24 {
			least = 100
		}
		if snr < least || worst > 1 {
			t.Errorf("walls of %g dB: %.1f dB from direct convolution, response off by %.2f dB", wallDB, snr, worst)
		}
	}
}

// TestWetComesOutAsItIs: what a room sends back is heard as it was given, at the
// gain of the voice, whichever way the head turns, and fades with it.
func TestWetComesOutAsItIs(t *testing.T) {
	_, filters := kemar()
	rng := rand.New(rand.NewPCG(5, 5))
	m, l, s, w := NewMixer(filters), new(Listener), new(Source), new(Wet)
	var out Stereo
	for tick := range 6 {
		left, right := noise(rng, 0.3), noise(rng, 0.2)
		s.Silence(m)
		w.Analyse(m, left, right)
		if !m.Mix(l, ahead, []Heard{{Source: s, Wet: w, Gain: 0.5, Position: at(40*float64(tick), 0, 2)}}, &out) {
			t.Fatal("only the voice itself is taken for sound")
		}
		for i := range Block {
			if tick > 0 && (math.Abs(float64(out[2*i]-left[i]/2)) > 1e-5 || math.Abs(float64(out[2*i+1]-right[i]/2)) > 1e-5) {
				t.Fatalf("tick %d, sample %d: %g and %g, want %g and %g", tick, i, out[2*i], out[2*i+1], left[i]/2, right[i]/2)
			}
		}
	}
	// Orders: a voice that is dropped has no room either; one that is reset neither.
	if !l.Drop(s) || m.Mix(l, ahead, nil, &out) {
		t.Error("the room of a voice sounds on that was dropped")
	}
	m.Mix(l, ahead, []Heard{{Source: s, Wet: w, Gain: 0.5, Position: at(0, 0, 2)}}, &out)
	w.Reset()
	if m.Mix(l, ahead, nil, &out) {
		t.Error("the room of a voice sounds on that was reset")
	}
}
