package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// listen runs one of the Bus's functions until the test ends, and returns when
// it listens.
func listen[T any](t *testing.T, run func(ctx context.Context, began func(), news func(T)) error) <-chan T {
	t.Helper()
	began, news, ended := make(chan struct{}, 100), make(chan T, 1000), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ended <- run(ctx, func() { began <- struct{}{} }, func(n T) { news <- n })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, &earshot.Error{Code: earshot.CodeCanceled}) && !errors.Is(err, &earshot.Error{Code: earshot.CodeUnavailable}) {
			t.Errorf("it ended with %v", err)
		}
	})
	next(t, began, "it never began")
	return news
}

func next[T any](t *testing.T, from <-chan T, complaint string) (n T) {
	t.Helper()
	timeout := time.NewTimer(20 * time.Second)
	defer timeout.Stop()
	select {
	case n = <-from:
	case <-timeout.C:
		t.Fatal(complaint)
	}
	return n
}

func testDeltas(t *testing.T, s subject) {
	want(t, s, claim("in_x", "nd_a", hour), cluster.OK)
	deltas := listen(t, func(ctx context.Context, began func(), news func(cluster.Delta)) error {
		return s.Follow(ctx, "in_x", began, news)
	})
	put := cluster.Put{Instance: "in_x", Node: "nd_a", Epoch: 100, Seq: 1, Full: true,
		Set: []cluster.Presence{member("pa_a", 5), member("pa_b", 1<<63+7)}}
	want(t, s, put, cluster.OK)
	expect := cluster.Delta{Instance: "in_x", Node: "nd_a", Epoch: 100, Seq: 1, Full: true, Set: put.Set}
	if d := next(t, deltas, "no delta"); !reflect.DeepEqual(d, expect) {
		t.Errorf("delta %+v, want %+v", d, expect)
	}
	want(t, s, put, cluster.OK) // again: nothing is told
	late, early := member("pa_b", 1<<63+9), member("pa_b", 1<<63+8)
	late.Flags = 9
	want(t, s, cluster.Put{Instance: "in_x", Node: "nd_a", Epoch: 100, Seq: 2, Set: []cluster.Presence{late}}, cluster.OK)
	want(t, s, cluster.Put{Instance: "in_x", Node: "nd_a", Epoch: 100, Seq: 3, Set: []cluster.Presence{early}, Gone: []earshot.ParticipantID{"pa_a", "pa_none"}}, cluster.OK)
	want(t, s, cluster.Put{Instance: "in_x", Node: "nd_a", Epoch: 100, Seq: 4}, cluster.OK) // a heartbeat
	for seq := uint64(2); seq <= 4; seq++ {
		if d := next(t, deltas, "no delta"); d.Seq != seq {
			t.Errorf("delta %d, want %d", d.Seq, seq)
		}
	}
	r := do(t, s, cluster.ReadInstance{Instance: "in_x"})
	if r.Seq != 4 || len(r.Members) != 1 || !reflect.DeepEqual(r.Members[0], late) {
		t.Errorf("members %+v after %d, want the latest word of pa_b", r.Members, r.Seq)
	}
	want(t, s, cluster.Put{Instance: "in_x", Node: "nd_a", Epoch: 100, Seq: 5, Full: true, Set: []cluster.Presence{member("pa_c", 1)}}, cluster.OK)
	if r := do(t, s, cluster.ReadInstance{Instance: "in_x"}); len(r.Members) != 1 || r.Members[0].Participant != "pa_c" {
		t.Errorf("members %+v, want pa_c alone", r.Members)
	}
}

func testMessages(t *testing.T, s subject) {
	if err := s.Send(t.Context(), "nd_nobody", []byte("x")); err != nil {
		t.Errorf("Send to nobody: %v", err)
	}
	got := listen(t, func(ctx context.Context, began func(), news func([]byte)) error {
		return s.Receive(ctx, "nd_a", began, news)
	})
	for _, message := range [][]byte{[]byte("a\x00\r\n\xff"), bytes.Repeat([]byte{7}, MaxMessage)} {
		if err := s.Send(t.Context(), "nd_a", message); err != nil {
			t.Fatal(err)
		}
		if have := next(t, got, "no message"); !bytes.Equal(have, message) {
			t.Errorf("message of %d bytes, want %d", len(have), len(message))
		}
	}
	for _, message := range [][]byte{nil, make([]byte, MaxMessage+1)} {
		wantCode(t, s.Send(t.Context(), "nd_a", message), earshot.CodeInvalidArgument, fmt.Sprintf("Send of %d bytes", len(message)))
	}
}

