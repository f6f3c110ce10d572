package egress

import (
	"time"

	"golang.org/x/sys/unix"
)

// processTime returns what this process has used of the processor.
func processTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
