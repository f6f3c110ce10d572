package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"earshot"
	"earshot/npc/persona"
	"earshot/npc/store"
)

var start = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

func file(description string) []byte {
	return []byte("version: 1\nname: Mara\ndescription: " + description + "\n")
}

func publish(t testing.TB, l *Library, id, description string, ifVersion int) int {
	t.Helper()
	n, err := l.Publish(t.Context(), "plaza", id, Draft{YAML: file(description), Note: description, By: "ada"}, ifVersion, start)
	if err != nil {
		t.Fatalf("publish %s: %v", description, err)
	}
	return n
}

func wantCode(t testing.TB, err error, want earshot.Code, what string) {
	t.Helper()
	if earshot.CodeOf(err) != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

func TestPublish(t *testing.T) {
	l := New(store.NewMemory())
	place := json.RawMessage(`{"position":[1,0,2],"yaw":90}`)
	n, err := l.Publish(t.Context(), "plaza", "mara", Draft{YAML: file("one"), Place: place, Note: "first", By: "ada"}, 0, start)
	if err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if n := publish(t, l, "mara", "two", 1); n != 2 {
		t.Errorf("version %d, want 2", n)
	}
	v, err := l.Get(t.Context(), "plaza", "mara", 0)
	if err != nil || v.Version != 2 || string(v.YAML) != string(file("two")) || string(v.Place) != string(place) || v.By != "ada" || !v.At.Equal(start) {
		t.Errorf("newest %+v %v: want version 2, at the place of version 1", v, err)
	}
	if v, err := l.Get(t.Context(), "plaza", "mara", 1); err != nil || string(v.YAML) != string(file("one")) || v.Note != "first" {
		t.Errorf("version 1 %+v %v", v, err)
	}
	h, err := l.History(t.Context(), "plaza", "mara")
	if err != nil || len(h.Versions) != 2 || h.Versions[0].Version != 2 || h.Dropped != 0 || h.Deleted {
		t.Errorf("history %+v %v", h, err)
	}
	hunks, err := l.Diff(t.Context(), "plaza", "mara", 1, 0)
	if err != nil || len(hunks) != 1 || len(hunks[0].Lines) != 4 {
		t.Errorf("diff %+v %v", hunks, err)
	}
}

func TestPublishRefuses(t *testing.T) {
	l := New(store.NewMemory())
	publish(t, l, "mara", "one", 0)
	publish(t, l, "mara", "two", 1)
	for _, tc := range []struct {
		name      string
		id        string
		draft     Draft
		ifVersion int
		want      earshot.Code
	}{
		{"exists", "mara", Draft{YAML: file("x")}, 0, earshot.CodeAborted},
		{"older", "mara", Draft{YAML: file("x")}, 1, earshot.CodeAborted},
		{"newer", "mara", Draft{YAML: file("x")}, 3, earshot.CodeAborted},
		{"not there", "oake", Draft{YAML: file("x")}, 1, earshot.CodeAborted},
		{"id", "Mara", Draft{YAML: file("x")}, 0, earshot.CodeInvalidArgument},
		{"path", "../x", Draft{YAML: file("x")}, 0, earshot.CodeInvalidArgument},
		{"place", "mara", Draft{YAML: file("x"), Place: json.RawMessage("{")}, 2, earshot.CodeInvalidArgument},
		{"large place", "mara", Draft{YAML: file("x"), Place: json.RawMessage(`"` + strings.Repeat("x", MaxPlace) + `"`)}, 2, earshot.CodeInvalidArgument},
		{"note", "mara", Draft{YAML: file("x"), Note: "a\nb"}, 2, earshot.CodeInvalidArgument},
		{"by", "mara", Draft{YAML: file("x"), By: strings.Repeat("x", 65)}, 2, earshot.CodeInvalidArgument},
	} {
		_, err := l.Publish(t.Context(), "plaza", tc.id, tc.draft, tc.ifVersion, start)
		wantCode(t, err, tc.want, tc.name)
	}
	_, err := l.Publish(t.Context(), "plaza", "mara", Draft{YAML: []byte("version: 1\nname: ''\nsafety: x\n")}, 2, start)
	var problems earshot.Problems
	if !errors.As(err, &problems) || len(problems) != 2 || problems[0].Line != 2 {
		t.Errorf("a broken draft: %v, want two problems with lines", err)
	}
	if v, err := l.Get(t.Context(), "plaza", "mara", 0); err != nil || v.Version != 2 {
		t.Errorf("after all that the newest is %d %v, want 2", v.Version, err)
	}
	_, err = l.Get(t.Context(), "plaza", "oake", 0)
	wantCode(t, err, earshot.CodeNotFound, "Get of an NPC that is not there")
	_, err = l.Get(t.Context(), "plaza", "mara", 9)
	wantCode(t, err, earshot.CodeNotFound, "Get of a version that is not there")
}

func TestRollbackAndDelete(t *testing.T) {
	l := New(store.NewMemory())
	publish(t, l, "mara", "one", 0)
	publish(t, l, "mara", "two", 1)
	n, err := l.Rollback(t.Context(), "plaza", "mara", 1, "", "bob", start)
	v, _ := l.Get(t.Context(), "plaza", "mara", 0)
	if err != nil || n != 3 || string(v.YAML) != string(file("one")) || v.Note != "back to version 1" || v.By != "bob" {
		t.Errorf("rolled back to %+v %v", v, err)
	}
	publish(t, l, "oake", "one", 0)
	if err := l.Delete(t.Context(), "plaza", "mara"); err != nil {
		t.Fatal(err)
	}
	if all, err := l.List(t.Context(), ""); err != nil || len(all) != 1 || all[0].ID != "oake" || all[0].World != "plaza" {
		t.Errorf("list %+v %v, want oake", all, err)
	}
	if h, err := l.History(t.Context(), "plaza", "mara"); err != nil || !h.Deleted || len(h.Versions) != 3 {
		t.Errorf("history of a deleted NPC %+v %v", h, err)
	}
	if n := publish(t, l, "mara", "again", 0); n != 4 {
		t.Errorf("back as version %d, want 4", n)
	}
	if all, err := l.List(t.Context(), "plaza"); err != nil || len(all) != 2 {
		t.Errorf("list %+v %v", all, err)
	}
	wantCode(t, l.Delete(t.Context(), "plaza", "none"), earshot.CodeNotFound, "Delete")
}

func TestOldestVersionsGo(t *testing.T) {
	s := store.NewMemory()
	l := New(s)
	for i := range MaxVersions + 5 {
		publish(t, l, "mara", fmt.Sprint("v", i+1), i)
	}
	h, err := l.History(t.Context(), "plaza", "mara")
	if err != nil || len(h.Versions) != MaxVersions || h.Dropped != 5 || h.Versions[MaxVersions-1].Version != 6 {
		t.Errorf("%d versions, %d dropped, %v", len(h.Versions), h.Dropped, err)
	}
	_, err = l.Get(t.Context(), "plaza", "mara", 5)
	wantCode(t, err, earshot.CodeNotFound, "Get of a dropped version")
	if keys, _ := s.List(t.Context(), textsPrefix); len(keys) != MaxVersions {
		t.Errorf("%d texts are kept, want %d", len(keys), MaxVersions)
	}
}

// The largest head fits into the store.
func TestLargestHeadFits(t *testing.T) {
	h := head{Format: format}
	for i := range MaxVersions {
		h.add(keptVersion{Meta: Meta{1<<40 + i, start, strings.Repeat("\"", maxBy), strings.Repeat("🦉", MaxNote)}, Name: strings.Repeat("x", 40), Bytes: 4 << 20, Hash: strings.Repeat("0", 64)})
	}
	if data, err := marshal(&h); err != nil || len(data) > store.MaxValue {
		t.Errorf("%d bytes %v, want at most %d", len(data), err, store.MaxValue)
	}
}

// A text larger than a value of the store is kept in pieces.
func TestLargeTexts(t *testing.T) {
	l := New(store.NewMemory())
	card := `{"spec":"chara_card_v3","spec_version":"3.0","data":{"name":"Mara","x":"` + strings.Repeat("é<\\\"", 200_000) + `"}}`
	p := persona.Persona{Version: 1, Name: "Mara", Card: card}
	yaml, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Publish(t.Context(), "plaza", "mara", Draft{YAML: yaml}, 0, start); err != nil {
		t.Fatal(err)
	}
	if v, err := l.Get(t.Context(), "plaza", "mara", 0); err != nil || string(v.YAML) != string(yaml) {
		t.Errorf("%d bytes %v, want %d", len(v.YAML), err, len(yaml))
	}
}

// Of many who publish over the same version one wins, and no text stays of the
// others.
func TestOnePublisherWins(t *testing.T) {
	s := store.NewMemory()
	l := New(s)
	publish(t, l, "mara", "one", 0)
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 12 {
		all.Go(func() {
			_, err := New(s).Publish(t.Context(), "plaza", "mara", Draft{YAML: file(fmt.Sprint("by ", i))}, 1, start)
			if err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			} else {
				wantCode(t, err, earshot.CodeAborted, "a loser")
			}
		})
	}
	all.Wait()
	if keys, _ := s.List(t.Context(), textsPrefix); won != 1 || len(keys) != 2 {
		t.Errorf("%d won, %d texts: want 1 and 2", won, len(keys))
	}
}

