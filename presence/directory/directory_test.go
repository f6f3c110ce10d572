package directory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// bubble runs a test over a store in memory, in virtual time.
func bubble(t *testing.T, test func(t *testing.T, w *wobbly)) {
	synctest.Test(t, func(t *testing.T) {
		m := store.NewMemory()
		t.Cleanup(func() { m.Close() })
		test(t, &wobbly{Store: m})
	})
}

func place(x, z float32) earshot.Vec3 { return earshot.Vec3{X: x, Z: z} }

func who(i int) earshot.ParticipantID { return earshot.ParticipantID(fmt.Sprintf("pa_%03d", i)) }

// People walk through three instances of two nodes, come, go, and move from one
// to the other. While every third delta is lost the view is behind for a moment;
// when nothing changes any more it is right.
func TestConverges(t *testing.T) {
	bubble(t, func(t *testing.T, w *wobbly) {
		var owners []*owner
		for i, node := range []earshot.NodeID{"nd_a", "nd_a", "nd_b"} {
			o := newOwner(t, w, earshot.InstanceID(fmt.Sprint("in_", i)), node)
			background(t, o.run)
			owners = append(owners, o)
		}
		d := start(t, w)
		d.Watch("plaza")
		w.lossy.Store(true)
		random := rand.New(rand.NewPCG(1, 2))
		at := map[earshot.ParticipantID]int{}
		epochs := map[earshot.ParticipantID]cluster.Epoch{}
		for range 400 {
			time.Sleep(50 * time.Millisecond)
			id := who(random.IntN(40))
			in, here := at[id]
			switch {
			case !here:
				at[id], epochs[id] = random.IntN(3), epochs[id]+1
			case random.IntN(8) == 0:
				owners[in].remove(id)
				delete(at, id)
				continue
			case random.IntN(8) == 0:
				to := (in + 1) % 3
				at[id], epochs[id] = to, epochs[id]+1
				owners[to].put(id, epochs[id], place(1, 1))
				owners[in].remove(id)
				continue
			}
			owners[at[id]].put(id, epochs[id], place(float32(random.IntN(400)-200), float32(random.IntN(400)-200)))
		}
		time.Sleep(4 * time.Second)
		if err := same(d, owners...); err != nil {
			t.Error(err)
		}
		w.lossy.Store(false)
		owners[0].put("pa_last", 1, place(5, 5))
		time.Sleep(300 * time.Millisecond)
		if err := same(d, owners...); err != nil {
			t.Error("300 ms after a change, without loss:", err)
		}
	})
}

// The store is away for a minute, and has forgotten nothing or, where it is
// another, everything. Nobody disappears meanwhile.
func TestOutage(t *testing.T) {
	bubble(t, func(t *testing.T, w *wobbly) {
		o := newOwner(t, w, "in_x", "nd_a")
		background(t, o.run)
		d := start(t, w)
		d.Watch("plaza")
		for i := range 10 {
			o.put(who(i), 1, place(float32(i), 0))
		}
		time.Sleep(2 * time.Second)
		w.away.Store(true)
		for range 60 {
			time.Sleep(time.Second)
			if n := d.People("plaza"); n != 10 {
				t.Fatalf("%d people are left while the store is away", n)
			}
		}
		if behind := d.Behind(); behind < 50*time.Second {
			t.Errorf("the view says that it is %v behind", behind)
		}
		o.put(who(0), 1, place(0, 99))
		o.remove(who(1))
		w.away.Store(false)
		least := 10
		for range 50 {
			time.Sleep(100 * time.Millisecond)
			least = min(least, d.People("plaza"))
		}
		if err := same(d, o); err != nil || least < 9 {
			t.Errorf("5 s after the store is back: %v; at least %d people were seen", err, least)
		}
	})
}

