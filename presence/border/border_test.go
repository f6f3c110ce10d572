package border

import (
	"math"
	"testing"

	"earshot"

	"pgregory.net/rapid"
)

// A quay along x = 20 of a town whose own ground is at smaller x, which is the
// near edge of a harbour, turned by 90 degrees: what is beyond the line for the
// town is the harbour's own ground.
func TestQuay(t *testing.T) {
	town, harbour := Line{{20, 10}, {20, -10}}, Line{{-10, 0}, {10, 0}}
	b := build(t, town, harbour, 8)
	back := build(t, harbour.Reversed(), town.Reversed(), 8)
	for _, c := range []struct {
		at           earshot.Vec3
		beyond, past float64
		there        earshot.Vec3
	}{
		{earshot.Vec3{X: 20, Z: 10}, 0, 0, earshot.Vec3{X: -10}},
		{earshot.Vec3{X: 14, Z: 0, Y: 1}, -6, -10, earshot.Vec3{X: 0, Z: -6, Y: 1}},
		{earshot.Vec3{X: 23, Z: -13}, 3, 3, earshot.Vec3{X: 13, Z: 3}},
	} {
		if beyond, past := b.Depth(c.at); math.Abs(beyond-c.beyond) > 1e-6 || math.Abs(past-c.past) > 1e-6 {
			t.Errorf("Depth(%v) = %g, %g, want %g, %g", c.at, beyond, past, c.beyond, c.past)
		}
		there := b.Across(c.at, 0)
		if there.Root.Distance(c.there) > 1e-4 {
			t.Errorf("Across(%v) = %v, want %v", c.at, there.Root, c.there)
		}
		if beyond, _ := back.Depth(there.Root); math.Abs(beyond+c.beyond) > 1e-4 {
			t.Errorf("%v is %g m beyond the line for the town, %g for the harbour", c.at, c.beyond, beyond)
		}
	}
	// Who looks at the line from the town faces +x, and in the harbour +z.
	if yaw := b.Across(earshot.Vec3{}, -math.Pi/2).Yaw; math.Abs(math.Abs(float64(yaw))-math.Pi) > 1e-6 {
		t.Errorf("the yaw of who faces the line becomes %g, want pi", yaw)
	}
}

func TestNewRefuses(t *testing.T) {
	good := Line{{0, 0}, {10, 0}}
	for name, c := range map[string]struct {
		here, there Line
		width       float64
	}{
		"a line that is longer there": {good, Line{{0, 0}, {10.5, 0}}, 8},
		"a point":                     {Line{}, Line{}, 8},
		"what is no number":           {Line{{math.NaN(), 0}, {1, 0}}, good, 8},
		"what is far away":            {Line{{1e6, 0}, {1e6 + 10, 0}}, good, 8},
		"no width":                    {good, good, 0},
		"a width that is no number":   {good, good, math.NaN()},
		"a wide band":                 {good, good, 51},
	} {
		if _, err := New(c.here, c.there, c.width); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("New of %s: %v, want invalid_argument", name, err)
		}
	}
}

