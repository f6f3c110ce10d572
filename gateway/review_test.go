package gateway

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/loadtest"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// thinWorld is one whose instances are closed within seconds, and put together by
// reviews only after all that a test does.
func thinWorld(c *Config) {
	w := DefaultWorld()
	w.Capacity, w.MaxInstances, w.NPCs = 20, 6, nil
	c.Worlds = map[string]WorldConfig{"plaza": w}
	p := &c.Instances.Placement
	p.MergeBelow, p.MergeAfter, p.CloseAfter, p.StartTime, p.MergeInvites = 0.5, 8*patience, time.Second, time.Second, 4
}

// opens has an instance run on a node.
func (n *node) opens(id earshot.InstanceID) *Instance {
	n.t.Helper()
	in, err := n.manager.at(n.t.Context(), id, "plaza", true)
	if err != nil {
		n.t.Fatal(err)
	}
	return in
}

// setups are the ways in which two instances can lie: on a node alone, on one of
// two nodes, on both.
func setups(t *testing.T, f func(t *testing.T, first, second *node), change ...func(*Config)) {
	config := func(c *Config) {
		thinWorld(c)
		for _, more := range change {
			more(c)
		}
	}
	t.Run("a node alone", func(t *testing.T) {
		n := startNode(t, config)
		f(t, n, n)
	})
	t.Run("one of two nodes", func(t *testing.T) {
		owner, _ := ownerOf(t, nodesOf(t, store.NewMemory(), 2, config), "in_plaza")
		f(t, owner, owner)
	})
	t.Run("two nodes", func(t *testing.T) {
		owner, other := ownerOf(t, nodesOf(t, store.NewMemory(), 2, config), "in_plaza")
		f(t, owner, other)
	})
}

const copyOfPlaza earshot.InstanceID = "in_plaza_123456789"

// inCopy has a bot join the copy.
func inCopy(c *loadtest.Config) { c.Instance = copyOfPlaza }

// stand has a bot stand with the others, where all hear it.
func stand(i int) func(*loadtest.Config) {
	return func(c *loadtest.Config) { c.Move, c.Slots = statue(earshot.Vec3{Z: float32(i)}), 12 }
}

// Of several nodes one decides, and when it dies another does. What it wants of
// others they do.
func TestOneDecides(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 3, func(c *Config) { thinWorld(c); mortal(c) })
	owner, _ := ownerOf(t, list, "in_plaza")
	deciding := func() (n int) {
		for _, o := range list {
			if o.reviewer.decides("plaza") {
				n++
			}
		}
		return n
	}
	if deciding() != 1 || !owner.reviewer.decides("plaza") {
		t.Fatalf("%d of three nodes decide, want the owner of in_plaza", deciding())
	}
	var other *node
	for _, o := range list {
		if o != owner {
			other = o
		}
	}
	eventually(t, "both know in_plaza", func() bool { return other.fleet.lists("in_plaza") })
	if other.fleet.Propose(cluster.Proposal{Kind: cluster.ProposeOpen, World: "plaza", By: "in_plaza", Instance: copyOfPlaza}, owner.fleet.ID()) {
		t.Error("a node that owns nothing proposes")
	}
	if !owner.fleet.Propose(cluster.Proposal{Kind: cluster.ProposeOpen, World: "plaza", By: "in_plaza", Instance: copyOfPlaza}, other.fleet.ID()) {
		t.Error("the owner of in_plaza may not propose")
	}
	eventually(t, "the other has opened a copy", func() bool { return other.fleet.Owns(copyOfPlaza) && other.runs(copyOfPlaza) })
	list = slices.DeleteFunc(list, func(o *node) bool { return o == owner })
	owner.die()
	eventually(t, "another decides", func() bool { return deciding() == 1 })
}

// More people come than there will soon be places for: an instance opens before
// somebody is turned away, and is closed when nobody needs it.
func TestOpensAhead(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 2} {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			list := []*node{startNode(t, thinWorld)}
			if nodes > 1 {
				list = nodesOf(t, store.NewMemory(), nodes, thinWorld)
				owner, other := ownerOf(t, list, "in_plaza")
				list = []*node{owner, other}
			}
			var all []*guest
			for i := range 14 { // of 17 up to which newcomers are brought together
				all = append(all, goTo(t, list, fmt.Sprint("p", i), "", nil))
			}
			opened := func() (n float64) {
				for _, o := range list {
					n += o.reviewed(actionOpen)
				}
				return n
			}
			for i := 14; i < 17 && opened() == 0; i++ {
				all = append(all, goTo(t, list, fmt.Sprint("p", i), "", nil))
				for j := 0; j < 150 && opened() == 0; j++ { // longer than from one review to the next
					pause(step)
				}
			}
			eventually(t, "another instance is open", func() bool { return opened() > 0 })
			for _, g := range all {
				if g.me.Instance != "in_plaza" {
					t.Errorf("somebody came to %s", g.me.Instance)
				}
			}
		})
	}
}
