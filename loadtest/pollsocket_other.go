//go:build !linux || !(amd64 || arm64 || riscv64)

package loadtest

import (
	"net/netip"
	"time"
)

// pollSocket does not exist here: bots read their sockets with a goroutine each.
type pollSocket struct{}

type batch struct{}

func newBatch() *batch { return nil }

func dialPoll(netip.AddrPort) (*pollSocket, bool, error) { return nil, false, nil }

func (s *pollSocket) write([]byte) error { return nil }

func (s *pollSocket) close() error { return nil }

func (s *pollSocket) read(*batch, func(at time.Time, datagram []byte)) {}
