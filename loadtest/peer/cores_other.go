//go:build !linux

package peer

import (
	"errors"
)

var errLinux = errors.New("peer: this needs Linux: it reads CPU times from /proc and pins processes to cores")

func allowed() ([]int, error) { return nil, errLinux }

func onCore(_ int, start func() error) error { return start() }

func pinSelf(...int) error { return errLinux }

func prefer(int, bool) error { return errLinux }
