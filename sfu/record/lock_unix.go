//go:build unix

package record

import (
	"os"
	"syscall"
)

// lockFile keeps other processes from the folder for as long as f is open.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
