package loadtest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// patch is a change of the product's source.
type patch struct{ file, old, new string }

// bedFaults are rules about beds, each taken out of a copy of the product's source
// (go test -overlay), and what the audit of beds has to find then.
var bedFaults = []struct {
	name, finds string
	patches     []patch
}{
	{"a session that is denied a voice keeps the bed it is in", "mixed against a block", []patch{
		{"sfu/carried.go", "return p.participant == id || slices.Contains(p.carries(), id)", "return p.participant == id"},
	}},
	{"a mute does not take the voice out of beds", "mixed against a mute", []patch{
		{"gateway/desk/crowd.go", "if !b.holds(v) {", "if true || !b.holds(v) {"},
	}},
	{"neither plan nor session knows of blocks", "mixed against a block", []patch{ // either of them is enough
		{"gateway/crowd.go", "c.Forbid(s.participant, other)", "_ = other"},
		{"sfu/carried.go", "return refuse(p.participant) || slices.ContainsFunc(p.carries(), refuse)", "return refuse(p.participant)"},
	}},
}

// overlaidAudit is how long a crowd lives on a server with a rule taken out. What
// leaks most rarely, a bed that is on its way when somebody is muted, is found 3.1
// times a minute (15 runs: 1 to 6).
const overlaidAudit = "4m"

// TestAuditOfBedsCatchesLeaks audits crowds on servers with a rule taken out: the
// audit has to fail, with a leak of that kind.
func TestAuditOfBedsCatchesLeaks(t *testing.T) {
	if !endToEnd() {
		t.Skip("builds this test anew for each fault: make e2e, or EARSHOT_E2E=1")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	t.Parallel()
	for _, f := range bedFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			run := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay(t, root, f.patches),
				"-vet=off", "-count=1", "-timeout", "10m", "-run", "TestAuditOfBeds$", "-v", "./loadtest")
			run.Dir, run.Env = root, append(os.Environ(), "EARSHOT_AUDIT="+overlaidAudit)
			out, err := run.CombinedOutput()
			found := strings.Count(string(out), f.finds)
			t.Logf("%s: %d", f.finds, found)
			if err == nil || found == 0 {
				t.Errorf("not found: %v\n%s", err, out[max(0, len(out)-4000):])
			}
		})
	}
}

// overlay returns a file for go's -overlay that changes the source.
func overlay(t *testing.T, root string, patches []patch) string {
	t.Helper()
	dir, replace := t.TempDir(), map[string]string{}
	for i, p := range patches {
		path, changed := filepath.Join(root, p.file), filepath.Join(dir, fmt.Sprint(i, ".go"))
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), p.old); n != 1 {
			t.Fatalf("%s has %q %d times, want once: plant the fault elsewhere", p.file, p.old, n)
		}
		if err := os.WriteFile(changed, []byte(strings.Replace(string(source), p.old, p.new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		replace[path] = changed
	}
	list := filepath.Join(dir, "overlay.json")
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(list, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list
}
