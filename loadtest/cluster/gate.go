package cluster

import (
	"net"
	"sync"
)

// gate is a TCP proxy that can be shut. A shut gate is a network that loses
// everything: connections stay, new ones seem to open, and nothing passes until
// it is open again, when what was sent meanwhile arrives, as TCP would send it
// again.
type gate struct {
	listener net.Listener
	to       string
	work     sync.WaitGroup

	mu    sync.Mutex
	open  chan struct{} // closed while the gate is open
	conns map[net.Conn]bool
	over  bool
}

func newGate(to string) (*gate, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gate{listener: l, to: to, open: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(g.open)
	g.work.Go(g.accept)
	return g, nil
}

// address is what to connect to instead of the server.
func (g *gate) address() string { return g.listener.Addr().String() }

// shut cuts everybody off who comes by this gate. It must be open.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

// reopen ends that.
func (g *gate) reopen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}

// close ends all connections and returns when nothing of the gate is left.
func (g *gate) close() {
	g.listener.Close()
	g.mu.Lock()
	g.over = true
	for c := range g.conns {
		c.Close()
	}
	g.mu.Unlock()
	g.reopen()
	g.work.Wait()
}

func (g *gate) accept() {
	for {
		c, err := g.listener.Accept()
		if err != nil {
			return
		}
		g.work.Go(func() { g.carry(c) })
	}
}

// carry connects near to the server until either ends.
func (g *gate) carry(near net.Conn) {
	defer near.Close()
	if !g.keep(near) {
		return
	}
	defer g.drop(near)
	g.pass()
	far, err := net.Dial("tcp", g.to)
	if err != nil {
		return
	}
	defer far.Close()
	if !g.keep(far) {
		return
	}
	defer g.drop(far)
	var both sync.WaitGroup
	both.Go(func() { g.copy(far, near) })
	g.copy(near, far)
	both.Wait()
}

// copy passes on what comes from one to another, and ends both with either.
func (g *gate) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		g.pass()
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// pass returns when the gate is open.
func (g *gate) pass() {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	<-open
}

func (g *gate) keep(c net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over {
		g.conns[c] = true
	}
	return !g.over
}

func (g *gate) drop(c net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
}
