//go:build linux

package sfu

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/pion/stun/v4"
)

// After a restart packets go where the first valid check comes from, though it
// nominates nothing: a browser that has lost a network nominates late. Later
// checks that nominate nothing change nothing.
func TestFirstCheckAfterARestartIsTaken(t *testing.T) {
	w := onLoopback(t)
	p := w.enter(shape{voice: 1}, nil)
	was := p.session.out.peer.Address()
	own := p.pc.LocalDescription().SDP
	offer := strings.ReplaceAll(own, valueOf(own, "ice-ufrag"), "anotherone")
	answer, err := p.session.Restart(w.ctx, offer)
	check(t, err)
	if got := valueOf(answer, "candidate"); strings.Fields(got)[3] != "8192" {
		t.Errorf("candidate %q of the second generation, want one of priority 8192", got)
	}
	name := valueOf(answer, "ice-ufrag") + ":anotherone"
	for i, want := range []bool{true, false} {
		conn := dialFrom(t, w, "udp4", "127.0.0.1")
		m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(name),
			stun.NewShortTermIntegrity(valueOf(answer, "ice-pwd")), stun.Fingerprint)
		check(t, err)
		_, err = conn.Write(m.Raw)
		check(t, err)
		_, err = conn.Read(make([]byte, 1500)) // its answer
		check(t, err)
		at := netip.MustParseAddrPort(conn.LocalAddr().String())
		if want {
			w.until("packets go there", func() bool { return p.session.out.peer.Address() == at })
		} else if p.session.out.peer.Address() == at {
			t.Errorf("check %d moved packets from %v to %v", i, was, at)
		}
	}
}
