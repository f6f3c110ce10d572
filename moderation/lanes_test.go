package moderation

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

func TestLanesKeepOrderAndBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(10, 4)
		var mu sync.Mutex
		var done []string
		put := func(who string, n int) bool {
			return l.add(subject{"w", earshot.ParticipantID(who)}, func(context.Context) {
				time.Sleep(time.Second)
				mu.Lock()
				done = append(done, fmt.Sprint(who, n))
				mu.Unlock()
			})
		}
		for n := range 4 {
			if !put("a", n) {
				t.Fatal("refused too early")
			}
		}
		if put("a", 4) || l.room(subject{"w", "a"}) {
			t.Error("a lane takes more than its share")
		}
		for n := range 6 {
			put(fmt.Sprint("b", n), n)
		}
		if put("c", 0) || l.depth() != 10 {
			t.Error("more than all are taken")
		}
		begun := time.Now()
		l.start(t.Context())
		l.close()
		if took := time.Since(begun); took != 4*time.Second || len(done) != 10 || l.depth() != 0 {
			t.Errorf("10 jobs in %v: %v", took, done)
		}
		var last string
		for _, d := range done {
			if d[0] == 'a' && d < last {
				t.Errorf("out of order: %v", done)
			} else if d[0] == 'a' {
				last = d
			}
		}
		if put("d", 0) {
			t.Error("a job after the end")
		}
	})
}

func TestBreaker(t *testing.T) {
	now := time.Unix(1000, 0)
	b := breaker{failures: 2, rest: time.Second}
	want := func(story string, p permission) {
		t.Helper()
		if got := b.ask(now); got != p {
			t.Errorf("%s: %v, want %v", story, got, p)
		}
	}
	b.done(false, now)
	want("after one failure", allowed)
	b.done(false, now)
	want("after two", forbidden)
	b.done(false, now) // of what was asked before
	now = now.Add(time.Second)
	want("after the rest", tryOnly)
	want("beside a try", forbidden)
	b.done(false, now)
	now = now.Add(time.Second)
	want("the rest is longer then", forbidden)
	now = now.Add(time.Second)
	want("after that", tryOnly)
	b.forgo()
	want("after a try that did not take place", tryOnly)
	b.done(true, now)
	want("after an answer", allowed)
}

func TestPeopleAreBounded(t *testing.T) {
	ps := newPeople()
	load := func(subject) *policy.Record { return &policy.Record{} }
	for i := range maxPeople + 10 {
		ps.get(subject{"w", earshot.ParticipantID(fmt.Sprint(i))}, time.Unix(int64(i), 0), load)
	}
	if len(ps.known) > maxPeople || ps.known[subject{"w", "0"}] != nil || ps.known[subject{"w", earshot.ParticipantID(fmt.Sprint(maxPeople))}] == nil {
		t.Errorf("%d people are kept, or the wrong ones", len(ps.known))
	}
}
