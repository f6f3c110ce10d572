package cluster_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"earshot/presence/cluster"
)

var (
	simSteps = flag.Int("sim.steps", 125_000, "steps of the simulation for each seed")
	simSeeds = flag.Int("sim.seeds", 8, "seeds of the simulation")
	simFirst = flag.Uint64("sim.first", 1, "the first seed")
	simTrace = flag.Int("sim.trace", 0, "lines to print of what came before a failure")
)

func simulate(t *testing.T, seed uint64, steps int, breaks rules) *sim {
	t.Helper()
	s := newSim(seed, breaks)
	s.verbose = *simTrace > 0
	s.run(steps)
	if s.verbose && s.failure != "" {
		t.Log("\n" + strings.Join(s.trace[max(0, len(s.trace)-*simTrace):], "\n"))
	}
	return s
}

// A million steps of everything that can go wrong, and nothing does.
func TestSimulation(t *testing.T) {
	steps := *simSteps
	if testing.Short() {
		steps /= 10
	}
	for seed := *simFirst; seed < *simFirst+uint64(*simSeeds); seed++ {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			s := simulate(t, seed, steps, rules{})
			if s.failure != "" {
				t.Fatalf("seed %d: %s", seed, s.failure)
			}
			t.Logf("%d steps, %v: %+v", s.steps, s.now.Round(time.Second), s.tally)
		})
	}
}

// Seeds that once failed, and what they showed.
func TestSeedsThatFailed(t *testing.T) {
	for _, tc := range []struct {
		seed  uint64
		steps int
		story string
	}{
		{4, 100_000, "who had left the target of a handoff was taken back by its source, as if undone"},
		{5, 60_000, "an order whose message was lost waited for two touches"},
		{7, 200_000, "a store that came back empty counted orders to the same version as before"},
		{8, 40_000, "two nodes with clocks minutes apart minted the same key"},
		{9, 70_000, "a block given at a node with a slow clock was taken for older than its lifting"},
		{15, 125_000, "who left while the store forgot was taken back by the source of their handoff"},
		{21, 60_000, "a handoff hung while the record was forgotten"},
		{41, 60_000, "a source swapped a record that the store had forgotten, though the target had it"},
	} {
		if testing.Short() && tc.steps > 70_000 {
			continue
		}
		if s := simulate(t, tc.seed, tc.steps, rules{plain: true}); s.failure != "" {
			t.Errorf("seed %d (%s): %s", tc.seed, tc.story, s.failure)
		}
	}
}

// Each rule, broken on purpose, is missed: so the simulation looks at it.
func TestBrokenRulesAreFound(t *testing.T) {
	for _, tc := range []struct {
		name   string
		breaks rules
		want   string
	}{
		{"an owner never holds its lease to be over", rules{config: func(c *cluster.Config) { c.Margin = -time.Hour }}, "both admit to"},
		{"a store that does not fence", rules{reply: func(op cluster.Op, r *cluster.Reply) {
			if _, renewal := op.(cluster.Renew); renewal && r.Status == cluster.Fenced {
				r.Status = cluster.OK
			}
		}}, "both admit to"},
		{"leases that end before their owner's clock says so", rules{op: func(op cluster.Op) cluster.Op {
			if o, ok := op.(cluster.Renew); ok {
				o.TTL /= 3
				return o
			}
			return op
		}}, "both admit to"},
		{"nobody waits for whom a store has forgotten", rules{reply: func(_ cluster.Op, r *cluster.Reply) { r.Fresh = false }}, "both admit|without"},
		{"whereabouts are swapped without comparing", rules{op: func(op cluster.Op) cluster.Op {
			if o, ok := op.(cluster.Commit); ok {
				o.Any = true
				return o
			}
			return op
		}}, "is at 2 places|called off|was admitted, then|after it was|not as"},
		{"orders do not come with a commit", rules{reply: func(op cluster.Op, r *cluster.Reply) {
			if _, ok := op.(cluster.Commit); ok {
				r.Orders = nil
			}
		}}, "without"},
		{"nobody touches", rules{config: func(c *cluster.Config) { c.Touch = 24 * time.Hour }}, "without|the store as|places|has not ended"},
		{"members are never written whole", rules{op: func(op cluster.Op) cluster.Op {
			if o, ok := op.(cluster.Put); ok {
				o.Full = false
				return o
			}
			return op
		}}, "the store has"},
		{"reservations outlast their keepers", rules{op: func(op cluster.Op) cluster.Op {
			if o, ok := op.(cluster.Reserve); ok {
				o.TTL = time.Hour
				return o
			}
			return op
		}}, "reservations have not ended"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for seed := uint64(1); seed <= 12; seed++ {
				s := simulate(t, seed, 125_000, tc.breaks)
				if s.failure == "" {
					continue
				}
				found := false
				for _, want := range strings.Split(tc.want, "|") {
					found = found || strings.Contains(s.failure, want)
				}
				if !found {
					t.Errorf("seed %d finds %q, want %q", seed, s.failure, tc.want)
				}
				t.Logf("seed %d: %s", seed, s.failure)
				return
			}
			t.Error("twelve seeds of 125,000 steps find nothing")
		})
	}
}
