package binaural

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"earshot"
	"earshot/spatialaudio/hrtf"
)

// kemar is the embedded head, made once for all tests.
var kemar = sync.OnceValues(func() (*hrtf.Table, *Filters) {
	table, err := hrtf.KEMAR()
	if err != nil {
		panic(err)
	}
	filters, err := NewFilters(table)
	if err != nil {
		panic(err)
	}
	return table, filters
})

func noise(rng *rand.Rand, scale float32) *[Block]float32 {
	out := new([Block]float32)
	for i := range out {
		out[i] = scale * (rng.Float32()*2 - 1)
	}
	return out
}

// at returns a place at a distance in a direction (degrees) from the origin.
func at(azimuth, elevation, distance float64) earshot.Vec3 {
	s, c := math.Sincos(azimuth * math.Pi / 180)
	se, ce := math.Sincos(elevation * math.Pi / 180)
	return earshot.Vec3{X: float32(-distance * s * ce), Y: float32(distance * se), Z: float32(-distance * c * ce)}
}

var ahead = earshot.Transform{Rotation: earshot.Identity}

// energies returns the mean square at each ear.
func energies(out *Stereo) (left, right float64) {
	for i := 0; i < len(out); i += 2 {
		left += float64(out[i]) * float64(out[i]) / Block
		right += float64(out[i+1]) * float64(out[i+1]) / Block
	}
	return left, right
}

// A scene renders noise for a while.
type scene struct {
	m     *Mixer
	l     Listener
	s     *Source
	rng   *rand.Rand
	out   Stereo
	heard []Heard
}

func newScene() *scene {
	_, filters := kemar()
	s := new(Source)
	return &scene{m: NewMixer(filters), s: s, rng: rand.New(rand.NewPCG(1, 1)), heard: []Heard{{Source: s, Gain: 1}}}
}

// hear mixes a tick of noise and returns the level of left less right in dB.
func (sc *scene) hear(head earshot.Transform, at earshot.Vec3) float64 {
	sc.s.Analyse(sc.m, noise(sc.rng, 0.5))
	sc.heard[0].Position = at
	sc.m.Mix(&sc.l, head, sc.heard, &sc.out)
	left, right := energies(&sc.out)
	return 10 * math.Log10(left/right)
}

// A voice is louder at the ear it is nearer to, whichever way the head is
// turned or carried.
func TestTheHeadTurns(t *testing.T) {
	quarter := float32(math.Pi / 2)
	roll := earshot.Quat{Z: float32(math.Sin(math.Pi / 4)), W: float32(math.Cos(math.Pi / 4))} // counter-clockwise: the left ear is below
	for _, tc := range []struct {
		name  string
		head  earshot.Transform
		at    earshot.Vec3
		least float64 // dB, left less right
		most  float64
	}{
		{"ahead", ahead, earshot.Vec3{Z: -2}, -0.1, 0.1},
		{"behind", ahead, earshot.Vec3{Z: 2}, -0.1, 0.1},
		{"left", ahead, earshot.Vec3{X: -2}, 6, 40},
		{"right", ahead, earshot.Vec3{X: 2}, -40, -6},
		{"ahead, turned left", earshot.Transform{Rotation: earshot.YawQuat(quarter)}, earshot.Vec3{Z: -2}, -40, -6},
		{"ahead, turned right", earshot.Transform{Rotation: earshot.YawQuat(-quarter)}, earshot.Vec3{Z: -2}, 6, 40},
		{"left, turned around", earshot.Transform{Rotation: earshot.YawQuat(2 * quarter)}, earshot.Vec3{X: -2}, -40, -6},
		{"above, lying on the left ear", earshot.Transform{Rotation: roll}, earshot.Vec3{Y: 2}, -40, -4},
		{"left of where it is carried", earshot.Transform{Position: earshot.Vec3{X: 7, Y: 1, Z: 5}, Rotation: earshot.Identity}, earshot.Vec3{X: 5, Y: 1, Z: 5}, 6, 40},
	} {
		sc := newScene()
		sc.hear(tc.head, tc.at)
		if got := sc.hear(tc.head, tc.at); !(got >= tc.least && got <= tc.most) {
			t.Errorf("%s: left less right is %.1f dB, want %.1f to %.1f", tc.name, got, tc.least, tc.most)
		}
	}
}

// Gain is what the caller says, and 6 dB more is 6 dB more.
func TestGain(t *testing.T) {
	levels := [2]float64{}
	for i, gain := range []float32{0.25, 0.5} {
		sc := newScene()
		sc.heard[0].Gain = gain
		sc.hear(ahead, at(30, 0, 2))
		sc.hear(ahead, at(30, 0, 2))
		levels[i], _ = energies(&sc.out)
	}
	if got := levels[1] / levels[0]; math.Abs(got-4) > 1e-3 {
		t.Errorf("twice the gain is %.4f times the energy, want 4", got)
	}
}

