//go:build linux

package sfu

import (
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"earshot/sfu/egress"
)

// While the socket is pumped, its reader gets all that is not RTP, once and in
// order, whether it was asleep or not; and an end of the socket as ever.
func TestPumpLeavesToReader(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	socket, err := egress.Open(conn)
	check(t, err)
	m, err := newMetrics(nil)
	check(t, err)
	g := newGate(socket, newLanes(), m).(*addressedGate)
	sender, err := net.DialUDP("udp4", nil, conn.LocalAddr().(*net.UDPAddr))
	check(t, err)
	defer sender.Close()

	got, ended := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(ended)
		b := make([]byte, 1500)
		for {
			n, from, err := g.ReadFromAddrPort(b)
			if err != nil {
				return
			}
			if from != sender.LocalAddr().(*net.UDPAddr).AddrPort() && b[1] != 'y' {
				t.Errorf("%s is from %v", b[1:n], from)
			}
			got <- string(b[1:n])
		}
	}()
	for i := range 300 {
		_, err := sender.Write(append([]byte{22}, strconv.Itoa(i)...)) // a DTLS record, by its first byte
		check(t, err)
		if i%3 == 0 { // as the timer would, when the reader does not get to run
			g.pump.fire()
		}
		select {
		case text := <-got:
			if text != strconv.Itoa(i) {
				t.Fatalf("datagram %s came, want %d", text, i)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("datagram %d did not come", i)
		}
	}
	from := sender.LocalAddr().(*net.UDPAddr).AddrPort()
	for asleep := false; !asleep; { // who is not asleep yet takes it by itself
		g.pump.take([]byte{22, 'x'}, from)
		select {
		case <-got:
		case <-time.After(20 * time.Millisecond):
			asleep = true
		}
	}
	g.pump.fire()
	if text := <-got; text != "x" {
		t.Errorf("the sleeping reader got %q, want x", text)
	}
	for range 2*pumpLeft + cap(got) { // the reader may be on its way, and take some
		g.pump.take([]byte{22, 'y'}, netip.AddrPort{})
	}
	if n := count(m.pumpLost); n == 0 {
		t.Error("what the reader did not take is kept without end")
	}
	g.pump.hold(time.Now())
	check(t, conn.Close())
	for {
		select {
		case <-got: // what was left comes before the end
		case <-ended:
			return
		}
	}
}
