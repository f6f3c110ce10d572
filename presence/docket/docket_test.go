package docket

import (
	"fmt"
	"testing"
	"time"
)

// shelf is a store in the small.
type shelf struct {
	head    Head
	entries []Placed
}

func (s *shelf) enter(ids ...string) (news []News) {
	for _, id := range ids {
		n := News{s.head, Placed{s.head.Next(id), id, []byte(id)}}
		s.head, s.entries = n.Head, append(s.entries, n.Placed)
		news = append(news, n)
	}
	return news
}

func (s *shelf) read(after Head) Page {
	p := Page{Head: s.head, Lost: after != (Head{})}
	for _, e := range s.entries {
		if e.Head.Seq > after.Seq {
			p.Entries = append(p.Entries, e)
		}
		p.Lost = p.Lost && e.Head != after
	}
	return p
}

// settle does all that the docket asks for and returns what it brought.
func settle(t *testing.T, d *Docket, s *shelf) (got []string, again bool) {
	t.Helper()
	for range 100 {
		op, ok := d.Next()
		if !ok {
			return got, again
		}
		if op.Append != nil {
			for _, e := range op.Append {
				s.enter(e.ID)
			}
			d.Written()
			continue
		}
		entries, a := d.Read(s.read(op.After))
		for _, e := range entries {
			got = append(got, e.ID)
		}
		again = again || a
	}
	t.Fatal("it asks without end")
	return nil, false
}

func wantIDs(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// A node begins, hears, misses something and reads on.
func TestDocket(t *testing.T) {
	s, d := &shelf{}, New()
	s.enter("a", "b")
	if d.Met() != 0 {
		t.Error("it was read before it was read")
	}
	got, again := settle(t, d, s)
	wantIDs(t, "at first", got, "a", "b")
	if !again || d.Lacks("a") || !d.Lacks("x") || d.Met() != d.Missed() {
		t.Errorf("again %t, lacks a %t, lacks x %t", again, d.Lacks("a"), d.Lacks("x"))
	}
	d.Said()
	news := s.enter("c", "d", "e")
	if !d.Hear(news[0]) || d.Hear(news[0]) {
		t.Error("news are taken in once")
	}
	if d.Hear(news[2]) {
		t.Error("news were taken in before what came before them")
	}
	forged := news[1]
	forged.ID = "z"
	if d.Hear(forged) {
		t.Error("news whose sum is wrong were taken in")
	}
	got, again = settle(t, d, s)
	wantIDs(t, "after the gap", got, "d", "e")
	if again || d.Hear(news[1]) {
		t.Error("after the gap nothing is said again, nor what was read heard")
	}
	n := d.Missed()
	d.Miss()
	if d.Met() != n {
		t.Error("a read is due")
	}
}

// What a store forgot without a word is written again, whether or not this node
// had read on; but not without end.
func TestForgottenStore(t *testing.T) {
	s, d := &shelf{}, New()
	s.enter("a")
	settle(t, d, s)
	d.Put(Entry{ID: "mine", For: time.Hour, Data: []byte("x")})
	settle(t, d, s)
	*s = shelf{}
	s.enter("a") // as far as this node had read
	for range maxTries + 2 {
		d.Miss()
		settle(t, d, s)
	}
	if len(s.entries) != 2 || s.entries[1].ID != "mine" {
		t.Errorf("the docket has %v, want what was forgotten, once", s.entries)
	}
	*s = shelf{}
	d.Miss()
	_, again := settle(t, d, s)
	if !again || !d.Lacks("a") || !d.Lacks("mine") {
		t.Error("an empty docket is not said everything again")
	}

	for range maxTries + 2 { // a docket that drops it each time
		d.Put(Entry{ID: "dropped", For: time.Hour, Data: []byte("x")})
		for range 10 {
			settle(t, d, s)
			if n := len(s.entries) - 1; n >= 0 && s.entries[n].ID == "dropped" {
				s.entries = s.entries[:n]
			}
			d.Miss()
		}
	}
	if d.Waiting() != 0 {
		t.Errorf("%d wait for a docket that drops them", d.Waiting())
	}
}

// More than may wait is not kept, and everything is said again instead.
func TestTooMuchWaits(t *testing.T) {
	s, d := &shelf{}, New()
	settle(t, d, s)
	for i := range maxWaiting + 1 {
		d.Put(Entry{ID: fmt.Sprint(i), For: time.Hour, Data: []byte("x")})
	}
	if d.Waiting() != 0 {
		t.Errorf("%d wait", d.Waiting())
	}
	if _, again := settle(t, d, s); !again {
		t.Error("nothing is said again")
	}
}

// No answer is asked for again, and an answer that comes too late changes nothing.
func TestNoAnswer(t *testing.T) {
	s, d := &shelf{}, New()
	op, _ := d.Next()
	if _, more := d.Next(); more {
		t.Error("two things are asked at once")
	}
	d.Failed()
	if again, ok := d.Next(); !ok || again.After != op.After {
		t.Errorf("asked %+v again, want %+v", again, op)
	}
	d.Failed()
	if entries, _ := d.Read(Page{Entries: s.enterPlaced("late")}); len(entries) != 0 {
		t.Errorf("a late answer brought %v", entries)
	}
	d.Written()
}

func (s *shelf) enterPlaced(id string) []Placed { return []Placed{s.enter(id)[0].Placed} }
