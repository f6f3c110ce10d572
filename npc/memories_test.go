package npc

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"earshot"
	"earshot/npc/persona"
	"earshot/npc/store"
)

var metAt = time.Date(2026, 6, 1, 18, 0, 0, 0, time.UTC)

// onEveryStore runs a test over each implementation.
func onEveryStore(t *testing.T, test func(*testing.T, store.Store)) {
	t.Run("memory", func(t *testing.T) { test(t, store.NewMemory()) })
	t.Run("file", func(t *testing.T) {
		f, err := store.OpenFile(t.TempDir() + "/store")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		test(t, f)
	})
	t.Run("miniredis", func(t *testing.T) {
		v, err := store.OpenValkey(t.Context(), "redis://"+miniredis.RunT(t).Addr(), store.DefaultPrefix)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { v.Close() })
		test(t, v)
	})
	t.Run("server", func(t *testing.T) {
		address := os.Getenv("EARSHOT_TEST_VALKEY")
		if address == "" {
			t.Skip("NOT RUN against a real server: set EARSHOT_TEST_VALKEY (npc/store starts one by itself)")
		}
		v, err := store.OpenValkey(t.Context(), address, "{earshot-test-"+rand.Text()+"}:")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { v.Close() })
		test(t, v)
	})
}

func heard(texts ...string) (e Experience) {
	for _, text := range texts {
		e.Turns = append(e.Turns, persona.Turn{Speaker: "Ada", Text: text})
	}
	return e
}

func TestMemories(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s store.Store) {
		m := NewMemory(s, MemoryConfig{})
		plaza, inn := m.In("plaza"), m.In("inn")
		remember := func(m Memory, npc string, player earshot.ParticipantID, text string) {
			t.Helper()
			if err := m.Remember(t.Context(), npc, player, metAt, heard(text)); err != nil {
				t.Fatal(err)
			}
		}
		remember(plaza, "mara", "pa_ada", "I like oysters.")
		remember(inn, "mara", "pa_ada", "I hate oysters.")
		remember(plaza, "mara", "pa_bob", "My name is Bob.")
		remember(plaza, "oake", "pa_ada", "Hello Oake.")
		got, err := plaza.Recall(t.Context(), "mara", "pa_ada", "oysters", metAt)
		if err != nil || !got.Known || len(got.Turns) != 1 || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "like oysters") {
			t.Errorf("recalled %+v %v", got, err)
		}
		if got, _ := m.Recall(t.Context(), "inn/mara", "pa_ada", "", metAt); len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "hate") {
			t.Errorf("in another world %+v", got)
		}
		if got, err := plaza.Recall(t.Context(), "oake", "pa_bob", "", metAt); err != nil || got.Known {
			t.Errorf("a stranger: %+v %v", got, err)
		}
		if err := plaza.Forget(t.Context(), "pa_ada"); err != nil {
			t.Fatal(err)
		}
		for _, npc := range []string{"plaza/mara", "inn/mara", "plaza/oake"} {
			if got, err := m.Recall(t.Context(), npc, "pa_ada", "oysters", metAt); err != nil || got.Known || len(got.Notes)+len(got.Turns) > 0 {
				t.Errorf("%s after forgetting: %+v %v", npc, got, err)
			}
		}
		if keys, err := s.List(t.Context(), "memory/pa_ada/"); err != nil || len(keys) > 0 {
			t.Errorf("left over: %v %v", keys, err)
		}
		if got, _ := plaza.Recall(t.Context(), "mara", "pa_bob", "", metAt); !got.Known {
			t.Error("another player was forgotten too")
		}
		remember(plaza, "mara", "pa_ada", "I am back.")
		if got, _ := plaza.Recall(t.Context(), "mara", "pa_ada", "", metAt); !got.Known || len(got.Turns) != 1 {
			t.Errorf("after coming back: %+v", got)
		}
	})
}

