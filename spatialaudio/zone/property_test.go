package zone_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"earshot"
	"earshot/spatialaudio/zone"
	"pgregory.net/rapid"
)

// shapes are small enough to overlap often.
func shapes(t *rapid.T) zone.Shape {
	coordinate := rapid.Float64Range(-10, 10)
	s := zone.Shape{Form: rapid.SampledFrom([]string{zone.FormBox, zone.FormCylinder, zone.FormPolygon}).Draw(t, "form"), Height: 4}
	s.Floor = rapid.Float64Range(-1, 1).Draw(t, "floor")
	centre := [2]float64{coordinate.Draw(t, "x"), coordinate.Draw(t, "z")}
	switch s.Form {
	case zone.FormBox:
		size := rapid.Float64Range(2, 8)
		s.Center, s.Size = centre, [2]float64{size.Draw(t, "width"), size.Draw(t, "depth")}
		s.Yaw = rapid.Float64Range(-180, 180).Draw(t, "yaw")
	case zone.FormCylinder:
		s.Center, s.Radius = centre, rapid.Float64Range(1, 4).Draw(t, "radius")
	default: // corners on a circle are convex
		n, r := rapid.IntRange(3, zone.MaxCorners).Draw(t, "corners"), rapid.Float64Range(2.5, 5).Draw(t, "radius")
		first, hand := rapid.Float64Range(0, 6).Draw(t, "first"), rapid.SampledFrom([]float64{1, -1}).Draw(t, "hand")
		for i := range n {
			a := first + hand*2*math.Pi*float64(i)/float64(n)
			s.Corners = append(s.Corners, [2]float64{centre[0] + r*math.Cos(a), centre[1] + r*math.Sin(a)})
		}
	}
	return s
}

// worlds have soft borders, and no megaphones unless asked for.
func worlds(t *rapid.T, megaphones bool) *zone.Set {
	n := rapid.IntRange(1, 12).Draw(t, "zones")
	list := make(zone.List, n)
	for i := range list {
		list[i] = zone.Zone{
			ID: fmt.Sprint("z", i), Kind: zone.KindRoom, Shape: shapes(t),
			Fade:      rapid.Float64Range(0.25, 0.9).Draw(t, "fade"),
			Gain:      rapid.Float64Range(-20, 12).Draw(t, "gain"),
			Isolation: rapid.Float64Range(0, 60).Draw(t, "isolation"),
			Occlusion: rapid.Float64Range(0, 30).Draw(t, "occlusion"),
			Sealed:    rapid.Bool().Draw(t, "sealed"),
		}
		if megaphones && rapid.Bool().Draw(t, "megaphone") {
			m := &zone.Megaphone{Gain: rapid.Float64Range(-40, 0).Draw(t, "loud")}
			if to := rapid.IntRange(-1, n-1).Draw(t, "to"); to >= 0 && to != i {
				m.To = fmt.Sprint("z", to)
			}
			list[i].Megaphone = m
		}
	}
	s, err := zone.New(list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func places(t *rapid.T, name string) earshot.Vec3 {
	c := rapid.Float32Range(-16, 16)
	return earshot.Vec3{X: c.Draw(t, name+" x"), Y: rapid.Float32Range(-2, 6).Draw(t, name+" y"), Z: c.Draw(t, name+" z")}
}

func spot(s *zone.Set, at earshot.Vec3) *zone.Spot {
	p := new(zone.Spot)
	s.Locate(at, p)
	return p
}

// What walls take is the same both ways, and so is whether they are sealed.
func TestWallsAreSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := worlds(t, false)
		a, b := spot(s, places(t, "a")), spot(s, places(t, "b"))
		there, back := s.Hear(a, b), s.Hear(b, a)
		if math.Abs(there.WallDB-back.WallDB) > 1e-3 || there.Open != back.Open {
			t.Fatalf("there %+v, back %+v", there, back)
		}
		if self := s.Hear(a, a); self.WallDB != 0 || !self.Open {
			t.Fatalf("to oneself: %+v", self)
		}
	})
}