func TestCheck(t *testing.T) {
	yaml, err := os.ReadFile("../persona/testdata/mara.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r := Check(yaml)
	if len(r.Problems) > 0 || r.Name != "Mara Holt" || r.Tokens < 100 || r.Character == nil {
		t.Errorf("report %+v", r)
	}
	small := Check([]byte("version: 1\nname: x\nmodel: {context: 256, max_output: 100}\ndescription: '" + strings.Repeat("long ", 300) + "'\n"))
	if len(small.Problems) != 1 || !strings.Contains(small.Problems[0].Message, "tokens before anybody speaks") {
		t.Errorf("a persona that does not fit its context: %+v", small)
	}
	if broken := Check([]byte("x")); len(broken.Problems) == 0 {
		t.Error("no problems with what is no file")
	}
}

// Changes of this process are seen at once, those of another by polling, also
// when it died before it could say so.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		here, there := New(s), New(s)
		publish(t, here, "mara", "one", 0)
		ctx, cancel := context.WithCancel(t.Context())
		var seen []Change
		begun := time.Now()
		var at []time.Duration
		done := make(chan error)
		go func() {
			done <- here.Watch(ctx, func(c Change) {
				seen = append(seen, c)
				at = append(at, time.Since(begun))
			}, func(err error) { t.Error(err) })
		}()
		synctest.Wait()
		publish(t, here, "mara", "two", 1)
		synctest.Wait()
		publish(t, there, "oake", "one", 0)
		time.Sleep(PollEvery)
		synctest.Wait()
		if err := there.Delete(ctx, "plaza", "mara"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(PollEvery)
		synctest.Wait()
		h, _ := there.head(ctx, "plaza", "oake")
		h.Deleted = true
		if err := there.save(ctx, h); err != nil { // and nobody says so
			t.Fatal(err)
		}
		time.Sleep((fullEvery + 1) * PollEvery)
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch ended with %v", err)
		}
		want := []Change{{"plaza", "mara", 1}, {"plaza", "mara", 2}, {"plaza", "oake", 1}, {"plaza", "mara", 0}, {"plaza", "oake", 0}}
		if fmt.Sprint(seen) != fmt.Sprint(want) {
			t.Errorf("seen %v, want %v", seen, want)
		}
		if len(at) > 3 && (at[1] != 0 || at[2] > PollEvery || at[3] > 2*PollEvery) {
			t.Errorf("seen after %v, want own changes at once, others within %v", at, PollEvery)
		}
	})
}

// The same over a server that two nodes share, which also goes away for a
// while.
func TestWatchOverServer(t *testing.T) {
	server := miniredis.RunT(t)
	open := func() *Library {
		v, err := store.OpenValkey(t.Context(), "redis://"+server.Addr(), store.DefaultPrefix)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { v.Close() })
		return New(v)
	}
	here, there := open(), open()
	changes, troubles := make(chan Change, 10), make(chan error, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- here.Watch(ctx, func(c Change) { changes <- c }, func(err error) { troubles <- err }) }()
	publish(t, there, "mara", "one", 0)
	if got := <-changes; got != (Change{"plaza", "mara", 1}) {
		t.Errorf("seen %+v", got)
	}
	server.SetError("ERR gone")
	<-troubles
	server.SetError("")
	publish(t, there, "mara", "two", 1)
	if got := <-changes; got.Version != 2 {
		t.Errorf("seen %+v after the server came back", got)
	}
	cancel()
	<-done
}
