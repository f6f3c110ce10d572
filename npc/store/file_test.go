package store

import (
	"os"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"earshot"
)

func TestFileOutlivesTheProcess(t *testing.T) {
	path := t.TempDir() + "/store"
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	revision := mustPut(t, f, "a/b", "x", 0, 0)
	mustPut(t, f, "a/over", "x", 0, time.Millisecond)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v, want 0600", info.Mode(), err)
	}
	_, _, err = Open(t.Context(), Config{Path: path})
	wantCode(t, err, earshot.CodeFailedPrecondition, "opened twice")
	if err != nil && !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("error %q does not say what to do", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s, kind, err := Open(t.Context(), Config{Path: path})
	if err != nil || kind != KindFile {
		t.Fatal(kind, err)
	}
	defer s.Close()
	if v, err := s.Get(t.Context(), "a/b"); err != nil || string(v.Data) != "x" || v.Revision != revision {
		t.Errorf("Get = %q %d %v", v.Data, v.Revision, err)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/text", []byte(strings.Repeat("not a store\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir + "/text", dir + "/no/folder", dir} {
		_, _, err := Open(t.Context(), Config{Path: path})
		wantCode(t, err, earshot.CodeFailedPrecondition, path)
	}
}

// What is over leaves the file, also what nobody asks for again.
func TestFileSweeps(t *testing.T) {
	c := newClock()
	f, err := openFile(t.TempDir()+"/store", c.now)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, key := range []string{"a", "b", "c"} {
		mustPut(t, f, key, "x", 0, time.Second)
	}
	c.pass(time.Minute)
	mustPut(t, f, "d", "x", 0, 0)
	f.view(func(tx *bolt.Tx) error {
		if n, m := tx.Bucket(valuesBucket).Stats().KeyN, tx.Bucket(expiryBucket).Stats().KeyN; n != 1 || m != 0 {
			t.Errorf("%d values and %d expiries in the file, want 1 and 0", n, m)
		}
		return nil
	})
}

func TestOpen(t *testing.T) {
	if _, kind, err := Open(t.Context(), Config{}); err != nil || kind != KindMemory {
		t.Errorf("nothing configured: %s %v", kind, err)
	}
	for name, cfg := range map[string]Config{
		"both":            {Path: "x", Valkey: "redis://x"},
		"password alone":  {PasswordFile: "x"},
		"prefix":          {Prefix: "a b"},
		"password file":   {Valkey: "redis://x", PasswordFile: t.TempDir() + "/none"},
		"not an address":  {Valkey: "::"},
		"unknown address": {Valkey: "ftp://x"},
	} {
		_, _, err := Open(t.Context(), cfg)
		wantCode(t, err, earshot.CodeInvalidArgument, name)
	}
}

// A Memory is bounded, and makes room by what is over.
func TestMemoryIsBounded(t *testing.T) {
	c := newClock()
	m := newMemory(c.now)
	mustPut(t, m, "over", "x", 0, time.Second)
	m.size = maxMemory - 100
	_, err := m.Put(t.Context(), "k", make([]byte, 200), 0, 0)
	wantCode(t, err, earshot.CodeResourceExhausted, "Put into a full store")
	m.size = maxMemory + 1
	c.pass(time.Minute)
	mustPut(t, m, "k", "x", 0, 0)
	if _, there := m.entries["over"]; there {
		t.Error("what was over is still there")
	}
}
