package opus

import (
	"math"
	"slices"
	"testing"
)

// What tells a listener where a voice is, the time and the level between the
// ears, survives encoding as binaural mixes are encoded.
func TestStereoKeepsDirection(t *testing.T) {
	const late, quieter = 20, 0.5 // samples (417 us) and gain (-6 dB) of the right ear
	speech := samples(t, "speech")
	in := make([]float32, 2*len(speech))
	for i := range speech {
		in[2*i] = speech[i]
		if i >= late {
			in[2*i+1] = quieter * speech[i-late]
		}
	}
	for _, c := range []struct {
		bitrate int
		us, dB  float64 // the drift allowed: median
	}{{32000, 25, 0.7}, {48000, 15, 0.5}, {64000, 10, 0.4}} {
		var pool Pool
		e, err := pool.Encoder(EncoderConfig{Channels: 2, Application: LowDelay, Bitrate: c.bitrate})
		if err != nil {
			t.Fatal(err)
		}
		d, err := pool.Decoder(DecoderConfig{Channels: 2})
		if err != nil {
			t.Fatal(err)
		}
		out := decodeAll(t, d, encodeAll(t, e, in))
		var times, levels []float64
		const window = 4 * FrameSamples
		for at := 0; at+window < len(out)/2; at += window / 2 {
			part := out[2*at : 2*(at+window)]
			if energy(part) < 1 {
				continue
			}
			lag, gain := between(part, 40)
			times = append(times, math.Abs(lag-late)/Rate*1e6)
			levels = append(levels, math.Abs(20*math.Log10(gain/quieter)))
		}
		if len(times) < 5 {
			t.Fatalf("%d windows hold speech, want at least 5", len(times))
		}
		us, dB := median(times), median(levels)
		t.Logf("%d bit/s: time off by %.1f us, level by %.2f dB (median of %d windows)", c.bitrate, us, dB, len(times))
		if us > c.us || dB > c.dB {
			t.Errorf("%d bit/s: time off by %.1f us, level by %.2f dB, want at most %v and %v", c.bitrate, us, dB, c.us, c.dB)
		}
	}
}

// between returns by how many samples the right channel is later than the left
// one, by the highest correlation with a parabola through it, and how loud it is
// in comparison.
func between(stereo []float32, most int) (lag, gain float64) {
	n := len(stereo)/2 - most - 1
	at := func(l int) (sum float64) {
		for i := range n {
			sum += float64(stereo[2*i]) * float64(stereo[2*(i+l)+1])
		}
		return sum
	}
	best, highest := 0, math.Inf(-1)
	for l := range most {
		if c := at(l); c > highest {
			best, highest = l, c
		}
	}
	lag = float64(best)
	if best > 0 {
		before, after := at(best-1), at(best+1)
		lag += (before - after) / (2 * (before - 2*highest + after))
	}
	var left, right float64
	for i := range n {
		left += float64(stereo[2*i]) * float64(stereo[2*i])
		right += float64(stereo[2*(i+best)+1]) * float64(stereo[2*(i+best)+1])
	}
	return lag, math.Sqrt(right / left)
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
