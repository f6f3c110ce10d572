package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/cluster/reference"
)

// newStory is a simulation in which nothing fails by itself: nodes, one
// instance on the first of them, and people in it.
func newStory(t *testing.T, nodes, people int) *sim {
	t.Helper()
	s := &sim{rng: rand.New(rand.NewPCG(1, 1)), keys: map[cluster.Key]*attempt{}, linger: map[cluster.Key]*lingering{}, reigns: map[earshot.InstanceID]reign{}, calm: true, roomy: true}
	s.store.dir = reference.New()
	s.in = []earshot.InstanceID{"in_0"}
	s.start()
	s.open("in_0")
	s.until(2 * time.Second)
	for range nodes - 1 {
		s.start()
	}
	for i := range people {
		s.people = append(s.people, &person{id: earshot.ParticipantID(fmt.Sprint("pa_", i))})
	}
	for _, p := range s.people {
		s.after(2*time.Second+s.within(time.Second), func() { s.join(p, "in_0") })
	}
	s.until(10 * time.Second)
	if n := s.admittedNow(); n != people {
		t.Fatalf("%d people are in, want %d (%s)", n, people, s.failure)
	}
	return s
}

// until lets time pass up to a moment.
func (s *sim) until(at time.Duration) {
	reached := false
	s.at(at, func() { reached = true })
	for !reached && s.failure == "" {
		s.run(s.steps + 1)
	}
}

func (s *sim) admittedNow() (n int) {
	for _, p := range s.people {
		n += min(len(p.sessions), 1)
	}
	return n
}

// A node dies: its instance is claimed, and its people are back.
func TestStoryCrash(t *testing.T) {
	var back []time.Duration
	for range 3 {
		s := newStory(t, 3, 60)
		s.decree(s.people[3])
		s.until(11 * time.Second)
		first := s.nodes[0]
		s.crash(first)
		died := s.now
		for s.failure == "" && s.now < died+20*time.Second && len(back) == 0 || s.admittedNow() < 60 && s.failure == "" && s.now < died+20*time.Second {
			before := s.admittedNow()
			s.run(s.steps + 1)
			for range s.admittedNow() - before {
				back = append(back, s.now-died)
			}
		}
		if s.failure != "" || s.admittedNow() < 60 {
			t.Fatalf("%d of 60 are back after 20 s: %s", s.admittedNow(), s.failure)
		}
		for _, p := range s.people {
			if p.sessions[0].node == first {
				t.Errorf("%s is still on the node that died", p.id)
			}
		}
	}
	slices.Sort(back)
	t.Logf("back after p50 %v, p95 %v, last %v", back[len(back)/2].Round(time.Millisecond), back[len(back)*95/100].Round(time.Millisecond), back[len(back)-1].Round(time.Millisecond))
	if limit := 6 * time.Second; back[len(back)*95/100] > limit {
		t.Errorf("p95 is more than %v", limit)
	}
}

// The store is away for a minute: nobody in an instance notices, nobody enters,
// and afterwards all is as before.
func TestStoryStoreAway(t *testing.T) {
	s := newStory(t, 3, 40)
	s.outage(time.Minute)
	s.until(15 * time.Second)
	owner := s.nodes[0]
	if owner.n.Admits("in_0", s.clock(owner)) {
		t.Error("the owner admits 5 s after its last renewal")
	}
	s.until(69 * time.Second)
	if s.tally.ended+s.tally.lost > 0 || s.admittedNow() != 40 {
		t.Errorf("while the store was away %d sessions ended and %d instances were lost", s.tally.ended, s.tally.lost)
	}
	s.until(75 * time.Second)
	if !owner.n.Admits("in_0", s.clock(owner)) {
		t.Error("the owner does not admit 5 s after the store's return")
	}
	s.until(90 * time.Second)
	s.converged()
	if s.failure != "" || s.tally.ended > 0 {
		t.Errorf("after the store's return: %d ended, %s", s.tally.ended, s.failure)
	}
}

