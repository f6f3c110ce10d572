package child

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPathFromHere: a program that is named from here runs, though in a folder of
// its own.
func TestPathFromHere(t *testing.T) {
	here, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(here, "where"), []byte("#!/bin/sh\npwd\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	p, err := Run(Command{Name: "where", Argv: []string{"./where"}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	want, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); !strings.HasSuffix(p.Tail(), want); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it printed %q, want the folder %s", p.Tail(), want)
		}
	}
}
