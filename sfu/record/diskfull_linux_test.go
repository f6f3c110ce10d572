package record

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"earshot/sfu/record/format"
)

// smallDisk mounts a file system of so many bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("=== NOT TESTED: a full disk. Mounting a tmpfs needs root (%v) ===", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// The disk is full for a while: nothing stops, what was lost is in the
// manifest, and recording goes on when there is room.
func TestDiskFull(t *testing.T) {
	dir := smallDisk(t, "4m")
	inFolder(t, dir, nil, func(l *Library) { testDiskFull(t, l, dir) })
}

func testDiskFull(t *testing.T, l *Library, dir string) {
	r := start(t, l)
	r.Join("pa_ada", "Ada", "person")
	m := &mouth{track: r.Track("pa_ada", "microphone", nil)}
	c := &cameraOf{track: r.Track("pa_ada", "camera", nil)}
	second := func() {
		done := make(chan struct{})
		go func() { defer close(done); m.say(50) }()
		c.show(30, true)
		<-done
	}
	for range 3 {
		second()
	}
	balloon := filepath.Join(dir, "balloon")
	fill(t, balloon)
	for range 4 {
		second()
	}
	full := r.Manifest()
	if err := os.Remove(balloon); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		second()
	}
	man := stop(t, l)

	if len(full.Failures) == 0 || full.Failures[0].What != format.FailDiskFull || full.Failures[0].Lost == 0 || full.Failures[0].UntilMS != 0 {
		t.Errorf("while the disk was full the manifest said %+v", full.Failures)
	}
	seen := map[string]bool{}
	for _, f := range man.Failures {
		if f.What != format.FailDiskFull || f.AtMS < 2500 || f.UntilMS < f.AtMS || f.UntilMS > 10_000 || f.Message == "" {
			t.Errorf("failure: %+v", f)
		}
		seen[f.File] = f.Lost > 0
	}
	if len(man.Tracks) != 2 || man.State != format.StateComplete {
		t.Fatalf("%d tracks, %s", len(man.Tracks), man.State)
	}
	for _, track := range man.Tracks {
		if track.Failed == 0 || track.DurationMS < 9500 || !seen[track.File] {
			t.Errorf("track: %+v; failures %v", track, seen)
		}
		var numbers []int
		var at []int64
		if track.Codec == "opus" {
			numbers, at = heardIn(t, filepath.Join(dir, man.ID), track)
		} else {
			numbers, at = shownIn(t, filepath.Join(dir, man.ID), track)
		}
		late := 0
		for _, ms := range at {
			if ms > 8500 {
				late++
			}
		}
		if len(numbers) < 100 || late < 20 {
			t.Errorf("%s: %d units, %d of them after the disk had room again", track.File, len(numbers), late)
		}
	}
}

// fill makes a file as large as the disk takes.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; {
		_, err := f.Write(bytes.Repeat([]byte{1}, size))
		if errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// Below the floor of free bytes nothing is written, and nothing is begun.
func TestFreeSpaceFloor(t *testing.T) {
	dir := smallDisk(t, "4m")
	inFolder(t, dir, func(c *Config) { c.MinFree = 2 << 20 }, func(l *Library) { testFloor(t, l, dir) })
}

func testFloor(t *testing.T, l *Library, dir string) {
	r := start(t, l)
	r.Join("pa_ada", "Ada", "person")
	m := &mouth{track: r.Track("pa_ada", "microphone", nil)}
	m.say(100)
	balloon := filepath.Join(dir, "balloon")
	if err := os.WriteFile(balloon, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	m.say(150)
	if _, err := l.Start(Start{Instance: "in_other"}); err == nil {
		t.Error("a recording was begun below the floor")
	}
	if err := os.Remove(balloon); err != nil {
		t.Fatal(err)
	}
	m.say(150)
	man := stop(t, l)
	if len(man.Failures) == 0 || man.Failures[0].What != format.FailDiskFull || man.Failures[0].UntilMS == 0 || man.Tracks[0].Failed == 0 {
		t.Errorf("failures: %+v; track %+v", man.Failures, man.Tracks[0])
	}
}
