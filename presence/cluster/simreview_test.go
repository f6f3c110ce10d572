package cluster_test

import (
	"testing"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// reign is since when an instance has had its present owner.
type reign struct {
	epoch cluster.Epoch
	since time.Duration
}

// review has whoever holds the first instance propose something, as the review of
// a world would.
func (s *sim) review() {
	p := cluster.Proposal{
		Kind: cluster.ProposalKind(s.rng.IntN(3)), World: "w", By: s.in[0],
		Instance: s.in[1+s.rng.IntN(len(s.in)-1)], Into: s.in[s.rng.IntN(len(s.in))],
	}
	to := s.owner(p.Instance)
	if to == nil || p.Instance == p.Into {
		return
	}
	for _, node := range s.nodes {
		s.input(node, func(now cluster.Now) {
			if node.n.Propose(p, to.id, now) {
				s.tally.proposed++
			}
		})
	}
}

// proposed does what a gateway does at a proposal: of a merge, its people are
// offered to go on elsewhere, and what is left of it is listed again.
func (s *sim) proposed(node *simNode, e cluster.Event) {
	p := e.Proposal
	const told = 4 * time.Second // within which everybody has heard of another owner
	if r := s.reigns[p.By]; p.Epoch < r.epoch && r.since > s.store.wiped && s.now-r.since > told && s.settledFor(node) > told {
		s.wrong("%s heeds a proposal of epoch %d for %s, which has had epoch %d since %v", node.id, p.Epoch, p.By, r.epoch, r.since)
	}
	s.tally.heeded++
	switch p.Kind {
	case cluster.ProposeOpen:
		s.input(node, func(now cluster.Now) {
			node.n.Open(cluster.InstanceRecord{Instance: p.Instance, World: "w", Region: "here", Soft: 8, Hard: 12}, false, now)
		})
	case cluster.ProposeClose:
		s.input(node, func(now cluster.Now) {
			if node.n.Yield(p.Instance, now) {
				s.tally.yielded++
			}
		})
	case cluster.ProposeMerge:
		s.input(node, func(now cluster.Now) {
			if !node.n.Unlist(p.Instance, p.Into, now) {
				return
			}
			s.tally.unlisted++
			if node.n.Admits(p.Instance, now) {
				s.wrong("%s admits to %s, which it took off the lists", node.id, p.Instance)
			}
			for _, person := range s.people {
				for _, at := range person.sessions {
					if at.node == node && at.instance == p.Instance {
						s.after(s.within(3*time.Second), func() { s.offer(at, p.Into) })
					}
				}
			}
			s.after(s.within(12*time.Second), func() {
				s.input(node, func(now cluster.Now) { node.n.Relist(p.Instance, now) })
			})
		})
	}
}

// offer has somebody go on in another instance, where they need not.
func (s *sim) offer(at *session, into earshot.InstanceID) {
	if to := s.owner(into); to != nil && s.holds(at) {
		s.moveTo(at, into, to)
	}
}

// Two instances are put together, on one node and on two: everybody is handed
// over but for one whom somebody there has blocked, old connections go on until
// all have gone and not for ever, and what is left is listed again.
func TestStoryMerge(t *testing.T) {
	for nodes := 1; nodes <= 2; nodes++ {
		s := newStory(t, nodes, 12)
		first, last := s.nodes[0], s.nodes[nodes-1]
		record := cluster.InstanceRecord{Instance: "in_1", World: "w", Soft: 500, Hard: 500}
		s.input(last, func(now cluster.Now) { last.n.Open(record, true, now) })
		s.until(s.now + 2*time.Second)
		native := &person{id: "pa_native"}
		s.people = append(s.people, native)
		s.join(native, "in_1")
		s.until(s.now + time.Second)
		s.input(last, func(now cluster.Now) {
			last.n.Order(cluster.Order{Kind: cluster.Block, Of: "pa_native", Against: "pa_3"}, now)
		})
		s.input(first, func(now cluster.Now) { // who were together already stay so
			first.n.Order(cluster.Order{Kind: cluster.Block, Of: "pa_4", Against: "pa_5"}, now)
		})
		s.until(s.now + time.Second)
		listed := true
		s.input(first, func(now cluster.Now) {
			listed = !first.n.Unlist("in_0", "in_1", now) || first.n.Admits("in_0", now)
		})
		if listed {
			t.Fatal("in_0 is listed still, and admits")
		}
		for _, p := range s.people[:12] {
			s.moveTo(p.sessions[0], "in_1", last)
		}
		lingering := 0
		for end := s.now + 8*time.Second; s.now < end && s.failure == ""; {
			s.run(s.steps + 1)
			lingering = max(lingering, len(s.linger))
		}
		s.input(first, func(now cluster.Now) { first.n.Relist("in_0", now) })
		s.until(s.now + 20*time.Second)
		if s.failure != "" || lingering < 5 || len(s.linger) > 0 {
			t.Errorf("%d nodes: %d lingered, %d still do: %s", nodes, lingering, len(s.linger), s.failure)
		}
		for _, p := range s.people {
			want := earshot.InstanceID("in_1")
			if p.id == "pa_3" {
				want = "in_0"
			}
			if len(p.sessions) != 1 || p.sessions[0].instance != want {
				t.Errorf("%d nodes: %s has %d sessions, want one in %s", nodes, p.id, len(p.sessions), want)
			}
		}
		if !first.n.Admits("in_0", s.clock(first)) {
			t.Error("in_0 was listed again, and does not admit")
		}
		s.in = append(s.in, "in_1")
		s.converged()
		if s.failure != "" {
			t.Error(s.failure)
		}
	}
}

// A node that has lost the lease by which it proposes is not heeded.
func TestStoryLateProposal(t *testing.T) {
	s := newStory(t, 3, 4)
	first, third := s.nodes[0], s.nodes[2]
	propose := func(p cluster.Proposal, to earshot.NodeID) (sent bool) {
		s.input(first, func(now cluster.Now) { sent = first.n.Propose(p, to, now) })
		return sent
	}
	p := cluster.Proposal{Kind: cluster.ProposeOpen, World: "w", By: "in_0", Instance: "in_9"}
	s.network = 8 * time.Second // as if the node slept between asking and sending
	if !propose(p, third.id) {
		t.Fatal("the owner may not propose")
	}
	s.network = 0
	first.paused = s.now + 6*time.Second
	s.until(s.now + 12*time.Second)
	if s.tally.heeded > 0 {
		t.Error("what an owner said before it lost its lease was heeded after another had it")
	}
	if propose(p, third.id) {
		t.Error("an owner that is none any more may propose")
	}
	owner := s.nodes[1]
	if third.n.Owns("in_0") {
		owner = third
	}
	s.input(owner, func(now cluster.Now) { owner.n.Propose(p, owner.id, now) })
	s.until(s.now + time.Second)
	if s.tally.heeded != 1 {
		t.Errorf("the new owner was heeded %d times, want once, also by itself", s.tally.heeded)
	}
}
