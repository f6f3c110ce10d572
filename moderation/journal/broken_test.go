package journal

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"earshot"
	"earshot/moderation/policy"
)

// written makes a journal of several files and returns its lines.
func written(t testing.TB, dir string, incidents int) Head {
	t.Helper()
	j, err := Open(dir, Config{MaxFile: 3 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for i := range incidents {
		if err := j.Decide(t.Context(), incident(fmt.Sprint("ic_", i), ada, start, policy.Act{Action: policy.Mute})); err != nil {
			t.Fatal(err)
		}
	}
	return j.Head()
}

func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	names, _ := filepath.Glob(filepath.Join(from, "*"))
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(name)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// A changed bit anywhere is found, and said where.
func TestChangedBits(t *testing.T) {
	dir := t.TempDir()
	written(t, dir, 6)
	names, _ := filepath.Glob(filepath.Join(dir, "journal-*.log"))
	if len(names) < 2 {
		t.Fatalf("%d files, want several", len(names))
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		must(t, err)
		for i := 0; i < len(data); i += 13 {
			flip(t, dir, name, data, i)
		}
		flip(t, dir, name, data, len(data)-1)
		must(t, os.WriteFile(name, data, 0o600))
	}
	j, err := Open(dir, Config{})
	must(t, err)
	must(t, j.Close())
}

func flip(t *testing.T, dir, name string, data []byte, i int) {
	t.Helper()
	bad := bytes.Clone(data)
	bad[i] ^= 1
	must(t, os.WriteFile(name, bad, 0o600))
	j, err := Open(dir, Config{})
	if err == nil {
		j.Close()
		t.Fatalf("Open with a bit changed at %d of %s = nil", i, filepath.Base(name))
	}
	if earshot.CodeOf(err) != earshot.CodeFailedPrecondition || bytes.IndexByte(data[:i], '\n') >= 0 && !strings.Contains(err.Error(), "offset ") {
		t.Fatalf("Open with a bit changed at %d of %s = %v, want failed_precondition with an offset", i, filepath.Base(name), err)
	}
}

// Whatever piece of the last line a crash leaves, with or without zeros for
// blocks that never came, the rest is there and goes on.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	written(t, dir, 6)
	names, _ := filepath.Glob(filepath.Join(dir, "journal-*.log"))
	last := names[len(names)-1]
	data, err := os.ReadFile(last)
	must(t, err)
	lastLine := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
	for i := len(data); i >= 0; i -= max(1, min(5, len(data)-i)) {
		for _, zeros := range []bool{false, true} {
			if zeros && i <= lastLine {
				continue
			}
			piece := bytes.Clone(data[:i])
			if zeros {
				piece = append(piece, make([]byte, len(data)-i)...)
			}
			torn := copyDir(t, dir)
			must(t, os.WriteFile(filepath.Join(torn, filepath.Base(last)), piece, 0o600))
			j, err := Open(torn, Config{})
			if err != nil {
				t.Fatalf("Open with %d of %d bytes (zeros %v) = %v", i, len(data), zeros, err)
			}
			lines := bytes.Count(data[:i], []byte("\n")) - 1
			before := j.Head().N
			want := 6 - bytes.Count(data, []byte("\n")) + bytes.Count(data[:i], []byte("\n"))
			want = max(want, 6-bytes.Count(data, []byte("\n"))+1)
			if i < len(data) && data[i] == '\n' && bytes.IndexByte(data[:i], '\n') >= 0 {
				want++ // all of a line but its end is there
			}
			if before != uint64(want) {
				t.Fatalf("after %d of %d bytes (zeros %v): %d lines, want %d", i, len(data), zeros, before, want)
			}
			must(t, j.Decide(t.Context(), incident("ic_new", bob, start)))
			must(t, j.Close())
			j, err = Open(torn, Config{})
			must(t, err)
			if v, err := j.Verify(t.Context()); err != nil || v.Lines != before+1 || lines > 0 && j.Opened().Torn != 0 {
				t.Fatalf("after %d of %d bytes: Verify = %+v, %v, want %d lines", i, len(data), v, err, before+1)
			}
			must(t, j.Close())
		}
	}
}

func TestMissingPieces(t *testing.T) {
	dir := t.TempDir()
	head := written(t, dir, 9)
	names, _ := filepath.Glob(filepath.Join(dir, "journal-*.log"))
	for _, tc := range []struct {
		name, want string
		harm       func(dir string)
	}{
		{"a file in between", "put it back", func(dir string) { os.Remove(filepath.Join(dir, filepath.Base(names[1]))) }},
		{"the end of a file in between", "its end is missing", func(dir string) {
			data, _ := os.ReadFile(filepath.Join(dir, filepath.Base(names[0])))
			os.WriteFile(filepath.Join(dir, filepath.Base(names[0])), data[:len(data)-9], 0o600)
		}},
		{"a whole line of a file in between", "does not follow", func(dir string) {
			data, _ := os.ReadFile(filepath.Join(dir, filepath.Base(names[0])))
			os.WriteFile(filepath.Join(dir, filepath.Base(names[0])), data[:bytes.LastIndexByte(data[:len(data)-1], '\n')+1], 0o600)
		}},
		{"the keys", "key file", func(dir string) { os.Remove(filepath.Join(dir, "keys")) }},
		{"the journal of the keys", "not there", func(dir string) {
			for _, n := range names {
				os.Remove(filepath.Join(dir, filepath.Base(n)))
			}
		}},
		{"the keys of another", "another journal", func(dir string) {
			other := filepath.Join(dir, "other")
			written(t, other, 1)
			os.Rename(filepath.Join(other, "keys"), filepath.Join(dir, "keys"))
		}},
	} {
		broken := copyDir(t, dir)
		tc.harm(broken)
		if j, err := Open(broken, Config{}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Open without %s = %v, want %q", tc.name, err, tc.want)
			if err == nil {
				j.Close()
			}
		}
	}
	// The end cut off at a whole line: only a head kept elsewhere shows it.
	cut := copyDir(t, dir)
	must(t, os.Remove(filepath.Join(cut, filepath.Base(names[len(names)-1]))))
	j, err := Open(cut, Config{})
	must(t, err)
	defer j.Close()
	if _, err := j.Verify(t.Context()); err != nil {
		t.Errorf("Verify = %v", err)
	}
	_, err = j.Verify(t.Context(), head)
	wantCode(t, err, earshot.CodeFailedPrecondition)
	if _, err := VerifyFolder(t.Context(), dir, head); err != nil {
		t.Errorf("VerifyFolder = %v", err)
	}
	_, err = VerifyFolder(t.Context(), cut, head)
	wantCode(t, err, earshot.CodeFailedPrecondition)
	_, err = VerifyFolder(t.Context(), t.TempDir())
	wantCode(t, err, earshot.CodeNotFound)
	// Old files may be moved away; what is left says where it begins.
	old := copyDir(t, dir)
	must(t, os.Remove(filepath.Join(old, filepath.Base(names[0]))))
	k, err := Open(old, Config{})
	must(t, err)
	defer k.Close()
	if v, err := k.Verify(t.Context(), head); err != nil || v.First < 2 || k.Opened().First != v.First {
		t.Errorf("Verify without the oldest file = %+v, %v", v, err)
	}
}

// A crash at the very first start leaves a folder that the next one takes.
func TestUnbegun(t *testing.T) {
	for _, tc := range []struct{ keys, log string }{
		{"", ""}, {keysMagic[:4], ""}, {keysMagic + "abc", ""}, {strings.Repeat("\x00", slotBytes), "earshot-jour"}, {"", strings.Repeat("\x00", 80)},
	} {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "keys"), []byte(tc.keys), 0o600))
		if tc.log != "" {
			must(t, os.WriteFile(filepath.Join(dir, fileName(1)), []byte(tc.log), 0o600))
		}
		for range 2 {
			j, err := Open(dir, Config{})
			if err != nil {
				t.Fatalf("Open with keys %q, log %q = %v", tc.keys, tc.log, err)
			}
			must(t, j.Decide(t.Context(), incident("", ada, start)))
			must(t, j.Close())
		}
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "keys"), []byte("my diary"), 0o600))
	if _, err := Open(dir, Config{}); err == nil {
		t.Error("Open took somebody's file for its keys")
	}
}

