package evidence

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
)

// shelved is a store that can be opened anew where it is in a folder.
type shelved struct {
	*Store
	t     *testing.T
	cfg   Config
	deps  Deps
	seen  []Access
	audit error
}

func (s *shelved) again() {
	s.t.Helper()
	if s.cfg.Dir == "" {
		return
	}
	if err := s.Close(); err != nil {
		s.t.Fatal(err)
	}
	var err error
	if s.Store, err = New(s.cfg, s.deps); err != nil {
		s.t.Fatal(err)
	}
}

func both(t *testing.T, test func(t *testing.T, s *shelved)) {
	for name, dir := range map[string]string{"memory": "", "folder": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			s := &shelved{t: t, cfg: Config{Dir: dir}}
			s.deps.Audit = func(_ context.Context, a Access) error {
				s.seen = append(s.seen, a)
				return s.audit
			}
			var err error
			if s.Store, err = New(s.cfg, s.deps); err != nil {
				t.Fatal(err)
			}
			defer func() { s.Close() }()
			test(t, s)
			if broken, err := s.Verify(t.Context()); err != nil || len(broken) > 0 {
				t.Errorf("Verify = %v, %v", broken, err)
			}
		})
	}
}

// speak has somebody say a few packets and keeps them.
func (s *shelved) speak(who earshot.ParticipantID, at time.Time) string {
	s.t.Helper()
	for i := range 50 {
		s.Put("plaza", who, at.Add(time.Duration(i-50)*20*time.Millisecond), uint16(i), uint32(i*960), append([]byte{0x78}, who...))
	}
	id, err := s.Keep(s.t.Context(), "plaza", who, "ic_"+string(who), at)
	if err != nil || !ValidID(id) {
		s.t.Fatalf("Keep = %q, %v", id, err)
	}
	return id
}

func (s *shelved) readable(id string, at time.Time) bool {
	s.t.Helper()
	_, _, err := s.Read(s.t.Context(), id, "mo_1", "queue", at)
	if err != nil && earshot.CodeOf(err) != earshot.CodeNotFound {
		s.t.Fatal(err)
	}
	return err == nil
}

func TestKeepAndRead(t *testing.T) {
	both(t, func(t *testing.T, s *shelved) {
		ctx := t.Context()
		if id, err := s.Keep(ctx, "plaza", "pa_a", "ic", start); id != "" || err != nil {
			t.Errorf("Keep of nothing = %q, %v", id, err)
		}
		id := s.speak("pa_a", start)
		s.again()
		m, packets, err := s.Read(ctx, id, "mo_1", "queue", start.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		want := Meta{ID: id, World: "plaza", Who: "pa_a", Incident: "ic_pa_a", From: start.Add(-time.Second), To: start.Add(-20 * time.Millisecond), Packets: 50, At: start, Expires: start.Add(30 * day), Bytes: m.Bytes}
		if m != want || len(packets) != 50 || packets[3].Seq != 3 || packets[3].Timestamp != 3*960 || !packets[3].At.Equal(start.Add(-940*time.Millisecond)) || string(packets[3].Opus) != "xpa_a" {
			t.Errorf("Read = %+v\nwant %+v, packets %+v", m, want, packets[3])
		}
		if len(s.seen) != 1 || s.seen[0] != (Access{id, "ic_pa_a", "mo_1", "queue", start.Add(time.Hour)}) {
			t.Errorf("audited %+v", s.seen)
		}
		var file bytes.Buffer
		if err := s.Export(ctx, &file, id, "mo_1", "play", start); err != nil || !bytes.HasPrefix(file.Bytes(), []byte("OggS")) || len(s.seen) != 2 {
			t.Errorf("Export = %v, audited %d times", err, len(s.seen))
		}
		s.audit = errors.New("no room to write it down")
		if _, packets, err := s.Read(ctx, id, "mo_1", "", start); err == nil || packets != nil {
			t.Errorf("Read without an audit = %d packets, %v", len(packets), err)
		}
		s.audit = nil
		if _, _, err := s.Read(ctx, id, "", "", start); earshot.CodeOf(err) != earshot.CodePermissionDenied {
			t.Errorf("Read by nobody = %v", err)
		}
		if _, _, err := s.Read(ctx, "../../etc/passwd", "mo_1", "", start); earshot.CodeOf(err) != earshot.CodeNotFound {
			t.Errorf("Read of a path = %v", err)
		}
	})
}

// Thirty days; 180 from an appeal on; not a second longer.
func TestRetention(t *testing.T) {
	both(t, func(t *testing.T, s *shelved) {
		ctx := t.Context()
		plain, appealed := s.speak("pa_a", start), s.speak("pa_b", start)
		if err := s.Appealed(ctx, []string{appealed, "ed_none"}, start.Add(10*day)); err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			at              time.Duration
			deleted         int
			plain, appealed bool
		}{
			{30*day - time.Second, 0, true, true},
			{30 * day, 1, false, true},
			{190*day - time.Second, 0, false, true},
			{190 * day, 1, false, false},
		} {
			s.again()
			if s.readable(plain, start.Add(tc.at)) != tc.plain || s.readable(appealed, start.Add(tc.at)) != tc.appealed { // also before Sweep
				t.Errorf("at %v before Sweep: the wrong ones can be read", tc.at)
			}
			if n, err := s.Sweep(ctx, start.Add(tc.at)); n != tc.deleted || err != nil {
				t.Errorf("Sweep at %v = %d, %v, want %d", tc.at, n, err, tc.deleted)
			}
			if s.readable(plain, start) != tc.plain || s.readable(appealed, start) != tc.appealed {
				t.Errorf("at %v after Sweep: the wrong ones are kept", tc.at)
			}
		}
		s.empty()
	})
}

