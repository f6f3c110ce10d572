package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"earshot"
)

// subject is a store under test. pass lets time go by for it.
type subject struct {
	Store
	pass func(d time.Duration)
}

// clock is one that only pass moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newMemorySubject(testing.TB) subject {
	c := newClock()
	return subject{newMemory(c.now), c.pass}
}

func newFileSubject(t testing.TB) subject {
	c := newClock()
	f, err := openFile(t.TempDir()+"/store", c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return subject{f, c.pass}
}

func TestMemory(t *testing.T) { conform(t, newMemorySubject) }
func TestFile(t *testing.T)   { conform(t, newFileSubject) }

// conform is what every store must do.
func conform(t *testing.T, open func(testing.TB) subject) {
	for _, tc := range []struct {
		name string
		test func(*testing.T, subject)
	}{
		{"put and get", testPutGet}, {"compare and set", testCompareAndSet}, {"delete", testDelete},
		{"revisions are never used again", testRevisions}, {"list and erase", testListErase},
		{"time to live", testTimeToLive}, {"limits", testLimits}, {"bad keys", testBadKeys},
		{"copies", testCopies}, {"ended context", testEnded}, {"one wins", testOneWins},
		{"counting together", testCounting}, {"many keys", testManyKeys}, {"as the model says", testModel},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, open(t)) })
	}
}

func mustPut(t testing.TB, s Store, key, data string, revision uint64, ttl time.Duration) uint64 {
	t.Helper()
	next, err := s.Put(t.Context(), key, []byte(data), revision, ttl)
	if err != nil {
		t.Fatalf("Put(%s): %v", key, err)
	}
	return next
}

func wantCode(t testing.TB, err error, want earshot.Code, what string) {
	t.Helper()
	var known *earshot.Error
	if !errors.As(err, &known) || known.Code != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

func testPutGet(t *testing.T, s subject) {
	for _, data := range []string{"x", "", "\x00\xff\r\n", strings.Repeat("é", 1000)} {
		key := fmt.Sprintf("a/%d", len(data))
		revision := mustPut(t, s, key, data, 0, 0)
		v, err := s.Get(t.Context(), key)
		if err != nil || string(v.Data) != data || v.Revision != revision || revision == 0 {
			t.Errorf("Get(%s) = %q %d %v, want %q %d", key, v.Data, v.Revision, err, data, revision)
		}
	}
	_, err := s.Get(t.Context(), "a/none")
	wantCode(t, err, earshot.CodeNotFound, "Get of nothing")
}

func testCompareAndSet(t *testing.T, s subject) {
	first := mustPut(t, s, "k", "1", 0, 0)
	for _, revision := range []uint64{0, first + 1, 1 << 52} {
		_, err := s.Put(t.Context(), "k", []byte("2"), revision, 0)
		wantCode(t, err, earshot.CodeAborted, fmt.Sprintf("Put with revision %d over %d", revision, first))
	}
	if second := mustPut(t, s, "k", "2", first, 0); second == first {
		t.Errorf("revision %d twice", second)
	}
	_, err := s.Put(t.Context(), "new", nil, 7, 0)
	wantCode(t, err, earshot.CodeAborted, "Put of a new key with a revision")
}

func testDelete(t *testing.T, s subject) {
	first := mustPut(t, s, "k", "1", 0, 0)
	second := mustPut(t, s, "k", "2", first, 0)
	wantCode(t, s.Delete(t.Context(), "k", first), earshot.CodeAborted, "Delete of an old revision")
	if err := s.Delete(t.Context(), "k", second); err != nil {
		t.Error(err)
	}
	_, err := s.Get(t.Context(), "k")
	wantCode(t, err, earshot.CodeNotFound, "Get after Delete")
	for _, revision := range []uint64{0, second} {
		if err := s.Delete(t.Context(), "k", revision); err != nil {
			t.Errorf("Delete of nothing with %d: %v", revision, err)
		}
	}
	mustPut(t, s, "k", "3", 0, 0)
	if err := s.Delete(t.Context(), "k", 0); err != nil {
		t.Error(err)
	}
}

func testRevisions(t *testing.T, s subject) {
	seen := map[uint64]bool{}
	for range 20 {
		revision := mustPut(t, s, "k", "same", 0, 0)
		if seen[revision] {
			t.Fatalf("revision %d twice", revision)
		}
		seen[revision] = true
		if err := s.Delete(t.Context(), "k", revision); err != nil {
			t.Fatal(err)
		}
	}
}

func testListErase(t *testing.T, s subject) {
	for _, key := range []string{"p/a/1", "p/a/2", "p/ab/1", "p/b", "q/a/1", "p/a-/1", "p/a~/1"} {
		mustPut(t, s, key, key, 0, 0)
	}
	for _, tc := range []struct {
		prefix string
		want   []string
	}{
		{"p/a/", []string{"p/a/1", "p/a/2"}},
		{"p/", []string{"p/a-/1", "p/a/1", "p/a/2", "p/ab/1", "p/a~/1", "p/b"}},
		{"none/", nil},
	} {
		if got, err := s.List(t.Context(), tc.prefix); err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("List(%s) = %v %v, want %v", tc.prefix, got, err, tc.want)
		}
	}
	for _, tc := range []struct {
		prefix string
		want   int
	}{{"p/a/", 2}, {"p/a/", 0}, {"none/", 0}} {
		if n, err := s.Erase(t.Context(), tc.prefix); err != nil || n != tc.want {
			t.Errorf("Erase(%s) = %d %v, want %d", tc.prefix, n, err, tc.want)
		}
	}
	if got, _ := s.List(t.Context(), "p/"); len(got) != 4 {
		t.Errorf("after Erase(p/a/) there is %v, want its four neighbours", got)
	}
}

