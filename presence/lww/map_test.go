package lww

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"earshot"
	"earshot/presence/cluster"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// write is one message between nodes.
type write struct {
	key   string
	stamp cluster.Stamp
	gone  bool
	value int
}

func (w write) to(m *Map[string, int], now time.Time) {
	if w.gone {
		m.Delete(w.key, w.stamp, now)
	} else {
		m.Put(w.key, w.stamp, w.value)
	}
}

func content(m *Map[string, int]) map[string]int { return maps.Collect(m.All()) }

// Everybody who got the same writes, in whatever order and however often, has
// the same map: that of the highest stamp of each key.
func TestMapConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		writes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) write {
			return write{
				key: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key"),
				stamp: cluster.Stamp{
					Epoch: cluster.Epoch(rapid.IntRange(1, 3).Draw(t, "epoch")),
					HLC:   cluster.HLC(rapid.IntRange(1, 4).Draw(t, "hlc")),
					Node:  earshot.NodeID(rapid.SampledFrom([]string{"nd_a", "nd_b"}).Draw(t, "node")),
				},
			}
		}), 1, 40).Draw(t, "writes")
		for i := range writes { // one stamp is one write
			s := writes[i].stamp
			writes[i].value = int(s.Epoch)*100 + int(s.HLC)*10 + int(s.Node[3])
			writes[i].gone = writes[i].value%3 == 0
		}
		want, highest := map[string]int{}, map[string]cluster.Stamp{}
		for _, w := range writes {
			if w.stamp.Before(highest[w.key]) {
				continue
			}
			highest[w.key] = w.stamp
			delete(want, w.key)
			if !w.gone {
				want[w.key] = w.value
			}
		}
		var m Map[string, int]
		twice := append(append([]write{}, writes...), writes...)
		for _, i := range rapid.Permutation(indices(len(twice))).Draw(t, "order") {
			twice[i].to(&m, start)
		}
		if got := content(&m); !maps.Equal(got, want) || m.Len() != len(want) {
			t.Fatalf("map %v of %d, want %v", got, m.Len(), want)
		}
		for key, stamp := range highest {
			if m.Stamp(key) != stamp {
				t.Fatalf("Stamp(%s) = %v, want %v", key, m.Stamp(key), stamp)
			}
		}
	})
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestTombstones(t *testing.T) {
	var m Map[string, int]
	m.Put("a", cluster.Stamp{Epoch: 1, HLC: 5, Node: "nd_a"}, 1)
	m.Delete("a", cluster.Stamp{Epoch: 1, HLC: 7, Node: "nd_a"}, start)
	if m.Put("a", cluster.Stamp{Epoch: 1, HLC: 6, Node: "nd_b"}, 2) {
		t.Error("a write from before the deletion brought it back")
	}
	if _, _, ok := m.Get("a"); ok || m.Len() != 0 {
		t.Error("it is still there")
	}
	m.Sweep(start.Add(TombstoneLife - time.Millisecond))
	if m.Put("a", cluster.Stamp{Epoch: 1, HLC: 6, Node: "nd_b"}, 2) {
		t.Error("the tombstone went early")
	}
	m.Sweep(start.Add(TombstoneLife))
	if !m.Put("a", cluster.Stamp{Epoch: 1, HLC: 6, Node: "nd_b"}, 2) || m.Len() != 1 {
		t.Error("the tombstone stayed")
	}
}

func TestRemove(t *testing.T) {
	var m Map[string, int]
	stamp := cluster.Stamp{Epoch: 1, HLC: 5, Node: "nd_a"}
	m.Put("a", stamp, 1)
	if !m.Remove("a", start) || m.Remove("a", start) || m.Remove("b", start) || m.Len() != 0 {
		t.Error("Remove of what is there, is not any more, never was: want true, false, false")
	}
	if m.Put("a", stamp, 1) {
		t.Error("the same write brought it back")
	}
	stamp.HLC++
	if !m.Put("a", stamp, 2) {
		t.Error("a later write did not bring it back")
	}
}

// A dead owner's members are forgotten: the next one may say the same again.
func TestForget(t *testing.T) {
	var m Map[string, int]
	stamp := cluster.Stamp{Epoch: 1, HLC: 5, Node: "nd_a"}
	m.Put("a", stamp, 1)
	m.Forget("a")
	m.Forget("b")
	if m.Len() != 0 || m.Stamp("a") != (cluster.Stamp{}) {
		t.Errorf("%v is still known", content(&m))
	}
	if !m.Put("a", stamp, 1) || m.Len() != 1 {
		t.Error("the same write did not bring it back")
	}
}
