package router

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// crowd keeps a router busy: every world has requests queued all the time, and
// each takes as long as its tokens.
type crowd struct {
	r       *Router
	rng     *rand.Rand
	now     time.Time
	running []Assignment
	of      map[Ticket]Request
	served  map[string]float64 // virtual tokens, before weights
}

func newCrowd(t testing.TB) *crowd {
	r := newRouter(t, DefaultConfig(), backend("a", 4), backend("b", 2))
	warm(r, time.Millisecond, 10*time.Millisecond)
	return &crowd{r: r, rng: rand.New(rand.NewPCG(1, 2)), now: epoch, of: map[Ticket]Request{}, served: map[string]float64{}}
}

// fill queues up to n requests of a world.
func (c *crowd) fill(t testing.TB, world string, n, prompt int) {
	queued := 0
	if w := c.r.worlds[world]; w != nil {
		queued = len(w.queues[Dialogue])
	}
	for ; queued < n; queued++ {
		q := ask(world)
		q.PromptTokens = 1 + c.rng.IntN(2*prompt)
		q.Deadline = c.now.Add(time.Hour)
		ticket, err := c.r.Submit(q, c.now)
		if err != nil {
			t.Fatal(err)
		}
		c.of[ticket] = q
	}
}

// turn places what fits and ends the oldest that runs.
func (c *crowd) turn() {
	for a, ok := c.r.Next(c.now); ok; a, ok = c.r.Next(c.now) {
		c.running = append(c.running, a)
	}
	c.now = c.now.Add(20 * time.Millisecond)
	a := c.running[0]
	c.running = c.running[1:]
	output := 1 + c.rng.IntN(100)
	c.r.FirstToken(a.Attempt, c.now)
	c.r.Done(a.Attempt, Outcome{OutTokens: output}, c.now)
	q := c.of[a.Ticket]
	delete(c.of, a.Ticket)
	c.served[q.World] += float64(q.PromptTokens + outputWeight*output)
}

// A world that asks little and seldom runs beside one that floods the queues
// with long prompts, and one that paid for three times as much.
func TestWorldsGetTheirWeight(t *testing.T) {
	c := newCrowd(t)
	if err := c.r.SetWeight("paid", 3); err != nil {
		t.Fatal(err)
	}
	for range 20_000 {
		c.fill(t, "flood", 200, 600)
		c.fill(t, "small", 1, 50)
		c.fill(t, "paid", 8, 200)
		c.turn()
	}
	total := c.served["flood"] + c.served["small"] + c.served["paid"]
	for world, want := range map[string]float64{"flood": 0.2, "small": 0.2, "paid": 0.6} {
		got := c.served[world] / total
		t.Logf("%s: %.2f %% of the tokens, weight %.0f %%", world, 100*got, 100*want)
		if math.Abs(got-want) > 0.05*want {
			t.Errorf("%s got %.2f %% of the tokens, want %.0f %% within 5 %%", world, 100*got, 100*want)
		}
	}
}

// A world that was quiet for long has not saved up: it gets its share from now
// on, and not the whole pool.
func TestQuietWorldsSaveNothing(t *testing.T) {
	c := newCrowd(t)
	c.fill(t, "quiet", 1, 50)
	for range 5000 {
		c.fill(t, "busy", 20, 200)
		c.turn()
	}
	before := c.served["busy"]
	c.served["quiet"] = 0
	for range 500 {
		c.fill(t, "busy", 20, 200)
		c.fill(t, "quiet", 20, 200)
		c.turn()
	}
	busy := c.served["busy"] - before
	if share := busy / (busy + c.served["quiet"]); math.Abs(share-0.5) > 0.05 {
		t.Errorf("the busy world got %.1f %% after the quiet one woke, want 50 %%", 100*share)
	}
}

func TestEarliestDeadlineFirst(t *testing.T) {
	r := newRouter(t, DefaultConfig(), backend("a", 1))
	first := Ticket(0)
	for _, after := range []time.Duration{7, 3, 5, 3} {
		q := ask("w")
		q.Deadline = epoch.Add(after * time.Second)
		ticket, err := r.Submit(q, epoch)
		if err != nil {
			t.Fatal(err)
		}
		if after == 3 && first == 0 {
			first = ticket
		}
	}
	if a, _ := r.Next(epoch); a.Ticket != first {
		t.Errorf("Next() = ticket %d, want %d, the first of those with the earliest deadline", a.Ticket, first)
	}
}

// Dialogue floods a backend of five slots: moderation still finds one, and
// the other way round dialogue finds two or three.
func TestReserves(t *testing.T) {
	for _, tc := range []struct {
		flood, other Class
		floods, left int
	}{{Dialogue, Moderation, 4, 1}, {Moderation, Dialogue, 2, 3}} {
		r := newRouter(t, DefaultConfig(), backend("a", 5))
		submit := func(class Class, n int) {
			for range n {
				q := ask("w")
				q.Class, q.Deadline = class, epoch.Add(time.Hour)
				if _, err := r.Submit(q, epoch); err != nil {
					t.Fatal(err)
				}
			}
		}
		place := func() (n int) {
			for _, ok := r.Next(epoch); ok; _, ok = r.Next(epoch) {
				n++
			}
			return n
		}
		r.members[0].wanted[tc.other] = epoch
		submit(tc.flood, 10)
		if n := place(); n != tc.floods {
			t.Errorf("%v took %d of 5 slots, want %d", tc.flood, n, tc.floods)
		}
		submit(tc.other, 10)
		if n := place(); n != tc.left {
			t.Errorf("%v found %d slots, want %d", tc.other, n, tc.left)
		}
	}
}
