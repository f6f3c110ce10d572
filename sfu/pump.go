package sfu

import (
	"bytes"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
)

const (
	// pumpEvery is how often the socket is pumped, and pumpFor for how long after
	// something that may keep the processor busy: a handshake follows a join, and
	// hundreds of messages to those who are told of it.
	pumpEvery = 500 * time.Microsecond
	pumpFor   = 300 * time.Millisecond

	// pumpLeft is how many datagrams for pion may wait for the reader.
	pumpLeft = 512
)

// pump reads the socket from a timer while people join, beside the goroutine that
// reads it anyway. Go asks the network only when no goroutine is left to run, or
// after 10 ms, and each that is running may go on for as long; but it looks at its
// timers between any two. So the voices of those who are in do not wait until
// everything is done that a hundred joins make goroutines for.
//
// What is RTP, or a report, goes its way by the lanes at once, and all of it: who
// reads it forwards it as well (lanes.through), since a goroutine that is woken for
// that waits behind all others as soon as something else is woken after it. All
// else is pion's, and waits for the reader, in its order.
type pump struct {
	gate   *addressedGate
	socket pumpable
	left   chan datagram
	called atomic.Bool // the reader is to look at left

	mu    sync.Mutex
	timer *time.Timer
	until time.Time // zero while it rests
}

// pumpable is a socket that can be read beside its reader: egress.Socket.
type pumpable interface {
	ice.AddrPortReaderWriter
	Pump(take func(datagram []byte, from netip.AddrPort))
	SetReadDeadline(t time.Time) error
}

type datagram struct {
	data []byte
	from netip.AddrPort
}

func newPump(g *addressedGate, socket pumpable) *pump {
	p := &pump{gate: g, socket: socket, left: make(chan datagram, pumpLeft)}
	p.timer = time.AfterFunc(time.Hour, p.fire)
	p.timer.Stop()
	return p
}

// hold keeps the pump going for a while.
func (p *pump) hold(now time.Time) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until.IsZero() {
		p.gate.lanes.through.Store(true)
		p.timer.Reset(pumpEvery)
	}
	p.until = now.Add(pumpFor)
}

func (p *pump) fire() {
	p.socket.Pump(p.take)
	if len(p.left) > 0 && !p.called.Swap(true) {
		_ = p.socket.SetReadDeadline(time.Unix(1, 0)) // closed: nobody reads
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().After(p.until) {
		p.until = time.Time{}
		p.gate.lanes.through.Store(false)
		return
	}
	p.timer.Reset(pumpEvery)
}

func (p *pump) take(data []byte, from netip.AddrPort) {
	if !p.gate.admit(data, from) || p.gate.lanes.take(data, from) {
		return
	}
	select {
	case p.left <- datagram{bytes.Clone(data), from}:
	default: // it is lost, as where the socket's buffer is full
		p.gate.metrics.pumpLost.Inc()
	}
}

// next returns what was left for the reader.
func (p *pump) next(b []byte) (n int, from netip.AddrPort, ok bool) {
	if p == nil {
		return 0, from, false
	}
	select {
	case d := <-p.left:
		return copy(b, d.data), d.from, true
	default:
		return 0, from, false
	}
}

// calls reports whether the reader was interrupted to look at what was left.
func (p *pump) calls() bool {
	if p == nil || !p.called.Load() {
		return false
	}
	// The deadline goes first: who calls after that sets it anew.
	err := p.socket.SetReadDeadline(time.Time{})
	return p.called.Swap(false) && err == nil
}
