package netsim

import (
	"encoding/binary"
	"errors"
	"math"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// hub is a perfect network in memory.
type hub struct {
	mu    sync.Mutex
	pipes map[netip.AddrPort]*pipe
}

// pipe is a socket of a hub.
type pipe struct {
	hub    *hub
	addr   *net.UDPAddr
	in     chan note
	closed chan struct{}
	once   sync.Once
}

type note struct {
	data []byte
	from *net.UDPAddr
}

// listen opens the socket 10.0.0.n:n.
func (h *hub) listen(n byte) *pipe {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pipes == nil {
		h.pipes = map[netip.AddrPort]*pipe{}
	}
	p := &pipe{hub: h, addr: &net.UDPAddr{IP: net.IP{10, 0, 0, n}, Port: int(n)}, in: make(chan note, 1<<16), closed: make(chan struct{})}
	h.pipes[p.addr.AddrPort()] = p
	return p
}

func newPipe() (a, b *pipe) {
	h := &hub{}
	return h.listen(1), h.listen(2)
}

func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case <-p.closed:
		return 0, nil, net.ErrClosed
	case d := <-p.in:
		return copy(b, d.data), d.from, nil
	}
}

func (p *pipe) WriteTo(b []byte, to net.Addr) (int, error) {
	p.hub.mu.Lock()
	far := p.hub.pipes[to.(*net.UDPAddr).AddrPort()]
	p.hub.mu.Unlock()
	if far != nil {
		far.in <- note{append([]byte(nil), b...), p.addr}
	}
	return len(b), nil
}

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipe) LocalAddr() net.Addr              { return p.addr }
func (p *pipe) SetDeadline(time.Time) error      { return nil }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// What goes through a wrapped socket has the loss, delay and jitter that were
// configured, within 5 %, both ways at once. The clock is virtual, so that a
// loaded machine measures the same.
func TestWrapIsAsConfigured(t *testing.T) {
	if raceEnabled {
		t.Skip("long; others share as much")
	}
	synctest.Test(t, func(t *testing.T) {
		up := Profile{Delay: 40 * ms, Jitter: 10 * ms, Loss: Loss{0.05, 3}}
		down := Profile{Delay: 100 * ms, Jitter: 5 * ms, Loss: Loss{Rate: 0.02}}
		const packets = 60_000
		a, b := newPipe()
		conn := Wrap(a, up, down, 3)
		var work sync.WaitGroup
		start := time.Now()
		send := func(c net.PacketConn, to net.Addr) {
			for range packets {
				_, _ = c.WriteTo(binary.BigEndian.AppendUint64(nil, uint64(time.Since(start))), to)
				time.Sleep(20 * ms)
			}
		}
		work.Go(func() { send(conn, b.addr) })
		work.Go(func() { send(b, a.addr) })
		var gotUp, gotDown figures
		work.Go(func() { gotUp.read(b, start, b.Close) })
		work.Go(func() { gotDown.read(conn, start, conn.Close) })
		work.Wait()
		gotUp.check(t, "up", up, packets)
		gotDown.check(t, "down", down, packets)
		if err := errors.Join(conn.Close(), b.Close()); err != nil {
			t.Error(err)
		}
		u, d := conn.(*Conn).Stats()
		if u.Delivered != int64(gotUp.n) || d.Delivered != int64(gotDown.n) || u.WorstLate != 0 || d.WorstLate != 0 {
			t.Errorf("Stats %+v and %+v, %v and %v packets were read", u, d, gotUp.n, gotDown.n)
		}
	})
}

// figures are of packets that carry the time at which they were sent.
type figures struct{ n, sum, squares float64 }

// read reads until nothing has come for a minute; then it calls done.
func (f *figures) read(c net.PacketConn, start time.Time, done func() error) {
	watch := time.AfterFunc(time.Minute, func() { _ = done() })
	for f.one(c, start) {
		watch.Reset(time.Minute)
	}
}

// one reads one packet.
func (f *figures) one(c net.PacketConn, start time.Time) bool {
	var buf [100]byte
	n, _, err := c.ReadFrom(buf[:])
	if err != nil || n != 8 {
		return false
	}
	d := (time.Since(start) - time.Duration(binary.BigEndian.Uint64(buf[:]))).Seconds()
	f.n, f.sum, f.squares = f.n+1, f.sum+d, f.squares+d*d
	return true
}

