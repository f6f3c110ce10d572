package federation

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
)

func somebody(n int, world string) Person {
	id := encoding.EncodeToString(fmt.Appendf(nil, "%010d", n))
	return Person{ID: id, World: world, Instance: earshot.InstanceID("in_" + world)}
}

// ask is one question and its answer, over the wire.
func ask(t *testing.T, l *Ledger, v *View, worlds []string, limit int, at time.Time) *Page {
	t.Helper()
	page := &Page{
		Version: Version, Operator: "alpha", Region: "eu", At: at.UnixMilli(), Policy: Policy{Regions: []string{"eu"}, Retain: 60}, Poll: 2,
		Worlds: []World{{Name: "plaza"}, {Name: "tavern"}},
	}
	l.Since(v.Cursor(), worlds, limit, page)
	data, err := json.Marshal(page)
	if err != nil {
		t.Fatal(err)
	}
	if page, err = Decode(data); err != nil {
		t.Fatal(err)
	}
	if err := v.Apply(page, at); err != nil {
		t.Fatal(err)
	}
	return page
}

// Whoever comes, moves and goes, however the pages are cut, whatever is asked in
// between and forgotten: when there is no more to ask, the view is the truth.
func TestViewFollowsLedger(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 0))
		l, v := NewLedger("one"), NewView("alpha", "eu", true)
		all, at := []string{"plaza", "tavern"}, now
		worlds := all
		var people []Person
		for step := range 120 {
			at = at.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
			people = people[:0]
			for n := range 60 {
				if r.IntN(3) > 0 {
					p := somebody(n, all[r.IntN(2)])
					p.Cell = &[2]int16{int16(r.IntN(2)), 0}
					people = append(people, p)
				}
			}
			switch r.IntN(40) {
			case 0: // the other side began anew
				l = NewLedger(fmt.Sprint("again", step))
			case 1: // nobody asked for long
				l.Update(nil, at)
				at = at.Add(2 * keepGone)
			case 2: // another question
				worlds = all[:1+r.IntN(2)]
			}
			l.Update(people, at)
			page := ask(t, l, v, worlds, 1+r.IntN(30), at)
			if page.More && r.IntN(2) == 0 {
				continue // more changes before the next page
			}
			for page.More {
				page = ask(t, l, v, worlds, 1+r.IntN(30), at)
			}
			want := slices.DeleteFunc(slices.Clone(people), func(p Person) bool { return !slices.Contains(worlds, p.World) })
			slices.SortFunc(want, func(a, b Person) int { return strings.Compare(a.World+a.ID, b.World+b.ID) })
			if got := v.People(nil); !slices.EqualFunc(got, want, func(a, b Person) bool { return a.equal(&b) }) {
				t.Fatalf("seed %d step %d: the view has %d people, %d are there", seed, step, len(got), len(want))
			}
		}
	}
}

// Nothing changed, nothing is said.
func TestQuietLedger(t *testing.T) {
	l, v := NewLedger("one"), NewView("alpha", "eu", false)
	for i := range 3 {
		p := somebody(1, "plaza")
		p.Name = "Ada"
		l.Update([]Person{p}, now)
		page := ask(t, l, v, []string{"plaza"}, 10, now)
		if page.Full != (i == 0) || len(page.Set) != max(0, 1-i) {
			t.Errorf("question %d: full %v, %d people", i, page.Full, len(page.Set))
		}
	}
	if got := v.People(nil); len(got) != 1 || got[0].Name != "" {
		t.Errorf("%+v, want one without a name: nobody asked for names", got)
	}
}

func TestLedgerIsBounded(t *testing.T) {
	l := NewLedger("one")
	at := now
	for round := range 4 {
		people := make([]Person, MaxTold+100)
		for i := range people {
			people[i] = somebody(round*len(people)+i, "plaza")
		}
		l.Update(people, at)
		at = at.Add(time.Second)
	}
	if len(l.told) > 2*MaxTold {
		t.Errorf("%d are remembered, at most %d", len(l.told), 2*MaxTold)
	}
}

