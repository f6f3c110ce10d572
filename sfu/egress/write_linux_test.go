package egress

import (
	"net"
	"net/netip"
	"testing"
)

// One datagram reaches its address by both ways in, costs no allocation, and an
// address that the socket cannot reach is an error of the usual kind.
func TestWriteOne(t *testing.T) {
	s, to := newRig(t, 0).socket, listenUDP(t)
	at := to.LocalAddr().(*net.UDPAddr)
	buf := make([]byte, 64)
	for name, write := range map[string]func([]byte) (int, error){
		"WriteToAddrPort": func(b []byte) (int, error) { return s.WriteToAddrPort(b, at.AddrPort()) },
		"WriteTo":         func(b []byte) (int, error) { return s.WriteTo(b, at) },
	} {
		for _, text := range []string{"hello", ""} {
			if n, err := write([]byte(text)); n != len(text) || err != nil {
				t.Fatalf("%s(%q) = %d, %v", name, text, n, err)
			}
			n, from, err := to.ReadFromUDPAddrPort(buf)
			if err != nil || string(buf[:n]) != text || from.Port() != uint16(s.LocalAddr().(*net.UDPAddr).Port) {
				t.Errorf("%s(%q) came as %q from %v, %v", name, text, buf[:n], from, err)
			}
		}
	}
	for _, nowhere := range []string{"[::1]:9", "127.0.0.1:0"} {
		if _, err := s.WriteToAddrPort([]byte("x"), netip.MustParseAddrPort(nowhere)); err == nil {
			t.Errorf("WriteToAddrPort to %s: no error", nowhere)
		}
	}
	b, addr := []byte("again"), at.AddrPort()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := s.WriteToAddrPort(b, addr); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("WriteToAddrPort allocates %v times", n)
	}
}

func TestWriteAfterClose(t *testing.T) {
	s := newRig(t, 0).socket
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := s.WriteToAddrPort([]byte("x"), netip.MustParseAddrPort("127.0.0.1:9")); n != 0 || err == nil {
		t.Errorf("on a closed socket: %d, %v", n, err)
	}
}
