package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// patience is how long tests wait for what has to come.
const patience = 30 * time.Second

// binaryFolder has earshot, where a test has asked for it.
var binaryFolder = filepath.Join(os.TempDir(), fmt.Sprintf("earshot-test-%d", os.Getpid()))

// TestMain removes what was built.
func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(binaryFolder)
	os.Exit(code)
}

// buildEarshot builds earshot, once for all tests.
var buildEarshot = sync.OnceValues(func() (path string, err error) {
	path = filepath.Join(binaryFolder, "earshot")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// earshotBinary returns the program, for tests that start it as a process.
func earshotBinary(t *testing.T) string {
	t.Helper()
	path, err := buildEarshot()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// lateness watches until it is asked how late a timer was at most meanwhile: for
// so long something else ran on this machine.
func lateness() (most func() time.Duration) {
	const every = 5 * time.Millisecond
	stop, found := make(chan struct{}), make(chan time.Duration, 1)
	go func() {
		longest := time.Duration(0)
		for {
			began := time.Now()
			select {
			case <-stop:
				found <- longest
				return
			case <-time.After(every):
				longest = max(longest, time.Since(began)-every)
			}
		}
	}()
	return sync.OnceValue(func() time.Duration {
		close(stop)
		return <-found
	})
}
