package queue

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"earshot"
)

var epoch = time.Unix(1_800_000_000, 0)

func name(i int) earshot.ParticipantID { return earshot.ParticipantID(fmt.Sprint("pa_", i)) }

func alone(i int) Place { return Place{Party: []earshot.ParticipantID{name(i)}} }

func party(first, n int) (p Place) {
	for i := range n {
		p.Party = append(p.Party, name(first+i))
	}
	return p
}

func ask(t *testing.T, q *Queue, p Place, now time.Time) Place {
	t.Helper()
	placed, err := q.Ask(p, now, now)
	if err != nil {
		t.Fatalf("Ask(%v) = %v", p, err)
	}
	return placed
}

func position(t *testing.T, q *Queue, p Place, now time.Time) int {
	t.Helper()
	s, ok := q.Standing(p.Who(), now)
	if !ok {
		t.Fatalf("%s does not wait", p.Who())
	}
	return s.Position
}

// admit lets in whom room has places for, and returns who.
func admit(q *Queue, now time.Time, room func(p *Place) bool) (in []earshot.ParticipantID) {
	for s := q.Sweep(); ; {
		p, ok := s.Next(now)
		if !ok {
			return in
		}
		if room(&p) {
			s.Admit(&p, Offer{Until: now.Add(30 * time.Second)}, now)
			in = append(in, p.Who())
		} else {
			s.Refuse(&p)
		}
	}
}

// A pair and sixteen who are alone wait. With one place at a time the pair lets
// the sixteen pass; then it has waited for long enough, and two places come
// together for it.
func TestPartiesArePassedButNotForEver(t *testing.T) {
	q, now := New(DefaultConfig(), "nd_a"), epoch
	pair := ask(t, q, party(100, 2), now)
	for i := range 17 {
		if at := position(t, q, ask(t, q, alone(i), now), now); at != 3+i {
			t.Fatalf("the %dth after a pair is at %d, want %d", i, at, 3+i)
		}
	}
	one := func(p *Place) bool { return len(p.Party) == 1 }
	for i := range 16 {
		n := 0
		got := admit(q, now, func(p *Place) bool { n += len(p.Party); return one(p) && n <= 3 })
		if len(got) != 1 || got[0] != name(i) {
			t.Fatalf("turn %d: %v, want %s", i, got, name(i))
		}
	}
	if got := admit(q, now, one); got != nil {
		t.Errorf("%v went before a pair that 16 have passed", got)
	}
	if got := admit(q, now, func(*Place) bool { return true }); len(got) != 2 || got[0] != pair.Who() {
		t.Errorf("with room for all: %v", got)
	}
}

// Who waits for one instance does not hold up the others, and counts apart.
func TestTargets(t *testing.T) {
	q, now := New(DefaultConfig(), "nd_a"), epoch
	one := alone(1)
	one.Target = "in_plaza_2"
	ask(t, q, one, now)
	if at := position(t, q, ask(t, q, alone(2), now), now); at != 1 {
		t.Errorf("behind one who wants another instance: position %d, want 1", at)
	}
	if !q.Busy("", now) || !q.Busy("in_plaza_2", now) || q.Busy("in_plaza_3", now) {
		t.Error("Busy does not tell targets apart")
	}
	if got := admit(q, now, func(p *Place) bool { return p.Target == "" }); len(got) != 1 || got[0] != name(2) {
		t.Errorf("room anywhere but in the full instance: %v", got)
	}
}

// One participant has one place: asked again it is the same, for something else
// it is another and at the end, and left it is gone, also for who has its ticket.
func TestOnePlaceEach(t *testing.T) {
	q, now := New(DefaultConfig(), "nd_a"), epoch
	first := ask(t, q, alone(1), now)
	ask(t, q, alone(2), now)
	if again := ask(t, q, alone(1), now); again.At != first.At || q.Waiting() != 2 {
		t.Errorf("asked again: %+v, %d wait", again, q.Waiting())
	}
	other := alone(1)
	other.Target = "in_plaza_2"
	ask(t, q, other, now)
	if _, err := q.Ask(first, now, now); !errors.Is(err, &earshot.Error{Code: earshot.CodeNotFound}) {
		t.Errorf("the place that was given up: %v", err)
	}
	placed := ask(t, q, alone(1), now)
	if at := position(t, q, placed, now); at != 2 {
		t.Errorf("asking for the world again: position %d, want 2", at)
	}
	if waited, _ := q.Leave(name(1), now); !waited {
		t.Error("Leave says that nobody waited")
	}
	if _, err := q.Ask(placed, now, now); !errors.Is(err, &earshot.Error{Code: earshot.CodeNotFound}) {
		t.Errorf("the place of who left: %v", err)
	}
	ask(t, q, alone(1), now) // a new one
}

