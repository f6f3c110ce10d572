package npc

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the full contest plays: every policy once in each round, the first of
// one round the second of the next. What comes in the warm-up is not counted.
const (
	calmRounds    = 4
	calmLength    = 13 * time.Second
	roughRounds   = 2
	roughLength   = 9 * time.Second
	regionDies    = 5 * time.Second
	contestWarmUp = 4 * time.Second

	// A run during which the computer was busy with something else is played
	// again, whoever's it was: so late may one timer in a hundred be, and so
	// many runs of a part may be repeated.
	tooNoisy    = 10 * time.Millisecond
	mostRepeats = 4
)

// roughly is what goes wrong in the second part: 503, connections that end,
// garbage and hangs, and in the middle the callers' own region dies.
func roughly() accident {
	return accident{region: "eu", at: regionDies, wrong: map[string]*faults{
		"eu-middle": {busy: .3}, "eu-large": {cut: .1}, "us-fast": {garbage: .05}, "us-middle": {hang: .1}, "us-stalling": {hang: .05},
	}}
}

// The contest of placement policies over HTTP, some eight minutes of real
// time: EARSHOT_BENCH_POLICY=1. EARSHOT_BENCH_LOAD=0.5 plays the first part
// alone with half of the load; the picture in docs and what is asked are of 1.
func TestPolicies(t *testing.T) {
	if os.Getenv("EARSHOT_BENCH_POLICY") == "" {
		t.Skip("measures eight minutes of real time: set EARSHOT_BENCH_POLICY=1")
	}
	scale := 1.0
	if v := os.Getenv("EARSHOT_BENCH_LOAD"); v != "" {
		var err error
		if scale, err = strconv.ParseFloat(v, 64); err != nil || scale <= 0 {
			t.Fatalf("EARSHOT_BENCH_LOAD=%q is not a factor above 0", v)
		}
	}
	calm := contest(t, calmRounds, calmLength, scale, accident{})
	t.Logf("calm, %d rounds:\n%s", calmRounds, table(calm, contestWarmUp))
	t.Logf("the same with the warm-up counted:\n%s", table(calm, 0))
	for _, name := range []string{"round robin", "least in flight", "queue+prefix blend"} {
		least, median, most := ratios(calm, name)
		t.Logf("p99 to the first token, %s over ours: %.1f (%.1f to %.1f)", name, median, least, most)
	}
	if scale != 1 {
		return
	}
	for name, want := range map[string]float64{"round robin": 5, "queue+prefix blend": 1.5} {
		if _, median, _ := ratios(calm, name); median < want {
			t.Errorf("ours is %.1f times below %s, want %v", median, name, want)
		}
	}
	if err := os.WriteFile("../docs/policies.svg", picture(calm), 0o644); err != nil {
		t.Error(err)
	}
	rough := contest(t, roughRounds, roughLength, scale, roughly())
	t.Logf("with errors and a dead region, %d rounds, warm-up counted:\n%s", roughRounds, table(rough, 0))
	for _, f := range rough.figures("Earshot", 0) {
		if f.lost != 0 {
			t.Errorf("ours lost %d of %d turns with a dead region, want none", f.lost, f.turns)
		}
	}
}

// contest plays the rounds; each has a load of its own, the same for all.
func contest(t *testing.T, rounds int, length time.Duration, scale float64, a accident) results {
	all, again := results{}, mostRepeats
	for round := range rounds {
		seed := uint64(round + 1)
		turns := newScene(seed, length, scale)
		players := entrants()
		for i := range players {
			e := players[(i+round)%len(players)]
			out, noise := e.run(t, turns, seed, a)
			for ; noise > tooNoisy && again > 0; again-- {
				t.Logf("round %d, %s: again, for timers were %v late", round+1, e.name, noise)
				out, noise = e.run(t, turns, seed, a)
			}
			all[e.name] = append(all[e.name], out)
			t.Logf("round %d, %s: %v; timers %v late", round+1, e.name, summarise(out, contestWarmUp), noise.Round(100*time.Microsecond))
			for _, o := range out {
				if e.name == "Earshot" && o.lost && o.class == Dialogue {
					t.Logf("lost the turn at %v: %v", o.at, o.err)
				}
			}
		}
	}
	return all
}

// The same in small, for facts that hold on any machine: no turn of ours is
// lost while servers fail and a region dies, and no prompt leaves the region
// its world is bound to. Where timers were late, others were at work on the
// machine, and it is played again with less.
func TestPoliciesInSmall(t *testing.T) {
	for _, scale := range []float64{1, 0.5, 0.25} {
		ctx, cancel := context.WithCancel(t.Context())
		late := make(chan time.Duration, 1)
		go func() { late <- lateness(ctx) }()
		faults := policiesInSmall(t, scale)
		cancel()
		noise := <-late
		if len(faults) == 0 {
			return
		}
		t.Logf("timers %v late: %s", noise, strings.Join(faults, "; "))
		if noise <= tooNoisy || scale == 0.25 {
			t.Fatal("not what holds on any machine")
		}
	}
}

// policiesInSmall returns which turns were lost of a load that is scaled.
func policiesInSmall(t *testing.T, scale float64) (faults []string) {
	turns := newScene(5, 3*time.Second, 0.5*scale)
	for i := range turns {
		if turns[i].world == "world3" {
			turns[i].labels = []string{"us"}
		}
	}
	f := newField(t, 5, roughly().wrong)
	defer f.close()
	p, stop := newOurs(t, f)
	defer stop()
	defer time.AfterFunc(1500*time.Millisecond, func() { f.kill("eu") }).Stop()
	var others sync.WaitGroup
	var mu sync.Mutex
	fault := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		faults = append(faults, fmt.Sprintf(format, args...))
	}
	for _, e := range entrants() {
		if e.name == "Earshot" {
			continue
		}
		others.Go(func() {
			few := newScene(6, time.Second, 0.4*scale)
			out, _ := e.run(t, few, 6, accident{})
			if got := summarise(out, 0); got.turns == 0 || 4*got.lost > got.turns {
				fault("%s lost %d of %d turns of a light load, want few", e.name, got.lost, got.turns)
			}
		})
	}
	for i, o := range play(p, turns) {
		if o.class == Dialogue && o.lost {
			fault("the turn at %v of %s was lost: %v", o.at, turns[i].world, o.err)
		}
	}
	others.Wait()
	for _, c := range f {
		if _, seen := c.seen.Load("world3"); seen && c.region != "us" {
			t.Errorf("%s saw a prompt of a world that is bound to the other region", c.id)
		}
	}
	return faults
}