func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, Config{})
	must(t, err)
	defer j.Close()
	_, err = Open(dir, Config{})
	wantCode(t, err, earshot.CodeFailedPrecondition)
	must(t, j.Close())
	must(t, j.Close())
	wantCode(t, j.Decide(t.Context(), incident("ic_1", ada, start)), earshot.CodeFailedPrecondition)
}

// A key that a crash left without its line is destroyed, one of which the line
// came stays; a slot torn while it was overwritten is free.
func TestOrphanedKeys(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, Config{})
	must(t, err)
	must(t, j.Decide(t.Context(), incident("ic_1", ada, start)))
	lone := &slot{id: newKeyID(), owner: newKeyID(), expires: start.UnixMilli()}
	must(t, j.ring.add([]*slot{lone, {id: newKeyID(), owner: newKeyID()}}))
	at := j.ring.file.at[lone.id]
	must(t, j.Close())
	f, err := os.OpenFile(filepath.Join(dir, "keys"), os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt(make([]byte, slotBytes/2), at*slotBytes)
	must(t, err)
	must(t, f.Close())
	j, err = Open(dir, Config{})
	must(t, err)
	defer j.Close()
	if o := j.Opened(); o.Orphans != 1 || o.Damaged != 1 || j.ring.len() != 2 {
		t.Errorf("Opened = %+v with %d keys, want one orphan, one damaged, and two that stay", o, j.ring.len())
	}
	if item, err := j.Read(t.Context(), Access{Incident: "ic_1", By: "mo", At: start}); err != nil || item.Text == "" {
		t.Errorf("Read = %q, %v", item.Text, err)
	}
}