// haltingStore is a store that stops Puts of memories until it is let go.
type haltingStore struct {
	store.Store
	reached, release chan struct{}
	after            bool // stop after the Put, not before
}

func (g *haltingStore) Put(ctx context.Context, key string, data []byte, revision uint64, ttl time.Duration) (uint64, error) {
	if !strings.HasPrefix(key, "memory/") {
		return g.Store.Put(ctx, key, data, revision, ttl)
	}
	if !g.after {
		g.reached <- struct{}{}
		<-g.release
	}
	next, err := g.Store.Put(ctx, key, data, revision, ttl)
	if g.after {
		g.reached <- struct{}{}
		<-g.release
	}
	return next, err
}

// A Remember that began before Forget leaves nothing behind, whether its Put
// comes before or after the erasing, and nobody reads it in between.
func TestForgetAgainstRemember(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s store.Store) {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint("stopped after the Put ", after), func(t *testing.T) {
				player := earshot.ParticipantID(fmt.Sprintf("pa_race%v", after))
				plain := NewMemory(s, MemoryConfig{})
				if err := plain.Remember(t.Context(), "mara", player, metAt, heard("I like tea.")); err != nil {
					t.Fatal(err)
				}
				g := &haltingStore{Store: s, reached: make(chan struct{}), release: make(chan struct{}), after: after}
				done := make(chan error)
				go func() {
					done <- NewMemory(g, MemoryConfig{}).Remember(t.Context(), "mara", player, metAt, heard("I like rum."))
				}()
				<-g.reached
				if err := plain.Forget(t.Context(), player); err != nil {
					t.Fatal(err)
				}
				unknown := func(when string) {
					if got, err := plain.Recall(t.Context(), "mara", player, "tea rum", metAt); err != nil || got.Known {
						t.Errorf("%s: %+v %v", when, got, err)
					}
				}
				unknown("while it is under way")
				close(g.release)
				if !after { // its first Put is refused, the second comes after the erasing
					<-g.reached
				}
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				unknown("after it")
				if keys, err := s.List(t.Context(), "memory/"+string(player)+"/"); err != nil || len(keys) > 0 {
					t.Errorf("left over: %v %v", keys, err)
				}
			})
		}
	})
}

// A process that dies between writing and looking leaves bytes that nobody
// reads, and the next who writes overwrites.
func TestForgottenBytesAreNeverRead(t *testing.T) {
	s := store.NewMemory()
	m := NewMemory(s, MemoryConfig{})
	if err := m.Remember(t.Context(), "mara", "pa_ada", metAt, heard("I like tea.")); err != nil {
		t.Fatal(err)
	}
	key, _ := memoryKey("mara", "pa_ada")
	old, _ := s.Get(t.Context(), key)
	if err := m.Forget(t.Context(), "pa_ada"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), key, old.Data, 0, time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Recall(t.Context(), "mara", "pa_ada", "tea", metAt); err != nil || got.Known {
		t.Errorf("recalled %+v %v", got, err)
	}
	if err := m.Remember(t.Context(), "mara", "pa_ada", metAt, heard("Hello.")); err != nil {
		t.Fatal(err)
	}
	if now, _ := s.Get(t.Context(), key); strings.Contains(string(now.Data), "tea") {
		t.Errorf("still there: %s", now.Data)
	}
}

// What was said before a Forget never comes back, however many remember at the
// same time; and of what they remember after it nothing is lost.
func TestManyRememberAndOneForgets(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s store.Store) {
		const workers, each = 3, 5
		m := NewMemory(s, MemoryConfig{})
		if err := m.Remember(t.Context(), "mara", "pa_ada", metAt, heard("I like secrets of old.")); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				for i := range each {
					err := m.Remember(t.Context(), "mara", "pa_ada", metAt, heard(fmt.Sprintf("new %d %d", w, i)))
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		if err := m.Forget(t.Context(), "pa_ada"); err != nil {
			t.Error(err)
		}
		all.Wait()
		if err := m.Remember(t.Context(), "mara", "pa_ada", metAt, heard("the last")); err != nil {
			t.Error(err)
		}
		got, err := m.Recall(t.Context(), "mara", "pa_ada", "secrets", metAt)
		if err != nil || len(got.Turns) == 0 || got.Turns[len(got.Turns)-1].Text != "the last" {
			t.Errorf("recalled %+v %v", got, err)
		}
		if strings.Contains(fmt.Sprint(got), "of old") {
			t.Errorf("what was forgotten is back: %+v", got)
		}
	})
}

