package journal

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"earshot"
	"earshot/moderation/lockfile"
)

// slotFile keeps slots in a file of slots of equal size, so that one can be
// overwritten in its place. The first says whose keys these are.
type slotFile struct {
	mu      sync.Mutex
	f       *os.File
	at      map[keyID]int64 // number of the slot
	free    []int64
	end     int64
	damaged int // slots that could not be read; they are free now
}

const (
	keysMagic   = "earshot keys 1\n"
	maxKeysFile = 4 << 30 // bytes; 16 million keys
)

// openSlotFile opens the keys of a journal. With a zero id there is no journal
// yet: it makes the file, or takes an empty one that a crash left, and returns
// the id to begin the journal with.
func openSlotFile(path string, journal keyID) (s *slotFile, slots []*slot, id keyID, err error) {
	flags, fresh := os.O_RDWR, journal == keyID{}
	if fresh {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(path, flags, 0o600)
	switch {
	case errors.Is(err, os.ErrNotExist) && !fresh:
		return nil, nil, id, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: the key file %s is missing: put it back, or move the journal away to begin a new one", path)
	case err != nil:
		return nil, nil, id, fileError(err)
	}
	s = &slotFile{f: f, at: map[keyID]int64{}, end: 1}
	slots, id, err = s.load(path, journal, fresh)
	if err != nil {
		f.Close()
		return nil, nil, id, err
	}
	return s, slots, id, nil
}

func (s *slotFile) load(path string, journal keyID, fresh bool) ([]*slot, keyID, error) {
	info, err := s.f.Stat()
	if err != nil {
		return nil, journal, fileError(err)
	}
	if fresh && s.unbegun(info.Size()) {
		if err := s.head(path, newKeyID()); err != nil {
			return nil, journal, err
		}
	}
	if info.Size() > maxKeysFile {
		return nil, journal, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: the key file %s has %d bytes, at most %d are read", path, info.Size(), int64(maxKeysFile))
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, journal, fileError(err)
	}
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return nil, journal, fileError(err)
	}
	slots, damaged, id, err := s.read(bufio.NewReaderSize(s.f, 64<<10), path)
	switch {
	case err != nil:
		return nil, id, err
	case fresh && len(slots) > 0:
		return nil, id, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %s has keys of a journal that is not there: give the right folder, or move the file away to begin a new one", path)
	case !fresh && id != journal:
		return nil, id, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %s is the key file of another journal: give the right path", path)
	}
	s.damaged = len(damaged)
	return slots, id, s.clear(damaged)
}

// unbegun says whether a file is empty, or has of its head what a crash leaves.
func (s *slotFile) unbegun(size int64) bool {
	if size > slotBytes {
		return false
	}
	b := make([]byte, size)
	if _, err := s.f.ReadAt(b, 0); err != nil {
		return size == 0
	}
	n := min(len(b), len(keysMagic))
	return string(b[:n]) == keysMagic[:n] && size < slotBytes || bytes.Count(b, []byte{0}) == len(b)
}

// head begins a file.
func (s *slotFile) head(path string, journal keyID) error {
	var b [slotBytes]byte
	copy(b[:], keysMagic)
	copy(b[len(keysMagic):], journal[:])
	if _, err := s.f.WriteAt(b[:], 0); err != nil {
		return fileError(err)
	}
	if err := s.f.Sync(); err != nil {
		return fileError(err)
	}
	return fileError(lockfile.SyncFolder(filepath.Dir(path)))
}

// read reads all slots. Of two with the same id, which a crash leaves, it
// takes the one that lasts longer.
func (s *slotFile) read(r io.Reader, path string) (slots []*slot, damaged []int64, id keyID, err error) {
	var b [slotBytes]byte
	if _, err := io.ReadFull(r, b[:]); err != nil || !bytes.HasPrefix(b[:], []byte(keysMagic)) {
		return nil, nil, id, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %s is no key file of a journal: give another path", path)
	}
	copy(id[:], b[len(keysMagic):])
	best := map[keyID]*slot{}
	for n := int64(1); ; n++ {
		got, err := io.ReadFull(r, b[:])
		if err == io.EOF {
			s.end = n
			break
		}
		if err != nil && err != io.ErrUnexpectedEOF {
			return nil, nil, id, fileError(err)
		}
		clear(b[got:])
		v, ok := decodeSlot(&b)
		switch {
		case !ok:
			damaged = append(damaged, n)
		case v == nil:
			s.free = append(s.free, n)
		case best[v.id] == nil:
			best[v.id], s.at[v.id] = v, n
		case v.expires > best[v.id].expires:
			damaged = append(damaged, s.at[v.id])
			best[v.id], s.at[v.id] = v, n
		default:
			damaged = append(damaged, n)
		}
	}
	for _, v := range best {
		slots = append(slots, v)
	}
	return slots, damaged, id, nil
}

// write keeps slots and returns when they are on the disk. One whose id is
// there already takes a new place first and then clears the old one.
func (s *slotFile) write(slots []*slot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var old []int64
	for _, v := range slots {
		n := s.end
		if last := len(s.free) - 1; last >= 0 {
			n, s.free = s.free[last], s.free[:last]
		} else {
			s.end++
		}
		b := v.encode()
		if _, err := s.f.WriteAt(b[:], n*slotBytes); err != nil {
			return fileError(err)
		}
		if before, ok := s.at[v.id]; ok {
			old = append(old, before)
		}
		s.at[v.id] = n
	}
	if err := s.f.Sync(); err != nil {
		return fileError(err)
	}
	return s.clear(old)
}

// erase overwrites slots and returns when that is on the disk.
func (s *slotFile) erase(ids []keyID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var old []int64
	for _, id := range ids {
		if n, ok := s.at[id]; ok {
			old = append(old, n)
			delete(s.at, id)
		}
	}
	return s.clear(old)
}

func (s *slotFile) clear(numbers []int64) error {
	if len(numbers) == 0 {
		return nil
	}
	var zero [slotBytes]byte
	for _, n := range numbers {
		if _, err := s.f.WriteAt(zero[:], n*slotBytes); err != nil {
			return fileError(err)
		}
	}
	s.free = append(s.free, numbers...)
	if err := s.f.Sync(); err != nil {
		return fileError(err)
	}
	return nil
}

func (s *slotFile) close() error { return s.f.Close() }

func fileError(err error) error {
	switch {
	case err == nil || errors.As(err, new(*earshot.Error)):
		return err
	case errors.Is(err, lockfile.ErrTaken):
		return earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %v", err)
	}
	return earshot.Errorf(earshot.CodeUnavailable, "journal: %v", err)
}
