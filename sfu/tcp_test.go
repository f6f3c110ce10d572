//go:build linux

package sfu

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// overTCP makes a client whose network lets no UDP out.
func overTCP(s *webrtc.SettingEngine) {
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
}

// overBoth makes a client that can do both.
func overBoth(s *webrtc.SettingEngine) {
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4})
}

// hears waits until p hears what talker says now.
func (p *person) hears(talker *person) {
	p.w.t.Helper()
	mid := p.session.VoiceMIDs()[0]
	p.session.SetVoice(time.Now(), []VoiceCandidate{{Publication: talker.session.Microphone()}})
	n := p.arrivals(mid)
	p.w.until(string(p.id)+" hears "+string(talker.id), func() bool {
		talker.sayFrame("text", -20)
		return p.arrivals(mid) > n+5
	})
}

// only leaves the candidates of one protocol in an answer.
func only(protocol, answer string) string {
	var b strings.Builder
	for line := range strings.Lines(answer) {
		if f := strings.Fields(line); !strings.HasPrefix(line, "a=candidate:") || len(f) > 2 && f[2] == protocol {
			b.WriteString(line)
		}
	}
	return b.String()
}

// restart restarts ICE with the candidates of one protocol.
func (p *person) restart(protocol string) {
	p.w.t.Helper()
	p.gather(&webrtc.OfferOptions{ICERestart: true})
	answer, err := p.session.Restart(p.w.ctx, p.pc.LocalDescription().SDP)
	check(p.w.t, err)
	check(p.w.t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: only(protocol, answer)}))
	want, err := webrtc.NewICEProtocol(protocol)
	check(p.w.t, err)
	p.w.until("ICE has chosen "+protocol, func() bool {
		pair := p.session.selectedPair()
		return pair != nil && pair.Local.Protocol == want && p.pc.ConnectionState() == webrtc.PeerConnectionStateConnected
	})
}

func TestMediaOverTCP(t *testing.T) {
	w := onLoopback(t)
	a, b := w.enter(shape{voice: 1}, nil), w.enter(shape{voice: 1}, overTCP)
	if b.session.out.byPion() {
		t.Error("pion sends on TCP, want us")
	}
	b.hears(a)
	a.hears(b)
	if got := w.sfu.sender.Counters(); got.Streamed == 0 || got.Unaddressed != 0 {
		t.Errorf("Counters() = %+v, want some that went over TCP", got)
	}
	if got := w.sfu.door.Open(); got == 0 {
		t.Error("no connection is open")
	}
	b.session.Close()
	w.until("its connections are closed", func() bool { return w.sfu.door.Open() == 0 })
}

// From UDP to TCP and back, in one session: what is sealed is sealed by us,
// whichever way it goes.
func TestMovesBetweenUDPAndTCP(t *testing.T) {
	w := onLoopback(t)
	a, b := w.enter(shape{voice: 1}, nil), w.enter(shape{voice: 1}, overBoth)
	b.hears(a)
	streamed := func() uint64 { return w.sfu.sender.Counters().Streamed }
	for _, protocol := range []string{"tcp", "udp", "tcp"} {
		b.restart(protocol)
		before := streamed()
		b.hears(a)
		a.hears(b)
		if over := streamed() > before; over != (protocol == "tcp") {
			t.Errorf("over %s: packets went over TCP: %v", protocol, over)
		}
	}
	select {
	case <-b.session.Done():
		t.Error("the session ended on the way")
	default:
	}
}

// Mute and Deny hold for what goes over TCP: when they return, nothing more is
// handed to a connection.
func TestNothingIsStreamedAfterMute(t *testing.T) {
	w := onLoopback(t)
	a, b := w.enter(shape{voice: 1}, nil), w.enter(shape{voice: 1}, overTCP)
	b.session.SetVoice(time.Now(), []VoiceCandidate{{Publication: a.session.Microphone()}})
	streamed := func() uint64 { return w.sfu.sender.Counters().Streamed }
	said, stop := a.talkOn()
	defer stop()
	for round := range 6 {
		before := streamed()
		w.until("heard", func() bool { return streamed() > before+20 })
		forbid := func(on bool) { a.session.Microphone().SetMuted(on) }
		if round%2 == 1 {
			forbid = func(on bool) { b.session.Deny(a.id, on) }
		}
		forbid(true)
		sent, fed := streamed(), said.Load()
		w.until("more was said", func() bool { return said.Load() > fed+20 })
		if got := streamed() - sent; got > 0 && !onlyTails(got) {
			t.Fatalf("round %d: %d packets left after it was forbidden", round, got)
		}
		forbid(false)
		b.session.SetVoice(time.Now(), []VoiceCandidate{{Publication: a.session.Microphone()}})
	}
}

// Behind a one-to-one NAT, all interfaces of this machine have one public
// address, and a connection may come in by any.
func TestTCPBehindNAT(t *testing.T) {
	w := onSockets(t, func(c *Config) { c.UDP, c.PublicIPs = "0.0.0.0:0", []string{"127.0.0.1"} })
	a, b := w.enter(shape{voice: 1}, overTCP), w.enter(shape{voice: 1}, overTCP)
	b.hears(a)
}

func TestTCPIsOptional(t *testing.T) {
	w := onSockets(t, func(c *Config) { c.TCP = false })
	p := w.enter(shape{voice: 1}, nil)
	if strings.Contains(p.pc.RemoteDescription().SDP, " tcp ") {
		t.Error("the answer has a TCP candidate")
	}
	if c, err := net.Dial("tcp4", w.sfu.Addr().String()); err == nil {
		c.Close()
		t.Error("somebody listens on TCP")
	}
}

// A client that takes nothing costs a bounded queue, no waiting and no
// allocation.
func TestSlowTCPClients(t *testing.T) {
	inner, err := net.Listen("tcp4", "127.0.0.1:0")
	check(t, err)
	door := openDoor(Config{MaxTCP: 1}, inner)
	defer door.Close()
	slow, err := net.Dial("tcp4", inner.Addr().String())
	check(t, err)
	defer slow.Close()
	accepted, err := door.Accept()
	check(t, err)
	conn := accepted.(*tcpConn)
	packet := make([]byte, 1200)
	for door.counters.dropped.Load() == 0 {
		conn.WritePacket(packet)
	}
	if n := testing.AllocsPerRun(1000, func() { conn.WritePacket(packet) }); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
	conn.mu.Lock()
	if got := len(conn.waiting); got > tcpQueue {
		t.Errorf("%d bytes wait, want at most %d", got, tcpQueue)
	}
	conn.mu.Unlock()
	if door.connection(conn.from) != conn {
		t.Error("the connection is not found by its address")
	}
	check(t, conn.Close())
	check(t, conn.Close())
	if door.connection(conn.from) != nil || door.Open() != 0 {
		t.Error("the closed connection is still there")
	}
}
