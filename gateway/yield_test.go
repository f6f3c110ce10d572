package gateway

import (
	"testing"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// A copy of a world that has been empty for long is nobody's any more: another
// node may have it at once, and so may its own.
func TestEmptyCopiesAreGivenUp(t *testing.T) {
	t.Parallel()
	shared := store.NewMemory()
	list := nodesOf(t, shared, 2, nil)
	first, second := list[0], list[1]
	for round, n := range []*node{first, second, second} {
		ada := n.guest("ada", of("in_plaza_party"))
		if !n.fleet.Owns("in_plaza_party") {
			t.Fatalf("the node where ada is does not own her instance")
		}
		in := n.runningAs("in_plaza_party")
		ada.conn.Close()
		eventually(t, "ada is gone", func() bool { return in.size() == 0 })
		now := time.Now()
		in.closeIdle(now.Add(time.Hour)) // the room of LiveKit's API
		if early, ended := in.retire(now), in.retire(now.Add(time.Hour)); early || !ended {
			t.Fatalf("round %d: an empty copy ended early: %v, at all: %v", round, early, ended)
		}
		n.forget(in)
		eventually(t, "the store knows that it is nobody's", func() bool {
			r, err := shared.Do(t.Context(), cluster.ReadInstance{Instance: "in_plaza_party"})
			return err == nil && r.Left <= 0
		})
		pause(n.fleet.cfg.Timing.Survey) // who has just asked may still be told of it
		eventually(t, "it is nobody's", func() bool {
			return !n.fleet.Owns("in_plaza_party") && !first.fleet.lists("in_plaza_party") && !second.fleet.lists("in_plaza_party")
		})
	}
}

// Who comes back in the moment in which it is given up is let in.
func TestGivenUpAndWantedAgain(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 1, nil)
	n := list[0]
	for range 3 {
		ada := n.guest("ada", of("in_plaza_party"))
		in := n.runningAs("in_plaza_party")
		ada.conn.Close()
		eventually(t, "ada is gone", func() bool { return in.size() == 0 })
		now := time.Now()
		in.closeIdle(now.Add(time.Hour))
		in.retire(now)
		in.retire(now.Add(time.Hour))
		n.forget(in)
	}
}

// runningAs returns an instance that runs.
func (n *node) runningAs(id earshot.InstanceID) *Instance {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.instances[id]
}
