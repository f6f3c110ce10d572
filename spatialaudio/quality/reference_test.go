package quality_test

import (
	_ "embed"
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"testing"

	"earshot"
	"earshot/spatialaudio/binaural"
	"earshot/spatialaudio/hrtf"
	"earshot/spatialaudio/quality"
)

// reference is what was measured at KEMAR's ears in 73 directions, as cmd/hrtf
// -reference writes it.
//
//go:embed testdata/kemar.ref
var reference []byte

// measured returns the reference as templates of what a listener knows, and by
// how much each sound arrives later at the right ear.
var measured, arrivals = sync.OnceValue(func() []quality.Template { all, _ := read(); return all }),
	sync.OnceValue(func() []float64 { _, all := read(); return all })

func read() (all []quality.Template, arrivals []float64) {
	b := reference
	samples, n := int(binary.LittleEndian.Uint16(b)), int(binary.LittleEndian.Uint16(b[2:]))
	rate := float64(binary.LittleEndian.Uint32(b[4:]))
	b = b[8:]
	next := func() float64 {
		v := int16(binary.LittleEndian.Uint16(b))
		b = b[2:]
		return float64(v)
	}
	for range n {
		t := quality.Template{Azimuth: next() / 100 * math.Pi / 180, Elevation: next() / 100 * math.Pi / 180}
		var ears [2][]float64
		for ear := range ears {
			for range samples {
				ears[ear] = append(ears[ear], next()/32768)
			}
		}
		t.Cues = quality.Measure(ears[0], ears[1], rate)
		all = append(all, t)
		arrivals = append(arrivals, quality.Arrival(ears[0], ears[1], rate))
	}
	return all, arrivals
}

// head is the embedded head, and its filters.
var head = sync.OnceValues(func() (*hrtf.Table, *binaural.Filters) {
	table, err := hrtf.KEMAR()
	if err != nil {
		panic(err)
	}
	filters, err := binaural.NewFilters(table)
	if err != nil {
		panic(err)
	}
	return table, filters
})

// place returns a place two metres away from ears at the origin.
func place(t *quality.Template) earshot.Vec3 {
	s, c := math.Sincos(t.Azimuth)
	se, ce := math.Sincos(t.Elevation)
	return earshot.Vec3{X: float32(-2 * s * ce), Y: float32(2 * se), Z: float32(-2 * c * ce)}
}

// render returns what both ears hear of x from a place, mixed in ticks, from the
// first tick in which the voice has faded in; lead ticks of x come before that.
func render(x []float32, at earshot.Vec3, lead int) (ears [2][]float64) {
	_, filters := head()
	m, l, s := binaural.NewMixer(filters), new(binaural.Listener), new(binaural.Source)
	var out binaural.Stereo
	for tick := 0; tick*binaural.Block < len(x); tick++ {
		var block [binaural.Block]float32
		copy(block[:], x[tick*binaural.Block:])
		s.Analyse(m, &block)
		m.Mix(l, earshot.Transform{}, []binaural.Heard{{Source: s, Position: at, Gain: 1}}, &out)
		if tick < lead {
			continue
		}
		for i := 0; i < len(out); i += 2 {
			ears[0], ears[1] = append(ears[0], float64(out[i])), append(ears[1], float64(out[i+1]))
		}
	}
	return ears
}

// figures are sorted values.
type figures []float64

func (f *figures) add(v float64) { *f = append(*f, math.Abs(v)) }

func (f figures) at(share float64) float64 {
	sorted := slices.Sorted(slices.Values(f))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

// share returns which part of f is larger than a value.
func (f figures) share(than float64) (n float64) {
	for _, v := range f {
		if v > than {
			n++
		}
	}
	return n / float64(len(f))
}

// The mixer's response in each measured direction, rounding of directions and
// all, is what was measured at KEMAR's ears, but for an equalisation.
func TestMixAgainstMeasuredHead(t *testing.T) {
	known := measured()
	impulse := make([]float32, 3*binaural.Block)
	impulse[binaural.Block] = 1
	var want, got []quality.Cues
	var itd, arrival, mid, high, near, far figures
	for i := range known {
		ears := render(impulse, place(&known[i]), 1)
		arrival.add((quality.Arrival(ears[0], ears[1], binaural.Rate) - arrivals()[i]) * 1e6)
		want = append(want, known[i].Cues)
		got = append(got, quality.Measure(ears[0], ears[1], binaural.Rate))
	}
	eq := quality.Equalisation(want, got)
	for i := range want {
		w, g := &want[i], &got[i]
		itd.add((w.ITD - g.ITD) * 1e6)
		mid.add(w.Mid - g.Mid)
		high.add(w.High - g.High)
		ear := 0
		if w.ITD < 0 {
			ear = 1
		}
		near.add(quality.Distortion(w, g, ear, &eq))
		far.add(quality.Distortion(w, g, 1-ear, &eq))
	}
	for _, row := range []struct {
		name               string
		values             figures
		mostMedian, mostP9 float64
	}{
		{"ITD, us", itd, 15, 25},
		{"arrival, us", arrival, 20, 70},
		{"ILD 1.6-4 kHz, dB", mid, 0.5, 1},
		{"ILD 5-12.7 kHz, dB", high, 0.5, 1.5},
		{"spectrum of the nearer ear, dB", near, 0.5, 1},
		{"spectrum of the farther ear, dB", far, 0.7, 1.5},
	} {
		median, p95 := row.values.at(0.5), row.values.at(0.95)
		t.Logf("%-32s median %.2f, p95 %.2f", row.name, median, p95)
		if median > row.mostMedian || p95 > row.mostP9 {
			t.Errorf("%s: median %.2f, p95 %.2f; want at most %.2f and %.2f", row.name, median, p95, row.mostMedian, row.mostP9)
		}
	}
}

// A listener who knows KEMAR's ears finds the direction of what is mixed, and
// does not mix up front and back.
func TestListenerLocatesTheMix(t *testing.T) {
	impulse := make([]float32, 3*binaural.Block)
	impulse[binaural.Block] = 1
	var got []quality.Cues
	for i := range measured() {
		ears := render(impulse, place(&measured()[i]), 1)
		got = append(got, quality.Measure(ears[0], ears[1], binaural.Rate))
	}
	if angle, confused := located(got); angle.at(0.5) > 1 || confused > 0.02 {
		t.Errorf("off by %.1f degrees median, %.1f %% front and back confused; want 1 and 2 at most", angle.at(0.5), 100*confused)
	}
}

// located returns by how many degrees each of got, which are in the order of
// the measured directions, is taken for another, and the share of those that
// are taken from front to back or the other way.
func located(got []quality.Cues) (angles figures, confused float64) {
	known := measured()
	var want []quality.Cues
	for i := range known {
		want = append(want, known[i].Cues)
	}
	eq := quality.Equalisation(want, got)
	for b := range eq {
		eq[b] = -eq[b]
	}
	apart := 0
	for i := range got {
		c := got[i]
		c.Less(&eq)
		k, w := &known[quality.Locate(&c, known)], &known[i]
		angles.add(quality.Angle(k.Azimuth, k.Elevation, w.Azimuth, w.Elevation) * 180 / math.Pi)
		if math.Abs(math.Cos(w.Azimuth)) < 0.1 || w.Elevation > 1.5 {
			continue // neither in front nor behind
		}
		apart++
		if quality.Confused(k.Azimuth, k.Elevation, w.Azimuth, w.Elevation) {
			confused++
		}
	}
	return angles, confused / float64(apart)
}
