package reference

import (
	"testing"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

const ttl = 3 * time.Second

func open(t *testing.T) (*Store, cluster.Epoch) {
	t.Helper()
	s := New()
	r, _ := s.Apply(cluster.Claim{
		Instance: "in_a", Node: "nd_1", Nonce: 1, Seed: 7, TTL: ttl,
		Record: cluster.InstanceRecord{Instance: "in_a", State: cluster.Open, Soft: 3, Hard: 4},
	}, 0)
	if r.Status != cluster.OK || r.Epoch != 7 || !r.Fresh {
		t.Fatalf("Claim = %+v, want epoch 7, fresh", r)
	}
	return s, r.Epoch
}

// Each script in turn: what it answers, asked once, twice, late, and by whom it
// is not for.
func TestLeases(t *testing.T) {
	s, epoch := open(t)
	claim := cluster.Claim{Instance: "in_a", Node: "nd_2", Nonce: 5, TTL: ttl}
	again := cluster.Claim{Instance: "in_a", Node: "nd_1", Nonce: 1, TTL: ttl}
	for _, step := range []struct {
		name  string
		op    cluster.Op
		at    time.Duration
		want  cluster.Status
		epoch cluster.Epoch
		fresh bool
	}{
		{"another's claim", claim, time.Second, cluster.Held, epoch, false},
		{"the claim again, its answer was lost", again, time.Second, cluster.OK, epoch, true},
		{"renewed", cluster.Renew{Instance: "in_a", Node: "nd_1", Epoch: epoch, TTL: ttl}, 2 * time.Second, cluster.OK, epoch, false},
		{"renewed after it ran out, unclaimed", cluster.Renew{Instance: "in_a", Node: "nd_1", Epoch: epoch, TTL: ttl}, 9 * time.Second, cluster.OK, epoch, false},
		{"a claim after it ran out", claim, 13 * time.Second, cluster.OK, epoch + 1, false},
		{"the old owner", cluster.Renew{Instance: "in_a", Node: "nd_1", Epoch: epoch, TTL: ttl}, 14 * time.Second, cluster.Fenced, epoch + 1, false},
		{"the old owner writes", cluster.Write{Record: cluster.InstanceRecord{Instance: "in_a", Owner: "nd_1", Epoch: epoch, Rev: 99}}, 14 * time.Second, cluster.Fenced, epoch + 1, false},
		{"one of whom the store had forgotten", cluster.Renew{Instance: "in_a", Node: "nd_3", Epoch: 100, TTL: ttl}, 14 * time.Second, cluster.OK, 100, true},
		{"the same, its answer was lost", cluster.Renew{Instance: "in_a", Node: "nd_3", Epoch: 100, TTL: ttl}, 15 * time.Second, cluster.OK, 100, true},
		{"and later", cluster.Renew{Instance: "in_a", Node: "nd_3", Epoch: 100, TTL: ttl}, 17 * time.Second, cluster.OK, 100, false},
		{"given to an heir", cluster.Release{Instance: "in_a", Node: "nd_3", Epoch: 100, Heir: "nd_2", HeirTTL: ttl}, 18 * time.Second, cluster.OK, 0, false},
		{"claimed by another than the heir", cluster.Claim{Instance: "in_a", Node: "nd_4", Nonce: 8, TTL: ttl}, 18 * time.Second, cluster.Held, 100, false},
		{"claimed by the heir", cluster.Claim{Instance: "in_a", Node: "nd_2", Nonce: 9, TTL: ttl}, 19 * time.Second, cluster.OK, 101, false},
	} {
		r, _ := s.Apply(step.op, step.at)
		if r.Status != step.want || r.Epoch != step.epoch || r.Fresh != step.fresh {
			t.Errorf("%s: %v, epoch %d, fresh %v; want %v, %d, %v", step.name, r.Status, r.Epoch, r.Fresh, step.want, step.epoch, step.fresh)
		}
	}
}

func TestPlaces(t *testing.T) {
	s, epoch := open(t)
	key := func(id earshot.ParticipantID) cluster.Key { return cluster.Key{Participant: id, HLC: 1, Node: "nd_9"} }
	reserve := func(invited bool, ids ...earshot.ParticipantID) cluster.Op {
		return cluster.Reserve{Instance: "in_a", Reservation: cluster.Reservation{Key: key(ids[0]), Participants: ids, Invited: invited, TTL: time.Second}}
	}
	take := func(by, id earshot.ParticipantID) cluster.Op {
		return cluster.Take{Instance: "in_a", Node: "nd_1", Epoch: epoch, Reservation: key(by), Member: cluster.Presence{Participant: id, HLC: 1}}
	}
	for _, step := range []struct {
		name string
		op   cluster.Op
		at   time.Duration
		want cluster.Status
	}{
		{"a pair", reserve(false, "pa_a", "pa_b"), 0, cluster.OK},
		{"the pair again", reserve(false, "pa_a", "pa_b"), 0, cluster.OK},
		{"another pair", reserve(false, "pa_c", "pa_d"), 0, cluster.Full},
		{"another pair, invited", reserve(true, "pa_c", "pa_d"), 0, cluster.OK},
		{"one of the pair", take("pa_a", "pa_a"), 100 * time.Millisecond, cluster.OK},
		{"the same again", take("pa_a", "pa_a"), 200 * time.Millisecond, cluster.OK},
		{"somebody else in their name", take("pa_a", "pa_e"), 200 * time.Millisecond, cluster.Missing},
		{"the other, too late", take("pa_a", "pa_b"), 2 * time.Second, cluster.Missing},
		{"a single, as all places but one are free again", reserve(false, "pa_f"), 2 * time.Second, cluster.OK},
		{"after the lease has run out", take("pa_f", "pa_f"), ttl, cluster.Fenced},
		{"an instance that is not", cluster.Reserve{Instance: "in_b"}, 0, cluster.Missing},
	} {
		if r, _ := s.Apply(step.op, step.at); r.Status != step.want {
			t.Errorf("%s: %v, want %v", step.name, r.Status, step.want)
		}
	}
	if n := s.Reserved(time.Minute); n != 0 {
		t.Errorf("%d reservations outlast their time", n)
	}
}

func TestWhereabouts(t *testing.T) {
	s := New()
	to := func(node earshot.NodeID, hlc cluster.HLC) cluster.Whereabouts {
		return cluster.Whereabouts{Participant: "pa_a", Instance: "in_a", Node: node, Key: cluster.Key{Participant: "pa_a", HLC: hlc, Node: node}}
	}
	order := cluster.Order{Kind: cluster.Mute, Of: "pa_a", ID: "ev_1", HLC: 3}
	s.Apply(cluster.SetOrder{Order: order}, 0)
	joined, _ := s.Apply(cluster.Commit{To: to("nd_1", 1), Any: true, TTL: ttl}, 0)
	if joined.Status != cluster.OK || joined.Epoch != 1 || len(joined.Orders) != 1 {
		t.Fatalf("Commit = %+v, want epoch 1 with the order", joined)
	}
	move := cluster.Commit{To: to("nd_2", 2), Expect: 1, TTL: ttl}
	moved, _ := s.Apply(move, 0)
	if again, _ := s.Apply(move, 0); moved.Epoch != 2 || again.Epoch != 2 || again.Status != cluster.OK || moved.Before.Node != "nd_1" {
		t.Errorf("a commit twice = %+v, then %+v", moved, again)
	}
	if r, _ := s.Apply(cluster.Commit{To: to("nd_1", 3), Expect: 1, TTL: ttl}, 0); r.Status != cluster.Conflict || r.At.Node != "nd_2" {
		t.Errorf("the source that gives up after that = %+v, want a conflict with nd_2", r)
	}
	if r, _ := s.Apply(cluster.Touch{At: joined.At, TTL: ttl}, 0); r.Status != cluster.Fenced {
		t.Errorf("the old place's touch = %v", r.Status)
	}
	if r, _ := s.Apply(cluster.Leave{At: joined.At, TTL: ttl}, 0); r.At.Instance == "" {
		t.Error("the old place's leave took the participant away")
	}
	s.Apply(cluster.Leave{At: moved.At, TTL: ttl}, 0)
	if r, _ := s.Apply(cluster.Touch{At: moved.At, TTL: ttl}, 0); r.Status != cluster.Fenced {
		t.Errorf("a touch from before they left = %v, want fenced", r.Status)
	}
	if r, _ := s.Apply(cluster.Touch{At: moved.At, TTL: ttl}, ttl); r.Status != cluster.OK || r.Version != 1 {
		t.Errorf("a touch of a record that has run out = %+v", r)
	}
}

func TestMembersAndDeltas(t *testing.T) {
	s, epoch := open(t)
	word := func(id earshot.ParticipantID, hlc cluster.HLC) cluster.Presence {
		return cluster.Presence{Participant: id, HLC: hlc}
	}
	put := cluster.Put{Instance: "in_a", Node: "nd_1", Epoch: epoch, Seq: 1, Set: []cluster.Presence{word("pa_a", 2), word("pa_b", 2)}}
	if _, d := s.Apply(put, 0); d == nil || d.Seq != 1 || len(d.Set) != 2 {
		t.Errorf("Put publishes %+v", d)
	}
	if r, d := s.Apply(put, 0); d != nil || r.Status != cluster.OK {
		t.Errorf("Put again publishes %+v (%v)", d, r.Status)
	}
	put.Seq, put.Set, put.Gone = 2, []cluster.Presence{word("pa_a", 1)}, []earshot.ParticipantID{"pa_b"}
	s.Apply(put, 0)
	r, _ := s.Apply(cluster.ReadInstance{Instance: "in_a"}, 0)
	if len(r.Members) != 1 || r.Members[0].HLC != 2 || r.Seq != 2 {
		t.Errorf("ReadInstance = %+v, want pa_a as of 2", r.Members)
	}
	put.Seq, put.Full, put.Set = 3, true, []cluster.Presence{word("pa_c", 1)}
	s.Apply(put, 0)
	s.Apply(cluster.Save{Instance: "in_a", Node: "nd_1", Epoch: epoch, Rev: 2, Snapshot: []byte("new")}, 0)
	s.Apply(cluster.Save{Instance: "in_a", Node: "nd_1", Epoch: epoch, Rev: 1, Snapshot: []byte("old")}, 0)
	r, _ = s.Apply(cluster.Claim{Instance: "in_a", Node: "nd_2", Nonce: 4, TTL: ttl}, ttl)
	if len(r.Members) != 1 || r.Members[0].Participant != "pa_c" || string(r.Snapshot) != "new" || r.Record.State != cluster.Claimed {
		t.Errorf("the next owner gets %+v, %q, %v", r.Members, r.Snapshot, r.Record.State)
	}
	if r, _ := s.Apply(cluster.Survey{}, 3*ttl); len(r.Instances) != 1 || r.Instances[0].State != cluster.Orphaned {
		t.Errorf("Survey = %+v, want in_a orphaned", r.Instances)
	}
}