// empty checks that no file of any evidence is left.
func (s *shelved) empty() {
	s.t.Helper()
	if f := s.Figures(); f.Kept != 0 || f.Bytes != 0 {
		s.t.Errorf("Figures = %+v, want nothing kept", f)
	}
	if s.cfg.Dir == "" {
		return
	}
	for _, pattern := range []string{"*ed_*", "keys/*"} {
		if left, _ := filepath.Glob(filepath.Join(s.cfg.Dir, pattern)); len(left) > 0 {
			s.t.Errorf("left: %v", left)
		}
	}
}

func TestErase(t *testing.T) {
	both(t, func(t *testing.T, s *shelved) {
		a, b := s.speak("pa_a", start), s.speak("pa_b", start)
		if n, err := s.Erase(t.Context(), "pa_a"); n != 1 || err != nil {
			t.Errorf("Erase = %d, %v", n, err)
		}
		if len(s.Recent("plaza", "pa_a", time.Time{}, start)) > 0 {
			t.Error("what was erased is still in the ring")
		}
		s.again()
		if s.readable(a, start) || !s.readable(b, start) {
			t.Error("the wrong one was erased")
		}
		if list := s.List("pa_b"); len(list) != 1 || list[0].ID != b || len(s.List("pa_a")) != 0 {
			t.Errorf("List = %+v", list)
		}
	})
}

func TestFull(t *testing.T) {
	both(t, func(t *testing.T, s *shelved) {
		first := s.speak("pa_a", start)
		s.Store.cfg.MaxStored = s.Figures().Bytes * 3 / 2
		for i := range 50 {
			s.Put("plaza", "pa_b", start.Add(time.Duration(i)*time.Millisecond), 1, 1, []byte("xpa_b"))
		}
		id, err := s.Keep(t.Context(), "plaza", "pa_b", "ic", start.Add(time.Second))
		if s.cfg.Dir != "" {
			if earshot.CodeOf(err) != earshot.CodeResourceExhausted || !s.readable(first, start) {
				t.Errorf("Keep in a full folder = %v", err)
			}
		} else if err != nil || !s.readable(id, start) || s.readable(first, start) {
			t.Errorf("Keep in full memory = %v: want the oldest to go", err)
		}
	})
}

// Each step of keeping and deleting may be the last before a crash. What is
// left is whole and known to the journal, or it is gone with its key.
func TestCrashes(t *testing.T) {
	for _, tc := range []struct {
		name  string
		crash func(dir, id string) error
		stays bool
	}{
		{"nothing", func(string, string) error { return nil }, true},
		{"half a key", func(dir, id string) error {
			return errors.Join(os.Remove(filepath.Join(dir, id+fileSuffix)), os.Rename(filepath.Join(dir, "keys", id+keySuffix), filepath.Join(dir, "keys", id+keySuffix+halfSuffix)))
		}, false},
		{"a key and no file", func(dir, id string) error { return os.Remove(filepath.Join(dir, id+fileSuffix)) }, false},
		{"a key and half a file", func(dir, id string) error {
			return os.Rename(filepath.Join(dir, id+fileSuffix), filepath.Join(dir, id+fileSuffix+halfSuffix))
		}, false},
		{"a key overwritten", func(dir, id string) error {
			return os.WriteFile(filepath.Join(dir, "keys", id+keySuffix), make([]byte, keyBytes), 0o600)
		}, false},
		{"a key removed", func(dir, id string) error { return os.Remove(filepath.Join(dir, "keys", id+keySuffix)) }, false},
		{"half a new expiry", func(dir, id string) error {
			f, err := os.OpenFile(filepath.Join(dir, "keys", id+keySuffix), os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteAt([]byte{1, 2, 3}, expiryStart)
				err = errors.Join(err, f.Close())
			}
			return err
		}, true},
	} {
		s := &shelved{t: t, cfg: Config{Dir: t.TempDir()}}
		s.deps.Audit = func(context.Context, Access) error { return nil }
		s.Store = testStore(t, s.cfg, s.deps)
		id := s.speak("pa_a", start)
		if err := errors.Join(s.Close(), tc.crash(s.cfg.Dir, id)); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		s.again()
		if s.readable(id, start) != tc.stays {
			t.Errorf("after %s it can be read: %v, want %v", tc.name, !tc.stays, tc.stays)
		}
		if m, ok := s.Meta(id); ok && !m.Expires.Equal(start.Add(30*day)) {
			t.Errorf("after %s it expires %v", tc.name, m.Expires)
		}
		if !tc.stays {
			s.empty()
		}
		s.Close()
	}
}