func TestNothingIsLostBetweenRememberers(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s store.Store) {
		const workers, each = 3, 6
		m := NewMemory(s, MemoryConfig{})
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for range each {
					if err := m.Remember(t.Context(), "mara", "pa_ada", metAt, heard("Hello.")); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if got, err := m.Recall(t.Context(), "mara", "pa_ada", "", metAt); err != nil || len(got.Turns) != workers*each {
			t.Errorf("%d turns %v, want %d", len(got.Turns), err, workers*each)
		}
	})
}

func TestMemoriesRefuse(t *testing.T) {
	s := store.NewMemory()
	m := NewMemory(s, MemoryConfig{})
	for _, player := range []earshot.ParticipantID{"", "ada", "pa_", "pa_a/b", "pa_a*"} {
		_, err := m.Recall(t.Context(), "mara", player, "", metAt)
		for what, err := range map[string]error{"Recall": err, "Remember": m.Remember(t.Context(), "mara", player, metAt, Experience{}), "Forget": m.Forget(t.Context(), player)} {
			if earshot.CodeOf(err) != earshot.CodeInvalidArgument {
				t.Errorf("%s of %q: %v", what, player, err)
			}
		}
	}
	for _, npc := range []string{"", "/mara", "plaza/"} {
		if err := m.Remember(t.Context(), npc, "pa_ada", metAt, Experience{}); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("NPC %q: %v", npc, err)
		}
	}
	key, _ := memoryKey("mara", "pa_ada")
	if _, err := s.Put(t.Context(), key, []byte("\nnot a memory"), 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := m.Remember(t.Context(), "mara", "pa_ada", metAt, heard("Hello.")); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
		t.Errorf("over bytes that are no memory: %v, want them left alone", err)
	}
	if err := m.Forget(t.Context(), "pa_ada"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Recall(t.Context(), "mara", "pa_ada", "", metAt); err != nil {
		t.Errorf("after forgetting: %v", err)
	}
	for _, retention := range []time.Duration{-1, time.Second, 20 * 365 * 24 * time.Hour} {
		if err := (&MemoryConfig{Retention: retention}).Validate(); err == nil {
			t.Errorf("retention %v is accepted", retention)
		}
	}
}

// Who does not come back is forgotten after the retention.
func TestRetention(t *testing.T) {
	server := miniredis.RunT(t)
	v, err := store.OpenValkey(t.Context(), "redis://"+server.Addr(), store.DefaultPrefix)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	m := NewMemory(v, MemoryConfig{})
	for _, player := range []earshot.ParticipantID{"pa_ada", "pa_bob"} {
		if err := m.Remember(t.Context(), "mara", player, metAt, heard("Hello.")); err != nil {
			t.Fatal(err)
		}
	}
	server.FastForward(DefaultRetention / 2)
	if err := m.Remember(t.Context(), "mara", "pa_ada", metAt, heard("Again.")); err != nil {
		t.Fatal(err)
	}
	server.FastForward(DefaultRetention * 2 / 3)
	ada, _ := m.Recall(t.Context(), "mara", "pa_ada", "", metAt)
	bob, _ := m.Recall(t.Context(), "mara", "pa_bob", "", metAt)
	if !ada.Known || len(ada.Turns) != 2 || bob.Known {
		t.Errorf("Ada %+v, who came back, and Bob %+v, who did not", ada, bob)
	}
}