// Whatever the border: there and back again is where one was, distances stay, and
// the two sides agree how far from the line somebody is, and on which side.
func TestMapsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		metres := rapid.Float64Range(-500, 500)
		length := rapid.Float64Range(2*MinLength, 200).Draw(t, "length")
		place := func(name string) Line {
			angle := rapid.Float64Range(-math.Pi, math.Pi).Draw(t, name)
			x, z := metres.Draw(t, name+" x"), metres.Draw(t, name+" z")
			return Line{{x, z}, {x + length*math.Cos(angle), z + length*math.Sin(angle)}}
		}
		here, there := place("here"), place("there")
		b, err := New(here, there, 8)
		if err != nil {
			t.Fatal(err)
		}
		back, err := New(there.Reversed(), here.Reversed(), 8)
		if err != nil {
			t.Fatal(err)
		}
		point := func(name string) earshot.Vec3 {
			return earshot.Vec3{X: float32(metres.Draw(t, name)), Y: float32(metres.Draw(t, name)), Z: float32(metres.Draw(t, name))}
		}
		p, q, yaw := point("p"), point("q"), float32(rapid.Float64Range(-4, 4).Draw(t, "yaw"))
		there1, there2 := b.Across(p, yaw), b.Across(q, 0)
		again := back.Across(there1.Root, there1.Yaw)
		if again.Root.Distance(p) > 0.01 {
			t.Errorf("%v comes back as %v", p, again.Root)
		}
		if d := math.Remainder(float64(again.Yaw-yaw), 2*math.Pi); math.Abs(d) > 1e-4 {
			t.Errorf("yaw %g comes back as %g", yaw, again.Yaw)
		}
		if d := there1.Root.Distance(there2.Root) - p.Distance(q); math.Abs(float64(d)) > 0.01 {
			t.Errorf("two who are %g m apart are %g m apart there", p.Distance(q), there1.Root.Distance(there2.Root))
		}
		before, past := b.Depth(p)
		after, pastThere := back.Depth(there1.Root)
		if math.Abs(before+after) > 0.01 || math.Abs(past-pastThere) > 0.01 {
			t.Errorf("%g m beyond and %g m past the line are %g and %g from there", before, past, after, pastThere)
		}
		ahead := earshot.YawQuat(yaw).Forward()
		mapped := b.Across(p.Add(ahead), 0).Root.Sub(there1.Root)
		if facing := earshot.YawQuat(there1.Yaw).Forward(); mapped.Distance(facing) > 0.01 {
			t.Errorf("who faces %v faces %v there, want %v", ahead, facing, mapped)
		}
	})
}

// In a crowd the nearest are chosen, those who are seen before newcomers who are
// no more than a step nearer, and nobody outside.
func TestChoose(t *testing.T) {
	b := build(t, Line{{0, 0}, {100, 0}}, Line{{0, 0}, {100, 0}}, 8)
	at := func(ref int, x, z float32, was bool) Candidate {
		return Candidate{Ref: ref, Root: earshot.Vec3{X: x, Z: z}, Was: was}
	}
	list := []Candidate{
		at(0, 50, 8.5, false), at(1, 50, 8.5, true), at(2, -0.5, 1, false), at(3, 100.5, 1, true),
		at(4, 50, -7.9, false), at(5, 50, 9.1, true), at(6, 3, 4, false), at(7, 3, 4.5, true), at(8, float32(math.NaN()), 0, false),
	}
	for _, c := range []struct {
		most int
		want map[int]bool
	}{
		{100, map[int]bool{1: true, 3: true, 4: true, 6: true, 7: true}},
		{2, map[int]bool{3: true, 7: true}},
		{0, map[int]bool{}},
	} {
		got := b.Choose(append([]Candidate(nil), list...), c.most)
		if len(got) != len(c.want) {
			t.Errorf("Choose(%d) = %v, want %v", c.most, got, c.want)
		}
		for _, g := range got {
			if !c.want[g.Ref] {
				t.Errorf("Choose(%d) chose %d", c.most, g.Ref)
			}
		}
	}
}

func TestChooseDoesNotAllocate(t *testing.T) {
	b := build(t, Line{{0, 0}, {100, 0}}, Line{{5, 5}, {5, 105}}, 8)
	people := make([]Candidate, 200)
	list := make([]Candidate, 200)
	for i := range people {
		people[i] = Candidate{Ref: i, Root: earshot.Vec3{X: float32(i) / 2, Z: float32(i % 9)}}
	}
	if n := testing.AllocsPerRun(100, func() {
		copy(list, people)
		for _, c := range b.Choose(list, 64) {
			_ = b.Across(c.Root, 0)
		}
	}); n != 0 {
		t.Errorf("%g allocations for each choice, want none", n)
	}
}

func build(t *testing.T, here, there Line, width float64) Border {
	t.Helper()
	b, err := New(here, there, width)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