// A crash between the file and the incident leaves evidence that no incident
// names.
func TestOrphans(t *testing.T) {
	s := &shelved{t: t, cfg: Config{Dir: t.TempDir()}}
	s.Store = testStore(t, s.cfg, s.deps)
	known, unknown := s.speak("pa_a", start), s.speak("pa_b", start)
	s.deps.Known = func(id string) bool { return id == known }
	s.again()
	if _, ok := s.Meta(unknown); ok {
		t.Error("evidence that no incident names is still there")
	}
	if _, ok := s.Meta(known); !ok {
		t.Error("evidence of an incident is gone")
	}
	if left, _ := filepath.Glob(filepath.Join(s.cfg.Dir, "*", unknown+"*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// The id is a seal: whoever can write the folder can destroy evidence, not
// change it.
func TestTampering(t *testing.T) {
	s := &shelved{t: t, cfg: Config{Dir: t.TempDir()}}
	s.deps.Audit = func(context.Context, Access) error { return nil }
	s.Store = testStore(t, s.cfg, s.deps)
	id := s.speak("pa_a", start)
	path := filepath.Join(s.cfg.Dir, id+fileSuffix)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(file, []byte("pa_a")) || bytes.Contains(file, []byte("plaza")) {
		t.Error("the file says in the clear what it is of")
	}
	for _, p := range []string{path, filepath.Join(s.cfg.Dir, "keys", id+keySuffix), filepath.Join(s.cfg.Dir, "lock")} {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want mode 0600", p, info, err)
		}
	}
	for i := 0; i < len(file); i += 97 {
		bad := bytes.Clone(file)
		bad[i] ^= 1
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, packets, err := s.Read(t.Context(), id, "mo", "", start); earshot.CodeOf(err) != earshot.CodeFailedPrecondition || packets != nil {
			t.Fatalf("Read with a bit changed at %d = %v", i, err)
		}
	}
	if broken, err := s.Verify(t.Context()); err != nil || len(broken) != 1 || broken[0] != id {
		t.Errorf("Verify = %v, %v", broken, err)
	}
}

func TestOpening(t *testing.T) {
	dir := t.TempDir()
	s := testStore(t, Config{Dir: dir}, Deps{})
	if _, err := New(Config{Dir: dir}, Deps{}); earshot.CodeOf(err) != earshot.CodeFailedPrecondition || !strings.Contains(err.Error(), "another process") {
		t.Errorf("New of a folder in use = %v", err)
	}
	s.Put("w", "pa_a", start, 1, 1, []byte{1})
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if _, err := s.Keep(t.Context(), "w", "pa_a", "ic", start); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
		t.Errorf("Keep after Close = %v", err)
	}
	for _, bad := range []Config{{Window: time.Hour}, {Retention: -1}, {MaxSpeakers: -1}, {MaxBytes: 1}, {MaxStored: -1}, {KeyDir: "x"}} {
		if _, err := New(bad, Deps{}); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("New(%+v) = %v, want invalid_argument", bad, err)
		}
	}
}

// Files are read with their right key even if somebody else wrote them.
func FuzzFile(f *testing.F) {
	var key [32]byte
	file, err := pack(key, Meta{World: "w", Who: "pa_a"}, []Packet{{1, 2, start, []byte{3}}, {2, 962, start, []byte{4, 5}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file, []byte{0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9})
	f.Add(file[:30], []byte{})
	f.Fuzz(func(t *testing.T, file, sound []byte) {
		if _, packets, err := unpack(key, file); err != nil && packets != nil {
			t.Error("packets of a broken file")
		}
		if k, ok := decodeKey(sound); ok && !bytes.Equal(encodeKey(k)[:40], sound[:40]) {
			t.Error("a key changed")
		}
		packets, err := parsePackets(sound)
		if err != nil {
			return
		}
		again, err := pack(key, Meta{}, packets)
		if err != nil {
			t.Fatal(err)
		}
		_, back, err := unpack(key, again)
		if err != nil || len(back) != len(packets) {
			t.Errorf("unpack(pack(%d packets)) = %d, %v", len(packets), len(back), err)
		}
		for i := range back {
			if !bytes.Equal(back[i].Opus, packets[i].Opus) || !back[i].At.Equal(packets[i].At) || back[i].Seq != packets[i].Seq {
				t.Errorf("packet %d changed", i)
			}
		}
	})
}
