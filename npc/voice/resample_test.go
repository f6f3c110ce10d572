package voice

import (
	"fmt"
	"math"
	"testing"
)

// amplitude returns how much of a frequency is in pcm, and the rest, both as
// RMS, by a fit of sine and cosine.
func amplitude(pcm []float32, hz float64) (at, rest float64) {
	var s, c, total float64
	for i, x := range pcm {
		w := 2 * math.Pi * hz * float64(i) / Rate
		s += float64(x) * math.Sin(w)
		c += float64(x) * math.Cos(w)
		total += float64(x) * float64(x)
	}
	n := float64(len(pcm))
	at = 2 * (s*s + c*c) / n / n // mean square of the fitted tone
	return math.Sqrt(at), math.Sqrt(max(0, total/n-at))
}

func resampleAll(rate int, pcm []float32, chunk int) (out []float32) {
	r := newResampler(rate)
	for len(pcm) > 0 {
		n := min(chunk, len(pcm))
		out = r.write(out, pcm[:n])
		pcm = pcm[n:]
	}
	return r.flush(out)
}

// What is in the pass band stays, within a tenth of a decibel, and images above
// it are at least 70 dB below.
func TestResamplerResponse(t *testing.T) {
	for _, rate := range []int{8000, 11025, 12345, 16000, 22050, 24000, 32000, 44100, 48000} {
		for _, share := range []float64{0.01, 0.1, 0.3, 0.5, 0.7, 0.8} { // of half the rate
			hz := math.Round(share*float64(rate)/10) * 5 // whole periods in what is looked at
			out := resampleAll(rate, tone(rate, rate, hz, 0.5), 137)
			if want := Rate; len(out) < want || len(out) > want+taps*Rate/rate {
				t.Errorf("%d Hz: %d samples of one second", rate, len(out))
			}
			middle := out[Rate/10 : Rate*9/10]
			at, rest := amplitude(middle, hz)
			gain := 20 * math.Log10(at/(0.5/math.Sqrt2))
			images := 20 * math.Log10(rest/at)
			if math.Abs(gain) > 0.1 || images > -70 {
				t.Errorf("%d Hz, tone of %.0f Hz: gain %.2f dB, all else %.1f dB, want 0 and below -70", rate, hz, gain, images)
			}
		}
	}
}

// What comes out is neither late nor early, and the same in any pieces.
func TestResamplerDelay(t *testing.T) {
	for _, rate := range []int{8000, 22050, 44100} {
		in := make([]float32, rate/10)
		in[rate/20] = 1
		whole := resampleAll(rate, in, len(in))
		peak := 0
		for i, x := range whole {
			if x > whole[peak] {
				peak = i
			}
		}
		if want := rate / 20 * Rate / rate; peak < want-1 || peak > want+1 {
			t.Errorf("%d Hz: an impulse at 50 ms comes out at sample %d, want %d", rate, peak, want)
		}
		if pieces := resampleAll(rate, in, 1); fmt.Sprint(pieces) != fmt.Sprint(whole) {
			t.Errorf("%d Hz: other samples when fed one by one", rate)
		}
	}
}

func BenchmarkResample(b *testing.B) {
	in, out := tone(22050, 441, 440, 0.5), make([]float32, 0, 2*FrameSamples)
	r := newResampler(22050)
	b.ReportAllocs()
	for b.Loop() { // 20 ms
		out = r.write(out[:0], in)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20e6*100, "%core")
}