func testTimeToLive(t *testing.T, s subject) {
	const soon = 2 * time.Second // a busy machine has to be in time
	mustPut(t, s, "t/short", "x", 0, soon)
	long := mustPut(t, s, "t/long", "x", 0, time.Hour)
	kept := mustPut(t, s, "t/kept", "x", 0, soon)
	mustPut(t, s, "t/kept", "y", kept, 0)
	mustPut(t, s, "t/ever", "x", 0, 0)
	s.pass(soon)
	_, err := s.Get(t.Context(), "t/short")
	wantCode(t, err, earshot.CodeNotFound, "Get after the time")
	if keys, err := s.List(t.Context(), "t/"); err != nil || !slices.Equal(keys, []string{"t/ever", "t/kept", "t/long"}) {
		t.Errorf("List = %v %v, want what still lives", keys, err)
	}
	mustPut(t, s, "t/short", "again", 0, time.Hour)
	mustPut(t, s, "t/long", "x", long, 300*time.Millisecond)
	s.pass(600 * time.Millisecond)
	if n, err := s.Erase(t.Context(), "t/"); err != nil || n != 3 {
		t.Errorf("Erase = %d %v, want 3: short again, kept, ever", n, err)
	}
}

func testLimits(t *testing.T, s subject) {
	whole := strings.Repeat("x", MaxValue)
	mustPut(t, s, "k", whole, 0, 0)
	if v, err := s.Get(t.Context(), "k"); err != nil || string(v.Data) != whole {
		t.Errorf("the largest value: %d bytes, %v", len(v.Data), err)
	}
	_, err := s.Put(t.Context(), "l", []byte(whole+"x"), 0, 0)
	wantCode(t, err, earshot.CodeResourceExhausted, "too large a value")
	for _, ttl := range []time.Duration{-1, time.Microsecond} {
		_, err = s.Put(t.Context(), "l", nil, 0, ttl)
		wantCode(t, err, earshot.CodeInvalidArgument, fmt.Sprintf("a lifetime of %v", ttl))
	}
}

func testBadKeys(t *testing.T, s subject) {
	for _, key := range []string{"", "/", "a/", "/a", "a//b", "a b", "a\x00", "é", "a*", strings.Repeat("x", MaxKey+1)} {
		_, err := s.Get(t.Context(), key)
		wantCode(t, err, earshot.CodeInvalidArgument, fmt.Sprintf("Get(%q)", key))
		_, err = s.Put(t.Context(), key, nil, 0, 0)
		wantCode(t, err, earshot.CodeInvalidArgument, fmt.Sprintf("Put(%q)", key))
		wantCode(t, s.Delete(t.Context(), key, 0), earshot.CodeInvalidArgument, fmt.Sprintf("Delete(%q)", key))
	}
	for _, prefix := range []string{"", "a", "/", "*/", "a//"} {
		_, err := s.List(t.Context(), prefix)
		wantCode(t, err, earshot.CodeInvalidArgument, fmt.Sprintf("List(%q)", prefix))
		_, err = s.Erase(t.Context(), prefix)
		wantCode(t, err, earshot.CodeInvalidArgument, fmt.Sprintf("Erase(%q)", prefix))
	}
}

// What the caller does with its bytes changes nothing.
func testCopies(t *testing.T, s subject) {
	data := []byte("abc")
	if _, err := s.Put(t.Context(), "k", data, 0, 0); err != nil {
		t.Fatal(err)
	}
	data[0] = 'X'
	v, _ := s.Get(t.Context(), "k")
	v.Data[1] = 'Y'
	if again, err := s.Get(t.Context(), "k"); err != nil || !bytes.Equal(again.Data, []byte("abc")) {
		t.Errorf("Get = %q %v, want abc", again.Data, err)
	}
}

