package reverb

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// response is the impulse response of a kind of room at both ears.
func response(k Kind) (left, right []float64) {
	r := NewRooms().New(k)
	var in, l, rt [Block]float32
	in[0] = 1
	source := &in
	for r.Process(source, &l, &rt) {
		source = nil
		for i := range l {
			left, right = append(left, float64(l[i])), append(right, float64(rt[i]))
		}
	}
	return left, right
}

func energy(x []float64) (sum float64) {
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// decay returns the time in which a response falls by 60 dB, by its slope from
// -5 to -35 dB (M. R. Schroeder, 1965; ISO 3382).
func decay(x []float64) float64 {
	left, all := energy(x), energy(x)
	from := 0
	for i, v := range x {
		left -= v * v
		switch level := 10 * math.Log10(left/all); {
		case level > -5:
			from = i
		case level < -35:
			return 2 * float64(i-from) / Rate
		}
	}
	return math.NaN()
}

// TestPresets: every kind of room is as loud against the voice, as long and as
// late as its preset says; both ears get as much, and not the same.
func TestPresets(t *testing.T) {
	for k := Booth; k < Kinds; k++ {
		p := k.Preset()
		left, right := response(k)
		first := 0
		for math.Abs(left[first]) < 1e-9 {
			first++
		}
		var both float64
		for i := range left {
			both += left[i] * right[i]
		}
		both /= math.Sqrt(energy(left) * energy(right))
		levelL, levelR := 10*math.Log10(energy(left)), 10*math.Log10(energy(right))
		want := 20 * math.Log10(p.Wet)
		t.Logf("%-9s level %.2f and %.2f dB, want %.2f; RT60 %.3f and %.3f s, want %.2f; first echo %.1f ms; correlation of the ears %.3f",
			k, levelL, levelR, want, decay(left), decay(right), p.Seconds, float64(first)/48, both)
		if math.Abs(levelL-want) > 0.5 || math.Abs(levelR-want) > 0.5 {
			t.Errorf("%s: %.2f and %.2f dB, want %.2f", k, levelL, levelR, want)
		}
		for _, got := range []float64{decay(left), decay(right)} {
			if !(math.Abs(got/p.Seconds-1) < 0.1) {
				t.Errorf("%s: RT60 is %.3f s, want %.2f", k, got, p.Seconds)
			}
		}
		if math.Abs(both) > 0.15 {
			t.Errorf("%s: the ears correlate by %.2f", k, both)
		}
	}
}

// TestDarker: high frequencies die sooner.
func TestDarker(t *testing.T) {
	for k := Booth; k < Kinds; k++ {
		left, _ := response(k)
		half := len(left) / 4
		slope := func(x []float64) float64 { // power of the difference against power: brightness
			var d float64
			for i := 1; i < len(x); i++ {
				d += (x[i] - x[i-1]) * (x[i] - x[i-1])
			}
			return d / energy(x)
		}
		if early, late := slope(left[:half]), slope(left[half:2*half]); late > 0.9*early {
			t.Errorf("%s: brightness %.3f early, %.3f late", k, early, late)
		}
	}
}

// TestPresetsAreTheClients reads gateway/web/reverb.js.
func TestPresetsAreTheClients(t *testing.T) {
	source, err := os.ReadFile("../../gateway/web/reverb.js")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(\w+): \{ seconds: ([\d.]+), delay: ([\d.]+), bright: ([\d.]+), wet: ([\d.]+) \}`).FindAllStringSubmatch(string(source), -1)
	if len(found) != int(Kinds)-1 {
		t.Fatalf("%d presets in reverb.js, want %d", len(found), Kinds-1)
	}
	for _, f := range found {
		var v [4]float64
		for i := range v {
			v[i], _ = strconv.ParseFloat(f[2+i], 64)
		}
		if got, want := Named(f[1]).Preset(), (Preset{v[0], v[1], v[2], v[3]}); got != want {
			t.Errorf("%s is %v, in reverb.js %v", f[1], got, want)
		}
	}
	if Named("dry") != Dry || Named("a newer one") != Dry {
		t.Error("what is no room is not dry")
	}
}

// TestOrders: after Reset nothing of what was said is left; a room falls silent
// by itself, costs nothing then, and nothing allocates.
func TestOrders(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var in, left, right [Block]float32
	for i := range in {
		in[i] = rng.Float32() - 0.5
	}
	r := NewRooms().New(Room)
	for range 30 {
		r.Process(&in, &left, &right)
	}
	blocks := 0
	for ; r.Process(nil, &left, &right); blocks++ {
		if blocks > 1000 {
			t.Fatal("it never ends")
		}
	}
	var end float64
	for i := range left {
		end = max(end, math.Abs(float64(left[i])))
	}
	if seconds := float64(blocks) / 50; seconds < 0.5 || seconds > 0.7 || end > 1e-4 {
		t.Errorf("silent after %.2f s, at %g", seconds, end)
	}
	r.Process(&in, &left, &right)
	r.Reset()
	if r.Process(nil, &left, &right) {
		t.Error("something sounds after Reset")
	}
	quiet := [Block]float32{}
	r.Process(&quiet, &left, &right)
	if left != quiet || right != quiet {
		t.Error("something sounds in silence after Reset")
	}
	if n := testing.AllocsPerRun(20, func() { r.Process(&in, &left, &right) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkProcess(b *testing.B) {
	rooms := NewRooms()
	for _, k := range []Kind{Room, Cathedral} {
		b.Run(fmt.Sprint(k), func(b *testing.B) {
			r := rooms.New(k)
			var in, left, right [Block]float32
			in[0] = 1
			for b.Loop() {
				r.Process(&in, &left, &right)
			}
		})
	}
}