func (f *figures) check(t *testing.T, what string, p Profile, sent float64) {
	mean := f.sum / f.n
	deviation := math.Sqrt(f.squares/f.n - mean*mean)
	loss := 1 - f.n/sent
	if !near(mean, p.Delay.Seconds()) || !near(deviation, p.Jitter.Seconds()) || !near(loss, p.Loss.Rate) {
		t.Errorf("%s: delay %.4f s, jitter %.4f s, loss %.4f; want %v, %v, %v", what, mean, deviation, loss, p.Delay, p.Jitter, p.Loss.Rate)
	}
}

func TestZeroProfileCostsNothing(t *testing.T) {
	a, _ := newPipe()
	before := runtime.NumGoroutine()
	if got := Wrap(a, Profile{}, Profile{}, 1); got != net.PacketConn(a) {
		t.Errorf("Wrap with zero profiles = %T, want the socket itself", got)
	}
	c := wrap(a, Path{}, 1, time.Now(), nil)
	if now := runtime.NumGoroutine(); now != before || c.up != nil || c.down != nil {
		t.Errorf("%d goroutines more, ways %v %v", now-before, c.up, c.down)
	}
	lossy := Wrap(a, Profile{Loss: Loss{Rate: 0.5}}, Profile{Blackouts: []Span{{0, ms}}}, 1)
	if now := runtime.NumGoroutine(); now != before {
		t.Errorf("loss alone needs %d goroutines, want 0", now-before)
	}
	if err := lossy.Close(); err != nil {
		t.Error(err)
	}
}

// Loss without delay works in place, both ways.
func TestInstantLoss(t *testing.T) {
	a, b := newPipe()
	conn := Wrap(a, Profile{Loss: Loss{Rate: 0.5}}, Profile{Loss: Loss{Rate: 0.25}}, 1).(*Conn)
	for range 10_000 {
		_, _ = conn.WriteTo([]byte("up"), b.addr)
		_, _ = b.WriteTo([]byte("down"), a.addr)
	}
	if got := float64(len(b.in)); !near(got, 5000) {
		t.Errorf("%v of 10000 passed a loss of a half", got)
	}
	buf := make([]byte, 10)
	for len(a.in) > 1 {
		if n, _, err := conn.ReadFrom(buf); err != nil || string(buf[:n]) != "down" {
			t.Fatalf("ReadFrom = %q, %v", buf[:n], err)
		}
		if _, down := conn.Stats(); down.Packets == 10_000 {
			break
		}
	}
	if _, down := conn.Stats(); !near(float64(down.Delivered), 7500) {
		t.Errorf("%+v: want three quarters delivered", down)
	}
}

func TestDeadlineAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPipe()
		conn := Wrap(a, Profile{Delay: 50 * ms}, Profile{Delay: 50 * ms}, 1)
		start := time.Now()
		_ = conn.SetReadDeadline(start.Add(20 * ms))
		buf := make([]byte, 10)
		_, _ = b.WriteTo([]byte("in time"), a.addr)
		_, _, err := conn.ReadFrom(buf)
		var timeout net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(start) != 20*ms {
			t.Errorf("ReadFrom = %v after %v, want a timeout after 20 ms", err, time.Since(start))
		}
		_ = conn.SetReadDeadline(time.Time{})
		if n, addr, err := conn.ReadFrom(buf); err != nil || string(buf[:n]) != "in time" || time.Since(start) != 50*ms || addr.String() != "10.0.0.2:2" {
			t.Errorf("ReadFrom = %q from %v, %v after %v, want the packet after 50 ms", buf[:n], addr, err, time.Since(start))
		}
		// A reader that waits is woken by a deadline set meanwhile, and by Close.
		ended := make(chan error)
		go func() { _, _, err := conn.ReadFrom(make([]byte, 10)); ended <- err }()
		synctest.Wait()
		_ = conn.SetDeadline(time.Now())
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("ReadFrom = %v, want a timeout", err)
		}
		_ = conn.SetDeadline(time.Time{})
		go func() { _, _, err := conn.ReadFrom(make([]byte, 10)); ended <- err }()
		synctest.Wait()
		_, _ = conn.WriteTo([]byte("goodbye"), b.addr)
		before := time.Now()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("ReadFrom = %v, want closed", err)
		}
		if _, err := conn.WriteTo(nil, b.addr); !errors.Is(err, net.ErrClosed) {
			t.Errorf("WriteTo after Close = %v, want closed", err)
		}
		if n := len(b.in); n != 1 || time.Since(before) != 50*ms {
			t.Errorf("Close took %v and %d packets left, want the last word after 50 ms", time.Since(before), n)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Close does not wait for a network of ten seconds.
func TestCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPipe()
		conn := Wrap(a, Profile{Delay: MaxDelay}, Profile{}, 1)
		_, _ = conn.WriteTo([]byte("goodbye"), b.addr)
		before := time.Now()
		_ = conn.Close()
		if took := time.Since(before); took != linger || len(b.in) != 0 {
			t.Errorf("Close took %v with %d packets sent, want %v and none", took, len(b.in), linger)
		}
	})
}

