package lockfile

import (
	"fmt"
	"os"
	"syscall"
)

// Take makes a file for this process alone: nobody else can open it until the
// process ends, however it ends. The error is ErrTaken, after the path, or the
// system's.
func Take(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err == nil {
		return os.NewFile(uintptr(h), path), nil
	}
	const sharingViolation = syscall.Errno(32)
	if err == sharingViolation {
		err = ErrTaken
	}
	return nil, fmt.Errorf("%s: %w", path, err)
}

// Release gives the file back.
func Release(f *os.File) error { return f.Close() }

// SyncFolder does nothing: Windows keeps the entries of folders in its own log.
func SyncFolder(string) error { return nil }
