package store

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// subject is a store under test. pass lets time go by for it.
type subject struct {
	Store
	pass func(d time.Duration)
}

// conformance is what every store must do.
var conformance = []struct {
	name string
	test func(*testing.T, subject)
}{
	{"one owner at a time", testOwner},
	{"a lease runs out", testLease},
	{"an heir goes first", testHeir},
	{"what is given up is forgotten", testForget},
	{"the past is fenced", testFenced},
	{"a store that forgot", testForgot},
	{"members come as deltas", testDeltas},
	{"parties land together", testReserve},
	{"a place runs out", testPlaceRunsOut},
	{"one place each", testWhereabouts},
	{"orders stay", testOrders},
	{"who lives is listed", testSurvey},
	{"messages", testMessages},
	{"lists change", testListen},
	{"friends", testFriends},
	{"what is written down has an order", testDocket},
	{"entries end", testDocketEnds},
	{"a docket that forgot", testDocketForgot},
	{"bounds", testBounds},
}

// conform runs all of it at once: time passes for real on a real server.
func conform(t *testing.T, open func(*testing.T) subject) {
	for _, tc := range conformance {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.test(t, open(t))
		})
	}
}

func TestMemory(t *testing.T) {
	for _, tc := range conformance {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := NewMemory()
				defer synctest.Wait()
				defer m.Close()
				tc.test(t, subject{m, time.Sleep})
			})
		})
	}
}

func do(t testing.TB, s Store, op cluster.Op) cluster.Reply {
	t.Helper()
	r, err := s.Do(t.Context(), op)
	if err != nil {
		t.Fatalf("%T: %v", op, err)
	}
	return r
}

func want(t testing.TB, s Store, op cluster.Op, status cluster.Status) cluster.Reply {
	t.Helper()
	r := do(t, s, op)
	if r.Status != status {
		t.Fatalf("%T: %v of epoch %d at %s, want %v", op, r.Status, r.Epoch, r.Node, status)
	}
	return r
}

