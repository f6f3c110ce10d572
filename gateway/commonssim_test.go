package gateway

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
	"earshot/presence/docket"
)

// simDocket is a store that forgets: emptied, or set back to an earlier moment.
type simDocket struct {
	head    docket.Head
	entries []docket.Placed
}

func (s *simDocket) read(after docket.Head) docket.Page {
	at := slices.IndexFunc(s.entries, func(e docket.Placed) bool { return e.Head == after })
	if after != (docket.Head{}) && at < 0 {
		return docket.Page{Lost: true}
	}
	rest := s.entries[at+1:]
	n := min(len(rest), 3) // many pages
	p := docket.Page{Entries: slices.Clone(rest[:n]), Head: s.head, More: n < len(rest)}
	if p.More {
		p.Head = rest[n-1].Head
	}
	return p
}

func (s *simDocket) enter(list []docket.Entry) (news []docket.News) {
	for _, e := range list {
		if slices.ContainsFunc(s.entries, func(p docket.Placed) bool { return p.ID == e.ID }) {
			continue
		}
		n := docket.News{Before: s.head, Placed: docket.Placed{Head: s.head.Next(e.ID), ID: e.ID, Data: e.Data}}
		s.head, s.entries = n.Head, append(s.entries, n.Placed)
		news = append(news, n)
	}
	return news
}

// simNode is a node: its journal outlives a crash, what waits does not.
type simNode struct {
	name    string
	journal *journal.Journal
	docket  *docket.Docket
	inbox   []docket.News
	cut     bool
	lifted  map[string]bool // incidents that this node knows to be undone
}

// sim is some nodes, a store, and what was decided.
type sim struct {
	t       *testing.T
	rng     *rand.Rand
	now     time.Time
	store   simDocket
	before  []simDocket // what it may be set back to
	nodes   []*simNode
	muted   []string // incidents
	undone  map[string]bool
	crashes int
}

func simWho(incident string) earshot.ParticipantID {
	return earshot.ParticipantID("pa_" + incident[len(incident)-1:])
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{t: t, rng: rand.New(rand.NewPCG(seed, 7)), now: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), undone: map[string]bool{}}
	for i := range 3 {
		j, err := journal.NewMemory(journal.Config{})
		if err != nil {
			t.Fatal(err)
		}
		n := &simNode{name: fmt.Sprint("https://", i), journal: j, docket: docket.New(), lifted: map[string]bool{}}
		j.Share(n.name, func(shared journal.Shared) { s.put(n, &shared) })
		s.nodes = append(s.nodes, n)
	}
	return s
}

func (s *sim) put(n *simNode, shared *journal.Shared) {
	data, err := shared.Encode()
	if err != nil {
		s.t.Fatal(err)
	}
	n.docket.Put(docket.Entry{ID: shared.ID, For: time.Hour, Data: data})
}

