package replay

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"earshot/loadtest"
	"earshot/loadtest/model"
	"earshot/sfu/record/format"
)

// The disk of a node is full for three seconds while somebody talks: whoever
// listens misses nothing, and the manifest says what the recording missed.
func TestMediaGoOnWhileTheDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("=== NOT TESTED: a full disk. Mounting a tmpfs needs root (%v) ===", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	n := startNodeIn(t, dir, "plaza")
	listener := n.join("plaza", 1, func(c *loadtest.Config) { c.Slots = 4 })
	talker := n.join("plaza", 2, func(c *loadtest.Config) { c.Speak, c.Talk = true, model.Unending() })
	until(t, "the talker is heard", func() bool { return listener.Heard()[2] > 10 })
	n.record("plaza")
	<-time.After(1500 * time.Millisecond)
	balloon := filepath.Join(dir, "balloon")
	f, err := os.Create(balloon)
	check(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	check(t, f.Close())
	before, said := listener.Heard()[2], talker.Spoken()
	<-time.After(3 * time.Second)
	said = talker.Spoken() - said
	want := before + said*95/100
	until(t, "what was said while the disk was full is heard", func() bool { return listener.Heard()[2] >= want })
	check(t, os.Remove(balloon))
	<-time.After(3 * time.Second)
	m := n.stop("plaza")
	if len(m.Failures) == 0 || m.Failures[0].What != format.FailDiskFull || m.Failures[0].UntilMS == 0 || m.State != format.StateComplete {
		t.Errorf("errors: %+v, state %s", m.Failures, m.State)
	}
	if track := m.Tracks[0]; track.Failed < 50 || track.Lost+track.Dropped > 10 || len(voiceOf(t, dir, m, "bot 2")) < 100 {
		t.Errorf("track: %+v", track)
	}
	probe(t, dir, m)
	n.ask(http.MethodGet, n.url+"/healthz", "", "", http.StatusOK, nil)
}
