package hrtf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"os"
	"strings"
	"testing"
)

// small returns a table of three rings, in which the first tap of the left ear
// says which direction it is.
func small(t testing.TB) *Table {
	t.Helper()
	var rings []Ring
	for i, n := range []int{4, 8, 4} {
		r := Ring{Elevation: float64(i-1) * math.Pi / 6}
		for j := range n {
			m := Measured{Taps: [2][]float32{make([]float32, MinTaps), make([]float32, MinTaps)}, Delay: float32(j)}
			m.Taps[0][0], m.Taps[1][1] = float32(10*i+j)/100, 0.5
			r.Directions = append(r.Directions, m)
		}
		rings = append(rings, r)
	}
	table, err := New(MinTaps, rings)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestInterpolation(t *testing.T) {
	table := small(t)
	f := table.NewFilter()
	for _, tc := range []struct {
		azimuth, elevation float64 // degrees
		tap, delay         float32
	}{
		{0, 0, 0.10, 0},
		{45, 0, 0.11, 1},
		{22.5, 0, 0.105, 0.5},
		{-45, 0, 0.17, 7},
		{360 + 45, 0, 0.11, 1},
		{337.5, 0, 0.135, 3.5}, // between the last and the first
		{90, 15, 0.165, 1.5},   // between two rings
		{0, 90, 0.215, 1.5},    // the mean of the highest ring
		{0, -90, 0.015, 1.5},
		{90, 60, 0.2125, 1.25}, // towards it
	} {
		table.At(tc.azimuth*math.Pi/180, tc.elevation*math.Pi/180, f)
		if math.Abs(float64(f.Taps[0][0]-tc.tap)) > 1e-6 || math.Abs(float64(f.Delay-tc.delay)) > 1e-5 {
			t.Errorf("At(%g, %g) = tap %.4f, delay %.3f, want %.4f, %.3f", tc.azimuth, tc.elevation, f.Taps[0][0], f.Delay, tc.tap, tc.delay)
		}
	}
}

// A delay of a fraction of a sample is one, and the ears share it.
func TestImpulseDelays(t *testing.T) {
	table := small(t)
	f := table.NewFilter()
	f.Taps[0][0], f.Taps[1][0] = 1, 1
	out := make([]float64, table.Length())
	for _, delay := range []float32{0, 1, -7.3, 20.6, MaxDelay, -MaxDelay} {
		f.Delay = delay
		for ear, sign := range []float64{-1, 1} {
			f.Impulse(ear, out)
			want := Latency + sign*float64(delay)/2
			// Phase at some frequencies up to 18 kHz, and magnitude.
			for _, hz := range []float64{500, 5000, 12000, 18000} {
				var re, im float64
				for n, v := range out {
					s, c := math.Sincos(2 * math.Pi * hz / Rate * (float64(n) - want))
					re, im = re+v*c, im-v*s
				}
				if math.Hypot(re-1, im) > 2e-3 {
					t.Errorf("delay %g, ear %d, %g Hz: response %.4f%+.4fj of a delay by %.2f, want 1", delay, ear, hz, re, im, want)
				}
			}
		}
	}
}

func TestFormatRoundTrip(t *testing.T) {
	encoded := small(t).Encode()
	table, err := Decode(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(table.Encode(), encoded) {
		t.Error("a decoded table is encoded in other bytes")
	}
	for name, change := range map[string]func(b []byte) []byte{
		"empty":        func([]byte) []byte { return nil },
		"magic":        func(b []byte) []byte { b[7] = '2'; return b },
		"a bit":        func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"cut off":      func(b []byte) []byte { return b[:len(b)-2] },
		"no taps":      func(b []byte) []byte { b[8] = 0; return resum(b) },
		"many rings":   func(b []byte) []byte { b[10], b[11] = 255, 255; return resum(b) },
		"other counts": func(b []byte) []byte { b[headerSize+2] = 5; return resum(b) },
		"not sorted":   func(b []byte) []byte { b[headerSize+1] = 40; return resum(b) },
		"scale":        func(b []byte) []byte { b[15] = 0xff; return resum(b) },
		"too late":     func(b []byte) []byte { b[headerSize+12+1] = 0x7f; return resum(b) },
	} {
		if _, err := Decode(change(bytes.Clone(encoded))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// resum makes the checksum right again.
func resum(b []byte) []byte {
	sum := sha256.Sum256(b[headerSize:])
	copy(b[sumAt:], sum[:])
	return b
}

// What KEMAR.md says of the embedded table is so.
func TestKEMAR(t *testing.T) {
	card, err := os.ReadFile("KEMAR.md")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(kemar)
	if !strings.Contains(string(card), hex.EncodeToString(sum[:])) {
		t.Errorf("KEMAR.md does not have the table's SHA-256 %x", sum)
	}
	table, err := KEMAR()
	if err != nil {
		t.Fatal(err)
	}
	if table.Len() != 710 || table.Taps() != 64 || !table.Symmetric() {
		t.Errorf("%d directions, %d taps, symmetric: %t; want 710, 64, true", table.Len(), table.Taps(), table.Symmetric())
	}
	f := table.NewFilter()
	table.At(math.Pi/2, 0, f) // left: the right ear hears later, by 0.6 to 0.8 ms
	if ms := f.Delay / Rate * 1000; ms < 0.5 || ms > 0.9 {
		t.Errorf("from the left the right ear is %.2f ms later", ms)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(small(f).Encode())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= headerSize {
			b = resum(bytes.Clone(b))
		}
		table, err := Decode(b)
		if err != nil {
			return
		}
		filter := table.NewFilter()
		table.At(1, 1, filter)
		filter.Impulse(1, make([]float64, table.Length()))
	})
}
