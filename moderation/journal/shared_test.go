package journal

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"earshot/moderation/policy"
)

// sharing returns a journal in memory and what it says to others.
func sharing(t *testing.T, origin string) (*Journal, *[]Shared) {
	t.Helper()
	j, err := NewMemory(Config{})
	must(t, err)
	said := &[]Shared{}
	j.Share(origin, func(s Shared) { *said = append(*said, s) })
	return j, said
}

// travel is what becomes of an entry on its way.
func travel(t *testing.T, s Shared) Shared {
	t.Helper()
	b, err := s.Encode()
	must(t, err)
	for _, secret := range []string{"secret", "Name of"} {
		if bytes.Contains(b, []byte(secret)) {
			t.Fatalf("what others are told contains %q: %s", secret, b)
		}
	}
	out, err := DecodeShared(b)
	must(t, err)
	return out
}

func hear(t *testing.T, j *Journal, list ...Shared) []Heard {
	t.Helper()
	news, err := j.Hear(t.Context(), list)
	must(t, err)
	return news
}

var mute = policy.Act{Action: policy.Mute}

// An incident of one node is in force on another, is undone there, and stays so
// on both, also after a restart and when everything is said again.
func TestHear(t *testing.T) {
	a, fromA := sharing(t, "https://a")
	dir := t.TempDir()
	b, err := Open(dir, Config{})
	must(t, err)
	var fromB []Shared
	b.Share("https://b", func(s Shared) { fromB = append(fromB, s) })

	must(t, a.Decide(t.Context(), incident("ic_1", ada, start, mute)))
	must(t, a.Report(t.Context(), &Report{About: ada, By: bob, Incident: "ic_1", Text: "secret of bob", At: start}))
	must(t, a.Applied(t.Context(), Applied{Order: "or_ic_1", At: start}))
	if len(*fromA) != 2 {
		t.Fatalf("%d entries for others, want the incident and the report", len(*fromA))
	}
	news := hear(t, b, travel(t, (*fromA)[0]), travel(t, (*fromA)[1]))
	if len(news) != 2 || news[0].Who != ada || news[0].World != "plaza" || news[0].Order == nil || news[0].Order.Who != ada {
		t.Fatalf("heard %+v", news)
	}
	if len(fromB) != 0 {
		t.Errorf("what was heard is said again as one's own: %+v", fromB)
	}
	r, _ := b.Record(t.Context(), "plaza", ada, start)
	if _, muted := r.Sanctioned(policy.Mute, start); !muted || len(r.Strikes) != 1 {
		t.Errorf("record there: %+v", r)
	}
	if open, _ := b.OpenOrders(t.Context()); len(open) != 0 {
		t.Errorf("open orders %+v: another node's are carried out by who takes them in", open)
	}
	it, err := b.Item(t.Context(), "ic_1")
	must(t, err)
	if !it.Waits || it.Text != "" || !reflect.DeepEqual(it.Elsewhere, []string{"https://a"}) || len(it.Reports) != 1 || !it.Reports[0].Heard || it.Reports[0].By != bob {
		t.Errorf("item there: %+v", it)
	}
	if again := hear(t, b, (*fromA)...); len(again) != 0 {
		t.Errorf("heard twice: %+v", again)
	}

	must(t, b.Undo(t.Context(), &Undo{Incident: "ic_1", By: "mod", Note: "secret note", At: start.Add(time.Minute), Order: &Order{Who: ada, At: start.Add(time.Minute), Lift: true}}))
	news = hear(t, a, travel(t, fromB[0]))
	if len(news) != 1 || news[0].Order == nil || !news[0].First {
		t.Fatalf("heard %+v", news)
	}
	must(t, b.Close())
	b, err = Open(dir, Config{})
	must(t, err)
	defer b.Close()
	b.Share("https://b", func(Shared) {})
	var all []Shared
	must(t, b.Sharing(start.Add(time.Hour), func(s Shared) { all = append(all, travel(t, s)) }))
	if len(all) != 3 || all[0].ID != (*fromA)[0].ID || all[2].ID != fromB[0].ID {
		t.Errorf("after a restart %d are shared, want the same three", len(all))
	}
	hear(t, b, all...)
	for _, j := range []*Journal{a, b} {
		if r, _ := j.Record(t.Context(), "plaza", ada, start); len(r.InForce) != 0 || len(r.Strikes) != 0 {
			t.Errorf("after the undo: %+v", r)
		}
		_, err := j.Verify(t.Context())
		must(t, err)
	}
}