func TestConfig(t *testing.T) {
	for _, bad := range []Config{{Contents: -1}, {Contents: 200 * day}, {MaxFile: -1}} {
		if _, err := NewMemory(bad); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("NewMemory(%+v) = %v, want invalid_argument", bad, err)
		}
	}
}

// Any file is either read, with a right chain, or refused; nothing is read
// beyond what is there.
func FuzzLines(f *testing.F) {
	dir := f.TempDir()
	written(f, dir, 3)
	names, _ := filepath.Glob(filepath.Join(dir, "journal-*.log"))
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(data), 16)
		_, h, err := readHeader(r, "f", 1)
		if err != nil {
			return
		}
		lines := 0
		e, err := readLines(r, "f", h.header, h.before, func(off int64, raw, body []byte, head Head) error {
			lines++
			if !bytes.Equal(data[off:off+int64(len(raw))], raw) {
				t.Errorf("the line at %d is not there", off)
			}
			if l, err := decodeLine(body); err == nil {
				j := newJournal(Config{}, newKeyring(nil, nil))
				for i := range l.Entries {
					j.take(&l.Entries[i], ref{}, Sum{})
					j.add(&Item{}, &l.Entries[i], true)
				}
			}
			return nil
		})
		if e.good > int64(len(data)) || e.head.N != h.before.N+uint64(lines) {
			t.Errorf("end = %+v of %d bytes after %d lines, %v", e, len(data), lines, err)
		}
	})
}

// What a line says is not trusted: a journal written by somebody else may hold
// anything.
func FuzzEntries(f *testing.F) {
	f.Add([]byte(`{"n":1,"entries":[{"incident":{"id":"ic_1","who":"px_aaaaaaaaaaaaaaaaaaaaaaaaaa","at":"2026-05-01T12:00:00Z","order":{"id":"o"}}},{"judgement":{"incident":"ic_1","verdict":"too_harsh"}},{"applied":{"order":"o"}}]}`))
	f.Add([]byte(`{"entries":[{},{"report":{"by":"px_a"}},{"undo":{"incident":"x"}},{"erasure":{"who":"y"}},{"shredding":{}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		l, err := decodeLine(body)
		if err != nil {
			return
		}
		j, err := NewMemory(Config{})
		if err != nil {
			t.Fatal(err)
		}
		stored, head := j.head.appendLine(nil, body)
		at, err := j.lines.append(stored, j.head)
		if err != nil {
			t.Fatal(err)
		}
		j.head = head
		for i := range l.Entries {
			j.take(&l.Entries[i], ref{at, i}, Sum{})
		}
		for id := range j.state.items {
			if _, err := j.Item(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		j.Queue(t.Context(), "", 10)
		j.Standings(t.Context(), start)
		j.Figures(t.Context(), "", start)
		j.Sweep(t.Context(), start)
		var b bytes.Buffer
		if err := j.Export(t.Context(), &b, ada, "mo", start); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzSlots(f *testing.F) {
	s := slot{id: newKeyID(), expires: 5, owner: newKeyID(), group: groupOf("x")}
	b := s.encode()
	f.Add(b[:])
	p := slot{person: true, id: newKeyID(), name: ada}
	b = p.encode()
	f.Add(b[:])
	f.Fuzz(func(t *testing.T, data []byte) {
		var b [slotBytes]byte
		copy(b[:], data)
		if s, ok := decodeSlot(&b); ok && s != nil {
			if again := s.encode(); again != b {
				t.Errorf("encode(decode) = %x, want %x", again, b)
			}
		}
		var file slotFile
		file.at = map[keyID]int64{}
		head := append([]byte(keysMagic), make([]byte, slotBytes-len(keysMagic))...)
		slots, damaged, _, err := file.read(bytes.NewReader(append(head, data...)), "f")
		if err != nil || len(slots)+len(damaged)+len(file.free) != (len(data)+slotBytes-1)/slotBytes {
			t.Errorf("read %d bytes: %d slots, %d damaged, %d free, %v", len(data), len(slots), len(damaged), len(file.free), err)
		}
	})
}
