//go:build unix

package journal

import (
	"errors"
	"os"
	"syscall"

	"earshot"
)

// lock takes a file for this process; the system releases it when the process
// ends, however it ends.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fileError(err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %s is in use by another process: stop that one, or give this one another folder", path)
	}
	return nil, fileError(err)
}

// unlock gives the file back. Closing alone would not do so while a process
// that is being started here has not got rid of its copy of the descriptor.
func unlock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	return errors.Join(err, f.Close())
}

// syncDir makes new and renamed files of a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fileError(err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fileError(err)
	}
	return nil
}