// Who is not heard of is passed over, and comes back to their place; after
// longer they have none.
func TestAwayAndBack(t *testing.T) {
	q, now := New(DefaultConfig(), "nd_a"), epoch
	placed := ask(t, q, alone(1), now)
	later := now.Add(31 * time.Second)
	if q.Busy("", later) {
		t.Error("only who is away waits, and newcomers are held up")
	}
	ask(t, q, alone(2), later)
	if got := admit(q, later, func(p *Place) bool { return true }); len(got) != 1 || got[0] != name(2) {
		t.Errorf("admitted %v, want who is there", got)
	}
	back, err := q.Ask(placed, now, later.Add(time.Minute))
	if err != nil || back.At != placed.At || position(t, q, back, later) != 1 {
		t.Errorf("back: %+v, %v", back, err)
	}
	gone := later.Add(10 * time.Minute)
	if n := q.Expire(gone); n != 1 || q.Waiting() != 0 {
		t.Errorf("Expire = %d, %d wait", n, q.Waiting())
	}
	if _, err := q.Ask(back, later.Add(time.Minute), gone); !errors.Is(err, &earshot.Error{Code: earshot.CodeNotFound}) {
		t.Errorf("back too late: %v", err)
	}
	q.Expire(gone.Add(10 * time.Minute))
	if !q.Empty(gone.Add(10 * time.Minute)) {
		t.Error("something is kept in mind for ever")
	}
}

// The leader dies. Another, whose clock is an hour behind, takes the places in
// as it hears of them; whoever comes now is last, and nobody's turn comes before
// all have had time to say theirs.
func TestPlacesOutliveTheQueue(t *testing.T) {
	old, now := New(DefaultConfig(), "nd_a"), epoch
	var places []Place
	for i := range 5 {
		places = append(places, ask(t, old, alone(i), now.Add(time.Duration(i)*time.Millisecond)))
	}
	behind := now.Add(-59 * time.Minute)
	q := New(DefaultConfig(), "nd_b")
	q.Recover(behind.Add(10 * time.Second))
	for _, i := range []int{3, 0, 4, 2, 1} {
		if _, err := q.Ask(places[i], behind, behind); err != nil {
			t.Fatal(err)
		}
	}
	if got := position(t, q, ask(t, q, alone(9), behind), behind); got != 6 {
		t.Errorf("a newcomer is at %d, want 6", got)
	}
	if got := admit(q, behind, func(*Place) bool { return true }); got != nil || !q.Busy("in_other", behind) {
		t.Errorf("%v were let in before all were heard", got)
	}
	after := behind.Add(10 * time.Second)
	for i, who := range admit(q, after, func(*Place) bool { return true }) {
		if i < 5 && who != name(i) {
			t.Errorf("turn %d: %s", i, who)
		}
	}
}

// What is not taken is lost, and the place with it.
func TestOffersRunOut(t *testing.T) {
	q, now := New(DefaultConfig(), "nd_a"), epoch
	p := ask(t, q, alone(1), now)
	admit(q, now, func(*Place) bool { return true })
	if s, ok := q.Standing(name(1), now); !ok || s.Offer == nil || s.Position != 0 {
		t.Fatalf("Standing = %+v, %v", s, ok)
	}
	if q.Waiting() != 0 || q.Busy("", now) {
		t.Error("who has an offer still waits")
	}
	if again := ask(t, q, p, now.Add(10*time.Second)); again.At != p.At {
		t.Errorf("asked again: %+v", again)
	}
	late := now.Add(31 * time.Second)
	q.Expire(late)
	if _, err := q.Ask(p, now.Add(10*time.Second), late); !errors.Is(err, &earshot.Error{Code: earshot.CodeNotFound}) {
		t.Errorf("after the offer: %v", err)
	}
}

// An estimate is made of what happened: not before four were let in, and of how
// fast.
func TestEstimate(t *testing.T) {
	q, now := New(DefaultConfig(), "nd_a"), epoch
	var last Place
	for i := range 20 {
		last = ask(t, q, alone(i), now)
	}
	for i := range 6 {
		if s, _ := q.Standing(last.Who(), now); (s.Estimate > 0) != (i >= least) {
			t.Errorf("after %d: estimate %v", i, s.Estimate)
		}
		for j := range 20 { // they go on asking
			if _, waits := q.Standing(name(j), now); waits {
				ask(t, q, alone(j), now)
			}
		}
		n := 0
		admit(q, now, func(*Place) bool { n++; return n == 1 })
		now = now.Add(10 * time.Second)
	}
	s, _ := q.Standing(last.Who(), now)
	if s.Position != 14 || s.Estimate < 2*time.Minute || s.Estimate > 3*time.Minute {
		t.Errorf("14th, one every 10 s: %+v", s)
	}
}

func TestBounds(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Max = 3
	q := New(cfg, "nd_a")
	ask(t, q, party(0, 2), epoch)
	if _, err := q.Ask(party(10, 2), epoch, epoch); !errors.Is(err, &earshot.Error{Code: earshot.CodeResourceExhausted}) {
		t.Errorf("beyond the bound: %v", err)
	}
	ask(t, q, party(0, 3), epoch) // one more comes along: a new place
	if q.Waiting() != 3 {
		t.Errorf("%d wait, want 3", q.Waiting())
	}
	for _, change := range []func(*Config){
		func(c *Config) { c.Max = -1 }, func(c *Config) { c.Away = 0 }, func(c *Config) { c.Patience = time.Second },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		if cfg.Validate() == nil {
			t.Errorf("%+v is valid", cfg)
		}
	}
	if cfg := DefaultConfig(); cfg.Validate() != nil {
		t.Error(cfg.Validate())
	}
}
