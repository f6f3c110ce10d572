package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"earshot/spatialaudio/hrtf"
)

// simple writes a set in the words of mysofa2json: a head without a shadow, whose
// right ear hears a sound from the left 0.5 ms later, at 44.1 kHz.
func simple(t *testing.T, directions [][2]float64) string {
	t.Helper()
	const samples = 128
	var positions, ir []float64
	for _, d := range directions {
		positions = append(positions, d[0], d[1], 1.4)
		later := 0.5e-3 * 44100 * math.Sin(d[0]*math.Pi/180) * math.Cos(d[1]*math.Pi/180)
		for _, sign := range []float64{-1, 1} {
			delay := 30 + sign*later/2
			for n := range samples {
				x := float64(n) - delay
				v := 1.0
				if x != 0 {
					v = math.Sin(math.Pi*x) / (math.Pi * x)
				}
				ir = append(ir, 0.5*v)
			}
		}
	}
	b, err := json.Marshal(map[string]any{
		"Attributes": map[string]any{"SOFAConventions": "SimpleFreeFieldHRIR", "DatabaseName": "simple"},
		"Variables": map[string]any{
			"SourcePosition":    map[string]any{"Attributes": map[string]any{"Type": "spherical"}, "Values": positions},
			"Data.IR":           map[string]any{"Dimensions": []int{len(directions), 2, samples}, "Values": ir},
			"Data.SamplingRate": map[string]any{"Values": []float64{44100}},
			"Data.Delay":        map[string]any{"Values": []float64{0, 0}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "set.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Rings are kept as they are, other directions are resampled; either way the
// delay between the ears is the set's.
func TestConvert(t *testing.T) {
	var rings, scattered [][2]float64
	for _, el := range []float64{-30, 0, 30} {
		for az := 0.0; az < 360; az += 30 {
			rings = append(rings, [2]float64{az, el})
		}
	}
	for i := range 100 {
		scattered = append(scattered, [2]float64{math.Mod(float64(i)*137.508, 360), math.Asin(1-float64(i)/50) * 180 / math.Pi})
	}
	for name, set := range map[string][][2]float64{"rings": rings, "scattered": scattered} {
		out := filepath.Join(t.TempDir(), "t.hrtf")
		var said bytes.Buffer
		if err := run([]string{"-out", out, "-taps", "32", simple(t, set)}, &said); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		table, err := hrtf.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if name == "rings" && table.Len() != len(rings) {
			t.Errorf("%d directions, want %d as in the set", table.Len(), len(rings))
		}
		f := table.NewFilter()
		for _, az := range []float64{0, 60, 90, 180, 270} {
			table.At(az*math.Pi/180, 0, f)
			want := 24 * math.Sin(az*math.Pi/180) // 0.5 ms
			if math.Abs(float64(f.Delay)-want) > 1.5 {
				t.Errorf("%s, azimuth %g: the right ear is %.1f samples later, want %.1f", name, az, f.Delay, want)
			}
		}
		if !strings.Contains(said.String(), "front and back confused") {
			t.Errorf("the report has no end:\n%s", &said)
		}
	}
}

func TestWhatIsNoSet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	for text, want := range map[string]string{
		"{":  "mysofa2json",
		"{}": "SimpleFreeFieldHRIR",
		`{"Attributes":{"SOFAConventions":"SimpleFreeFieldHRIR"}}`: "Data.IR",
		`{"Attributes":{"SOFAConventions":"SimpleFreeFieldHRIR"},"Variables":{"Data.IR":{"Dimensions":[5,2,99],"Values":[1]},"Data.SamplingRate":{"Values":[48000]}}}`: "1 values",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run([]string{path}, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
	if err := run(nil, new(bytes.Buffer)); err == nil {
		t.Error("no error without a file")
	}
}
