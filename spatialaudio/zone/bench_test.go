package zone_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"earshot"
	"earshot/spatialaudio/zone"
)

// village is a world of n houses on a grid, and 200 people in it.
func village(tb testing.TB, n int) (*zone.Set, []earshot.Vec3) {
	list := make(zone.List, n)
	for i := range list {
		list[i] = zone.Zone{ID: fmt.Sprint("h", i), Kind: zone.KindRoom, Fade: 0.5, Isolation: 30, Occlusion: 6, Sealed: i%4 == 0,
			Shape: box(float64(i%8)*10, float64(i/8)*10, 6, 5, float64(i*7%180))}
	}
	random := rand.New(rand.NewPCG(1, 2))
	people := make([]earshot.Vec3, 200)
	for i := range people {
		people[i] = earshot.Vec3{X: random.Float32() * 80, Y: 1.6, Z: random.Float32() * 80}
	}
	return mustSet(tb, list...), people
}

// One round is 200 people located and each heard by each: 20 a second are wanted.
func BenchmarkRound(b *testing.B) {
	for _, n := range []int{8, 64} {
		b.Run(fmt.Sprintf("zones=%d", n), func(b *testing.B) {
			s, people := village(b, n)
			spots := make([]zone.Spot, len(people))
			b.ReportAllocs()
			var sum float64
			for b.Loop() {
				for i, at := range people {
					s.Locate(at, &spots[i])
				}
				for i := range spots {
					for j := range spots {
						p := s.Hear(&spots[i], &spots[j])
						sum += p.WallDB
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(people)*len(people)), "ns/pair")
			_ = sum
		})
	}
}

func TestHearingAllocatesNothing(t *testing.T) {
	s, people := village(t, 64)
	var a, b zone.Spot
	who := zone.Speaker{Grants: []string{"chat"}}
	if n := testing.AllocsPerRun(100, func() {
		for _, at := range people {
			s.Locate(at, &a)
			p := s.Hear(&a, &b)
			p.Gain(0.5)
			s.Reaches(a.In, b.In)
			s.MaySpeak(a.In, who)
			s.Reverb(a.In)
			a, b = b, a
		}
	}); n != 0 {
		t.Errorf("%v allocations a round, want none", n)
	}
}
