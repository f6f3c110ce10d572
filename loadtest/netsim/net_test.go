package netsim

import (
	"net"
	"testing"
	"time"

	"github.com/pion/transport/v4"
)

var loopback = &net.UDPAddr{IP: net.IP{127, 0, 0, 1}}

func TestNetWrapsUDP(t *testing.T) {
	n, err := NewSystemNet(Path{Up: Profile{Delay: 20 * ms}, Down: Profile{Delay: 30 * ms}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	a, err := n.ListenUDP("udp4", loopback)
	if err != nil {
		t.Fatal(err)
	}
	p, err := n.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := p.(*Conn); !ok {
		t.Errorf("ListenPacket gives a %T", p)
	}
	start := time.Now()
	if _, err := a.WriteToUDP([]byte("hello"), p.LocalAddr().(*net.UDPAddr)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	k, from, err := p.ReadFrom(buf)
	if took := time.Since(start); err != nil || string(buf[:k]) != "hello" || from.String() != a.LocalAddr().String() || took < 50*ms {
		t.Errorf("ReadFrom = %q from %v, %v after %v; want hello after 50 ms", buf[:k], from, err, took)
	}
	if _, err := p.WriteTo([]byte("you"), from); err != nil {
		t.Error(err)
	}
	if k, _, _, from, err := a.ReadMsgUDP(buf, nil); err != nil || string(buf[:k]) != "you" || from.String() != p.LocalAddr().String() {
		t.Errorf("ReadMsgUDP = %q from %v, %v", buf[:k], from, err)
	}
	if _, _, err := a.WriteMsgUDP([]byte("x"), []byte("oob"), nil); err == nil {
		t.Error("WriteMsgUDP takes control messages")
	}
	if a.RemoteAddr() != nil && a.RemoteAddr().(*net.UDPAddr) != nil || a.SetReadBuffer(1<<16) != nil || a.SetWriteBuffer(1<<16) != nil {
		t.Errorf("RemoteAddr = %v of a socket without", a.RemoteAddr())
	}
	live, _ := n.Stats()
	_ = a.Close()
	_ = p.Close()
	up, down := n.Stats()
	if up != live || up.Delivered != 2 || down.Delivered != 2 || len(n.open) != 0 {
		t.Errorf("Stats = %+v %+v, before Close %+v: want two packets each", up, down, live)
	}
	if m, _ := up.Delay(); m != 20*ms {
		t.Errorf("mean delay up %v, want 20 ms", m)
	}
}

func TestZeroNetIsTheInnerOne(t *testing.T) {
	n, err := NewSystemNet(Path{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	a, err := n.ListenUDP("udp4", loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	p, err := n.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, ok := a.(*net.UDPConn); !ok {
		t.Errorf("ListenUDP without a network gives a %T", a)
	}
	if _, ok := p.(*net.UDPConn); !ok {
		t.Errorf("ListenPacket without a network gives a %T", p)
	}
	var _ transport.Net = n
	if _, err := n.ListenPacket("udp4", "nowhere:0:0"); err == nil {
		t.Error("ListenPacket takes nonsense")
	}
}