// Along a walk nothing jumps: over a way of d metres a zone changes a voice by
// at most d/fade times the gain of a talker who walks, the isolation, and three
// times the occlusion of its walls. Only whether a sealed wall shuts is sudden.
func TestAWalkIsContinuous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := worlds(t, true)
		var slope, loudest float64 // dB, and linear gain, a metre
		for _, z := range s.Zones() {
			isolation := z.Isolation
			if z.Sealed {
				isolation = zone.SealedIsolation
			}
			slope += (math.Abs(z.Gain) + isolation + 4*z.Occlusion) / z.Fade
			loudest = max(loudest, 1/z.Fade)
		}
		fixed := spot(s, places(t, "who stands"))
		from, to := places(t, "from"), places(t, "to")
		const steps = 400
		step := float64(from.Distance(to)) / steps
		last, lastBack := s.Hear(spot(s, from), fixed), s.Hear(fixed, spot(s, from))
		for i := 1; i <= steps; i++ {
			walker := spot(s, from.Add(to.Sub(from).Scale(float32(i)/steps)))
			next, nextBack := s.Hear(walker, fixed), s.Hear(fixed, walker)
			for _, pair := range [][2]zone.Path{{last, next}, {lastBack, nextBack}} {
				change := math.Abs(pair[1].GainDB-pair[0].GainDB) + math.Abs(pair[1].WallDB-pair[0].WallDB)
				if change > slope*step*1.01+1e-2 {
					t.Fatalf("%v dB in a step of %v m, at most %v: %+v then %+v", change, step, slope*step, pair[0], pair[1])
				}
				if amplified := math.Abs(pair[1].Amplified - pair[0].Amplified); amplified > 2*loudest*step*1.01+1e-6 {
					t.Fatalf("megaphone from %v to %v in a step of %v m", pair[0].Amplified, pair[1].Amplified, step)
				}
			}
			last, lastBack = next, nextBack
		}
	})
}

// The masks say what the way says, and what does not matter changes nothing.
func TestMasksAgreeWithPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := worlds(t, true)
		a, b := spot(s, places(t, "a")), spot(s, places(t, "b"))
		p := s.Hear(a, b)
		if got := s.Reaches(a.In, b.In); got != p.Allowed() {
			t.Fatalf("Reaches(%b, %b) = %v, but the way is %+v", a.In, b.In, got, p)
		}
		if got := s.Reaches(s.Matters(a.In), s.Matters(b.In)); got != p.Allowed() {
			t.Fatalf("Reaches of what matters = %v, want %v", got, p.Allowed())
		}
		if gain, _ := p.Gain(1); !p.Allowed() && gain != 0 || gain < 0 || math.IsNaN(gain) {
			t.Fatalf("gain %v of %+v", gain, p)
		}
	})
}

// Whatever the stripes say is far really is: one zone alone, in a set of its
// own, says the same as among others.
func TestStripesMissNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := worlds(t, false)
		a, b := places(t, "a"), places(t, "b")
		var want float64
		var in zone.Mask
		for i, z := range s.Zones() {
			alone, err := zone.New(zone.List{z})
			if err != nil {
				t.Fatal(err)
			}
			want += alone.Hear(spot(alone, a), spot(alone, b)).WallDB
			in |= spot(alone, a).In << i
		}
		got := s.Hear(spot(s, a), spot(s, b))
		if math.Abs(got.WallDB-want) > 1e-9 || spot(s, a).In != in {
			t.Fatalf("%v dB in %b, want %v dB in %b", got.WallDB, spot(s, a).In, want, in)
		}
	})
}

// The deepest place on a way is found as by looking at a thousand of them.
func TestOcclusionIsThatOfTheDeepestPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := zone.Zone{ID: "z", Kind: zone.KindRoom, Shape: shapes(t), Fade: 0.9, Occlusion: 10}
		s, err := zone.New(zone.List{z})
		if err != nil {
			t.Fatal(err)
		}
		a, b := places(t, "a"), places(t, "b")
		pa, pb := spot(s, a), spot(s, b)
		deepest := 0.0
		const n = 1000
		for i := range n + 1 {
			deepest = max(deepest, spot(s, a.Add(b.Sub(a).Scale(float32(i)/n))).Weight(0))
		}
		want := 20 * (deepest - max(pa.Weight(0), pb.Weight(0)))
		off := 20 * float64(a.Distance(b)) / n / z.Fade
		if got := s.Hear(pa, pb).WallDB; got < want-1e-3 || got > want+off+1e-3 {
			t.Fatalf("%v dB, want %v and up to %v more", got, want, off)
		}
	})
}

// FuzzList: whatever designers send is refused or works, with finite results.
func FuzzList(f *testing.F) {
	text, err := json.Marshal(goldenSets()["plaza"])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, float32(1), float32(1.6), float32(-3))
	f.Add([]byte(`[{"id":"a","kind":"room","shape":{"form":"polygon","height":3,"corners":[[0,0],[4,0],[4,4]]}}]`), float32(3), float32(1), float32(1))
	f.Fuzz(func(t *testing.T, data []byte, x, y, z float32) {
		var list zone.List
		if json.Unmarshal(data, &list) != nil {
			return
		}
		s, err := zone.New(list)
		if err != nil {
			return
		}
		p := s.Hear(spot(s, earshot.Vec3{X: x, Y: y, Z: z}), spot(s, earshot.Vec3{X: z, Y: y, Z: x}))
		finite := earshot.Vec3{X: x, Y: y, Z: z}.Finite()
		if gain, _ := p.Gain(0.5); finite && (math.IsNaN(gain) || gain < 0 || gain > 2.1 || math.IsNaN(p.WallDB)) {
			t.Fatalf("gain %v of %+v", gain, p)
		}
		if again, _ := json.Marshal(s.Zones()); s != nil && !json.Valid(again) {
			t.Fatal("cannot be written again")
		}
	})
}
