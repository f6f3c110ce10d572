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