func testListen(t *testing.T, s subject) {
	changes := listen(t, func(ctx context.Context, began func(), news func(struct{})) error {
		return s.Listen(ctx, began, func() { news(struct{}{}) })
	})
	record := house("in_x")
	record.Owner, record.Epoch, record.State = "nd_a", 100, cluster.HardFull
	for _, op := range []cluster.Op{
		cluster.Announce{Record: cluster.NodeRecord{Node: "nd_a"}, TTL: hour},
		claim("in_x", "nd_a", hour),
		cluster.Write{Record: record},
		cluster.Withdraw{Node: "nd_a"},
	} {
		want(t, s, op, cluster.OK)
		next(t, changes, fmt.Sprintf("nobody was told of %T", op))
	}
}

func testFriends(t *testing.T, s subject) {
	at := func(hlc cluster.HLC) cluster.Stamp { return cluster.Stamp{HLC: hlc, Node: "nd_a"} }
	befriend := func(on bool, hlc cluster.HLC, ids ...earshot.ParticipantID) {
		t.Helper()
		if err := s.Befriend(t.Context(), "pa_a", ids, on, at(hlc)); err != nil {
			t.Fatal(err)
		}
	}
	befriend(true, 5, "pa_c", "pa_b")
	befriend(false, 4, "pa_b") // came late
	befriend(false, 6, "pa_c")
	befriend(true, 5, "pa_c") // came late
	befriend(true, 9, "pa_d")
	friends, err := s.Friends(t.Context(), "pa_a")
	if err != nil || !slices.Equal(friends, []earshot.ParticipantID{"pa_b", "pa_d"}) {
		t.Errorf("friends %v %v, want pa_b and pa_d", friends, err)
	}
	if friends, err := s.Friends(t.Context(), "pa_b"); err != nil || len(friends) != 0 {
		t.Errorf("a friend's friends: %v %v", friends, err)
	}
	many := make([]earshot.ParticipantID, MaxFriends-2)
	for i := range many {
		many[i] = earshot.ParticipantID(fmt.Sprintf("pa_many%d", i))
	}
	befriend(true, 10, many...)
	wantCode(t, s.Befriend(t.Context(), "pa_a", []earshot.ParticipantID{"pa_more"}, true, at(11)), earshot.CodeResourceExhausted, "one friend too many")
	befriend(false, 12, "pa_b")
	befriend(true, 13, "pa_more")
	if friends, err := s.Friends(t.Context(), "pa_a"); err != nil || len(friends) != MaxFriends {
		t.Errorf("%d friends %v, want %d", len(friends), err, MaxFriends)
	}
}

func testBounds(t *testing.T, s subject) {
	large := member("pa_a", 1)
	large.State = make([]byte, cluster.MaxStateBytes+1)
	for _, op := range []cluster.Op{
		claim("", "nd_a", hour), claim("in_{x}", "nd_a", hour), claim("in_x y", "nd_a", hour),
		cluster.Put{Instance: "in_x", Set: []cluster.Presence{large}},
		cluster.Put{Instance: "in_x", Gone: []earshot.ParticipantID{""}},
		cluster.Save{Instance: "in_x", Snapshot: make([]byte, cluster.MaxSnapshotBytes+1)},
		cluster.Reserve{Instance: "in_x"},
		cluster.SetOrder{}, cluster.Renew{Instance: "in_}"}, cluster.Find{}, cluster.Withdraw{Node: "nd_\n"},
		cluster.Announce{},
	} {
		_, err := s.Do(t.Context(), op)
		wantCode(t, err, earshot.CodeInvalidArgument, fmt.Sprintf("%T", op))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := s.Do(ended, cluster.Survey{})
	wantCode(t, err, earshot.CodeCanceled, "Do for nobody")
	if r.Status != cluster.Unknown {
		t.Errorf("Do for nobody: %v", r.Status)
	}
}
