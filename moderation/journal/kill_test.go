package journal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

const childDir = "EARSHOT_JOURNAL_TEST_DIR"

// enforcer appends the ids of orders to a file, each once: as a real one does,
// it knows what it has carried out.
type enforcer struct {
	mu   sync.Mutex
	f    *os.File
	done map[string]bool
}

func openEnforcer(dir string) (*enforcer, error) {
	f, err := os.OpenFile(filepath.Join(dir, "enforced.txt"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	e := &enforcer{f: f, done: map[string]bool{}}
	for _, id := range ids(f.Name()) {
		e.done[id] = true
	}
	return e, nil
}

func (e *enforcer) enforce(o Order) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.done[o.ID] {
		return nil
	}
	e.done[o.ID] = true
	_, err := e.f.WriteString(o.ID + "\n")
	return err
}

func ids(path string) []string {
	data, _ := os.ReadFile(path)
	return strings.Fields(string(data))
}

// finish carries out what was decided and not applied.
func finish(ctx context.Context, j *Journal, e *enforcer) error {
	open, err := j.OpenOrders(ctx)
	if err != nil {
		return err
	}
	for _, o := range open {
		if err := e.enforce(o); err != nil {
			return err
		}
		if err := j.Applied(ctx, Applied{Order: o.ID, At: start}); err != nil {
			return err
		}
	}
	return nil
}

// TestKillChild is the process that TestKill kills. It decides and enforces
// from three goroutines until then, and notes each decision in a file once
// Decide has said that it is kept.
func TestKillChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("runs as a process of TestKill")
	}
	j, err := Open(filepath.Join(dir, "journal"), Config{MaxFile: 32 << 10})
	must(t, err)
	e, err := openEnforcer(dir)
	must(t, err)
	must(t, finish(t.Context(), j, e))
	notes, err := os.OpenFile(filepath.Join(dir, "decided.txt"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	must(t, err)
	fmt.Println("open")
	for range 3 {
		go func() {
			for n := 0; ; n++ {
				who := earshot.ParticipantID(fmt.Sprint("pa_", rand.IntN(20)))
				in := incident(NewIncidentID(), who, start, policy.Act{Action: policy.Mute, For: time.Minute})
				if err := j.Decide(t.Context(), in); err != nil {
					panic(err)
				}
				notes.WriteString(in.ID + "\n")
				if err := e.enforce(*in.Order); err != nil {
					panic(err)
				}
				if err := j.Applied(t.Context(), Applied{Order: in.Order.ID, At: start}); err != nil {
					panic(err)
				}
				switch n % 8 {
				case 3:
					j.Appeal(t.Context(), Appeal{Incident: in.ID, Who: who, Text: "no", At: start})
				case 5:
					j.Erase(t.Context(), who, "mo", start)
				case 7:
					j.Sweep(t.Context(), start.Add(time.Hour))
				}
			}
		}()
	}
	select {}
}

// A process that decides and enforces is killed at 200 random moments, while
// it opens, decides, enforces, erases. No decision that was kept is lost, no
// order is carried out twice or never, the chain verifies, and nothing stays
// readable that was erased.
func TestKill(t *testing.T) {
	kills, each := 200, 20
	if testing.Short() {
		kills = 20
	}
	var orders, openAt atomic.Int64
	t.Run("each", func(t *testing.T) {
		for i := range kills / each {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				for range each {
					if killOne(t, dir) {
						openAt.Add(1)
					}
					orders.Add(int64(checkKilled(t, dir)))
				}
			})
		}
	})
	t.Logf("%d kills, %d of them while it opened; %d orders open after them", kills, openAt.Load(), orders.Load())
}

// killOne starts a process and kills it after a random time. It says whether
// that was before the process had the journal open.
func killOne(t *testing.T, dir string) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	said := make(chan bool, 1)
	go func() {
		var b [16]byte
		n, _ := out.Read(b[:])
		said <- n > 0
	}()
	opened := false
	delay := time.NewTimer(time.Duration(rand.IntN(60)) * time.Millisecond)
	if rand.IntN(4) > 0 { // mostly while it works
		opened = <-said
		delay.Reset(time.Duration(rand.IntN(15_000)) * time.Microsecond)
	}
	<-delay.C
	must(t, cmd.Process.Kill())
	cmd.Wait()
	return !opened
}

// checkKilled opens what a killed process left, finishes it, and checks it. It
// returns how many orders were open.
func checkKilled(t *testing.T, dir string) int {
	t.Helper()
	j, err := Open(filepath.Join(dir, "journal"), Config{MaxFile: 32 << 10})
	must(t, err)
	defer func() { must(t, j.Close()) }()
	e, err := openEnforcer(dir)
	must(t, err)
	defer e.f.Close()
	open, err := j.OpenOrders(t.Context())
	must(t, err)
	must(t, finish(t.Context(), j, e))
	if _, err := j.Verify(t.Context()); err != nil {
		t.Errorf("Verify = %v", err)
	}
	count := map[string]int{}
	for _, id := range ids(filepath.Join(dir, "enforced.txt")) {
		count[id]++
	}
	for _, id := range ids(filepath.Join(dir, "decided.txt")) {
		if j.state.items[id] == nil {
			t.Errorf("the decision %s was kept and is lost", id)
		}
	}
	for id := range j.state.items {
		if n := count["or_"+id]; n != 1 {
			t.Errorf("the order of %s was carried out %d times", id, n)
		}
	}
	if len(count) != len(j.state.items) {
		t.Errorf("%d orders carried out, %d decided", len(count), len(j.state.items))
	}
	for id := range j.ring.slots {
		if !j.seen[id] {
			t.Errorf("a key without a line is still there")
		}
	}
	return len(open)
}
