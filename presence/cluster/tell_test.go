package cluster_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"earshot/presence/cluster"
)

// What one node tells another comes there in order and once, though the network
// loses, doubles and delays; what cannot be told for long is given up, and what
// comes after it arrives.
func TestStoryTell(t *testing.T) {
	s := newStory(t, 2, 2)
	first, second := s.nodes[0], s.nodes[1]
	s.calm = false // the network fails as in the simulation, the nodes do not
	tell := func(i int) {
		s.input(first, func(now cluster.Now) {
			if err := first.n.Tell(second.id, binary.BigEndian.AppendUint32(nil, uint32(i)), now); err != nil {
				t.Fatal(err)
			}
		})
	}
	for i := range 200 {
		tell(i)
		s.until(s.now + time.Duration(i%7)*40*time.Millisecond)
	}
	s.until(s.now + 9*time.Second)
	var got []uint32
	for _, p := range s.told {
		got = append(got, binary.BigEndian.Uint32(p))
	}
	if len(got) != 200 || !slices.IsSorted(got) || len(slices.Compact(got)) != 200 {
		t.Errorf("heard %d of 200, in order %v: %v", len(got), slices.IsSorted(got), got)
	}
	s.told, s.calm = nil, true
	second.apart = true
	tell(1000)
	s.until(s.now + 8*time.Second)
	tell(1001)
	s.until(s.now + 4*time.Second)
	second.apart = false
	s.until(s.now + 2*time.Second)
	if len(s.told) != 1 || binary.BigEndian.Uint32(s.told[0]) != 1001 {
		t.Errorf("after %d things: want only what was not given up", len(s.told))
	}
	tell(1002)
	s.until(s.now + time.Second)
	if len(s.told) != 2 {
		t.Errorf("what was told afterwards was heard %d times", len(s.told)-1)
	}
	s.input(first, func(now cluster.Now) {
		if err := first.n.Tell(first.id, nil, now); err == nil {
			t.Error("a node tells itself something")
		}
		if err := first.n.Tell(second.id, make([]byte, cluster.MaxTold+1), now); err == nil {
			t.Error("something too large is told")
		}
	})
}
