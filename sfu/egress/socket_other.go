//go:build !linux

package egress

import (
	"errors"
	"net"
)

// Socket exists on Linux only.
type Socket struct{ *net.UDPConn }

// Open fails: pion sends everything.
func Open(*net.UDPConn) (*Socket, error) { return nil, errors.ErrUnsupported }

type wire struct{}

func newWire(int) wire { return wire{} }

func (wire) send(_ *Socket, c *counters, packets []packet) { c.failed.Add(uint64(len(packets))) }