// How long others are told of something is never shorter than it may be in force,
// and its end is told for longer.
func TestSharedUntil(t *testing.T) {
	a, said := sharing(t, "https://a")
	until := func(i int) time.Duration { return (*said)[i].Until.Sub(start) }
	must(t, a.Decide(t.Context(), incident("ic_short", ada, start, policy.Act{Action: policy.Mute, For: time.Hour})))
	must(t, a.Decide(t.Context(), incident("ic_long", ada, start, policy.Act{Action: policy.Suspend, For: 100 * day})))
	must(t, a.Decide(t.Context(), incident("ic_ever", ada, start, mute)))
	must(t, a.Undo(t.Context(), &Undo{Incident: "ic_ever", By: "mod", At: start}))
	for i, want := range []time.Duration{30 * day, 101 * day, 365 * day, 395 * day} {
		if until(i) != want {
			t.Errorf("entry %d is shared for %v, want %v", i, until(i), want)
		}
	}
	count := 0
	must(t, a.Sharing(start.Add(40*day), func(Shared) { count++ }))
	if count != 3 {
		t.Errorf("after 40 days %d are shared, want all but the short one", count)
	}
}

// TestOneRecord: whatever the order in which entries of three nodes come to a
// journal, the record it comes to is the same; and what is undone stays so.
func TestOneRecord(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		home, fromHome := sharing(t, "https://home")
		b, fromB := sharing(t, "https://b")
		c, fromC := sharing(t, "https://c")
		in := incident("ic_1", ada, start, policy.Act{Action: policy.Mute, For: 10 * day})
		must(t, home.Decide(t.Context(), in))
		first := (*fromHome)[0]
		hear(t, b, first)
		hear(t, c, first)
		undone := false
		for i := range 1 + rng.IntN(3) { // each knows only the incident
			at := start.Add(time.Duration(1+rng.IntN(5)) * time.Minute)
			j := []*Journal{home, b, c}[i]
			switch rng.IntN(4) {
			case 0:
				undone = j.Undo(t.Context(), &Undo{Incident: "ic_1", By: "mod", At: at}) == nil || undone
			case 1:
				must(t, j.Judge(t.Context(), &Judgement{Incident: "ic_1", Judgement: policy.Judgement{Verdict: policy.TooMild, By: "m", At: at, Actions: []policy.Act{mute}}}))
			case 2:
				must(t, j.Judge(t.Context(), &Judgement{Incident: "ic_1", Judgement: policy.Judgement{Verdict: policy.Wrong, By: "n", At: at}}))
			case 3:
				must(t, j.Judge(t.Context(), &Judgement{Incident: "ic_1", Judgement: policy.Judgement{Verdict: policy.TooHarsh, By: "o", At: at}}))
			}
		}
		must(t, home.Decide(t.Context(), incident("ic_2", ada, start, policy.Act{Action: policy.Slow})))
		all := append(append(append([]Shared{}, *fromHome...), *fromB...), *fromC...)
		var want string
		for range 5 {
			j, _ := sharing(t, "https://d")
			hear(t, j, first)
			for _, i := range rng.Perm(len(all)) {
				hear(t, j, all[i])
			}
			r, _ := j.Record(t.Context(), "plaza", ada, start.Add(time.Hour))
			_, muted := r.Sanctioned(policy.Mute, start.Add(time.Hour))
			if _, slow := r.Sanctioned(policy.Slow, start.Add(time.Hour)); undone && muted || !slow {
				t.Fatalf("seed %d: undone %t, and %+v", seed, undone, r)
			}
			got := map[string]int{}
			for _, s := range r.InForce {
				b, _ := json.Marshal(s)
				got[string(b)]++
			}
			b, _ := json.Marshal([]any{got, len(r.Strikes)})
			if want == "" {
				want = string(b)
			} else if want != string(b) {
				t.Fatalf("seed %d: %s, and in another order %s", seed, b, want)
			}
		}
	}
}

