package binaural

import (
	"math"
	"math/rand/v2"
	"testing"

	"earshot/spatialaudio/hrtf"
	"earshot/spatialaudio/quality"
)

// The mix of several voices, some that stay and some that jump about, is that of
// direct convolution in float64 with the table's own responses, faded from block
// to block in the same way, to 100 dB at least.
func TestAgainstDirectConvolution(t *testing.T) {
	const ticks, voices = 12, 6
	table, filters := kemar()
	for name, moving := range map[string]bool{"static": false, "moving": true} {
		rng := rand.New(rand.NewPCG(9, 9))
		m, l := NewMixer(filters), new(Listener)
		sources := make([]Source, voices)
		said := make([][]float64, voices)
		var want, got []float64
		var before [voices][2]float64 // direction
		for tick := range ticks {
			var heard []Heard
			first := len(got)
			got = append(got, make([]float64, 2*Block)...)
			want = append(want, make([]float64, 2*Block)...)
			for v := range sources {
				block := noise(rng, 0.3)
				sources[v].Analyse(m, block)
				for _, x := range block {
					said[v] = append(said[v], float64(x))
				}
				now := before[v]
				if tick == 0 || moving && v%2 == 0 {
					// Directions that the grid of filters has: others are rounded to
					// those, which TestDirectionsAreNear looks after.
					now = [2]float64{2.5 * float64(rng.IntN(144)), 0}
					if v%3 == 0 {
						now = [2]float64{360. / 124 * float64(rng.IntN(124)), 30}
					}
				}
				gain := float32(v+1) / voices
				heard = append(heard, Heard{Source: &sources[v], Gain: gain, Position: at(now[0], now[1], 2)})
				is := direct(table, said[v], now)
				was := direct(table, said[v], before[v])
				for i := range Block {
					c := math.Cos(math.Pi / 2 * (float64(i) + 0.5) / Block)
					f := c * c
					for ear := range 2 {
						old := was[ear][i]
						if tick == 0 {
							old = 0
						}
						want[first+2*i+ear] += float64(gain) * (f*old + (1-f)*is[ear][i])
					}
				}
				before[v] = now
			}
			var out Stereo
			m.Mix(l, ahead, heard, &out)
			for i, v := range out {
				got[first+i] = float64(v)
			}
		}
		snr := quality.SNR(want, got)
		t.Logf("%s: %.1f dB", name, snr)
		if !(snr >= 100) {
			t.Errorf("%s: %.1f dB from direct convolution, want 100 at least", name, snr)
		}
	}
}

// direct returns the last block of what both ears hear of x from a direction in
// degrees.
func direct(table *hrtf.Table, x []float64, direction [2]float64) (out [2][]float64) {
	f := table.NewFilter()
	table.At(direction[0]*math.Pi/180, direction[1]*math.Pi/180, f)
	h := make([]float64, table.Length())
	for ear := range out {
		f.Impulse(ear, h)
		from := max(0, len(x)-Block-len(h))
		heard := quality.Convolve(x[from:], h)
		out[ear] = heard[len(heard)-Block:]
	}
	return out
}

// Every direction gets a filter made for one within half a step of it, or a
// little more around the poles, where rows differ.
func TestDirectionsAreNear(t *testing.T) {
	table, filters := kemar()
	if !table.Symmetric() {
		t.Error("KEMAR's table is not symmetric: it takes twice the memory")
	}
	t.Logf("filters take %d KB", filters.Bytes()>>10)
	rng := rand.New(rand.NewPCG(3, 3))
	for class, spread := range spreads[:4] {
		g := &filters.grids[class]
		azimuths := max(finest, spread/3)
		for range 20000 {
			az, el := (rng.Float64()*2-1)*math.Pi, math.Asin(rng.Float64()*2-1)
			got, mirrored := filters.find(az, el, class)
			gaz, gel, ok := g.direction(got)
			if !ok {
				t.Fatal("a filter of another grid")
			}
			if mirrored {
				gaz = -gaz
			}
			off := quality.Angle(az, el, gaz, gel) * 180 / math.Pi
			if most := math.Hypot(azimuths/2, g.step*90/math.Pi) * 1.3; off > most {
				t.Fatalf("spread %g: %.1f, %.1f degrees gets the filter of %.1f, %.1f", spread,
					az*180/math.Pi, el*180/math.Pi, gaz*180/math.Pi, gel*180/math.Pi)
			}
		}
	}
}
