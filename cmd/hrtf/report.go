package main

import (
	"fmt"
	"io"
	"math"
	"slices"

	"earshot/spatialaudio/hrtf"
	"earshot/spatialaudio/quality"
)

// report prints how far the table is from the measurements.
func report(out io.Writer, s *set, t *hrtf.Table) {
	want, got := make([]quality.Cues, len(s.directions)), make([]quality.Cues, len(s.directions))
	f := t.NewFilter()
	left, right := make([]float64, t.Length()), make([]float64, t.Length())
	for i := range s.directions {
		d := &s.directions[i]
		t.At(d.azimuth, d.elevation, f)
		f.Impulse(0, left)
		f.Impulse(1, right)
		want[i], got[i] = quality.Measure(d.ears[0], d.ears[1], s.rate), quality.Measure(left, right, hrtf.Rate)
	}
	eq := quality.Equalisation(want, got)
	rows := []struct {
		name string
		of   func(i int) float64
	}{
		{"ITD, us", func(i int) float64 { return math.Abs(want[i].ITD-got[i].ITD) * 1e6 }},
		{"ILD 1.6-4 kHz, dB", func(i int) float64 { return math.Abs(want[i].Mid - got[i].Mid) }},
		{"ILD 5-12.7 kHz, dB", func(i int) float64 { return math.Abs(want[i].High - got[i].High) }},
		{"spectrum, nearer ear, dB", func(i int) float64 { return quality.Distortion(&want[i], &got[i], nearer(&want[i]), &eq) }},
		{"spectrum, farther ear, dB", func(i int) float64 { return quality.Distortion(&want[i], &got[i], 1-nearer(&want[i]), &eq) }},
	}
	fmt.Fprintf(out, "error      %-26s %8s %8s %8s\n", "", "median", "p95", "most")
	for _, r := range rows {
		values := make([]float64, len(want))
		for i := range values {
			values[i] = r.of(i)
		}
		slices.Sort(values)
		fmt.Fprintf(out, "           %-26s %8.2f %8.2f %8.2f\n", r.name, values[len(values)/2], values[len(values)*95/100], values[len(values)-1])
	}
	known := make([]quality.Template, len(want))
	for i, d := range s.directions {
		known[i] = quality.Template{Azimuth: d.azimuth, Elevation: d.elevation, Cues: want[i]}
	}
	angles, confused := make([]float64, len(got)), 0
	for i := range got {
		for ear := range got[i].Level {
			for b := range eq {
				got[i].Level[ear][b] += eq[b]
			}
		}
		d, k := &s.directions[i], known[quality.Locate(&got[i], known)]
		angles[i] = quality.Angle(d.azimuth, d.elevation, k.Azimuth, k.Elevation) * 180 / math.Pi
		if quality.Confused(d.azimuth, d.elevation, k.Azimuth, k.Elevation) {
			confused++
		}
	}
	slices.Sort(angles)
	fmt.Fprintf(out, "located    among all %d: off by %.1f degrees median, %.1f p95; front and back confused %.1f %%\n",
		len(known), angles[len(angles)/2], angles[len(angles)*95/100], 100*float64(confused)/float64(len(known)))
}

// nearer returns the ear that hears first.
func nearer(c *quality.Cues) int {
	if c.ITD < 0 {
		return 1
	}
	return 0
}