// A source whose directions spread comes less and less from one side, keeps
// its energy, and is the same at both ears once it is all around.
func TestSpread(t *testing.T) {
	last := math.Inf(1)
	var point float64
	for _, radius := range []float32{0, 0.8, 1.4, 1.99, 3} {
		sc := newScene()
		sc.heard[0].Radius = radius
		sc.hear(ahead, at(60, 0, 2))
		side := sc.hear(ahead, at(60, 0, 2))
		left, right := energies(&sc.out)
		if radius == 0 {
			point = left + right
		}
		if side >= last {
			t.Errorf("radius %g: left less right is %.1f dB, no less than %.1f for the smaller one", radius, side, last)
		}
		if db := 10 * math.Log10((left+right)/point); math.Abs(db) > 3 {
			t.Errorf("radius %g: %.1f dB against a point, want less than 3", radius, db)
		}
		last = side
	}
	if math.Abs(last) > 0.01 {
		t.Errorf("all around: left less right is %.3f dB, want 0", last)
	}
}

// What cannot be mixed is left out, and nothing else suffers.
func TestNonsenseIsLeftOut(t *testing.T) {
	sc, alone := newScene(), newScene()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	other := new(Source)
	other.Analyse(sc.m, noise(sc.rng, 1))
	sc.rng = rand.New(rand.NewPCG(1, 1))
	for _, h := range []Heard{
		{Source: other, Gain: nan}, {Source: other, Gain: inf}, {Source: other, Gain: -1}, {Source: other},
		{Source: other, Gain: 1, Position: earshot.Vec3{X: nan}}, {Source: other, Gain: 1, Position: earshot.Vec3{Z: inf}}, {Gain: 1},
	} {
		sc.heard = append(sc.heard, h)
	}
	sc.hear(ahead, at(10, 20, 1))
	alone.hear(ahead, at(10, 20, 1))
	if sc.out != alone.out {
		t.Error("a voice without a place or a gain changed the mix")
	}
	block := noise(sc.rng, 1)
	block[100], block[200] = nan, inf
	sc.s.Analyse(sc.m, block)
	sc.m.Mix(&sc.l, ahead, sc.heard[:1], &sc.out)
	if left, right := energies(&sc.out); !(left < 10 && right < 10) {
		t.Errorf("samples that are no numbers came through: %g, %g", left, right)
	}
	if !(sc.m.Mix(&sc.l, earshot.Transform{Rotation: earshot.Quat{X: nan}}, sc.heard[:1], &sc.out)) {
		t.Error("a head without a usable rotation hears nothing, want what it hears unturned")
	}
}

// Nothing clicks: where a voice appears, jumps or vanishes, the steepest step of
// a tone is not much steeper than the tone's own.
func TestChangesDoNotClick(t *testing.T) {
	sc := newScene()
	var block [Block]float32
	n, before, steepest := 0, float32(0), 0.0
	for tick, places := range [][]earshot.Vec3{nil, {at(0, 0, 1)}, {at(0, 0, 1)}, {at(170, 30, 1)}, {at(-90, 0, 1)}, nil, nil} {
		for i := range block {
			block[i] = float32(math.Sin(2 * math.Pi * 200 * float64(n) / Rate))
			n++
		}
		sc.s.Analyse(sc.m, &block)
		heard := sc.heard[:len(places)]
		if len(places) > 0 {
			heard[0].Position = places[0]
		}
		sounds := sc.m.Mix(&sc.l, ahead, heard, &sc.out)
		if want := tick >= 1 && tick <= 5; sounds != want {
			t.Errorf("tick %d: sounds = %t, want %t", tick, sounds, want)
		}
		for i := 0; i < len(sc.out); i += 2 {
			steepest = max(steepest, math.Abs(float64(sc.out[i]-before)))
			before = sc.out[i]
		}
	}
	own := 2 * math.Pi * 200 / Rate
	if steepest > 3*own {
		t.Errorf("the steepest step is %.4f, want less than three of the tone's %.4f", steepest, own)
	}
}

// Silence costs nothing from its second tick on, and lets the last block ring
// out first.
func TestSilence(t *testing.T) {
	sc := newScene()
	sc.hear(ahead, at(40, 0, 1))
	sc.s.Silence(sc.m)
	if !sc.m.Mix(&sc.l, ahead, sc.heard, &sc.out) {
		t.Error("the tail of the last block is missing")
	}
	sc.s.Silence(sc.m)
	if sc.m.Mix(&sc.l, ahead, sc.heard, &sc.out) || sc.out != (Stereo{}) {
		t.Error("silence is not silent")
	}
}

func TestMixDoesNotAllocate(t *testing.T) {
	_, filters := kemar()
	m, l := NewMixer(filters), new(Listener)
	block := noise(rand.New(rand.NewPCG(2, 2)), 0.3)
	sources := make([]Source, 32)
	heard := make([]Heard, len(sources))
	for i := range sources {
		heard[i] = Heard{Source: &sources[i], Gain: 0.1}
	}
	var out Stereo
	tick := 0
	run := func() {
		tick++
		for i := range sources {
			sources[i].Analyse(m, block)
			heard[i].Position = at(float64(i*11+tick*3), float64(i%5*10), 3)
		}
		m.Mix(l, ahead, heard[:24+tick%8], &out)
	}
	for range 20 {
		run()
	}
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("a tick makes %v allocations, want 0", n)
	}
}
