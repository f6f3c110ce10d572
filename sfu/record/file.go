package record

import (
	"errors"
	"io"
	"os"
	"syscall"

	"earshot/sfu/record/format"
)

const (
	filePerm = 0o600 // what is in the files is for nobody else on the machine
	dirPerm  = 0o700
)

// errNoRoom is a write that would leave less free than the operator wants.
var errNoRoom = errors.New("less of the disk is free than recording.min_free")

// trackFile is a file that is written to the end, or not at all: a write that
// fails leaves nothing of it. Only the recording's goroutine uses it, except
// for Sync.
type trackFile struct {
	f     *os.File
	room  func() bool // whether anything may be written now
	size  int64
	at    int64
	dirty bool
}

var _ io.WriteSeeker = (*trackFile)(nil)

func createFile(path string, room func() bool) (*trackFile, error) {
	if !room() {
		return nil, errNoRoom
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, filePerm)
	if err != nil {
		return nil, err
	}
	return &trackFile{f: f, room: room}, nil
}

// Write implements io.Writer.
func (t *trackFile) Write(b []byte) (int, error) {
	if !t.room() && t.at == t.size { // patches take no room
		return 0, errNoRoom
	}
	n, err := t.f.WriteAt(b, t.at)
	if err != nil {
		if t.at == t.size && n > 0 {
			_ = t.f.Truncate(t.size) // half a page would spoil what comes after
		}
		return 0, err
	}
	t.at += int64(n)
	t.size = max(t.size, t.at)
	t.dirty = true
	return n, nil
}

// Seek implements io.Seeker; only from the start.
func (t *trackFile) Seek(to int64, _ int) (int64, error) {
	t.at = to
	return to, nil
}

// what names an error for the manifest.
func what(err error) string {
	if errors.Is(err, errNoRoom) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return format.FailDiskFull
	}
	return format.FailWrite
}
