//go:build linux

package sfu

import (
	"testing"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/rtcp"
)

// What a listener reports comes by its lane, once, and counts against what it may
// send; what else it says reaches pion; nothing forged is heard.
func TestReportsLane(t *testing.T) {
	o := newOverheard(t)
	w := onLoopback(t)
	talker := w.enter(shape{voice: 1, video: 0}, nil)
	listener := w.enter(shape{voice: 1, video: 0}, o.use)
	listener.hear(talker)
	talker.sayFrame("once", -20)
	sl := listener.session.slots()[0]
	w.until("the slot has its SSRC", func() bool { return sl.ssrc.Load() != 0 })
	byLane := func() float64 { return count(w.sfu.metrics.reportsLane) }
	jitter := uint32(0)
	say := func(more ...rtcp.Packet) {
		jitter += 48
		check(t, listener.pc.WriteRTCP(append([]rtcp.Packet{&rtcp.ReceiverReport{
			SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: sl.ssrc.Load(), Jitter: jitter}},
		}}, more...)))
		w.until("it is heard", func() bool {
			return sl.reception().Jitter == time.Duration(jitter/48)*time.Millisecond
		})
	}
	w.until("reports come by the lane", func() bool { say(); return byLane() > 0 })
	for range 20 {
		say()
	}
	before := byLane()
	say(&rtcp.Goodbye{Sources: []uint32{1}})
	packets := o.of(forward.TrafficRTCP)
	for _, b := range append(altered(packets, len(packets[0])-1), append(altered(packets, 9), packets...)...) {
		_, err := o.PacketConn.WriteTo(b, w.sfu.Addr())
		check(t, err)
	}
	say()
	if after := byLane(); after > before+1 {
		t.Errorf("%v reports came by the lane where one did", after-before)
	}
	if n := count(w.sfu.metrics.excess[forward.OffenceMalformed]); n > 0 {
		t.Errorf("%v of what was forged counts against a session", n)
	}

	flood := &rtcp.ReceiverReport{SSRC: 1}
	for range 31 {
		flood.Reports = append(flood.Reports, rtcp.ReceptionReport{SSRC: sl.ssrc.Load()})
	}
	w.until("the flooder is removed", func() bool {
		_ = listener.pc.WriteRTCP([]rtcp.Packet{flood})
		return ended(listener.session)
	})
	if n := count(w.sfu.metrics.expelled[forward.OffenceReports]); n != 1 {
		t.Errorf("%v expelled for their reports, want 1", n)
	}
}
