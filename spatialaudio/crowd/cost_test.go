package crowd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"earshot"
)

// gathering is a thousand open microphones.
type gathering struct {
	planner *Planner
	rules   *Rules
	people  []Person
	random  *rand.Rand
	now     time.Time
	plan    Plan
}

// newGathering has n people within radius metres, all talking and listening,
// each of whom has blocked some of the others. Who is blocked does not hear the
// other either.
func newGathering(t testing.TB, cfg Config, n int, radius float64, blocks int) *gathering {
	cfg.People = n
	planner, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	g := &gathering{planner: planner, rules: NewRules(n), random: rand.New(rand.NewPCG(8, uint64(blocks))), now: time.Unix(1000, 0)}
	for id := range n {
		r, angle := radius*math.Sqrt(g.random.Float64()), 2*math.Pi*g.random.Float64()
		g.people = append(g.people, Person{
			ID: ID(id), Position: earshot.Vec3{X: float32(r * math.Cos(angle)), Y: 1.6, Z: float32(r * math.Sin(angle))},
			Talks: true, Listens: true, Voices: make([]ID, 8),
		})
		for range blocks {
			other := ID(g.random.IntN(n))
			g.rules.Forbid(ID(id), other)
			g.rules.Forbid(other, ID(id))
		}
	}
	return g
}

// walk lets a quarter of a second pass, and names voices at random.
func (g *gathering) walk() {
	g.now = g.now.Add(250 * time.Millisecond)
	for i := range g.people {
		h := &g.people[i]
		h.Position.X += 0.3 * (g.random.Float32() - 0.5)
		h.Position.Z += 0.3 * (g.random.Float32() - 0.5)
		h.LevelDB = -30 + 6*(g.random.Float32()-0.5)
		for k := range h.Voices {
			h.Voices[k] = ID(g.random.IntN(len(g.people)))
		}
	}
}

func (g *gathering) next(t testing.TB) {
	g.walk()
	if err := g.planner.Plan(g.now, g.people, g.rules, &g.plan); err != nil {
		t.Fatal(err)
	}
}

// TestCostOfBlocks prints the table of docs/decisions/0021: what blocks take
// from the beds of a thousand open microphones.
func TestCostOfBlocks(t *testing.T) {
	if testing.Short() {
		t.Skip("a table, not a check of correctness alone")
	}
	for _, place := range []struct {
		name   string
		radius float64
	}{{"a spot, radius 9 m", 9}, {"a plaza, radius 50 m", 50}} {
		for _, limit := range []int{4096, 128, 32} {
			var free float64
			for _, blocks := range []int{0, 1, 5, 10, 20} {
				cfg := DefaultConfig()
				cfg.Beds = limit
				g := newGathering(t, cfg, 1000, place.radius, blocks)
				for range 8 {
					g.next(t)
				}
				row, voices := g.row()
				if blocks == 0 {
					free = voices
				}
				t.Logf("%s, at most %d beds, %2d blocks: %s, %.0f %%", place.name, limit, blocks, row, 100*voices/free)
				if voices < free/3 {
					t.Errorf("%d blocks take two thirds of the crowd", blocks)
				}
			}
		}
	}
}

// row returns what a plan costs, and how many a listener hears by beds.
func (g *gathering) row() (string, float64) {
	decoded := map[ID]bool{}
	granted, voices, halves := 0, 0, 0
	for i := range g.plan.Beds {
		if g.plan.Beds[i].Key.Part != Whole {
			halves++
		}
		for _, talker := range g.plan.Talkers(i) {
			if talker.Phase != Waiting {
				decoded[talker.ID] = true
			}
		}
	}
	for id := range g.people {
		for _, grant := range g.plan.Grants(ID(id)) {
			if grant.Phase != Heard {
				continue
			}
			granted++
			for _, talker := range g.plan.Talkers(int(grant.Bed)) {
				if talker.Phase == Heard {
					voices++
				}
			}
		}
	}
	n, s := float64(len(g.people)), &g.plan.Stats
	return fmt.Sprintf("%d beds, of them %d halves, %d talkers decoded; a listener gets %.2f beds (%.2f halves) with %.1f voices; opened %.2f, lost %.2f, cut %.3f",
		len(g.plan.Beds), halves, len(decoded), float64(granted)/n, float64(s.Halved)/n, float64(voices)/n,
		float64(s.Opened)/n, float64(s.Lost)/n, float64(s.Cut)/n), float64(voices) / n
}

func TestPlanAllocatesNothing(t *testing.T) {
	g := newGathering(t, DefaultConfig(), 300, 20, 5)
	for range 40 {
		g.next(t)
	}
	lost := make([]Key, 0, 2*MaxPerListener)
	if n := testing.AllocsPerRun(20, func() {
		g.next(t)
		lost = g.plan.Forbid(3, 4, lost[:0])
		g.plan.Silence(5, lost[:0])
		g.rules.Forbid(6, 7)
		g.plan.Enforce(g.rules)
	}); n != 0 {
		t.Errorf("%v allocations a plan, want none", n)
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, radius := range []float64{9, 50} {
		for _, blocks := range []int{0, 20} {
			b.Run(fmt.Sprintf("1000x1000/radius=%vm/blocks=%d", radius, blocks), func(b *testing.B) {
				g := newGathering(b, DefaultConfig(), 1000, radius, blocks)
				for range 4 {
					g.next(b)
				}
				b.ReportAllocs()
				for b.Loop() {
					g.next(b)
				}
			})
		}
	}
}

// BenchmarkEnforce is what holds the lock of orders.
func BenchmarkEnforce(b *testing.B) {
	g := newGathering(b, DefaultConfig(), 1000, 9, 0)
	g.next(b)
	for b.Loop() {
		g.rules.Forbid(0, 0)
		g.plan.Enforce(g.rules)
	}
}
