package egress

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
)

// openSocket returns a socket of its own and another that sends to it.
func openSocket(t *testing.T) (*Socket, *net.UDPConn) {
	t.Helper()
	conn := must(net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	t.Cleanup(func() { conn.Close() })
	sender := must(net.DialUDP("udp4", nil, conn.LocalAddr().(*net.UDPAddr)))
	t.Cleanup(func() { sender.Close() })
	return must(Open(conn)), sender
}

// Whoever pumps gets what nobody has read, and nothing where there is nothing, the
// reader is at it, or the socket is closed.
func TestPump(t *testing.T) {
	s, sender := openSocket(t)
	pump := func() (n int) {
		s.Pump(func([]byte, netip.AddrPort) { n++ })
		return n
	}
	send := func(text string) { must(sender.Write([]byte(text))) }
	if n := pump(); n != 0 {
		t.Errorf("%d datagrams came from nowhere", n)
	}
	for range 3 {
		send("hello")
	}
	got := 0
	s.Pump(func(data []byte, from netip.AddrPort) {
		if string(data) != "hello" || from != sender.LocalAddr().(*net.UDPAddr).AddrPort() {
			t.Errorf("pumped %q from %v", data, from)
		}
		got++
	})
	if got != 3 {
		t.Errorf("%d datagrams were pumped, want 3", got)
	}
	send("read")
	b := make([]byte, 10)
	if n, _, err := s.ReadFromAddrPort(b); err != nil || string(b[:n]) != "read" {
		t.Fatalf("read %q, %v", b[:n], err)
	}
	send("after")
	if n := pump(); n != 0 {
		t.Errorf("%d were pumped while the reader had not asked for more", n)
	}
	if n, _, err := s.ReadFromAddrPort(b); err != nil || string(b[:n]) != "after" {
		t.Fatalf("read %q, %v", b[:n], err)
	}
	s.Close()
	if _, _, err := s.ReadFromAddrPort(b); err == nil {
		t.Error("a closed socket is read")
	}
	if n := pump(); n != 0 {
		t.Errorf("%d came from a closed socket", n)
	}
}

// With a reader and a pump at once each datagram comes once, in order.
func TestPumpBesideReader(t *testing.T) {
	s, sender := openSocket(t)
	const all = 5000
	var mu sync.Mutex
	next := uint32(0)
	done := make(chan struct{})
	take := func(data []byte) {
		mu.Lock()
		defer mu.Unlock()
		if got := binary.BigEndian.Uint32(data); got != next {
			t.Errorf("datagram %d came, want %d", got, next)
			next = got
		}
		if next++; next == all {
			close(done)
		}
	}
	var running sync.WaitGroup
	running.Go(func() {
		b := make([]byte, 10)
		for {
			n, _, err := s.ReadFromAddrPort(b)
			if err != nil {
				return
			}
			take(b[:n])
		}
	})
	running.Go(func() {
		for {
			select {
			case <-done:
				s.Close()
				return
			default:
				s.Pump(func(data []byte, _ netip.AddrPort) { take(data) })
			}
		}
	})
	for i := range uint32(all) {
		must(sender.Write(binary.BigEndian.AppendUint32(nil, i)))
		for { // no more than the socket's buffer has room for
			mu.Lock()
			behind := i - next
			mu.Unlock()
			if int32(behind) < 50 || t.Failed() {
				break
			}
		}
	}
	running.Wait()
}
