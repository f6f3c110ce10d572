package interest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"
)

// script is one receiver, id 0 at the origin, and others on a line.
type script struct {
	updater *Updater
	rules   Rules
	set     Set
	grid    Grid
	query   Query
	where   map[int32]float32 // distance of each of the others, in metres
	newest  []uint32
	turn    uint64
	now     time.Duration
}

func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var s *script
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "rules":
				s = newScript(t, d)
				return ""
			case "place":
				return s.place(d.Input)
			case "gone":
				var id int32
				d.ScanArgs(t, "id", &id)
				delete(s.where, id)
				return fmt.Sprintf("was a member: %v\n", s.set.Remove(id))
			case "update":
				return s.update(t, d)
			case "ticks":
				return s.ticks(t, d)
			}
			d.Fatalf(t, "unknown command %q", d.Cmd)
			return ""
		})
	})
}

func newScript(t *testing.T, d *datadriven.TestData) *script {
	var k, view int
	d.ScanArgs(t, "k", &k)
	d.ScanArgs(t, "view", &view)
	rules := DefaultRules(float64(view), k)
	s := &script{turn: 1, updater: NewUpdater(rules, 64), rules: rules, where: map[int32]float32{}, newest: make([]uint32, 64)}
	for i := range s.newest {
		s.newest[i] = 1
	}
	return s
}

func (s *script) place(lines string) string {
	for line := range strings.Lines(lines) {
		var id int32
		var metres float32
		if _, err := fmt.Sscan(line, &id, &metres); err != nil {
			return err.Error()
		}
		s.where[id] = metres
	}
	return ""
}

// update recomputes the set after so many milliseconds.
func (s *script) update(t *testing.T, d *datadriven.TestData) string {
	var after int
	d.ScanArgs(t, "after", &after)
	s.now += time.Duration(after) * time.Millisecond
	w := world{}
	w.add(0, 0, 0, 0)
	for id, metres := range s.where {
		w.add(id, metres, 0, 0)
	}
	w.rebuild(&s.grid)
	s.query.K, s.query.Radius = s.rules.K, s.rules.Enter
	near := s.grid.Nearest(&s.query, nil)
	for i := range s.set.Members {
		m := &s.set.Members[i]
		m.Distance = s.where[m.ID]
	}
	enter, leave := s.updater.Update(&s.set, near, s.now, nil, nil)
	slices.Sort(enter)
	slices.Sort(leave)
	var out strings.Builder
	fmt.Fprintf(&out, "enter %v leave %v\n", enter, leave)
	for _, m := range sorted(s.set.Members) {
		fmt.Fprintf(&out, "%d at %g m, %g Hz\n", m.ID, m.Distance, m.Rate)
	}
	return out.String()
}

// ticks runs n ticks of 1/60 s with room for budget poses in each. Those of
// "moving" have a new pose every so many ticks.
func (s *script) ticks(t *testing.T, d *datadriven.TestData) string {
	n, budget, every := 1, 64, 1
	var moving []int32
	d.ScanArgs(t, "n", &n)
	d.MaybeScanArgs(t, "budget", &budget)
	d.MaybeScanArgs(t, "every", &every)
	if d.HasArg("moving") {
		for _, arg := range d.CmdArgs {
			if arg.Key == "moving" {
				for _, v := range arg.Vals {
					var id int32
					fmt.Sscan(v, &id)
					moving = append(moving, id)
				}
			}
		}
	}
	sent := make(map[int32][]int)
	for tick := 1; tick <= n; tick++ {
		const dt = time.Second / 60
		s.now += dt
		for _, id := range moving {
			if tick%every == 0 {
				s.newest[id]++
				s.turn++
			}
		}
		due := s.set.Due(s.newest, s.turn, dt, s.now, nil)
		s.set.ByPriority(due)
		for _, i := range due[:min(budget, len(due))] {
			m := &s.set.Members[i]
			m.Sent(s.newest[m.ID], 0, s.now)
			sent[m.ID] = append(sent[m.ID], tick)
		}
	}
	var out strings.Builder
	for _, m := range sorted(s.set.Members) {
		if len(sent[m.ID]) > 12 {
			fmt.Fprintf(&out, "%d: %d times\n", m.ID, len(sent[m.ID]))
		} else {
			fmt.Fprintf(&out, "%d: ticks %v\n", m.ID, sent[m.ID])
		}
	}
	return out.String()
}

func sorted(members []Member) []Member {
	return slices.SortedFunc(slices.Values(members), func(a, b Member) int { return int(a.ID - b.ID) })
}

func TestRate(t *testing.T) {
	for _, c := range []struct{ distance, hz float32 }{
		{0, 60}, {3.99, 60}, {4, 30}, {9.99, 30}, {10, 15}, {16.9, 15}, {17, 10}, {38, 6}, {84, 3}, {1e6, 3},
	} {
		if got := Rate(c.distance); got != c.hz {
			t.Errorf("Rate(%v) = %v, want %v", c.distance, got, c.hz)
		}
	}
}

// Whether those at rest are looked at each time or not, the same poses are due,
// with the same priority.
func TestRestingIsNotMissed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const members, dt = 5, time.Second / 64 // and rates with which sums are exact
		newest := make([]uint32, members)
		var quick, thorough Set
		for id := range int32(members) {
			m := Member{ID: id, Rate: float32(int(64) >> id), acc: 1}
			quick.Members, thorough.Members = append(quick.Members, m), append(thorough.Members, m)
			newest[id] = 1
		}
		turn, every, now := uint64(1), uint64(1), time.Duration(0)
		for range rapid.IntRange(1, 40).Draw(t, "stretches") {
			if id := rapid.IntRange(-members, members-1).Draw(t, "moves"); id >= 0 {
				newest[id]++
				turn++
			}
			budget := rapid.IntRange(0, members).Draw(t, "budget")
			for range rapid.IntRange(1, 200).Draw(t, "ticks") {
				now += dt
				every++
				got := quick.Due(newest, turn, dt, now, nil)
				want := thorough.Due(newest, every, dt, now, nil)
				quick.ByPriority(got)
				thorough.ByPriority(want)
				if !slices.Equal(got, want) {
					t.Fatalf("at %v %v are due, want %v", now, got, want)
				}
				for _, i := range got[:min(budget, len(got))] {
					for _, m := range []*Member{&quick.Members[i], &thorough.Members[i]} {
						m.Sent(newest[m.ID], 0, now)
					}
				}
			}
		}
	})
}

func TestSetDoesNotAllocate(t *testing.T) {
	u := NewUpdater(DefaultRules(20, 32), 512)
	w := crowd(500, true)
	var g Grid
	w.rebuild(&g)
	q := Query{Self: 0, K: 32, Radius: 20, X: w.x[0], Z: w.z[0]}
	hits := make([]Hit, 0, 500)
	ids, due := make([]int32, 0, 64), make([]int32, 0, 64)
	newest := make([]uint32, 512)
	var set Set
	now := time.Duration(0)
	step := func() {
		now += 200 * time.Millisecond
		q.X += 0.3 // walks: members come and go
		for i := range set.Members {
			m := &set.Members[i]
			m.Distance = w.x[m.ID] - q.X
		}
		hits = g.Nearest(&q, hits[:0])
		enter, _ := u.Update(&set, hits, now, ids[:0], due[:0])
		_ = enter
		due = set.Due(newest, 1, time.Second/60, now, due[:0])
		set.ByPriority(due)
	}
	for range 10 {
		step()
	}
	if n := testing.AllocsPerRun(50, step); n != 0 {
		t.Errorf("an update allocates %v times, want 0", n)
	}
}