// Erasing somebody on the word of another node is done once, and leaves what
// comes later.
func TestHearErasure(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		must(t, k.Decide(t.Context(), incident("ic_1", ada, start)))
		must(t, k.Decide(t.Context(), incident("ic_npc", "", start)))
		s := travel(t, NewErasure("https://a", ada, "admin", start.Add(time.Minute)))
		stranger := travel(t, NewErasure("https://a", cleo, "admin", start.Add(time.Minute)))
		for i := range 3 {
			for _, one := range []Shared{s, stranger} {
				if fresh, err := k.HearErasure(t.Context(), &one); err != nil || fresh != (i == 0) {
					t.Errorf("erasure %d: fresh %t, %v", i, fresh, err)
				}
			}
			k.again()
			if i == 0 {
				must(t, k.Decide(t.Context(), incident("ic_2", ada, start.Add(time.Hour))))
			}
		}
		read := func(id string) Item {
			it, err := k.Read(t.Context(), Access{Incident: id, By: "mod", At: start})
			must(t, err)
			return it
		}
		if it := read("ic_1"); it.Text != "" || !it.Shredded {
			t.Errorf("erased: %+v", it)
		}
		if it := read("ic_2"); !strings.Contains(it.Text, "secret") {
			t.Errorf("what came after the erasure was erased as well: %+v", it)
		}
		if it := read("ic_npc"); !strings.Contains(it.Text, "secret") {
			t.Errorf("what is about nobody was erased with a stranger: %+v", it)
		}
	})
}

// What comes from another node is taken in or refused, and never breaks anything.
func FuzzDecodeShared(f *testing.F) {
	j, err := NewMemory(Config{})
	if err != nil {
		f.Fatal(err)
	}
	j.Share("https://a", func(s Shared) {
		b, err := s.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	})
	for _, err := range []error{
		j.Decide(f.Context(), incident("ic_1", ada, start, mute)),
		j.Revise(f.Context(), &Revision{Incident: "ic_1", At: start, Decision: policy.Decision{Actions: []policy.Act{mute}}}),
		j.Report(f.Context(), &Report{About: ada, By: bob, Incident: "ic_1", At: start}),
		j.Appeal(f.Context(), Appeal{Incident: "ic_1", Who: ada, At: start}),
		j.Judge(f.Context(), &Judgement{Incident: "ic_1", Judgement: policy.Judgement{Verdict: policy.TooHarsh, Appeal: true, By: "m", At: start}}),
		j.Undo(f.Context(), &Undo{Incident: "ic_1", By: "mod", At: start}),
	} {
		if err != nil {
			f.Fatal(err)
		}
	}
	erased := NewErasure("https://a", ada, "admin", start)
	b, _ := erased.Encode()
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeShared(data)
		if err != nil {
			return
		}
		again := travelled(t, s)
		if !reflect.DeepEqual(again.ID, s.ID) || again.From != s.From {
			t.Errorf("%+v became %+v", s, again)
		}
		j, err := NewMemory(Config{})
		must(t, err)
		must(t, j.Decide(t.Context(), incident("ic_1", ada, start, mute)))
		if s.Erasure != nil {
			_, err = j.HearErasure(t.Context(), &s)
		} else {
			_, err = j.Hear(t.Context(), []Shared{s})
		}
		must(t, err)
		_, err = j.Item(t.Context(), "ic_1")
		must(t, err)
	})
}

// travelled is travel for what a fuzzer made up.
func travelled(t *testing.T, s Shared) Shared {
	t.Helper()
	b, err := json.Marshal(&s)
	must(t, err)
	if len(b) > MaxShared {
		return s
	}
	out, err := DecodeShared(b)
	must(t, err)
	return out
}
