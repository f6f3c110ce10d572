//go:build !linux

package record

import "math"

// freeBytes knows of no limit here: a full disk shows in the writes.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }
