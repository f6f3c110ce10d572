package record

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/sfu/record/format"
)

// Two processes in one folder would take each other's recordings for left over.
func TestOneProcessAFolder(t *testing.T) {
	inLibrary(t, nil, func(l *Library) {
		start(t, l)
		if _, err := New(l.cfg, Deps{}); err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("a second library of the folder: %v", err)
		}
		if m := stop(t, l); m.State != format.StateComplete {
			t.Errorf("the recording is %s", m.State)
		}
	})
}

// What a server that ends was recording is complete.
func TestShutdownCompletes(t *testing.T) {
	dir := t.TempDir()
	inFolder(t, dir, nil, func(l *Library) {
		r := start(t, l)
		r.Join("pa_ada", "Ada", "person")
		(&mouth{track: r.Track("pa_ada", "microphone", nil)}).say(77)
	})
	inFolder(t, dir, nil, func(l *Library) {
		list := l.List()
		if len(list) != 1 || list[0].State != format.StateComplete || list[0].Reason != ReasonShutdown || list[0].Tracks[0].Frames != 77 {
			t.Fatalf("recordings: %+v", list)
		}
		if numbers, _ := heardIn(t, filepath.Join(dir, list[0].ID), list[0].Tracks[0]); len(numbers) != 77 {
			t.Errorf("%d packets, want 77", len(numbers))
		}
	})
}

// Only its owner reads what was said.
func TestFilesArePrivate(t *testing.T) {
	inLibrary(t, nil, func(l *Library) {
		r := start(t, l)
		r.Join("pa_ada", "Ada", "person")
		(&mouth{track: r.Track("pa_ada", "microphone", nil)}).say(100)
		stop(t, l)
		err := filepath.WalkDir(l.cfg.Dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || path == l.cfg.Dir {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if perm := info.Mode().Perm(); perm != filePerm && !(d.IsDir() && perm == dirPerm) {
				t.Errorf("%s has permissions %o", path, perm)
			}
			if strings.HasPrefix(d.Name(), ".") {
				t.Errorf("%s is left over", path)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestLimitsEndARecording(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(*Config)
		within time.Duration
	}{
		{ReasonDuration, func(c *Config) { c.MaxDuration = 10 * time.Second }, 11 * time.Second},
		{ReasonBytes, func(c *Config) { c.MaxBytes = 1 << 20 }, 70 * time.Second},
	} {
		inLibrary(t, c.change, func(l *Library) {
			r := start(t, l)
			r.Join("pa_ada", "Ada", "person")
			track := r.Track("pa_ada", "camera", nil)
			camera := &cameraOf{track: track}
			for begin := time.Now(); time.Since(begin) < c.within; {
				camera.show(30, true)
			}
			select {
			case <-r.Done():
			default:
				t.Fatalf("%s: it goes on", c.reason)
			}
			m, err := l.Get(r.ID())
			if err != nil || m.Reason != c.reason || m.State != format.StateComplete || len(m.Tracks) != 1 {
				t.Errorf("%s: %v, %+v", c.reason, err, m)
			}
			if m.Bytes > 2<<20 {
				t.Errorf("%s: %d bytes", c.reason, m.Bytes)
			}
		})
	}
}

// Recordings are deleted when they are old enough, by the clock of the
// library: one that goes on is not, and the audit log says it.
func TestRetention(t *testing.T) {
	inLibrary(t, func(c *Config) { c.Keep = 2 * time.Hour }, func(l *Library) {
		first := start(t, l).ID()
		time.Sleep(time.Minute)
		stop(t, l)
		second := start(t, l).ID()
		time.Sleep(150 * time.Minute)
		if list := l.List(); len(list) != 2 || list[0].ID != second {
			t.Fatalf("%d recordings after two hours and a half, want 2", len(list))
		}
		time.Sleep(time.Hour)
		if list := l.List(); len(list) != 1 || list[0].ID != second {
			t.Fatalf("%d recordings after an hour more, want the one that goes on", len(list))
		}
		if _, err := l.Get(first); earshot.CodeOf(err) != earshot.CodeNotFound {
			t.Errorf("Get(%s) = %v", first, err)
		}
		stop(t, l)
		audit, err := os.ReadFile(filepath.Join(l.cfg.Dir, auditName))
		if err != nil || !strings.Contains(string(audit), `"by":"retention","what":"delete","recording":"`+first) {
			t.Errorf("audit log: %v\n%s", err, audit)
		}
	})
}

func TestLibraryRefuses(t *testing.T) {
	inLibrary(t, func(c *Config) { c.MaxActive = 1 }, func(l *Library) {
		r := start(t, l)
		if _, err := l.Start(Start{Instance: "in_plaza"}); earshot.CodeOf(err) != earshot.CodeAlreadyExists {
			t.Errorf("a second time: %v", err)
		}
		if _, err := l.Start(Start{Instance: "in_other"}); earshot.CodeOf(err) != earshot.CodeResourceExhausted {
			t.Errorf("one too many: %v", err)
		}
		if err := l.Delete(r.ID(), "test"); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
			t.Errorf("deleting what goes on: %v", err)
		}
		for _, name := range []string{"../audit.jsonl", auditName, "", "x.ogg", ".reserve"} {
			if f, err := l.Open(r.ID(), name, "test"); err == nil {
				f.Close()
				t.Errorf("%q was opened", name)
			}
		}
		for _, id := range []string{"", "..", "../x", "in_none"} {
			if _, err := l.Get(id); earshot.CodeOf(err) != earshot.CodeNotFound {
				t.Errorf("Get(%q) = %v", id, err)
			}
		}
		stop(t, l)
		f, err := l.Open(r.ID(), format.ManifestName, "test")
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if err := l.Delete(r.ID(), "test"); err != nil {
			t.Error(err)
		}
		if list := l.List(); len(list) != 0 {
			t.Errorf("%d recordings after deleting, want 0", len(list))
		}
	})
}
