package gateway

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/presence/directory"
	"earshot/presence/store"
	"earshot/presence/store/servertest"
)

// Three nodes with a real server, people walking on all of them: how long after
// somebody moves, or has joined, the other two know of it. The figures of
// docs/store.md:
//
//	EARSHOT_CONVERGENCE_PEOPLE=300 go test ./gateway -run '^TestConvergence$' -v
func TestConvergence(t *testing.T) {
	people, samples := 12, 10
	if text := os.Getenv("EARSHOT_CONVERGENCE_PEOPLE"); text != "" {
		var err error
		if people, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		samples = people * 3 / 2
	}
	server := servertest.Start(t)
	cfg := store.DefaultConfig()
	cfg.Addresses = []string{server.Address}
	shared, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shared.Close() })
	nodes := nodesOf(t, shared, 3, func(c *Config) {
		w := c.Worlds["plaza"]
		w.MaxInstances = 5
		c.Worlds["plaza"], c.MaxJoinsPerAddress = w, 0
	})
	for _, n := range nodes {
		n.lookout.watch(t.Context(), "plaza")
	}

	var joins, moves []time.Duration
	var all []*stroller
	for i := range people {
		n := nodes[i%3]
		g := n.guest(fmt.Sprint("p", i), func(c *Claims) {
			of(earshot.InstanceID(fmt.Sprint("in_plaza_", 2+i%3)))(c)
			c.Expires = time.Now().Add(time.Hour)
		})
		joined := time.Now()
		all = append(all, &stroller{node: n, in: n.runningAs(g.me.Instance), id: g.id()})
		go g.drain()
		if i >= people/2 {
			joins = append(joins, seenBy(t, nodes, n, joined, g.id(), func(s *directory.Sighting) bool { return s.Flags&directory.Located != 0 }))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var crowd sync.WaitGroup
	defer crowd.Wait()
	crowd.Go(func() { walkAll(ctx, all) })
	random := rand.New(rand.NewPCG(1, 2))
	for range samples {
		<-time.After(time.Duration(random.IntN(60)) * time.Millisecond)
		w := all[random.IntN(len(all))]
		moved, to := w.jump()
		moves = append(moves, seenBy(t, nodes, w.node, moved, w.id, func(s *directory.Sighting) bool { return s.Position.Distance(to) < 2 }))
		w.resume()
	}
	cancel()
	reportDelays(t, "moves", moves)
	reportDelays(t, "joins", joins)
}

func reportDelays(t *testing.T, what string, list []time.Duration) {
	slices.Sort(list)
	at := func(q float64) time.Duration { return list[int(q*float64(len(list)-1))].Round(time.Millisecond) }
	t.Logf("%d %s were known on the other nodes after p50 %v, p95 %v, p99 %v, at most %v", len(list), what, at(0.5), at(0.95), at(0.99), at(1))
}

// seenBy returns how long after a moment the last of the other nodes knows.
func seenBy(t *testing.T, nodes []*node, own *node, since time.Time, id earshot.ParticipantID, ok func(*directory.Sighting) bool) time.Duration {
	t.Helper()
	for _, n := range nodes {
		for n != own {
			if s, here := n.lookout.dir.Sighting("plaza", id); here && ok(&s) {
				break
			}
			if time.Since(since) > patience {
				t.Fatalf("%s is not known on another node", id)
			}
			<-time.After(time.Millisecond)
		}
	}
	return time.Since(since)
}

// stroller is somebody who walks to and fro, and now and then jumps.
type stroller struct {
	node *node
	in   *Instance
	id   earshot.ParticipantID

	mu    sync.Mutex
	x     float32
	speed float32 // metres a second
	still bool
}

// walkAll moves everybody ten times a second, as their clients would.
func walkAll(ctx context.Context, all []*stroller) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for i, w := range all {
		w.speed = 1.4 - 2.8*float32(i%2)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, w := range all {
			w.mu.Lock()
			if w.x += w.speed / 10; w.x > 40 || w.x < -40 {
				w.speed = -w.speed
			}
			if !w.still {
				w.in.space.Move(w.id, earshot.Standing(earshot.Vec3{X: w.x}, 0), time.Now())
			}
			w.mu.Unlock()
		}
	}
}

// jump puts w somewhere else, where it stays until resume.
func (w *stroller) jump() (at time.Time, to earshot.Vec3) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.still = true
	to = earshot.Vec3{X: w.x, Z: 10}
	at = time.Now()
	w.in.space.Move(w.id, earshot.Standing(to, 0), at)
	return at, to
}

func (w *stroller) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.still = false
}

// drain reads what comes, for as long as the connection lives.
func (g *guest) drain() {
	g.read()
	for range g.came { // and nothing is made of it
	}
}
