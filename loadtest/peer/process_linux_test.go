package peer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParseUsage(t *testing.T) {
	line := "42 (a) b) c) S 1 42 42 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 7 0 123 1000000 100 18446744073709551615 0"
	u, err := parseUsage([]byte(line))
	if err != nil || u.cpu != 3*time.Second || u.threads != 7 || u.rss != 100*int64(os.Getpagesize()) {
		t.Errorf("%+v, %v", u, err)
	}
	for _, broken := range []string{"", "42 (x) S 1", strings.Replace(line, "250", "x", 1)} {
		if u, err := parseUsage([]byte(broken)); err == nil {
			t.Errorf("parseUsage(%q) = %+v, want an error", broken, u)
		}
	}
}

// A process is on the core it was put on, has a session of its own and ends
// when told to; one that has ended by itself says what it printed.
func TestProcess(t *testing.T) {
	before, err := allowed()
	if err != nil {
		t.Fatal(err)
	}
	core := before[len(before)-1]
	p, err := startProcess([]string{"/bin/sh", "-c", "grep Cpus_allowed_list /proc/self/status; echo up; exec sleep 1000"}, nil, t.TempDir(), core)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(t.Context(), func(context.Context) error {
		if !strings.Contains(p.Tail(), "up") {
			return errors.New("not yet")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if fields := strings.Fields(p.Tail()); len(fields) < 2 || fields[1] != strconv.Itoa(core) {
		t.Errorf("the process says %q, want core %d", p.Tail(), core)
	}
	if u, err := usageOf(p.PID()); err != nil || u.rss == 0 || u.threads != 1 {
		t.Errorf("usage %+v, %v", u, err)
	}
	if err := p.Terminate(stopFor); err != nil {
		t.Error(err)
	}
	if after, err := allowed(); err != nil || !slices.Equal(before, after) {
		t.Errorf("cores %v, %v; before %v", after, err, before)
	}

	p, err = startProcess([]string{"/bin/sh", "-c", "echo no room; exit 3"}, nil, t.TempDir(), -1)
	if err != nil {
		t.Fatal(err)
	}
	err = p.Ready(t.Context(), func(context.Context) error { return errors.New("not yet") })
	if err == nil || !strings.Contains(err.Error(), "no room") || !strings.Contains(err.Error(), "status 3") {
		t.Errorf("%v, want what it printed and its status", err)
	}
	if err := p.Terminate(stopFor); err != nil {
		t.Errorf("stopping what has ended: %v", err)
	}
	if _, err := startProcess([]string{filepath.Join(t.TempDir(), "nothing")}, nil, t.TempDir(), -1); err == nil {
		t.Error("started what is not there")
	}
}