// A node dies: its people are gone from the view when its lease is over, and
// back where another node has claimed what it owned.
func TestDeadNode(t *testing.T) {
	bubble(t, func(t *testing.T, w *wobbly) {
		first := newOwner(t, w, "in_x", "nd_a")
		kill := background(t, first.run)
		d := start(t, w)
		d.Watch("plaza")
		first.put("pa_a", 1, place(1, 1))
		first.put("pa_b", 1, place(2, 2))
		time.Sleep(2 * time.Second)
		if err := same(d, first); err != nil {
			t.Fatal(err)
		}
		kill()
		time.Sleep(4500 * time.Millisecond)
		if n := d.People("plaza"); n != 0 {
			t.Errorf("%d people of a dead node are seen", n)
		}
		if all := d.Instances("plaza"); len(all) != 1 || all[0].State != cluster.Orphaned {
			t.Errorf("instances %+v, want an orphan", all)
		}
		second := newOwner(t, w, "in_x", "nd_b")
		second.members, second.hlc = first.members, first.hlc
		background(t, second.run)
		time.Sleep(2 * time.Second)
		if err := same(d, second); err != nil {
			t.Error(err)
		}
	})
}

func order(kind cluster.OrderKind, of, against earshot.ParticipantID) cluster.Op {
	return cluster.SetOrder{Order: cluster.Order{Kind: kind, Of: of, Against: against, Scope: "plaza", HLC: cluster.At(time.Now()), Node: "nd_a"}}
}

func names(found []Neighbour) (out []earshot.ParticipantID) {
	for _, n := range found {
		out = append(out, n.Participant)
	}
	return out
}

// around asks who is near a place.
func around(viewer earshot.ParticipantID, at earshot.Vec3, radius float64, limit int) Question {
	return Question{Viewer: viewer, World: "plaza", Place: &at, Radius: radius, Limit: limit}
}