func wantCode(t testing.TB, err error, want earshot.Code, what string) {
	t.Helper()
	var known *earshot.Error
	if !errors.As(err, &known) || known.Code != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

const hour = time.Hour

// soon is a time that ends in a test, and within which a busy machine does what
// comes before the end.
const soon = 5 * time.Second

// house is an instance for 4, or 6 with the invited.
func house(id earshot.InstanceID) cluster.InstanceRecord {
	return cluster.InstanceRecord{Instance: id, World: "plaza", Region: "eu", State: cluster.Open, Soft: 4, Hard: 6}
}

func claim(id earshot.InstanceID, node earshot.NodeID, ttl time.Duration) cluster.Claim {
	return cluster.Claim{Instance: id, Node: node, Nonce: 1, Seed: 100, TTL: ttl, Record: house(id)}
}

func member(id earshot.ParticipantID, hlc cluster.HLC) cluster.Presence {
	return cluster.Presence{Participant: id, Epoch: 1, HLC: hlc, Node: "nd_a", Cell: [2]int16{-3, 4},
		Position: earshot.Vec3{X: -90.5, Y: 1, Z: 130}, Flags: 3, State: []byte("state\n\x00" + string(id))}
}

func testOwner(t *testing.T, s subject) {
	first := want(t, s, claim("in_x", "nd_a", hour), cluster.OK)
	if first.Epoch != 100 || !first.Fresh || first.Record.Owner != "nd_a" || first.Record.Epoch != 100 || first.Record.Soft != 4 {
		t.Errorf("the first claim: %+v", first)
	}
	again := want(t, s, claim("in_x", "nd_a", hour), cluster.OK)
	if again.Epoch != first.Epoch || !again.Fresh {
		t.Errorf("asked again: %+v", again)
	}
	held := want(t, s, claim("in_x", "nd_b", hour), cluster.Held)
	if held.Node != "nd_a" || held.Left < 59*time.Minute || held.Left > hour {
		t.Errorf("another's claim: %+v", held)
	}
	var wg sync.WaitGroup
	won := make(chan earshot.NodeID, 8)
	for _, node := range []earshot.NodeID{"nd_a", "nd_b", "nd_c", "nd_d", "nd_e", "nd_f", "nd_g", "nd_h"} {
		wg.Go(func() {
			if r, err := s.Do(t.Context(), claim("in_y", node, hour)); err == nil && r.Status == cluster.OK {
				won <- node
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d nodes own an instance that eight claimed", len(won))
	}
	want(t, s, cluster.Release{Instance: "in_x", Node: "nd_b", Epoch: 100}, cluster.OK)
	want(t, s, claim("in_x", "nd_b", hour), cluster.Held)
	want(t, s, cluster.Release{Instance: "in_x", Node: "nd_a", Epoch: 100}, cluster.OK)
	if r := want(t, s, claim("in_x", "nd_b", hour), cluster.OK); r.Epoch != 101 || r.Fresh {
		t.Errorf("after the release: %+v", r)
	}
}

func testLease(t *testing.T, s subject) {
	want(t, s, claim("in_x", "nd_a", 4*time.Second), cluster.OK)
	s.pass(2 * time.Second)
	want(t, s, cluster.Renew{Instance: "in_x", Node: "nd_a", Epoch: 100, TTL: hour}, cluster.OK)
	s.pass(2500 * time.Millisecond)
	want(t, s, claim("in_x", "nd_b", 2*time.Second), cluster.Held)
	want(t, s, cluster.Renew{Instance: "in_x", Node: "nd_a", Epoch: 100, TTL: time.Second}, cluster.OK)
	s.pass(1500 * time.Millisecond)
	r := do(t, s, cluster.Survey{})
	if len(r.Instances) != 1 || r.Instances[0].State != cluster.Orphaned || r.Instances[0].Epoch != 100 {
		t.Errorf("the survey after the lease: %+v", r.Instances)
	}
	// Nobody claimed it: its owner may go on.
	want(t, s, cluster.Renew{Instance: "in_x", Node: "nd_a", Epoch: 100, TTL: time.Second}, cluster.OK)
	s.pass(1500 * time.Millisecond)
	if r := want(t, s, claim("in_x", "nd_b", hour), cluster.OK); r.Epoch != 101 {
		t.Errorf("the next owner's epoch is %d, want 101", r.Epoch)
	}
	if r := want(t, s, cluster.Renew{Instance: "in_x", Node: "nd_a", Epoch: 100, TTL: hour}, cluster.Fenced); r.Node != "nd_b" || r.Epoch != 101 {
		t.Errorf("the old owner is told %+v", r)
	}
}

func testHeir(t *testing.T, s subject) {
	want(t, s, claim("in_x", "nd_a", hour), cluster.OK)
	want(t, s, cluster.Release{Instance: "in_x", Node: "nd_a", Epoch: 100, Heir: "nd_c", HeirTTL: time.Minute}, cluster.OK)
	if r := want(t, s, claim("in_x", "nd_b", hour), cluster.Held); r.Node != "nd_c" || r.Left > time.Minute {
		t.Errorf("promised to %s for %v", r.Node, r.Left)
	}
	want(t, s, cluster.Renew{Instance: "in_x", Node: "nd_a", Epoch: 100, TTL: hour}, cluster.Fenced)
	want(t, s, claim("in_x", "nd_c", hour), cluster.OK)
	want(t, s, cluster.Release{Instance: "in_x", Node: "nd_c", Epoch: 101, Heir: "nd_gone", HeirTTL: time.Second}, cluster.OK)
	s.pass(1500 * time.Millisecond)
	want(t, s, claim("in_x", "nd_b", hour), cluster.OK)
}

func testForget(t *testing.T, s subject) {
	want(t, s, claim("in_x", "nd_a", hour), cluster.OK)
	want(t, s, cluster.Put{Instance: "in_x", Node: "nd_a", Epoch: 100, Seq: 1, Set: []cluster.Presence{member("pa_a", 5)}}, cluster.OK)
	forget := cluster.Release{Instance: "in_x", Node: "nd_a", Epoch: 100, Forget: true}
	place := cluster.Reserve{Instance: "in_x", Reservation: cluster.Reservation{
		Key: cluster.Key{Participant: "pa_b", HLC: 1, Node: "nd_b"}, Participants: []earshot.ParticipantID{"pa_b"}, Invited: true, TTL: hour,
	}}
	want(t, s, cluster.Write{Record: cluster.InstanceRecord{Instance: "in_x", State: cluster.Open, Soft: 4, Hard: 4, Owner: "nd_a", Epoch: 100, Rev: 1}}, cluster.OK)
	want(t, s, place, cluster.OK)
	want(t, s, forget, cluster.Conflict)
	want(t, s, cluster.Cancel{Instance: "in_x", Key: place.Key}, cluster.OK)
	want(t, s, cluster.Release{Instance: "in_x", Node: "nd_b", Epoch: 100, Forget: true}, cluster.OK) // not its owner
	if r := do(t, s, cluster.Survey{}); len(r.Instances) != 1 {
		t.Errorf("who does not own it gave it up: %+v", r.Instances)
	}
	want(t, s, forget, cluster.OK)
	want(t, s, forget, cluster.OK)
	want(t, s, cluster.ReadInstance{Instance: "in_x"}, cluster.Missing)
	if r := do(t, s, cluster.Survey{}); len(r.Instances) != 0 {
		t.Errorf("what was given up is listed: %+v", r.Instances)
	}
	want(t, s, cluster.Renew{Instance: "in_x", Node: "nd_a", Epoch: 100, TTL: hour}, cluster.Fenced)
	want(t, s, cluster.Write{Record: cluster.InstanceRecord{Instance: "in_x", Owner: "nd_a", Epoch: 100, Rev: 9}}, cluster.Fenced)
	r := want(t, s, claim("in_x", "nd_b", hour), cluster.OK)
	if r.Epoch != 102 || r.Fresh || len(r.Members) != 0 || r.Record.Owner != "nd_b" {
		t.Errorf("the next owner gets %+v", r)
	}
}

func testFenced(t *testing.T, s subject) {
	want(t, s, claim("in_x", "nd_a", hour), cluster.OK)
	want(t, s, cluster.Save{Instance: "in_x", Node: "nd_a", Epoch: 100, Rev: 2, Snapshot: []byte("chat\x00")}, cluster.OK)
	want(t, s, cluster.Save{Instance: "in_x", Node: "nd_a", Epoch: 100, Rev: 1, Snapshot: []byte("older")}, cluster.OK)
	want(t, s, cluster.Put{Instance: "in_x", Node: "nd_a", Epoch: 100, Seq: 1, Set: []cluster.Presence{member("pa_a", 5)}}, cluster.OK)
	want(t, s, cluster.Release{Instance: "in_x", Node: "nd_a", Epoch: 100}, cluster.OK)
	r := want(t, s, claim("in_x", "nd_b", hour), cluster.OK)
	if string(r.Snapshot) != "chat\x00" || len(r.Members) != 1 || string(r.Members[0].State) != "state\n\x00pa_a" || r.Members[0].Position.X != -90.5 {
		t.Errorf("the next owner gets %q and %+v", r.Snapshot, r.Members)
	}
	record := house("in_x")
	record.Owner, record.Epoch = "nd_a", 100
	for _, op := range []cluster.Op{
		cluster.Write{Record: record},
		cluster.Put{Instance: "in_x", Node: "nd_a", Epoch: 100, Seq: 9, Set: []cluster.Presence{member("pa_b", 5)}},
		cluster.Save{Instance: "in_x", Node: "nd_a", Epoch: 100, Rev: 9, Snapshot: []byte("late")},
		cluster.Take{Instance: "in_x", Node: "nd_a", Epoch: 100, Member: member("pa_a", 9), Reservation: cluster.Key{Participant: "pa_a"}},
		cluster.Renew{Instance: "in_x", Node: "nd_a", Epoch: 100, TTL: hour},
	} {
		if r := want(t, s, op, cluster.Fenced); r.Epoch != 101 || r.Node != "nd_b" {
			t.Errorf("%T of the old owner is told of epoch %d at %s", op, r.Epoch, r.Node)
		}
	}
	if r := do(t, s, cluster.ReadInstance{Instance: "in_x"}); len(r.Members) != 1 || r.Record.Owner != "nd_b" || r.Record.Epoch != 101 {
		t.Errorf("after the old owner's writes: %+v", r)
	}
}

// A server that lost everything takes an owner's word, and never that of an
// earlier one.
func testForgot(t *testing.T, s subject) {
	r := want(t, s, cluster.Renew{Instance: "in_x", Node: "nd_a", Epoch: 100, TTL: hour}, cluster.OK)
	if !r.Fresh {
		t.Error("an owner is not told that the store has forgotten")
	}
	want(t, s, cluster.Renew{Instance: "in_x", Node: "nd_b", Epoch: 101, TTL: hour}, cluster.OK)
	want(t, s, cluster.Renew{Instance: "in_x", Node: "nd_a", Epoch: 100, TTL: hour}, cluster.Fenced)
	record := house("in_x")
	record.Owner, record.Epoch, record.Rev = "nd_b", 101, 3
	want(t, s, cluster.Reserve{Instance: "in_x", Reservation: party(1, "pa_a")}, cluster.Missing)
	want(t, s, cluster.Write{Record: record}, cluster.OK)
	want(t, s, cluster.Put{Instance: "in_x", Node: "nd_b", Epoch: 101, Seq: 40, Full: true, Set: []cluster.Presence{member("pa_a", 5)}}, cluster.OK)
	if r := do(t, s, cluster.ReadInstance{Instance: "in_x"}); len(r.Members) != 1 || r.Seq != 40 || r.Record.Rev != 3 {
		t.Errorf("what the owner wrote again: %+v", r)
	}
}

func party(hlc cluster.HLC, ids ...earshot.ParticipantID) cluster.Reservation {
	return cluster.Reservation{Key: cluster.Key{Participant: ids[0], HLC: hlc}, Participants: ids, TTL: hour}
}

func testReserve(t *testing.T, s subject) {
	want(t, s, cluster.Reserve{Instance: "in_none", Reservation: party(1, "pa_a")}, cluster.Missing)
	want(t, s, claim("in_x", "nd_a", hour), cluster.OK)
	three := party(1, "pa_a", "pa_b", "pa_c")
	want(t, s, cluster.Reserve{Instance: "in_x", Reservation: three}, cluster.OK)
	want(t, s, cluster.Reserve{Instance: "in_x", Reservation: three}, cluster.OK)
	want(t, s, cluster.Reserve{Instance: "in_x", Reservation: party(2, "pa_d", "pa_e")}, cluster.Full)
	invited := party(3, "pa_d", "pa_e")
	invited.Invited = true
	want(t, s, cluster.Reserve{Instance: "in_x", Reservation: invited}, cluster.OK)
	take := cluster.Take{Instance: "in_x", Node: "nd_a", Epoch: 100, Reservation: three.Key, Member: member("pa_b", 3)}
	want(t, s, take, cluster.OK)
	want(t, s, take, cluster.OK) // asked again
	take.Member = member("pa_z", 3)
	want(t, s, take, cluster.Missing)
	want(t, s, cluster.Cancel{Instance: "in_x", Key: three.Key, Participants: []earshot.ParticipantID{"pa_a"}}, cluster.OK)
	take.Member = member("pa_a", 3)
	want(t, s, take, cluster.Missing)
	want(t, s, cluster.Cancel{Instance: "in_x", Key: invited.Key}, cluster.OK)
	want(t, s, cluster.Cancel{Instance: "in_x", Key: invited.Key}, cluster.OK)
	want(t, s, cluster.Reserve{Instance: "in_x", Reservation: party(4, "pa_f", "pa_g")}, cluster.OK)
	record := house("in_x")
	record.Owner, record.Epoch, record.Rev, record.State = "nd_a", 100, 1, cluster.SoftFull
	want(t, s, cluster.Write{Record: record}, cluster.OK)
	want(t, s, cluster.Reserve{Instance: "in_x", Reservation: party(5, "pa_h")}, cluster.Shut)
	for rev, state := range []cluster.State{cluster.SoftFull, cluster.HardFull} { // who is in comes again, with nobody besides
		record.Rev, record.State = uint64(2+rev), state
		want(t, s, cluster.Write{Record: record}, cluster.OK)
		want(t, s, cluster.Reserve{Instance: "in_x", Reservation: party(cluster.HLC(6+10*rev), "pa_b")}, cluster.OK)
		want(t, s, cluster.Reserve{Instance: "in_x", Reservation: party(cluster.HLC(7+10*rev), "pa_b", "pa_h")}, cluster.Shut)
	}
	record.Rev, record.State = 4, cluster.Draining
	want(t, s, cluster.Write{Record: record}, cluster.OK)
	want(t, s, cluster.Reserve{Instance: "in_x", Reservation: party(30, "pa_b")}, cluster.Shut)
}

func testPlaceRunsOut(t *testing.T, s subject) {
	want(t, s, claim("in_x", "nd_a", hour), cluster.OK)
	all := party(1, "pa_a", "pa_b", "pa_c", "pa_d")
	all.TTL = soon
	want(t, s, cluster.Reserve{Instance: "in_x", Reservation: all}, cluster.OK)
	want(t, s, cluster.Reserve{Instance: "in_x", Reservation: party(2, "pa_e")}, cluster.Full)
	s.pass(soon + time.Second)
	want(t, s, cluster.Take{Instance: "in_x", Node: "nd_a", Epoch: 100, Reservation: all.Key, Member: member("pa_a", 1)}, cluster.Missing)
	want(t, s, cluster.Reserve{Instance: "in_x", Reservation: party(2, "pa_e")}, cluster.OK)
}

func whereabouts(id earshot.ParticipantID, in earshot.InstanceID, hlc cluster.HLC) cluster.Whereabouts {
	return cluster.Whereabouts{Participant: id, Instance: in, Node: "nd_a", Key: cluster.Key{Participant: id, HLC: hlc}}
}

func testWhereabouts(t *testing.T, s subject) {
	to := whereabouts("pa_a", "in_x", 10)
	first := want(t, s, cluster.Commit{To: to, Seed: 50, TTL: hour}, cluster.OK)
	if first.At.Epoch != 50 || first.At.Instance != "in_x" || first.Before.Epoch != 0 {
		t.Errorf("the first place: %+v", first)
	}
	if again := want(t, s, cluster.Commit{To: to, Seed: 70, TTL: hour}, cluster.OK); again.At != first.At {
		t.Errorf("asked again: %+v, want %+v", again.At, first.At)
	}
	if r := want(t, s, cluster.Commit{To: whereabouts("pa_a", "in_y", 11), Expect: 49, TTL: hour}, cluster.Conflict); r.At != first.At {
		t.Errorf("who expected something else is told %+v", r.At)
	}
	second := want(t, s, cluster.Commit{To: whereabouts("pa_a", "in_y", 12), Expect: 50, TTL: hour}, cluster.OK)
	if second.At.Epoch != 51 || second.Before != first.At {
		t.Errorf("the second place: %+v", second)
	}
	if r := want(t, s, cluster.Touch{At: first.At, TTL: hour}, cluster.Fenced); r.At != second.At {
		t.Errorf("the old node is told %+v", r.At)
	}
	want(t, s, cluster.Leave{At: first.At, TTL: hour}, cluster.OK)
	if r := do(t, s, cluster.Find{Participant: "pa_a"}); r.At != second.At {
		t.Errorf("an old node's Leave: %+v", r.At)
	}
	want(t, s, cluster.Leave{At: second.At, TTL: soon}, cluster.OK)
	want(t, s, cluster.Touch{At: second.At, TTL: hour}, cluster.Fenced)
	if r := do(t, s, cluster.Find{Participant: "pa_a"}); r.At.Instance != "" || r.At.Epoch != 51 {
		t.Errorf("after leaving: %+v", r.At)
	}
	s.pass(soon + time.Second)
	if r := do(t, s, cluster.Find{Participant: "pa_a"}); r.At != (cluster.Whereabouts{Participant: "pa_a"}) {
		t.Errorf("when that is forgotten: %+v", r.At)
	}
	want(t, s, cluster.Touch{At: second.At, TTL: hour}, cluster.OK) // the store has forgotten
	want(t, s, cluster.Commit{To: whereabouts("pa_a", "in_z", 13), Any: true, TTL: hour}, cluster.OK)
}

func testOrders(t *testing.T, s subject) {
	ban := cluster.Order{Kind: cluster.Ban, Of: "pa_a", ID: "ev_1", Scope: "plaza", Until: cluster.At(time.Unix(2e9, 0)), HLC: 1<<63 + 5, Node: "nd_a"}
	block := cluster.Order{Kind: cluster.Block, Of: "pa_a", Against: "pa_b", HLC: 7, Node: "nd_b"}
	want(t, s, cluster.SetOrder{Order: ban}, cluster.OK)
	r := want(t, s, cluster.SetOrder{Order: block}, cluster.OK)
	if r.Version != 2 {
		t.Errorf("version %d, want 2", r.Version)
	}
	older := ban
	older.Scope, older.HLC = "plaza", 1<<63+4
	if r := want(t, s, cluster.SetOrder{Order: older}, cluster.OK); r.Version != 2 {
		t.Errorf("an older word changed version to %d", r.Version)
	}
	found := do(t, s, cluster.Find{Participant: "pa_a"}).Orders
	if len(found) != 2 || found[0] != ban || found[1] != block {
		t.Errorf("orders %+v, want the ban and the block", found)
	}
	lifted := ban
	lifted.Lifts, lifted.HLC = ban.HLC, 1 // by a node whose clock is slow
	want(t, s, cluster.SetOrder{Order: lifted}, cluster.OK)
	want(t, s, cluster.SetOrder{Order: ban}, cluster.OK) // came late
	r = want(t, s, cluster.Commit{To: whereabouts("pa_a", "in_x", 3), TTL: time.Second}, cluster.OK)
	if len(r.Orders) != 2 || r.Orders[0].Lifts != ban.HLC || r.Orders[0].HLC != ban.HLC || r.Orders[1] != block || r.Version != 3 {
		t.Errorf("who admits is told %+v, version %d", r.Orders, r.Version)
	}
	s.pass(1500 * time.Millisecond)
	if r := do(t, s, cluster.Find{Participant: "pa_a"}); len(r.Orders) != 2 || r.Version != 3 {
		t.Errorf("orders ended with the whereabouts: %+v", r)
	}
}

func testSurvey(t *testing.T, s subject) {
	node := cluster.NodeRecord{Node: "nd_a", Region: "eu", URL: "https://a.example", Capabilities: []string{"media"},
		Load: cluster.Load{CPU: 0.25, Egress: 0.5, Packets: 1e5, People: 7, Headroom: 93, Queued: []string{"plaza"}}, HLC: 5}
	want(t, s, cluster.Announce{Record: node, TTL: soon}, cluster.OK)
	other := node
	other.Node = "nd_b"
	want(t, s, cluster.Announce{Record: other, TTL: hour}, cluster.OK)
	older := other
	older.HLC, older.Draining = 4, true
	want(t, s, cluster.Announce{Record: older, TTL: hour}, cluster.OK)
	want(t, s, claim("in_b", "nd_a", hour), cluster.OK)
	want(t, s, claim("in_a", "nd_a", hour), cluster.OK)
	r := do(t, s, cluster.Survey{})
	if len(r.Nodes) != 2 || !reflect.DeepEqual(r.Nodes[0].Load, node.Load) || r.Nodes[0].URL != node.URL || r.Nodes[1].Draining {
		t.Errorf("nodes %+v", r.Nodes)
	}
	if len(r.Instances) != 2 || r.Instances[0].Instance != "in_a" || r.Instances[0].State != cluster.Open || r.Instances[0].World != "plaza" {
		t.Errorf("instances %+v", r.Instances)
	}
	closed := r.Instances[0]
	closed.State, closed.Rev = cluster.Closed, 1
	want(t, s, cluster.Write{Record: closed}, cluster.OK)
	want(t, s, claim("in_a", "nd_b", hour), cluster.Shut)
	s.pass(soon + time.Second)
	r = do(t, s, cluster.Survey{})
	if len(r.Nodes) != 1 || r.Nodes[0].Node != "nd_b" || len(r.Instances) != 1 || r.Instances[0].Instance != "in_b" {
		t.Errorf("of the living there are %+v and %+v", r.Nodes, r.Instances)
	}
	want(t, s, cluster.Withdraw{Node: "nd_b"}, cluster.OK)
	if r = do(t, s, cluster.Survey{}); len(r.Nodes) != 0 {
		t.Errorf("nodes %+v after the last withdrew", r.Nodes)
	}
}
