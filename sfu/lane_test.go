//go:build linux

package sfu

import (
	"net/netip"
	"testing"
	"time"

	"earshot/sfu/forward"
)

// A client's voice comes by its lane. Whichever way a packet came first, it is
// not taken a second time by either, and nothing forged is; where ICE moves, the
// voice goes on by pion, and by the lane again.
func TestLane(t *testing.T) {
	o := newOverheard(t)
	w := onLoopback(t)
	talker := w.enter(shape{voice: 1, video: 0}, o.use)
	listener := w.enter(shape{voice: 1, video: 0}, nil)
	listener.hear(talker)
	said, mid := 0, listener.session.VoiceMIDs()[0]
	heard := func() (n int) {
		listener.note(func() {
			for _, a := range listener.packets[mid] {
				if a.payload == "once" {
					n++
				}
			}
		})
		return n
	}
	talk := func() {
		talker.sayFrame("once", -20)
		said++
		w.until("it is heard", func() bool { return heard() >= said })
	}
	byLane := func() float64 { return count(w.sfu.metrics.packetsLane) }
	again := func(packets [][]byte) {
		for _, b := range packets[max(0, len(packets)-20):] {
			_, err := o.PacketConn.WriteTo(b, w.sfu.Addr())
			check(t, err)
		}
	}
	l, home := talker.session.out.lane, talker.session.out.peer.Address()
	w.until("the lane takes packets", func() bool { talk(); return byLane() > 0 })

	for round, move := range []func(){
		func() {},
		func() { w.sfu.lanes.move(l, home, netip.AddrPort{}) },
		func() { w.sfu.lanes.move(l, netip.AddrPort{}, home) },
	} {
		move()
		before := byLane()
		again(o.of(forward.TrafficMedia)) // what came the other way, too
		for range 50 {
			talk()
			media := o.of(forward.TrafficMedia)
			again(media)
			again(altered(media, len(media[len(media)-1])-1))
			again(altered(media, 3))
		}
		if came := byLane() - before; (came > 40) != (round != 1) {
			t.Errorf("round %d: %v packets of 50 came by the lane", round, came)
		}
	}
	w.until("pion was shown a packet", func() bool {
		talk()
		l.mu.Lock()
		defer l.mu.Unlock()
		return !l.shown.IsZero()
	})
	if n := heard(); n != said {
		t.Errorf("%d frames were heard, %d were said", n, said)
	}
	for _, c := range w.sfu.metrics.excess {
		if n := count(c); n > 0 {
			t.Errorf("%v of what was forged counts against a session", n)
		}
	}
}

// A lane shows pion a packet now and then: the last of a frame, where one comes
// in time.
func TestLaneDue(t *testing.T) {
	l := newLane(4*time.Second, nil)
	l.shown = time.Unix(1000, 0)
	middle, end := []byte{0x80, 96}, []byte{0x80, 96 | 0x80}
	for _, tc := range []struct {
		after  time.Duration
		packet []byte
		want   bool
	}{
		{900 * time.Millisecond, end, false},
		{1100 * time.Millisecond, middle, false},
		{1100 * time.Millisecond, end, true},
		{2100 * time.Millisecond, middle, true},
	} {
		if got := l.due(tc.packet, l.shown.Add(tc.after)); got != tc.want {
			t.Errorf("after %v: due = %v, want %v", tc.after, got, tc.want)
		}
	}
}
