package directory

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"earshot"
	"earshot/presence/cluster"
)

// However deltas are lost, doubled and late, and at whatever moment an instance
// is read: a view that says it knows has what the owner had at that sequence
// number, and after a read it knows.
func TestViewIsNeverWrong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := newView()
		v.watch("plaza")
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		record := cluster.InstanceRecord{Instance: "in_x", World: "plaza", State: cluster.Open}
		v.list(cluster.Reply{Instances: []cluster.InstanceRecord{record}}, 10, false)
		in := v.instances["in_x"]

		type moment struct {
			epoch cluster.Epoch
			seq   uint64
		}
		truth := map[earshot.ParticipantID]cluster.Presence{}
		history := map[moment]map[earshot.ParticipantID]cluster.Presence{}
		at, hlc := moment{epoch: 1}, cluster.HLC(0)
		history[at] = maps.Clone(truth)
		var sent []cluster.Delta
		read := func() {
			s := history[at]
			v.reset("in_x", at.epoch, at.seq, slices.Collect(maps.Values(s)), now)
		}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			now = now.Add(time.Second)
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0, 1, 2, 3: // the owner writes
				d := cluster.Delta{Instance: "in_x", Epoch: at.epoch, Seq: at.seq + 1, Full: rapid.IntRange(0, 9).Draw(t, "full") == 0}
				for range rapid.IntRange(0, 3).Draw(t, "changes") {
					id := earshot.ParticipantID(fmt.Sprint("pa_", rapid.IntRange(0, 4).Draw(t, "who")))
					hlc++
					if p, ok := truth[id]; ok && rapid.IntRange(0, 2).Draw(t, "leaves") == 0 {
						delete(truth, id)
						d.Gone = append(d.Gone, id)
						d.Set = slices.DeleteFunc(d.Set, func(q cluster.Presence) bool { return q.Participant == p.Participant })
						continue
					}
					p := cluster.Presence{Participant: id, Epoch: 1, HLC: hlc, Node: "nd_a", Position: earshot.Vec3{X: float32(rapid.IntRange(-60, 60).Draw(t, "x"))}}
					truth[id] = p
					d.Gone = slices.DeleteFunc(d.Gone, func(gone earshot.ParticipantID) bool { return gone == id })
					d.Set = append(slices.DeleteFunc(d.Set, func(q cluster.Presence) bool { return q.Participant == id }), p)
				}
				if d.Full {
					d.Gone, d.Set = nil, slices.Collect(maps.Values(truth))
				}
				at.seq++
				history[at] = maps.Clone(truth)
				sent = append(sent, d)
				if rapid.IntRange(0, 3).Draw(t, "lost") > 0 {
					v.apply(d, now)
				}
			case 4, 5: // an old one comes late, or again
				if len(sent) > 0 {
					v.apply(sent[rapid.IntRange(0, len(sent)-1).Draw(t, "late")], now)
				}
			case 6, 7:
				read()
			case 8: // another owner goes on with who was there
				at = moment{epoch: at.epoch + 1}
				history[at] = maps.Clone(truth)
			case 9: // the owner is gone for a moment
				record.Epoch, record.State = at.epoch, cluster.Orphaned
				v.list(cluster.Reply{Instances: []cluster.InstanceRecord{record}}, 10, false)
				if n := v.worlds["plaza"].people.Len(); n != 0 {
					t.Fatalf("%d people of nobody's instance", n)
				}
				record.State = cluster.Open
				v.list(cluster.Reply{Instances: []cluster.InstanceRecord{record}}, 10, false)
			}
			if in.known {
				compare(t, v, history[moment{in.epoch, in.seq}])
			}
		}
		read()
		if !in.known || in.epoch != at.epoch || in.seq != at.seq {
			t.Fatalf("after a read at %v the view is at %d, %d (known: %t)", at, in.epoch, in.seq, in.known)
		}
		compare(t, v, truth)
	})
}

func compare(t *rapid.T, v *view, want map[earshot.ParticipantID]cluster.Presence) {
	w := v.worlds["plaza"]
	if w.people.Len() != len(want) {
		t.Fatalf("%d people, want %d", w.people.Len(), len(want))
	}
	indexed := 0
	for _, cell := range w.cells {
		indexed += len(cell)
	}
	if indexed != len(want) {
		t.Fatalf("%d are in the index, want %d", indexed, len(want))
	}
	for id, p := range want {
		if s, _, ok := w.people.Get(id); !ok || s.Position != p.Position || s.HLC != p.HLC {
			t.Fatalf("%s is at %v of %d (%t), want %v of %d", id, s.Position, s.HLC, ok, p.Position, p.HLC)
		}
	}
}

// Who is near is who is near, found by looking at everybody.
func TestNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := newView()
		v.watch("plaza")
		v.list(cluster.Reply{Instances: []cluster.InstanceRecord{{Instance: "in_x", World: "plaza", State: cluster.Open}}}, 1, false)
		coordinate := rapid.Float32Range(-200, 200)
		var all []cluster.Presence
		for i := range rapid.IntRange(0, 30).Draw(t, "people") {
			all = append(all, cluster.Presence{Participant: who(i), HLC: 1, Flags: Shown | Located,
				Position: earshot.Vec3{X: coordinate.Draw(t, "x"), Y: 1, Z: coordinate.Draw(t, "z")}})
		}
		v.reset("in_x", 1, 1, all, time.Time{})
		middle, radius := earshot.Vec3{X: coordinate.Draw(t, "x"), Z: coordinate.Draw(t, "z")}, rapid.Float64Range(0.1, 300).Draw(t, "radius")
		found := v.worlds["plaza"].near(middle, radius)
		want := map[earshot.ParticipantID]bool{}
		for _, p := range all {
			if distance(p.Position, middle) <= radius {
				want[p.Participant] = true
			}
		}
		for _, n := range found {
			if !want[n.Participant] {
				t.Fatalf("%s at %v is not within %v m of %v", n.Participant, n.Position, radius, middle)
			}
		}
		if len(found) != len(want) || !slices.IsSortedFunc(found, func(a, b Neighbour) int { return int(1e6 * (a.Distance - b.Distance)) }) {
			t.Fatalf("%d found in the wrong order or number, want %d", len(found), len(want))
		}
	})
}