// Who is in a full instance comes in again, as after a lost connection, and takes
// no more room than they have: somebody else does not come in.
func TestStoryFull(t *testing.T) {
	s := newStory(t, 1, 0)
	node := s.nodes[0]
	s.input(node, func(now cluster.Now) {
		node.n.Open(cluster.InstanceRecord{Instance: "in_1", World: "w", Soft: 3, Hard: 4}, true, now)
	})
	s.until(11 * time.Second)
	for i := range 5 {
		s.people = append(s.people, &person{id: earshot.ParticipantID(fmt.Sprint("pa_", i))})
	}
	join := func(p *person) {
		s.input(node, func(now cluster.Now) {
			key := node.n.Join(cluster.Join{Participant: p.id, Instance: "in_1", Invited: true}, now)
			s.keys[key] = &attempt{key: key, node: node, began: s.now}
		})
		s.until(s.now + 2*time.Second)
	}
	in, stranger := s.people[:4], s.people[4]
	for _, p := range in {
		join(p)
	}
	if node.n.Admits("in_1", s.clock(node)) {
		t.Fatal("four are in, and the instance of four admits more")
	}
	for _, p := range in {
		had := p.sessions[0].key
		if join(p); len(p.sessions) != 1 || p.sessions[0].key == had {
			t.Errorf("%s, who is in, could not come in again", p.id)
		}
	}
	if join(stranger); len(stranger.sessions) > 0 || s.admittedNow() != 4 {
		t.Errorf("%d are in an instance of four", s.admittedNow())
	}
	s.converged()
	if s.failure != "" {
		t.Error(s.failure)
	}
}

// A node with 100 people is drained: everybody is handed over, nobody dropped,
// and they are not asked all at once.
func TestStoryDrain(t *testing.T) {
	s := newStory(t, 3, 100)
	first := s.nodes[0]
	began := s.now
	first.drain = &simDrain{first, s.now + 30*time.Second}
	s.input(first, func(now cluster.Now) { first.n.Drain(30*time.Second, now) })
	most := 0
	for !first.drained && s.failure == "" && s.now < began+time.Minute {
		s.run(s.steps + 1)
		moves, _, _ := first.n.Pending()
		most = max(most, moves)
	}
	took := s.now - began
	t.Logf("drained in %v, %d handed over, %d ended, at most %d at once", took.Round(time.Millisecond), s.tally.moved, s.tally.ended, most)
	if s.failure != "" || took > 30*time.Second || s.admittedNow() != 100 {
		t.Errorf("%d of 100 are elsewhere after %v: %s", s.admittedNow(), took, s.failure)
	}
	if most > cluster.DefaultConfig().MaxMoves {
		t.Errorf("%d handoffs at once, want at most %d", most, cluster.DefaultConfig().MaxMoves)
	}
}

// A node that is partitioned from the store and from its people's next owner
// finds itself fenced, and nobody is twice anywhere.
func TestStoryPausedOwner(t *testing.T) {
	s := newStory(t, 3, 20)
	first := s.nodes[0]
	first.paused = s.now + 10*time.Second
	s.until(19 * time.Second)
	owners := 0
	for _, node := range s.nodes[1:] {
		if node.n.Admits("in_0", s.clock(node)) {
			owners++
		}
	}
	if owners != 1 {
		t.Errorf("%d nodes admit while the owner sleeps, want 1", owners)
	}
	s.until(22 * time.Second)
	if s.tally.lost != 1 || first.n.Admits("in_0", s.clock(first)) {
		t.Errorf("the owner that woke was told %d times that it is none", s.tally.lost)
	}
	s.until(60 * time.Second)
	s.converged()
	if s.failure != "" || s.admittedNow() != 20 {
		t.Errorf("%d of 20 are in: %s", s.admittedNow(), s.failure)
	}
}

// An instance is closed: everybody goes, nobody comes back to it, and no node
// opens it again.
func TestStoryClose(t *testing.T) {
	s := newStory(t, 2, 10)
	first := s.nodes[0]
	s.input(first, func(now cluster.Now) { first.n.Close("in_0", now) })
	s.until(30 * time.Second)
	if s.tally.ended != 10 || s.admittedNow() != 0 || s.failure != "" {
		t.Errorf("%d of 10 sessions ended, %d people are in: %s", s.tally.ended, s.admittedNow(), s.failure)
	}
	second := s.nodes[1]
	s.input(second, func(now cluster.Now) {
		second.n.Open(cluster.InstanceRecord{Instance: "in_0", World: "w", Soft: 5, Hard: 5}, false, now)
	})
	s.until(31 * time.Second)
	if s.tally.granted != 1 || second.n.Owns("in_0") || first.n.Owns("in_0") {
		t.Errorf("a closed instance was granted %d times, want once, long ago", s.tally.granted)
	}
}