// Who is near is asked over all instances, and neither of two, of whom one
// blocks the other, learns where the other is; nor anybody of whom nothing is
// known, because the store is away.
func TestNearbyAndBlocks(t *testing.T) {
	bubble(t, func(t *testing.T, w *wobbly) {
		one, two := newOwner(t, w, "in_1", "nd_a"), newOwner(t, w, "in_2", "nd_b")
		party := newOwner(t, w, "in_party", "nd_b")
		party.record.Kind = cluster.KindPrivate
		for _, o := range []*owner{one, two, party} {
			background(t, o.run)
		}
		d := start(t, w)
		if _, err := d.Nearby(t.Context(), around("pa_me", place(0, 0), 30, 10)); !errors.Is(err, &earshot.Error{Code: earshot.CodeFailedPrecondition}) {
			t.Errorf("Nearby in a world that nobody watches: %v", err)
		}
		d.Watch("plaza")
		one.put("pa_me", 1, place(0, 0))
		one.put("pa_near", 1, place(10, 0))
		two.put("pa_blocked", 1, place(12, 0))
		two.put("pa_blocks", 1, place(14, 0))
		two.put("pa_isolated", 1, place(15, 0))
		two.put("pa_other", 1, place(-20, 0))
		two.put("pa_far", 1, place(40, 0))
		two.put("pa_banned", 1, place(70, 0))
		two.show("pa_observer", 1, place(1, 0), 0)
		two.show("pa_behind_walls", 1, place(1, 0), Shown)
		party.put("pa_guest", 1, place(1, 0))
		for _, op := range []cluster.Op{
			order(cluster.Block, "pa_me", "pa_blocked"), order(cluster.Block, "pa_blocks", "pa_me"),
			order(cluster.Isolation, "pa_isolated", ""), order(cluster.Block, "pa_far", "pa_other"),
			order(cluster.Ban, "pa_banned", ""),
		} {
			if _, err := w.Do(t.Context(), op); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
		found, err := d.Nearby(t.Context(), around("pa_me", place(0, 0), 30, 10))
		if err != nil || !found.Complete || !slices.Equal(names(found.People), []earshot.ParticipantID{"pa_near", "pa_other"}) ||
			found.People[1].Distance != 20 || found.People[1].Instance != "in_2" {
			t.Errorf("nearby %+v %v, want pa_near and pa_other", found, err)
		}
		if found, _ := d.Nearby(t.Context(), around("pa_me", place(0, 0), 30, 1)); len(found.People) != 1 || found.People[0].Participant != "pa_near" {
			t.Errorf("the nearest is %v", names(found.People))
		}
		q := around("pa_guest", place(0, 0), 5, 10)
		if q.Place = nil; true {
			if found, err := d.Nearby(t.Context(), q); err != nil || !slices.Equal(names(found.People), []earshot.ParticipantID{"pa_me"}) {
				t.Errorf("around who is at a party: %v %v, want pa_me", names(found.People), err)
			}
		}
		for _, viewer := range []earshot.ParticipantID{"pa_isolated", "pa_banned"} {
			if found, err := d.Nearby(t.Context(), around(viewer, place(0, 0), 30, 10)); err != nil || len(found.People) > 0 {
				t.Errorf("%s is told of %v %v", viewer, names(found.People), err)
			}
		}
		for _, viewer := range []earshot.ParticipantID{"pa_observer", "pa_nowhere"} {
			if _, err := d.Nearby(t.Context(), around(viewer, place(0, 0), 30, 10)); !errors.Is(err, &earshot.Error{Code: earshot.CodeFailedPrecondition}) {
				t.Errorf("%s, whom nobody sees, asks who is near: %v", viewer, err)
			}
		}
		if cells, complete := d.Density("plaza"); len(cells) != 4 || cells[0].Count != 5 || !complete {
			t.Errorf("density %v (%t), want 5 people in the first of 4 cells", cells, complete)
		}
		w.away.Store(true)
		w.Store.Do(t.Context(), cluster.Put{Instance: "in_2", Node: "nd_b", Epoch: 100, Seq: 1 << 20, Set: []cluster.Presence{
			{Participant: "pa_new", Epoch: 1, HLC: 99, Node: "nd_b", Position: place(1, 0), Flags: Shown | Located}}})
		time.Sleep(time.Second)
		found, err = d.Nearby(t.Context(), around("pa_me", place(0, 0), 30, 10))
		if err != nil || !slices.Equal(names(found.People), []earshot.ParticipantID{"pa_near", "pa_other"}) {
			t.Errorf("while the store is away: %v %v", names(found.People), err)
		}
		time.Sleep(5 * time.Second)
		if found, _ = d.Nearby(t.Context(), around("pa_me", place(0, 0), 30, 10)); found.Complete || len(found.People) != 2 {
			t.Errorf("after 6 s without the store: %+v, want the same two, not complete", found)
		}
		for _, bad := range []float64{0, -1, MaxRadius + 1} {
			if _, err := d.Nearby(t.Context(), around("pa_me", place(0, 0), bad, 10)); !errors.Is(err, &earshot.Error{Code: earshot.CodeInvalidArgument}) {
				t.Errorf("radius %v: %v", bad, err)
			}
		}
	})
}

func befriend(t *testing.T, s store.Store, a, b earshot.ParticipantID) {
	t.Helper()
	if err := s.Befriend(t.Context(), a, []earshot.ParticipantID{b}, true, cluster.Stamp{HLC: cluster.At(time.Now()), Node: "nd_a"}); err != nil {
		t.Fatal(err)
	}
}

func TestFriends(t *testing.T) {
	bubble(t, func(t *testing.T, w *wobbly) {
		here := newOwner(t, w, "in_1", "nd_a")
		background(t, here.run)
		elsewhere := newOwner(t, w, "in_2", "nd_b")
		elsewhere.record.World = "forest"
		background(t, elsewhere.run)
		d := start(t, w)
		d.Watch("plaza")
		here.put("pa_here", 1, place(3, 4))
		here.put("pa_me", 1, place(0, 0))
		here.show("pa_observer", 1, place(5, 5), 0)
		for _, id := range []earshot.ParticipantID{"pa_here", "pa_forest", "pa_away", "pa_gone", "pa_blocks", "pa_observer"} {
			befriend(t, w, "pa_me", id)
			befriend(t, w, id, "pa_me")
		}
		befriend(t, w, "pa_me", "pa_stranger")
		for _, id := range []earshot.ParticipantID{"pa_forest", "pa_gone", "pa_blocks", "pa_stranger"} {
			in := earshot.InstanceID("in_2")
			if id == "pa_gone" {
				in = "in_closed"
			}
			w.Do(t.Context(), cluster.Commit{To: cluster.Whereabouts{Participant: id, Instance: in, Node: "nd_b", Key: cluster.Key{Participant: id, HLC: 1}}, TTL: time.Hour})
		}
		w.Do(t.Context(), order(cluster.Block, "pa_blocks", "pa_me"))
		time.Sleep(2 * time.Second)
		friends, err := d.Friends(t.Context(), "pa_me")
		if err != nil || len(friends) != 2 || friends[0].Participant != "pa_forest" || friends[0].World != "forest" || friends[0].Sighting != nil ||
			friends[1].Participant != "pa_here" || friends[1].Sighting == nil || friends[1].Sighting.Position != place(3, 4) {
			t.Errorf("friends %+v %v, want pa_forest in the forest and pa_here at (3, 4)", friends, err)
		}
		q := Question{Viewer: "pa_me", World: "plaza", Radius: 9, Friends: true, Limit: 9}
		here.put("pa_stranger", 1, place(1, 1))
		time.Sleep(time.Second)
		if near, err := d.Nearby(t.Context(), q); err != nil || !slices.Equal(names(near.People), []earshot.ParticipantID{"pa_here"}) {
			t.Errorf("friends near: %v %v, want pa_here", names(near.People), err)
		}
		w.away.Store(true)
		if friends, err := d.Friends(t.Context(), "pa_me"); err != nil || len(friends) != 2 {
			t.Errorf("while the store is away: %+v %v", friends, err)
		}
		if _, err := d.Friends(t.Context(), "pa_unknown"); !errors.Is(err, &earshot.Error{Code: earshot.CodeUnavailable}) {
			t.Errorf("friends of somebody new while the store is away: %v", err)
		}
	})
}

// Another node that admits somebody knows what moderators ordered.
func TestInForce(t *testing.T) {
	bubble(t, func(t *testing.T, w *wobbly) {
		d := start(t, w)
		now := cluster.At(time.Now())
		for i, o := range []cluster.Order{
			{Kind: cluster.Mute, ID: "ev_1", Scope: "plaza", Until: cluster.At(time.Now().Add(time.Minute))},
			{Kind: cluster.Ban, ID: "ev_2", Scope: "forest"},
			{Kind: cluster.Isolation, ID: "ev_3"},
			{Kind: cluster.Block, Against: "pa_b"},
		} {
			o.Of, o.HLC, o.Node = "pa_a", now+cluster.HLC(i), "nd_a"
			w.Do(t.Context(), cluster.SetOrder{Order: o})
		}
		kinds := func() (out []cluster.OrderKind) {
			t.Helper()
			orders, err := d.InForce(t.Context(), "plaza", "pa_a")
			if err != nil {
				t.Error(err)
			}
			for _, o := range orders {
				out = append(out, o.Kind)
			}
			return out
		}
		if got := kinds(); !slices.Equal(got, []cluster.OrderKind{cluster.Mute, cluster.Isolation}) {
			t.Errorf("in force: %v", got)
		}
		w.away.Store(true)
		time.Sleep(2 * time.Minute)
		if got := kinds(); !slices.Equal(got, []cluster.OrderKind{cluster.Isolation}) {
			t.Errorf("in force when the mute is over, while the store is away: %v", got)
		}
		if _, err := d.InForce(t.Context(), "plaza", "pa_unknown"); !errors.Is(err, &earshot.Error{Code: earshot.CodeUnavailable}) {
			t.Errorf("of somebody new while the store is away: %v", err)
		}
	})
}

func TestRunEnds(t *testing.T) {
	bubble(t, func(t *testing.T, w *wobbly) {
		o := newOwner(t, w, "in_x", "nd_a")
		d, err := New(DefaultConfig(), Deps{Store: w})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		stop := d.Watch("plaza")
		done := make(chan error)
		go func() { done <- d.Run(ctx) }()
		time.Sleep(2 * time.Second)
		stop()
		stop()
		o.put("pa_a", 1, place(0, 0))
		time.Sleep(2 * time.Second)
		if n := d.People("plaza"); n != 0 || len(d.followers) != 0 {
			t.Errorf("%d people and %d instances are followed that nobody watches", n, len(d.followers))
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
