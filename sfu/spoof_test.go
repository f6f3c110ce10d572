//go:build linux

package sfu

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// overheard is a client's socket of which somebody on the way notes all that is sent.
type overheard struct {
	net.PacketConn
	mux  ice.UDPMux
	mu   sync.Mutex
	sent [][]byte
}

func newOverheard(t *testing.T) *overheard {
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	check(t, err)
	o := &overheard{PacketConn: socket}
	o.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: o, Logger: quiet{}.NewLogger("")})
	t.Cleanup(func() { o.mux.Close() })
	return o
}

// use makes it the socket of a client.
func (o *overheard) use(s *webrtc.SettingEngine) { s.SetICEUDPMux(o.mux) }

func (o *overheard) WriteTo(b []byte, to net.Addr) (int, error) {
	o.mu.Lock()
	o.sent = append(o.sent, bytes.Clone(b))
	o.mu.Unlock()
	return o.PacketConn.WriteTo(b, to)
}

// of returns what was sent of a kind, the newest last.
func (o *overheard) of(kind forward.Traffic) (out [][]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, b := range o.sent {
		if forward.TrafficOf(b) == kind {
			out = append(out, b)
		}
	}
	return out
}

// TestSpoofedAddresses lets one who overhears everything that a client sends,
// but has none of its keys, send it again from another address, and make up
// more: media to the client goes on going to the client, what it says is heard
// once, and its session goes on.
func TestSpoofedAddresses(t *testing.T) {
	o := newOverheard(t)
	w := onLoopback(t)
	victim := w.enter(shape{voice: 1, video: 0}, o.use)
	other := w.enter(shape{voice: 1, video: 0}, nil)
	victim.hear(other)
	other.hear(victim)
	attacker, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	defer attacker.Close()
	send := func(b []byte) {
		_, err := attacker.WriteTo(b, w.sfu.Addr())
		check(t, err)
	}
	home := victim.session.out.peer.Address()
	said, mids := 0, [2]string{victim.session.VoiceMIDs()[0], other.session.VoiceMIDs()[0]}
	talk := func() {
		victim.sayFrame("from the victim", -20)
		other.sayFrame("from the other", -20)
		said++
		w.until("both hear", func() bool { return victim.arrivals(mids[0]) >= said && other.arrivals(mids[1]) >= said })
	}
	talk()
	w.until("a check was made", func() bool { return len(o.of(forward.TrafficSTUN)) > 2 })

	for round, what := range []struct {
		name    string
		packets func() [][]byte
	}{
		{"copies of media", func() [][]byte { return o.of(forward.TrafficMedia) }},
		{"copies of RTCP", func() [][]byte { return o.of(forward.TrafficRTCP) }},
		{"copies of the handshake and of data", func() [][]byte { return o.of(forward.TrafficDTLS) }},
		{"copies of checks", func() [][]byte { return o.of(forward.TrafficSTUN) }},
		{"media with another number", func() [][]byte { return altered(o.of(forward.TrafficMedia), 3) }},
		{"checks that nominate without the password", func() [][]byte { return forgedChecks(t, o.of(forward.TrafficSTUN)) }},
		{"checks with another id", func() [][]byte { return altered(o.of(forward.TrafficSTUN), 12) }},
	} {
		packets := what.packets()
		for range 3 {
			for _, b := range packets[:min(len(packets), 30)] {
				send(b)
			}
			talk()
		}
		if at := victim.session.out.peer.Address(); at != home {
			t.Fatalf("round %d, %s: media goes to %v, the client is at %v", round, what.name, at, home)
		}
		if pair := victim.session.selectedPair(); pair.Remote.Port != home.Port() {
			t.Fatalf("round %d, %s: ICE has chosen %v", round, what.name, pair.Remote)
		}
	}
	check(t, attacker.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
	b := make([]byte, 2000)
	for {
		n, err := attacker.Read(b)
		if err != nil {
			break
		}
		if kind := forward.TrafficOf(b[:n]); kind != forward.TrafficSTUN {
			t.Errorf("the attacker was sent %d bytes of %v", n, kind)
		}
	}
	heard := 0
	other.note(func() {
		for _, a := range other.packets[mids[1]] {
			if a.payload == "from the victim" {
				heard++
			}
		}
	})
	if heard != said {
		t.Errorf("the other heard %d frames, %d were said", heard, said)
	}
	if count(w.sfu.metrics.replayed) == 0 {
		t.Error("no copied check was counted")
	}
	for _, c := range w.sfu.metrics.excess {
		if n := count(c); n > 0 {
			t.Errorf("%v of what the attacker sent counts against a session", n)
		}
	}
}

// altered returns packets of which one byte is another.
func altered(packets [][]byte, at int) (out [][]byte) {
	for _, b := range packets {
		if len(b) > at {
			b = bytes.Clone(b)
			b[at] ^= 0x55
			out = append(out, b)
		}
	}
	return out
}

// forgedChecks returns checks with the names of both sides, as anybody on the
// way reads them, and a wrong password.
func forgedChecks(t *testing.T, seen [][]byte) (out [][]byte) {
	t.Helper()
	for _, b := range seen {
		m := &stun.Message{Raw: bytes.Clone(b)}
		check(t, m.Decode())
		name, err := m.Get(stun.AttrUsername)
		if err != nil {
			continue
		}
		forged, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(string(name)),
			ice.UseCandidate(), stun.NewShortTermIntegrity("not the password, of course"), stun.Fingerprint)
		check(t, err)
		out = append(out, forged.Raw)
	}
	return out
}
