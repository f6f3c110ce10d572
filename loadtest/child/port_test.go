package child

import (
	"net"
	"strconv"
	"testing"
)

// TestFreePort: a port that is given can be listened at by TCP and UDP, and one
// that somebody has by either is not free.
func TestFreePort(t *testing.T) {
	for range 20 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		at := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		if isFree(port) == nil {
			t.Errorf("port %d is free, where a listener is", port)
		}
		l.Close()
		c, err := net.ListenPacket("udp", at)
		if err != nil {
			t.Fatal(err)
		}
		if isFree(port) == nil {
			t.Errorf("port %d is free, which UDP has", port)
		}
		c.Close()
	}
}
