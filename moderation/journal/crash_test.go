package journal

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"earshot"
)

// A crash between the line of an erasure or an appeal and what it does to the
// keys: Open does that again.
func TestKeysFollowLines(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	j, err := Open(dir, Config{})
	must(t, err)
	must(t, j.Decide(ctx, incident("ic_1", ada, start)))
	must(t, j.Decide(ctx, incident("ic_2", bob, start)))
	path := filepath.Join(dir, "keys")
	before, err := os.ReadFile(path)
	must(t, err)
	_, err = j.Erase(ctx, ada, "mo", start)
	must(t, err)
	must(t, j.Appeal(ctx, Appeal{Incident: "ic_2", Who: bob, At: start.Add(day)}))
	must(t, j.Close())
	must(t, os.WriteFile(path, before, 0o600))
	j, err = Open(dir, Config{})
	must(t, err)
	defer func() { must(t, j.Close()) }()
	item, err := j.Read(ctx, Access{Incident: "ic_1", By: "mo", At: start})
	must(t, err)
	if item.Text != "" {
		t.Error("what was erased can be read after a crash")
	}
	if _, err := j.Sweep(ctx, start.Add(31*day)); err != nil {
		t.Error(err)
	}
	if item, err = j.Read(ctx, Access{Incident: "ic_2", By: "mo", At: start}); err != nil || item.Text == "" {
		t.Errorf("what was appealed cannot be read after 31 days and a crash: %v", err)
	}
	after, err := os.ReadFile(path)
	must(t, err)
	if strings.Contains(string(after), string(ada)) {
		t.Error("who was erased is in the key file")
	}
}

// together runs calls that wait for the disk at the same moment.
func together(j *Journal, calls ...func() error) (errs []error) {
	errs = make([]error, len(calls))
	var wg sync.WaitGroup
	j.disk.Lock()
	for i, call := range calls {
		wg.Go(func() { errs[i] = call() })
		for waiting := 0; waiting <= i; runtime.Gosched() {
			j.queueMu.Lock()
			waiting = len(j.queue)
			j.queueMu.Unlock()
		}
	}
	j.disk.Unlock()
	wg.Wait()
	return errs
}

// What depends on one another is not written in one line, where the second
// would not know of the first; what does not is.
func TestSharedLines(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		ctx := t.Context()
		decide := func(id string, who earshot.ParticipantID) func() error {
			return func() error { return k.Decide(ctx, incident(id, who, start)) }
		}
		errs := together(k.Journal, decide("ic_1", ada), decide("ic_1", bob), decide("ic_2", cleo), decide("ic_3", ada),
			func() error { _, err := k.Erase(ctx, cleo, "mo", start); return err })
		if errs[0] != nil || earshot.CodeOf(errs[1]) != earshot.CodeAlreadyExists || errs[2] != nil || errs[3] != nil || errs[4] != nil {
			t.Errorf("errors = %v, want only the second to exist already", errs)
		}
		if n := k.Head().N; n != 3 { // ic_1 and ic_2; ic_3; the erasure
			t.Errorf("%d lines, want 3", n)
		}
		item, err := k.Read(ctx, Access{Incident: "ic_2", By: "mo", At: start})
		must(t, err)
		if item.Text != "" {
			t.Error("what was decided before the erasure can be read")
		}
		appeal := func() error { return k.Appeal(ctx, Appeal{Incident: "ic_1", Who: ada, At: start}) }
		undo := func() error { return k.Undo(ctx, &Undo{Incident: "ic_1", By: "mo", At: start}) }
		errs = together(k.Journal, appeal, undo, appeal, undo)
		if errs[0] != nil || errs[1] != nil || earshot.CodeOf(errs[2]) != earshot.CodeAlreadyExists || earshot.CodeOf(errs[3]) != earshot.CodeFailedPrecondition {
			t.Errorf("errors = %v, want the first two to succeed", errs)
		}
	})
}
