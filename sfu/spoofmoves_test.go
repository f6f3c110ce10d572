//go:build linux

package sfu

import (
	"bytes"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// valueOf returns the first value of an attribute of an SDP.
func valueOf(sdp, name string) string {
	for line := range strings.Lines(sdp) {
		if value, ok := strings.CutPrefix(line, "a="+name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// request returns a connectivity check that nominates its pair, as a client
// with this name and password makes it; without a password it is not signed.
func request(t *testing.T, name, password string) []byte {
	t.Helper()
	setters := []stun.Setter{
		stun.BindingRequest, stun.TransactionID, stun.NewUsername(name),
		ice.UseCandidate(), ice.AttrControlling(1), ice.PriorityAttr(1 << 30),
	}
	if password != "" {
		setters = append(setters, stun.NewShortTermIntegrity(password))
	}
	m, err := stun.Build(append(setters, stun.Fingerprint)...)
	check(t, err)
	return m.Raw
}

// onStream is a packet on TCP.
func onStream(b []byte) []byte { return append([]byte{byte(len(b) >> 8), byte(len(b))}, b...) }

// Whoever knows all of a session but its ICE password, its packets even, can
// send what they like from another address: nothing goes there, and the session
// goes on where it was.
func TestSpoofedSourcesMoveNothing(t *testing.T) {
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	check(t, err)
	spy := &wiretap{PacketConn: socket}
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: spy, Logger: quiet{}.NewLogger("")})
	t.Cleanup(func() { mux.Close() })
	w := onLoopback(t)
	a := w.enter(shape{voice: 1}, nil)
	b := w.enter(shape{voice: 1}, func(s *webrtc.SettingEngine) { s.SetICEUDPMux(mux) })
	a.hears(b)
	b.hears(a)

	own, server := b.pc.LocalDescription().SDP, b.pc.RemoteDescription().SDP
	name := valueOf(server, "ice-ufrag") + ":" + valueOf(own, "ice-ufrag")
	spoofs := spy.sent()
	if len(spoofs) < 10 {
		t.Fatalf("the tap has %d packets of the client, want its media", len(spoofs))
	}
	for _, s := range []struct{ name, password string }{
		{name, ""},
		{name, "a password that was guessed"},
		{name, valueOf(own, "ice-pwd")}, // the client's instead of the server's
		{valueOf(server, "ice-ufrag") + ":", valueOf(server, "ice-pwd")},
		{valueOf(server, "ice-ufrag") + ":other", valueOf(server, "ice-pwd")},
		{"other:" + valueOf(own, "ice-ufrag"), valueOf(server, "ice-pwd")},
	} {
		spoofs = append(spoofs, request(t, s.name, s.password))
	}

	before := b.session.out.peer.Address()
	strangers := []net.Conn{dialFrom(t, w, "udp4", "127.0.0.1"), dialFrom(t, w, "udp4", "127.0.0.9")}
	for _, stranger := range strangers {
		for _, packet := range spoofs {
			_, err := stranger.Write(packet)
			check(t, err)
		}
	}
	for _, packet := range spoofs[len(spoofs)-6:] { // each on a connection of its own
		stranger := dialFrom(t, w, "tcp4", "127.0.0.1")
		_, err := stranger.Write(onStream(packet))
		check(t, err)
		strangers = append(strangers, stranger)
	}
	b.hears(a)
	a.hears(b)
	if got := b.session.out.peer.Address(); got != before {
		t.Fatalf("packets go to %v, want %v as before", got, before)
	}

	// That this would show a session which moves: a valid check from elsewhere
	// does move it, and the packets with it.
	mover := dialFrom(t, w, "udp4", "127.0.0.1")
	w.until("a valid check moves the session", func() bool { // again and again: b's own checks move it back
		_, err = mover.Write(request(t, name, valueOf(server, "ice-pwd")))
		check(t, err)
		return b.session.out.peer.Address().String() == mover.LocalAddr().String()
	})
	for _, stranger := range strangers {
		check(t, stranger.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		if n, err := stranger.Read(make([]byte, 1500)); err == nil {
			t.Errorf("the stranger on %v got %d bytes", stranger.LocalAddr(), n)
		}
	}
}

func dialFrom(t *testing.T, w *world, network, ip string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(ip)}}
	if network == "tcp4" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(ip)}
	}
	c, err := d.Dial(network, w.sfu.Addr().String())
	check(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// wiretap is a client's socket that keeps what it sends: ICE, DTLS and media.
type wiretap struct {
	net.PacketConn
	mu    sync.Mutex
	media [][]byte
}

func (t *wiretap) WriteTo(b []byte, to net.Addr) (int, error) {
	t.mu.Lock()
	if len(t.media) < 200 && !stun.IsMessage(b) { // its checks are valid, and are not a spoof's to have
		t.media = append(t.media, bytes.Clone(b))
	}
	t.mu.Unlock()
	return t.PacketConn.WriteTo(b, to)
}

func (t *wiretap) sent() [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([][]byte(nil), t.media...)
}
