package interest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// world is a set of entities in the form the grid takes.
type world struct {
	ids     []int32
	x, y, z []float32
}

func (w *world) add(id int32, x, y, z float32) {
	w.ids = append(w.ids, id)
	w.x, w.y, w.z = append(w.x, x), append(w.y, y), append(w.z, z)
}

func (w *world) rebuild(g *Grid) { g.Rebuild(w.ids, w.x, w.y, w.z) }

// brute answers a query by looking at everybody.
func (w *world) brute(q Query) []Hit {
	var all []Hit
	for i, id := range w.ids {
		dx, dy, dz := w.x[i]-q.X, w.y[i]-q.Y, w.z[i]-q.Z
		d2 := dx*dx + dy*dy + dz*dz
		if id != q.Self && !q.Exclude.Has(id) && d2 <= q.Radius*q.Radius {
			all = append(all, Hit{id, d2})
		}
	}
	sortHits(all)
	return all[:min(q.K, len(all))]
}

func sortHits(hits []Hit) {
	slices.SortFunc(hits, func(a, b Hit) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
}

// The grid finds just what looking at everybody finds: in crowds, in deserts,
// on one spot, with somebody 16 km out, while people move and the grid adapts.
func TestNearestIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 150).Draw(t, "entities")
		side := rapid.SampledFrom([]float32{0, 1, 10, 100, 2000, 16000}).Draw(t, "side")
		place := rapid.Float32Range(-side, side)
		if rapid.Bool().Draw(t, "on a lattice") {
			place = rapid.Custom(func(t *rapid.T) float32 { return float32(rapid.IntRange(-5, 5).Draw(t, "m")) })
		}
		var g Grid
		queries := make([]Query, n)
		for range rapid.IntRange(1, 3).Draw(t, "rebuilds") {
			var w world
			for i := range n {
				w.add(int32(3*i), place.Draw(t, "x"), place.Draw(t, "y")/8, place.Draw(t, "z"))
			}
			w.rebuild(&g)
			exclude := make(IDSet, 4)
			for i := range n / 5 {
				exclude.Put(int32(15*i)%256, true)
			}
			for i := range queries {
				q := &queries[i]
				q.X, q.Y, q.Z, q.Self, q.Exclude = w.x[i], w.y[i], w.z[i], w.ids[i], exclude
				q.K = rapid.IntRange(0, 40).Draw(t, "k")
				q.Radius = rapid.SampledFrom([]float32{0.5, 5, 20, 300}).Draw(t, "radius")
				got := g.Nearest(q, nil)
				sortHits(got)
				if want := w.brute(*q); !slices.Equal(got, want) {
					t.Fatalf("Nearest(%+v) = %v, want %v", *q, got, want)
				}
			}
		}
	})
}

func TestSelectNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hits := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Hit {
			return Hit{rapid.Int32Range(0, 20).Draw(t, "id"), float32(rapid.IntRange(0, 9).Draw(t, "d2"))}
		}), 1, 60).Draw(t, "hits")
		k := rapid.IntRange(1, len(hits)).Draw(t, "k")
		want := slices.Clone(hits)
		sortHits(want)
		selectNearest(hits, k)
		last := hits[k-1]
		sortHits(hits[:k])
		if !slices.Equal(hits[:k], want[:k]) || last != want[k-1] {
			t.Fatalf("the %d nearest are %v, k-th %v, want %v", k, hits[:k], last, want[:k])
		}
	})
}

// crowd makes n entities: uniform at 0.05 a square metre, or half of them at 2
// a square metre in the middle (presence facts, section B).
func crowd(n int, dense bool) *world {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	var w world
	wide := sqrt32(float32(n) / 0.05)
	narrow := sqrt32(float32(n) / 2 / 2)
	for i := range n {
		side := wide
		if dense && i%2 == 0 {
			side = narrow
		}
		w.add(int32(i), (rng.Float32()-0.5)*side, 0, (rng.Float32()-0.5)*side)
	}
	return &w
}

// tick moves everybody by up to 7 cm, rebuilds, and asks for each entity.
func (w *world) tick(g *Grid, queries []Query, rng *rand.Rand, hits []Hit) []Hit {
	for i := range w.x {
		w.x[i] += (rng.Float32() - 0.5) * 0.1
		w.z[i] += (rng.Float32() - 0.5) * 0.1
	}
	w.rebuild(g)
	for i := range queries {
		q := &queries[i]
		q.X, q.Y, q.Z = w.x[i], w.y[i], w.z[i]
		hits = g.Nearest(q, hits[:0])
	}
	return hits
}

func (w *world) queries(k int, radius float32) []Query {
	queries := make([]Query, len(w.ids))
	for i := range queries {
		queries[i] = Query{Self: w.ids[i], K: k, Radius: radius}
	}
	return queries
}

func TestGridDoesNotAllocate(t *testing.T) {
	w := crowd(500, true)
	w.x[0] = 16000 // an outlier costs nothing either
	queries := w.queries(32, 20)
	rng := rand.New(rand.NewPCG(5, 6))
	var g Grid
	hits := make([]Hit, 0, 500)
	for range 20 {
		w.tick(&g, queries, rng, hits)
	}
	if n := testing.AllocsPerRun(10, func() { w.tick(&g, queries, rng, hits) }); n != 0 {
		t.Errorf("a tick allocates %v times, want 0", n)
	}
}

// BenchmarkNearest is one entity's share of a tick: move, rebuild and the 32
// nearest within 20 m.
func BenchmarkNearest(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		for _, dense := range []bool{false, true} {
			name := fmt.Sprintf("%d/uniform", n)
			if dense {
				name = fmt.Sprintf("%d/crowd", n)
			}
			b.Run(name, func(b *testing.B) {
				w := crowd(n, dense)
				queries := w.queries(32, 20)
				rng := rand.New(rand.NewPCG(5, 6))
				var g Grid
				hits := make([]Hit, 0, n)
				for range 10 {
					hits = w.tick(&g, queries, rng, hits)
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i := 0; i < b.N; i += n {
					hits = w.tick(&g, queries, rng, hits)
				}
			})
		}
	}
}
