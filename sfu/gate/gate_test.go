package gate

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, limits Limits) *Listener {
	t.Helper()
	inner, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner, limits)
	t.Cleanup(func() { l.Close() })
	return l
}

func dial(t *testing.T, l *Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func next(t *testing.T, l *Listener) *Conn {
	t.Helper()
	c, err := l.Next()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// gone waits until the other end closed.
func gone(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("read = %v, want a closed connection", err)
	}
}

func TestLimits(t *testing.T) {
	l := open(t, Limits{Connections: 3, Unproven: 2, ProveWithin: time.Minute})
	dial(t, l)
	first := next(t, l)
	dial(t, l)
	next(t, l)
	gone(t, dial(t, l)) // the third that nobody knows
	if got := l.Refused(); got != 1 {
		t.Errorf("Refused() = %d, want 1", got)
	}
	first.Prove()
	first.Prove()
	dial(t, l)
	third := next(t, l)
	third.Prove()
	gone(t, dial(t, l)) // the fourth of three
	if err := third.Close(); err != nil {
		t.Error(err)
	}
	if err := third.Close(); err != nil {
		t.Errorf("second Close() = %v", err)
	}
	if got := l.Open(); got != 2 {
		t.Errorf("Open() = %d, want 2", got)
	}
	dial(t, l)
	next(t, l)
}

func TestUnprovenConnectionsEnd(t *testing.T) {
	var l *Listener
	var known net.Conn
	var accepted *Conn
	for within := 20 * time.Millisecond; accepted == nil || !accepted.proven.Load(); within *= 10 { // until this machine proves it in time
		l = open(t, Limits{Connections: 9, Unproven: 9, ProveWithin: within})
		known = dial(t, l)
		accepted = next(t, l)
		accepted.Prove()
	}
	gone(t, dial(t, l))
	if _, err := accepted.Write([]byte("x")); err != nil {
		t.Errorf("the proven one was closed: %v", err)
	}
	if _, err := io.ReadFull(known, make([]byte, 1)); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	l := open(t, Limits{Connections: 9, Unproven: 9, ProveWithin: time.Minute})
	taken, waiting := dial(t, l), dial(t, l)
	next(t, l).Prove()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	gone(t, taken)
	gone(t, waiting)
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close = %v, want %v", err, net.ErrClosed)
	}
	if got := l.Open(); got != 0 {
		t.Errorf("Open() = %d, want 0", got)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close() = %v", err)
	}
}

// flaky is a listener whose system is out of descriptors for a while.
type flaky struct {
	net.Listener
	mu   sync.Mutex
	fail int
}

func (f *flaky) Accept() (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail > 0 {
		f.fail--
		return nil, errors.New("accept: too many open files")
	}
	return f.Listener.Accept()
}

func TestAcceptingGoesOn(t *testing.T) {
	inner, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(&flaky{Listener: inner, fail: 3}, Limits{Connections: 1, Unproven: 1, ProveWithin: time.Minute})
	defer l.Close()
	dial(t, l)
	next(t, l)
}
