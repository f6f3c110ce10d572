package loadtest

import (
	"errors"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// Ada's node a falls silent. She asks b, which has not noticed and sends her back
// to a: she stays, asks again, and is let in at c, where b sends her then.
func TestRouteAfterACrash(t *testing.T) {
	now := time.Unix(0, 0)
	r := newRoute("http://a/", "")
	r.welcomed("http://a/v1/sessions/1", &protocol.Welcome{Instance: "in_plaza_2", Alternates: []string{"http://b", "http://c"}})
	if r.next() != "http://a" || r.instance != "in_plaza_2" {
		t.Fatalf("next %s, instance %s; want a, in_plaza_2", r.next(), r.instance)
	}
	r.fell("http://a", now)
	if r.next() != "http://b" {
		t.Errorf("after a fell: %s, want b", r.next())
	}
	if r.trusts("http://a/v1/join?instance=in_plaza_2", now.Add(time.Second)) {
		t.Error("she follows b to a, which is gone")
	}
	if !r.failed(errMoving) || r.next() != "http://b" {
		t.Errorf("b said something: %s is next, want b again", r.next())
	}
	if !r.trusts("http://c/v1/join", now.Add(time.Second)) || !r.trusts("http://a/v1/join", now.Add(time.Minute)) {
		t.Error("she does not go where she is sent")
	}
	r.welcomed("http://c", &protocol.Welcome{Instance: "in_plaza_2", Alternates: []string{"http://b"}})
	if r.next() != "http://c" || !r.trusts("http://a/", now) {
		t.Errorf("in at c: next %s; what was of a is forgotten", r.next())
	}
}

// Who is sent away goes where the bye says; who reaches nobody tries the next;
// who is refused for good stays away.
func TestRouteTurns(t *testing.T) {
	r := newRoute("http://a", "in_x")
	r.sent(&protocol.Bye{URL: "http://b", Instance: "in_y", Reconnect: true})
	if r.next() != "http://b" || r.instance != "in_y" {
		t.Errorf("sent to %s, %s; want b, in_y", r.next(), r.instance)
	}
	if !r.failed(errors.New("connection refused")) || r.next() != "http://a" {
		t.Errorf("b does not answer: %s is next, want a", r.next())
	}
	if !r.failed(earshot.Errorf(earshot.CodeNotFound, "gone")) || r.instance != "in_x" {
		t.Errorf("in_y is gone: asks for %s, want in_x as at first", r.instance)
	}
	if r.failed(earshot.Errorf(earshot.CodePermissionDenied, "banned")) {
		t.Error("who is banned tries again")
	}
}

// Silence is asked about once, and ends a connection if the answer stays away;
// not where it was this process that did not run.
func TestHush(t *testing.T) {
	var h hush
	now, packets := time.Unix(0, 0), uint64(0)
	step := func(came uint64, d time.Duration) hushing {
		now, packets = now.Add(d), packets+came
		return h.look(now, packets, time.Second)
	}
	for range 10 {
		step(1, watchEvery)
	}
	quiet := func() (asked, over int) {
		for i := 1; i <= 60; i++ {
			switch step(0, watchEvery) {
			case hushAsk:
				asked = i
			case hushOver:
				return asked, i
			}
		}
		return asked, 0
	}
	asked, over := quiet()
	if want := int(time.Second / watchEvery); asked != want {
		t.Errorf("asked after %d looks, want %d", asked, want)
	}
	if want := asked + int(answerFor/watchEvery); over != want {
		t.Errorf("over after %d looks, want %d", over, want)
	}
	h = hush{}
	step(1, watchEvery)
	if got := step(0, 5*time.Second); got != hushNone {
		t.Errorf("after 5 s without running: %v, want nothing", got)
	}
}