func testEnded(t *testing.T, s subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Get(ctx, "k")
	wantCode(t, err, earshot.CodeCanceled, "Get")
	_, err = s.Put(ctx, "k", nil, 0, 0)
	wantCode(t, err, earshot.CodeCanceled, "Put")
	if _, err := s.Get(t.Context(), "k"); earshot.CodeOf(err) != earshot.CodeNotFound {
		t.Errorf("after a Put that nobody waited for: %v", err)
	}
}

// Of many who put with the same revision one wins.
func testOneWins(t *testing.T, s subject) {
	won := make(chan string, 16)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			data := fmt.Sprint(i)
			if _, err := s.Put(t.Context(), "k", []byte(data), 0, 0); err == nil {
				won <- data
			} else if earshot.CodeOf(err) != earshot.CodeAborted {
				t.Error(err)
			}
		})
	}
	all.Wait()
	close(won)
	winner := <-won
	if second, more := <-won; more {
		t.Errorf("%s and %s won", winner, second)
	}
	if v, err := s.Get(t.Context(), "k"); err != nil || string(v.Data) != winner {
		t.Errorf("Get = %q %v, want %s", v.Data, err, winner)
	}
}

// No addition is lost between those who read, add one and put.
func testCounting(t *testing.T, s subject) {
	const workers, each = 4, 10
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for done := 0; done < each; {
				v, _ := s.Get(t.Context(), "n")
				_, err := s.Put(t.Context(), "n", append(v.Data, 'x'), v.Revision, 0)
				if err == nil {
					done++
				} else if earshot.CodeOf(err) != earshot.CodeAborted {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if v, err := s.Get(t.Context(), "n"); err != nil || len(v.Data) != workers*each {
		t.Errorf("counted to %d, %v, want %d", len(v.Data), err, workers*each)
	}
}

func testManyKeys(t *testing.T, s subject) {
	const n = 1203
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := w; i < n; i += 8 {
				if _, err := s.Put(t.Context(), fmt.Sprintf("many/%04d", i), nil, 0, 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	mustPut(t, s, "manyother", "", 0, 0)
	keys, err := s.List(t.Context(), "many/")
	if err != nil || len(keys) != n || !slices.IsSorted(keys) {
		t.Errorf("List = %d keys, sorted %v, %v, want %d", len(keys), slices.IsSorted(keys), err, n)
	}
	if erased, err := s.Erase(t.Context(), "many/"); err != nil || erased != n {
		t.Errorf("Erase = %d %v, want %d", erased, err, n)
	}
}

// Whatever is done, in whatever order, gives what a map with revisions gives.
func testModel(t *testing.T, s subject) {
	type kept struct {
		data     string
		revision uint64
	}
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		model := map[string]kept{}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			name := rapid.SampledFrom([]string{"a", "a/b", "a/b/c", "ab"}).Draw(rt, "name")
			key := fmt.Sprintf("model/%d/%s", round, name)
			was, there := model[key]
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				data := string(rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(rt, "data"))
				revision := was.revision
				if rapid.Bool().Draw(rt, "stale") {
					revision = was.revision + uint64(rapid.IntRange(1, 3).Draw(rt, "by"))
				}
				next, err := s.Put(t.Context(), key, []byte(data), revision, 0)
				if (err == nil) != (revision == was.revision) {
					rt.Fatalf("Put(%s, revision %d) over %d: %v", key, revision, was.revision, err)
				}
				if err == nil {
					model[key] = kept{data, next}
				}
			case 1:
				if err := s.Delete(t.Context(), key, was.revision); err != nil {
					rt.Fatal(err)
				}
				delete(model, key)
			case 2:
				v, err := s.Get(t.Context(), key)
				if (err == nil) != there || string(v.Data) != was.data || v.Revision != was.revision {
					rt.Fatalf("Get(%s) = %q %d %v, want %+v", key, v.Data, v.Revision, err, was)
				}
			case 3:
				n, err := s.Erase(t.Context(), key+"/")
				want := 0
				for other := range model {
					if strings.HasPrefix(other, key+"/") {
						delete(model, other)
						want++
					}
				}
				if err != nil || n != want {
					rt.Fatalf("Erase(%s/) = %d %v, want %d", key, n, err, want)
				}
			}
		}
	})
}

func TestNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.String().Draw(t, "x"), rapid.String().Draw(t, "y")
		if nx := Name(x); x != "" && len(nx) <= MaxKey && checkKey(nx) != nil || strings.Contains(nx, "/") {
			t.Fatalf("Name(%q) = %q is no key", x, nx)
		}
		if x != y && Name(x) == Name(y) {
			t.Fatalf("%q and %q are both %q", x, y, Name(x))
		}
	})
}