// What may not be shown here, is of somebody else or too old is forgotten.
func TestViewForgets(t *testing.T) {
	fresh := func() *View {
		l, v := NewLedger("one"), NewView("alpha", "eu", false)
		l.Update([]Person{somebody(1, "plaza")}, now)
		ask(t, l, v, []string{"plaza"}, 10, now)
		if len(v.People(nil)) != 1 {
			t.Fatal("nobody is known")
		}
		return v
	}
	v := fresh()
	if err := v.Apply(&Page{Operator: "alpha", Policy: Policy{Regions: []string{"us"}}}, now); earshot.CodeOf(err) != earshot.CodePermissionDenied || len(v.People(nil)) > 0 {
		t.Errorf("another region: %v, %d people", err, len(v.People(nil)))
	}
	v = fresh()
	if err := v.Apply(&Page{Operator: "beta", Policy: Policy{Regions: []string{"*"}}}, now); earshot.CodeOf(err) != earshot.CodeFailedPrecondition || len(v.People(nil)) > 0 {
		t.Errorf("another operator: %v, %d people", err, len(v.People(nil)))
	}
	v = fresh()
	if v.Expire(now.Add(59 * time.Second)); len(v.People(nil)) != 1 {
		t.Error("forgotten too early")
	}
	if v.Expire(now.Add(61 * time.Second)); len(v.People(nil)) != 0 || v.Cursor() != "" {
		t.Error("kept for too long")
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := func() map[string]any {
		return map[string]any{
			"version": 1, "operator": "alpha", "region": "eu", "at": 1, "policy": map[string]any{"regions": []string{"eu"}, "retain_s": 60},
			"worlds": []any{map[string]any{"name": "plaza", "title": "Plaza", "people": 1}}, "full": true,
			"set": []any{somebody(1, "plaza")}, "gone": []any{}, "cursor": "c", "poll_s": 2, "of_a_later_version": 7,
		}
	}
	if data, _ := json.Marshal(good()); true {
		if _, err := Decode(data); err != nil {
			t.Fatal(err)
		}
	}
	long := somebody(1, "plaza")
	long.Name = strings.Repeat("x", MaxName+1)
	bell := somebody(1, "plaza")
	bell.Name = "a\ab"
	for name, change := range map[string]func(p map[string]any){
		"version":     func(p map[string]any) { p["version"] = 2 },
		"no operator": func(p map[string]any) { p["operator"] = "" },
		"no policy":   func(p map[string]any) { delete(p, "policy") },
		"retain":      func(p map[string]any) { p["policy"] = map[string]any{"regions": []string{"eu"}, "retain_s": 3600} },
		"onward": func(p map[string]any) {
			p["policy"] = map[string]any{"regions": []string{"eu"}, "retain_s": 60, "onward": true}
		},
		"region":           func(p map[string]any) { p["policy"] = map[string]any{"regions": []string{"EU "}, "retain_s": 60} },
		"unknown world":    func(p map[string]any) { p["set"] = []any{somebody(1, "tavern")} },
		"a long name":      func(p map[string]any) { p["set"] = []any{long} },
		"a bell in a name": func(p map[string]any) { p["set"] = []any{bell} },
		"an id": func(p map[string]any) {
			p["set"] = []any{map[string]any{"id": "pa_x", "world": "plaza", "instance": "in_plaza"}}
		},
		"too many": func(p map[string]any) {
			p["gone"] = slices.Repeat([]any{Ref{"plaza", somebody(1, "").ID}}, MaxPeople+1)
		},
		"a world twice": func(p map[string]any) { p["worlds"] = slices.Repeat([]any{map[string]any{"name": "plaza"}}, 2) },
		"no cursor":     func(p map[string]any) { p["cursor"] = "" },
		"a cursor":      func(p map[string]any) { p["cursor"] = "a b" },
		"poll":          func(p map[string]any) { p["poll_s"] = 0 },
	} {
		page := good()
		change(page)
		data, err := json.Marshal(page)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(data); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Decode(make([]byte, MaxPageBytes+1)); err == nil {
		t.Error("a page of any length is read")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":1,"operator":"alpha","region":"eu","policy":{"regions":["*"],"retain_s":60},"worlds":[{"name":"plaza","title":"P","people":1}],` +
		`"full":true,"set":[{"id":"aaaaaaaaaaaaaaaa","world":"plaza","instance":"in_plaza","name":"Ada","cell":[1,-1]}],"gone":[{"world":"plaza","id":"bbbbbbbbbbbbbbbb"}],"cursor":"x","poll_s":2}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Decode(data)
		if err != nil {
			return
		}
		v := NewView(p.Operator, "eu", true)
		if v.Apply(p, now) == nil && len(v.People(nil)) > len(p.Set) {
			t.Errorf("%d people of %d", len(v.People(nil)), len(p.Set))
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(again); err != nil && len(again) <= MaxPageBytes {
			t.Errorf("what was read is refused when it is written: %v", err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add("one.x.1")
	f.Fuzz(func(t *testing.T, cursor string) {
		l := NewLedger("one")
		l.Update([]Person{somebody(1, "plaza")}, now)
		var p Page
		l.Since(cursor, []string{"plaza"}, 1, &p)
		if !p.Full && len(p.Set)+len(p.Gone) > 1 || p.Full && len(p.Set) != 1 {
			t.Errorf("%q: %+v", cursor, p)
		}
	})
}
