package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/gateway/near"
)

// nearTest is a line in virtual time: who is near is what the test says.
type nearTest struct {
	mu     sync.Mutex // guards all: time that passes is no order for the race detector
	t      *testing.T
	line   *nearLine
	people []near.Person
	err    error
	room   int // messages that find room; -1: all
	got    []map[string]any
	bye    chan *near.Bye
}

func startNearLine(t *testing.T, life time.Duration) *nearTest {
	n := &nearTest{t: t, room: -1, bye: make(chan *near.Bye, 1)}
	n.line = newNearLine(time.Now().Add(life), func(context.Context, near.Watch, float64) ([]near.Person, bool, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.people, true, n.err
	}, func(data []byte) bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.room == 0 {
			return false
		}
		n.room--
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			t.Error(err)
		}
		n.got = append(n.got, m)
		return true
	})
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() { n.bye <- n.line.run(ctx) }()
	return n
}

// after lets time pass and returns what came.
func (n *nearTest) after(d time.Duration) (got []map[string]any) {
	time.Sleep(d)
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	got, n.got = n.got, nil
	return got
}

// change changes what the line is told.
func (n *nearTest) change(how func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	how()
}

func (n *nearTest) say(format string, args ...any) {
	n.line.hear(fmt.Appendf(nil, format, args...), time.Now())
}

func kinds(got []map[string]any) (list []string) {
	for _, m := range got {
		list = append(list, fmt.Sprint(m["type"]))
	}
	return list
}

func (n *nearTest) wants(what string, got []map[string]any, types ...string) {
	n.t.Helper()
	if !slices.Equal(kinds(got), types) {
		n.t.Errorf("%s: %v, want %v", what, got, types)
	}
}

// A life of a connection: a snapshot at once, deltas when something changes, a
// beat every 5 s, nobody while the viewer is not in the world, and the end with
// the token.
func TestNearLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNearLine(t, time.Minute)
		somebody := near.Person{Participant: "pa_bo", Instance: "in_plaza", Distance: 3}
		n.change(func() { n.people = []near.Person{somebody} })
		n.say(`{"type":"watch","id":"a","radius":30}`)
		n.wants("after a watch", n.after(0), "snapshot")
		n.wants("while nothing changes", n.after(4*time.Second))
		n.wants("after 5 s", n.after(2*time.Second), "beat")
		somebody.Muted = true
		n.change(func() { n.people = []near.Person{somebody} })
		n.wants("a change", n.after(time.Second), "delta")
		n.say(`{"type":"resync","id":"a"}`)
		if got := n.after(0); len(got) != 1 || got[0]["type"] != "snapshot" || got[0]["seq"] != 3.0 {
			t.Errorf("after a resync: %v", got)
		}

		n.change(func() { n.err = earshot.Errorf(earshot.CodeUnavailable, "the store is away") })
		n.wants("while nobody knows", n.after(2*time.Second), "error")
		n.change(func() { n.err = earshot.Errorf(earshot.CodeFailedPrecondition, "not in the world") })
		n.wants("out of the world", n.after(2*time.Second), "error", "delta", "beat")
		n.change(func() { n.err = nil })
		n.wants("back in it", n.after(time.Second), "delta")

		n.say(`{"type":"unwatch","id":"a"}`)
		n.change(func() { n.people = nil })
		n.wants("after an unwatch", n.after(time.Second))
		n.say(`{"type":"auth","token":"x"}`)
		n.say(`{"type":"resync","id":"a"}`)
		n.say(`{`)
		n.wants("what cannot be", n.after(0), "error", "error", "error")
		for i := range near.MaxWatches + 1 {
			time.Sleep(time.Second)
			n.say(`{"type":"watch","id":"w%d","radius":1}`, i)
		}
		if got := n.after(0); got[len(got)-1]["code"] != "resource_exhausted" {
			t.Errorf("a watch too many: %v", got)
		}
		time.Sleep(time.Minute)
		if bye := <-n.bye; bye == nil || bye.Code != earshot.CodeUnauthenticated {
			t.Errorf("the token is over: %+v", bye)
		}
	})
}

// Who does not read ends, and so does who floods; whoever leaves just leaves.
func TestNearLineEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := startNearLine(t, time.Hour)
		slow.room = 2
		slow.say(`{"type":"watch","id":"a","radius":30}`)
		slow.after(time.Minute)
		if bye := <-slow.bye; bye == nil || bye.Code != earshot.CodeResourceExhausted {
			t.Errorf("a slow reader: %+v", bye)
		}

		flood := startNearLine(t, time.Hour)
		for range 20 + nearDropped + 1 {
			flood.say(`{"type":"resync","id":"a"}`)
		}
		if bye := <-flood.bye; bye == nil || bye.Code != earshot.CodeResourceExhausted {
			t.Errorf("a flood: %+v", bye)
		}

		replaced := startNearLine(t, time.Hour)
		replaced.line.end(earshot.CodeAborted, "elsewhere")
		replaced.line.end(earshot.CodeUnavailable, "too late")
		if bye := <-replaced.bye; bye == nil || bye.Code != earshot.CodeAborted {
			t.Errorf("replaced: %+v", bye)
		}
	})
}
