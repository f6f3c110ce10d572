package store

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"earshot"
	"earshot/presence/docket"
)

func entry(id string, last time.Duration) docket.Entry {
	return docket.Entry{ID: id, For: last, Data: []byte("data\n\x00\xff of " + id)}
}

func enter(t testing.TB, s Store, name string, entries ...docket.Entry) {
	t.Helper()
	if err := s.Enter(t.Context(), name, entries); err != nil {
		t.Fatal(err)
	}
}

func readDocket(t testing.TB, s Store, name string, after docket.Head) docket.Page {
	t.Helper()
	p, err := s.ReadDocket(t.Context(), name, after)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ids(p docket.Page) (out []string) {
	for _, e := range p.Entries {
		out = append(out, e.ID)
	}
	return out
}

// What is entered is read in its order, once, from any head, and comes as news.
func testDocket(t *testing.T, s subject) {
	if p := readDocket(t, s, "m", docket.Head{}); p.Lost || p.More || len(p.Entries) > 0 || p.Head != (docket.Head{}) {
		t.Errorf("an empty docket reads %+v", p)
	}
	news := listen(t, func(ctx context.Context, began func(), heard func(docket.News)) error {
		return s.FollowDocket(ctx, "m", began, heard)
	})
	enter(t, s, "m", entry("a", hour), entry("b", hour))
	enter(t, s, "m", entry("b", hour), entry("c", hour), entry("a", hour)) // again
	enter(t, s, "other", entry("z", hour))
	head := docket.Head{}
	var heads []docket.Head
	for _, id := range []string{"a", "b", "c"} {
		n := next(t, news, "no news")
		want := docket.News{Before: head, Placed: docket.Placed{Head: head.Next(id), ID: id, Data: entry(id, 0).Data}}
		if !reflect.DeepEqual(n, want) {
			t.Errorf("news %+v, want %+v", n, want)
		}
		head = n.Head
		heads = append(heads, head)
	}
	whole := readDocket(t, s, "m", docket.Head{})
	if fmt.Sprint(ids(whole)) != "[a b c]" || whole.Head != head || whole.More || whole.Entries[1].Head != heads[1] || string(whole.Entries[0].Data) != string(entry("a", 0).Data) {
		t.Errorf("read %+v, want a, b, c up to %v", whole, head)
	}
	if p := readDocket(t, s, "m", heads[0]); fmt.Sprint(ids(p)) != "[b c]" || p.Head != head {
		t.Errorf("after a: %v up to %v", ids(p), p.Head)
	}
	if p := readDocket(t, s, "m", head); p.Lost || len(p.Entries) > 0 || p.Head != head {
		t.Errorf("at the end: %+v", p)
	}
	var batch []docket.Entry
	for i := range docket.MaxBatch {
		batch = append(batch, entry(fmt.Sprint("n", i), hour))
	}
	enter(t, s, "m", batch...)
	p := readDocket(t, s, "m", docket.Head{})
	rest := readDocket(t, s, "m", p.Head)
	if !p.More || len(p.Entries) != docket.MaxBatch || p.Head != p.Entries[docket.MaxBatch-1].Head || len(rest.Entries) != 3 || rest.More {
		t.Errorf("pages of %d, more %t, and %d, more %t", len(p.Entries), p.More, len(rest.Entries), rest.More)
	}
	for what, bad := range map[string][]docket.Entry{
		"none": {}, "no id": {{For: hour, Data: []byte("x")}}, "no data": {{ID: "x", For: hour}}, "no time": {{ID: "x", Data: []byte("x")}},
		"a space": {{ID: "x y", For: hour, Data: []byte("x")}}, "too large": {{ID: "x", For: hour, Data: make([]byte, docket.MaxData+1)}},
	} {
		wantCode(t, s.Enter(t.Context(), "m", bad), earshot.CodeInvalidArgument, what)
	}
}

// What has ended is not read, whether or not anybody has swept; said again in
// time it stays. A head whose entry has gone is read from the beginning.
func testDocketEnds(t *testing.T, s subject) {
	const short = soon
	enter(t, s, "m", entry("a", hour), entry("b", short), entry("c", short))
	enter(t, s, "m", entry("c", hour))
	all := readDocket(t, s, "m", docket.Head{})
	if len(all.Entries) != 3 {
		t.Fatalf("read %v, want three", ids(all))
	}
	s.pass(short)
	if p := readDocket(t, s, "m", docket.Head{}); fmt.Sprint(ids(p)) != "[a c]" || p.Head != all.Head {
		t.Errorf("later: %v up to %v, want a, c up to %v", ids(p), p.Head, all.Head)
	}
	enter(t, s, "m", entry("d", hour))
	if p := readDocket(t, s, "m", all.Entries[0].Head); fmt.Sprint(ids(p)) != "[c d]" {
		t.Errorf("after a: %v, want c, d", ids(p))
	}
	if p := readDocket(t, s, "m", all.Entries[1].Head); !p.Lost {
		t.Errorf("after b, which has ended: %+v, want lost", p)
	}
	enter(t, s, "m", entry("b", hour)) // somebody says it again: it is new
	if p := readDocket(t, s, "m", docket.Head{}); fmt.Sprint(ids(p)) != "[a c d b]" {
		t.Errorf("read %v, want b at the end", ids(p))
	}
}

// A docket does not take another's head for its own, however far it has come.
func testDocketForgot(t *testing.T, s subject) {
	enter(t, s, "m", entry("a", hour), entry("b", hour))
	for what, head := range map[string]docket.Head{
		"further on":    docket.Head{}.Next("a").Next("b").Next("c"),
		"another end":   docket.Head{}.Next("b").Next("a"),
		"another start": docket.Head{}.Next("c"),
	} {
		if p := readDocket(t, s, "m", head); !p.Lost {
			t.Errorf("%s: %+v, want lost", what, p)
		}
	}
	if p := readDocket(t, s, "none", docket.Head{}.Next("a")); !p.Lost {
		t.Errorf("a docket that is not there has a head: %+v", p)
	}
}

// What the channel carries is read within bounds, and what is read is what was
// meant.
func FuzzNews(f *testing.F) {
	n := docket.News{Placed: docket.Placed{Head: docket.Head{}.Next("a"), ID: "a", Data: []byte("x\ny")}}
	f.Add(string(appendNews(nil, &n)))
	f.Add("1\n\n\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := readNews(text)
		if !ok {
			return
		}
		if again := string(appendNews(nil, &n)); again != text {
			t.Errorf("%q became %q", text, again)
		}
	})
}