// take is what commons.take does.
func (s *sim) take(n *simNode, list []docket.Placed) {
	for _, p := range list {
		shared, err := journal.DecodeShared(p.Data)
		if err == nil {
			_, err = n.journal.Hear(s.t.Context(), []journal.Shared{shared})
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	if len(list) > 0 {
		s.check(n)
	}
}

// op has a node ask the store, whose answer, or the question, may be lost.
func (s *sim) op(n *simNode, safe bool) (more bool) {
	op, ok := n.docket.Next()
	if !ok {
		return false
	}
	lost := func() bool { return !safe && s.rng.IntN(8) == 0 }
	if !safe && n.cut || lost() {
		n.docket.Failed()
		return true
	}
	if op.Append != nil {
		s.before = append(s.before, simDocket{s.store.head, slices.Clone(s.store.entries)})
		for _, news := range s.store.enter(op.Append) {
			for _, to := range s.nodes {
				for range s.rng.IntN(3) { // lost, once, twice
					if !to.cut {
						to.inbox = append(to.inbox, news)
					}
				}
			}
		}
		if lost() {
			n.docket.Failed()
		} else {
			n.docket.Written()
		}
		return true
	}
	page := s.store.read(op.After)
	if lost() {
		n.docket.Failed()
		return true
	}
	entries, again := n.docket.Read(page)
	s.take(n, entries)
	if again {
		err := n.journal.Sharing(s.now, func(shared journal.Shared) {
			if n.docket.Lacks(shared.ID) {
				s.put(n, &shared)
			}
		})
		if err != nil {
			s.t.Fatal(err)
		}
		n.docket.Said()
	}
	return true
}

// step does something at random.
func (s *sim) step() {
	s.now = s.now.Add(time.Second)
	n := s.nodes[s.rng.IntN(len(s.nodes))]
	if s.act(n) {
		s.check(n)
	}
}

// act has a node do something at random, or something happen to it. It reports
// whether that may change by itself what is in the journal.
func (s *sim) act(n *simNode) (decides bool) {
	skewed := s.now.Add(time.Duration(s.rng.IntN(600)-300) * time.Second)
	what := s.rng.IntN(12)
	switch what {
	case 0:
		id := fmt.Sprintf("ic_%d_%d", len(s.muted), s.rng.IntN(3))
		acts := []policy.Act{{Action: policy.Mute}}
		err := n.journal.Decide(s.t.Context(), &journal.Incident{
			Incident: policy.Incident{ID: id, World: "plaza", Who: simWho(id), At: skewed, Decision: policy.Decision{Actions: acts, Review: true}},
			Order:    &journal.Order{Who: simWho(id), Acts: acts, At: skewed},
		})
		if err != nil {
			s.t.Fatal(err)
		}
		s.muted = append(s.muted, id)
	case 1:
		if len(s.muted) == 0 {
			return false
		}
		id := s.muted[s.rng.IntN(len(s.muted))]
		err := n.journal.Undo(s.t.Context(), &journal.Undo{Incident: id, By: "mod", At: skewed})
		if err == nil {
			s.undone[id], n.lifted[id] = true, true
		} // else it is not known here, or undone already
	case 2:
		if len(s.muted) > 0 {
			_ = n.journal.Judge(s.t.Context(), &journal.Judgement{ // the same
				Incident: s.muted[s.rng.IntN(len(s.muted))], Judgement: policy.Judgement{Verdict: policy.Right, By: "mod", At: skewed},
			})
		}
	case 3:
		n.cut = !n.cut
	case 4:
		n.docket.Miss()
	case 5:
		if s.rng.IntN(40) == 0 {
			s.store = simDocket{}
		} else if len(s.before) > 0 && s.rng.IntN(10) == 0 {
			back := s.before[max(0, len(s.before)-1-s.rng.IntN(5))]
			s.store = simDocket{back.head, slices.Clone(back.entries)}
		}
	case 6:
		if s.rng.IntN(10) == 0 { // what waits is gone
			n.docket, n.inbox, n.cut = docket.New(), nil, false
			s.crashes++
		}
	case 7, 8:
		if len(n.inbox) > 0 && !n.cut { // in any order
			i := s.rng.IntN(min(len(n.inbox), 4))
			news := n.inbox[i]
			if s.rng.IntN(5) > 0 {
				n.inbox = slices.Delete(n.inbox, i, i+1)
			}
			if n.docket.Hear(news) {
				s.take(n, []docket.Placed{news.Placed})
			}
		}
	default:
		s.op(n, false)
	}
	return what <= 2
}

// inForce are the incidents that mute somebody, by a node's word.
func (s *sim) inForce(n *simNode) (out []string) {
	standings, err := n.journal.Standings(s.t.Context(), s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, standing := range standings {
		for _, sanction := range standing.Record.InForce {
			out = append(out, sanction.Incident)
		}
	}
	slices.Sort(out)
	return out
}

// check: what a node knows to be undone never comes back there.
func (s *sim) check(n *simNode) {
	force := s.inForce(n)
	for _, id := range s.muted {
		if !n.lifted[id] {
			it, err := n.journal.Item(s.t.Context(), id)
			n.lifted[id] = err == nil && it.Undo != nil
		}
		if n.lifted[id] && slices.Contains(force, id) {
			s.t.Fatalf("%s is in force at %s, where it is known to be undone", id, n.name)
		}
	}
}

// TestCommonsSimulation: three nodes whose news are lost, doubled and come in any
// order, whose questions and answers are lost, which are cut off and crash, over a
// store that is emptied or set back, with clocks five minutes apart. In the end
// every mute is in force everywhere unless it was undone anywhere.
func TestCommonsSimulation(t *testing.T) {
	t.Parallel()
	seeds, steps := uint64(simulations), 1200
	if testing.Short() {
		seeds = 8
	}
	crashes, decided, undone := 0, 0, 0
	for seed := range seeds {
		s := newSim(t, seed)
		for range steps {
			s.step()
			if len(s.muted) == 40 { // of a record only so many sanctions are kept
				break
			}
		}
		for range 4 { // all is well now
			for _, n := range s.nodes {
				n.cut, n.inbox = false, nil
				n.docket.Miss()
				for s.op(n, true) {
				}
			}
		}
		var want []string
		for _, id := range s.muted {
			if !s.undone[id] {
				want = append(want, id)
			}
		}
		slices.Sort(want)
		for _, n := range s.nodes {
			for _, id := range s.muted {
				it, err := n.journal.Item(t.Context(), id)
				if err != nil || (it.Undo != nil) != s.undone[id] {
					t.Fatalf("seed %d: at %s, %s: %v, undone %t, want %t", seed, n.name, id, err, it.Undo != nil, s.undone[id])
				}
			}
			for _, id := range s.inForce(n) {
				if s.undone[id] {
					t.Fatalf("seed %d: %s is in force at %s", seed, id, n.name)
				}
			}
			for _, id := range want {
				o, err := n.journal.Record(t.Context(), "plaza", simWho(id), s.now)
				if _, muted := o.Sanctioned(policy.Mute, s.now); err != nil || !muted {
					t.Fatalf("seed %d: at %s nobody is muted by %s: the mute was lost", seed, n.name, id)
				}
			}
			if _, err := n.journal.Verify(t.Context()); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		crashes, decided, undone = crashes+s.crashes, decided+len(s.muted), undone+len(s.undone)
	}
	t.Logf("%d seeds: %d mutes, %d undone, %d crashes", seeds, decided, undone, crashes)
}
