package cluster_test

import (
	"testing"
	"time"

	"earshot/presence/cluster"
	"earshot/presence/cluster/reference"
)

// The store is away and comes back empty: what owners write before they renew is
// refused, since nobody owns anything there, and that costs nobody an instance.
func TestStoryStoreBackEmpty(t *testing.T) {
	s := newStory(t, 3, 40)
	s.outage(20 * time.Second)
	s.until(29 * time.Second)
	s.store.dir, s.store.wiped = reference.New(), s.now
	s.until(35500 * time.Millisecond)
	if s.tally.ended+s.tally.lost > 0 || s.admittedNow() != 40 || s.failure != "" {
		t.Errorf("%d sessions ended and %d instances were lost: %s", s.tally.ended, s.tally.lost, s.failure)
	}
	if owner := s.nodes[0]; !owner.n.Admits("in_0", s.clock(owner)) {
		t.Error("the owner does not admit 5.5 s after the store's return")
	}
	s.until(60 * time.Second)
	s.converged()
	if s.failure != "" || s.tally.ended+s.tally.lost > 0 {
		t.Errorf("%d sessions ended, %d instances were lost: %s", s.tally.ended, s.tally.lost, s.failure)
	}
}

// Who asks other nodes for an instance by its name, in the moment in which the
// store is back and knows of nothing, does not take it from its owner.
func TestStoryStoreBackEmptyAndAskedFor(t *testing.T) {
	s := newStory(t, 3, 40)
	s.outage(20 * time.Second)
	s.until(29 * time.Second)
	s.store.dir, s.store.wiped = reference.New(), s.now
	for at := 29 * time.Second; at < 36*time.Second; at += 20 * time.Millisecond {
		s.until(at)
		for _, other := range s.nodes[1:] {
			if !other.n.Away() {
				other.n.Open(cluster.InstanceRecord{Instance: "in_0", World: "plaza", Soft: 100, Hard: 100}, false, s.clock(other))
			}
		}
	}
	s.until(60 * time.Second)
	s.converged()
	if s.failure != "" || s.tally.ended+s.tally.lost > 0 {
		t.Errorf("%d sessions ended, %d instances were lost: %s", s.tally.ended, s.tally.lost, s.failure)
	}
}
