package evidence

import (
	"os"
	"syscall"

	"earshot"
)

// lock takes a file for this process: nobody else can open it until the
// process ends, however it ends.
func lock(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, diskError(err)
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err == nil {
		return os.NewFile(uintptr(h), path), nil
	}
	const sharingViolation = syscall.Errno(32)
	if err == sharingViolation {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "evidence: %s is in use by another process: stop that one, or give this one another folder", path)
	}
	return nil, diskError(err)
}

// unlock gives the file back.
func unlock(f *os.File) error { return f.Close() }

// syncDir does nothing: Windows keeps the entries of folders in its own log.
func syncDir(string) error { return nil }
