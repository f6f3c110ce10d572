//go:build !linux

package egress

import "time"

func processTime() time.Duration { return 0 }