// A network holds so much and no more, and neither empty nor huge packets
// confuse it.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPipe()
		conn := Wrap(a, Profile{Delay: time.Second}, Profile{}, 1).(*Conn)
		for range maxHeld + 100 {
			_, _ = conn.WriteTo(nil, b.addr)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if up, _ := conn.Stats(); up.Packets != maxHeld+100 || up.Overflow != 101 || up.Delivered != maxHeld-1 || len(b.in) != maxHeld-1 {
			t.Errorf("Stats = %+v with %d arrived; want %d held", up, len(b.in), maxHeld-1)
		}
		_, _ = conn.WriteTo(make([]byte, maxPacket+1), b.addr)
		if up, _ := conn.Stats(); up.Overflow != 102 {
			t.Errorf("Overflow = %d after a huge packet, want 102", up.Overflow)
		}
		_ = conn.Close()
	})
}

// Many goroutines may read and write at once, while another closes.
func TestConcurrency(t *testing.T) {
	a, b := newPipe()
	path, _ := Named("bad")
	path.Up.Delay, path.Up.Jitter, path.Down.Delay, path.Down.Jitter = 2*ms, ms, 2*ms, ms
	conn := Wrap(a, path.Up, path.Down, 1).(*Conn)
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			buf := make([]byte, 100)
			for {
				if _, _, err := conn.ReadFrom(buf); errors.Is(err, net.ErrClosed) {
					return
				}
			}
		})
		work.Go(func() {
			for range 500 {
				_, _ = conn.WriteTo([]byte("up"), b.addr)
				_, _ = b.WriteTo([]byte("down"), a.addr)
				_ = conn.SetReadDeadline(time.Now().Add(ms))
				conn.Stats()
			}
			_ = conn.Close()
		})
	}
	work.Wait()
}

// Two real sockets, both ways held back: nothing allocates per packet.
func TestWrapAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	inner, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IP{127, 0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	self := inner.LocalAddr().(*net.UDPAddr).AddrPort()
	p := Profile{Delay: 200 * time.Microsecond, Jitter: 50 * time.Microsecond}
	conn := Wrap(inner, p, p, 1).(*Conn)
	defer conn.Close()
	buf, data := make([]byte, 200), make([]byte, 120)
	echo := func() {
		if _, err := conn.WriteToAddrPort(data, self); err != nil {
			t.Fatal(err)
		}
		if _, from, err := conn.ReadFromAddrPort(buf); err != nil || from != self {
			t.Fatal(from, err)
		}
	}
	for range 20 {
		echo()
	}
	if n := testing.AllocsPerRun(200, echo); n != 0 {
		t.Errorf("a packet out and in allocates %v times, want 0", n)
	}
}

func TestPeerOf(t *testing.T) {
	mapped := &net.UDPAddr{IP: net.IPv4(1, 2, 3, 4), Port: 5}
	p := peerOf(mapped)
	if want := netip.MustParseAddrPort("1.2.3.4:5"); p.ap != want || p.addr().String() != "1.2.3.4:5" {
		t.Errorf("peerOf(%v) = %+v", mapped, p)
	}
	if p := peerOf(&net.UnixAddr{Name: "x"}); p.addr().String() != "x" {
		t.Errorf("peerOf a unix address = %+v", p)
	}
}
