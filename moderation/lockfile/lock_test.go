package lockfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOneHasIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Take(path); !errors.Is(err, ErrTaken) || !strings.Contains(err.Error(), path) {
		t.Errorf("a second time: %v, want ErrTaken and the path", err)
	}
	if err := Release(f); err != nil {
		t.Fatal(err)
	}
	again, err := Take(path)
	if err != nil {
		t.Fatalf("after its release: %v", err)
	}
	if err := Release(again); err != nil {
		t.Error(err)
	}
	if _, err := Take(filepath.Join(path, "below", "a", "file")); err == nil || errors.Is(err, ErrTaken) {
		t.Errorf("where there is no folder: %v, want the system's error", err)
	}
}

func TestSyncFolder(t *testing.T) {
	dir := t.TempDir()
	if err := SyncFolder(dir); err != nil {
		t.Error(err)
	}
	if err := SyncFolder(filepath.Join(dir, "nothing")); err == nil && os.PathSeparator == '/' {
		t.Error("a folder that there is not was made durable")
	}
}
