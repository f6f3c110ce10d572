package router

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// chaos drives a router with random requests, backends that come, go and
// change, and attempts that end in every way. It checks each assignment
// against the labels the backend has at that moment.
type chaos struct {
	t       testing.TB
	r       *Router
	rng     *rand.Rand
	now     time.Time
	labels  map[BackendID][]string
	asked   map[Ticket]Request
	running []Assignment
	placed  int
	hedged  int
	refused int
	prefix  [8][]uint64
}

var (
	allLabels = []string{"eu", "us", "owned", "health"}
	allModels = []string{"large", "small", "guard"}
)

func newChaos(t testing.TB, seed uint64) *chaos {
	cfg := DefaultConfig()
	cfg.MaxRequests, cfg.Seed, cfg.MaxBlocks = 512, seed, 64
	c := &chaos{
		t: t, r: newRouter(t, cfg), rng: rand.New(rand.NewPCG(seed, 1)), now: epoch,
		labels: map[BackendID][]string{}, asked: map[Ticket]Request{},
	}
	for i := range c.prefix {
		for range 1 + i*3 {
			c.prefix[i] = append(c.prefix[i], c.rng.Uint64())
		}
	}
	for range 8 {
		c.setBackend()
	}
	return c
}

func (c *chaos) some(of []string) (s []string) {
	for _, o := range of {
		if c.rng.IntN(3) == 0 {
			s = append(s, o)
		}
	}
	return s
}

func (c *chaos) setBackend() {
	b := Backend{
		ID: BackendID('a' + rune(c.rng.IntN(10))), Region: c.pick("eu", "us"), Slots: 1 + c.rng.IntN(6),
		Price: c.rng.Float64(), Labels: c.some(allLabels),
	}
	for _, name := range append(c.some(allModels), "base") {
		b.Models = append(b.Models, Model{Name: name, Context: 4096, Capabilities: Chat | Classify, Loaded: c.rng.IntN(4) > 0})
	}
	if err := c.r.SetBackend(b); err != nil {
		c.t.Fatal(err)
	}
	c.labels[b.ID] = b.Labels
}

func (c *chaos) pick(of ...string) string { return of[c.rng.IntN(len(of))] }

func (c *chaos) submit() {
	q := Request{
		World: c.pick("one", "two", "three"), Class: Class(c.rng.IntN(2)), Models: append(c.some(allModels), "base"),
		Capability: Chat, Region: c.pick("", "eu", "us"), PromptTokens: c.rng.IntN(3000), MaxOutput: c.rng.IntN(500),
		Prefix: c.prefix[c.rng.IntN(len(c.prefix))],
	}
	if c.rng.IntN(2) == 0 {
		q.Labels = c.some(allLabels)
	}
	if ticket, err := c.r.Submit(q, c.now); err == nil {
		c.asked[ticket] = q
	} else {
		c.refused++
	}
}

func (c *chaos) check(a Assignment) {
	if a.Err != nil {
		c.refused++
		delete(c.asked, a.Ticket)
		return
	}
	q, ok := c.asked[a.Ticket]
	if !ok {
		c.t.Fatalf("assignment %+v is for a ticket that is not open", a)
	}
	for _, label := range q.Labels {
		if !slices.Contains(c.labels[a.Backend], label) {
			c.t.Fatalf("request with labels %q was sent to %s, which has %q", q.Labels, a.Backend, c.labels[a.Backend])
		}
	}
	c.placed++
	c.running = append(c.running, a)
}

// step ends or answers one of what runs, in a random way.
func (c *chaos) step() {
	i := c.rng.IntN(len(c.running))
	a := c.running[i]
	switch n := c.rng.IntN(20); {
	case n < 8:
		c.r.FirstToken(a.Attempt, c.now)
		return
	case n == 8:
		c.r.Cancel(a.Ticket, c.now)
		return
	}
	c.running[i] = c.running[len(c.running)-1]
	c.running = c.running[:len(c.running)-1]
	result := Finished
	if c.rng.IntN(4) == 0 {
		result = Result(c.rng.IntN(5))
	}
	c.r.Done(a.Attempt, Outcome{Result: result, OutTokens: c.rng.IntN(200)}, c.now)
}

func (c *chaos) round() {
	c.now = c.now.Add(time.Duration(c.rng.IntN(int(20 * time.Millisecond))))
	c.submit()
	for a, ok := c.r.Next(c.now); ok; a, ok = c.r.Next(c.now) {
		c.check(a)
	}
	for a, ok := c.r.Hedge(c.now); ok; a, ok = c.r.Hedge(c.now) {
		c.hedged++
		c.check(a)
	}
	for range 2 {
		if len(c.running) > 0 {
			c.step()
		}
	}
	switch c.rng.IntN(200) {
	case 0:
		c.setBackend()
	case 1:
		id := BackendID('a' + rune(c.rng.IntN(10)))
		c.r.RemoveBackend(id)
		delete(c.labels, id)
	case 4:
		c.r.SetReachable(BackendID('a'+rune(c.rng.IntN(10))), c.rng.IntN(2) == 0, c.now)
	case 2, 3:
		c.r.SetLoaded(BackendID('a'+rune(c.rng.IntN(10))), c.pick(allModels...), c.rng.IntN(2) == 0)
	}
	if len(c.asked) > 4096 { // tickets that ended; what is open is bounded by MaxRequests
		for id := range c.asked {
			if c.r.tickets.get(uint64(id)) == nil {
				delete(c.asked, id)
			}
		}
	}
}

// drain ends everything and looks for what was left behind.
func (c *chaos) drain() {
	for range 10000 {
		for a, ok := c.r.Next(c.now); ok; a, ok = c.r.Next(c.now) {
			c.check(a)
		}
		if len(c.running) == 0 && c.r.Queued(Dialogue)+c.r.Queued(Moderation) == 0 {
			break
		}
		c.now = c.now.Add(100 * time.Millisecond)
		for _, a := range c.running {
			c.r.Done(a.Attempt, Outcome{OutTokens: 1}, c.now)
		}
		c.running = c.running[:0]
	}
	checkIdle(c.t, c.r)
}

// One million requests with and without locality policy, over a pool that
// changes all the time, fails, is hedged and retried: not one is sent to a
// backend outside its policy.
func TestDataLocalityIsNeverViolated(t *testing.T) {
	requests := 1_000_000
	if testing.Short() {
		requests = 50_000
	}
	c := newChaos(t, 7)
	for range requests {
		c.round()
	}
	t.Logf("%d requests: %d sent, of which %d hedges; %d refused", requests, c.placed, c.hedged, c.refused)
	if c.placed < requests/2 || c.hedged == 0 {
		t.Errorf("only %d requests were sent and %d hedged: the test has no force", c.placed, c.hedged)
	}
	if float64(c.hedged) > 0.02*float64(c.placed)+1 {
		t.Errorf("%d hedges of %d sent, more than 2 %%", c.hedged, c.placed)
	}
	c.drain()
}

func TestNothingIsLeftBehind(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newChaos(t, rapid.Uint64().Draw(rt, "seed"))
		for range rapid.IntRange(0, 400).Draw(rt, "rounds") {
			c.round()
		}
		c.drain()
	})
}
