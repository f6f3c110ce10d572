package forward

import (
	"math"
	"testing"
	"time"
)

// TestReception reports on a slot of which the publisher's way lost some
// packets and the listener's others: only the latter count.
func TestReception(t *testing.T) {
	var left Window
	var r Reception
	seq := uint16(65500)
	send := func(n, gapEvery int) {
		for i := range n {
			seq++
			if gapEvery == 0 || i%gapEvery != 0 {
				left.Add(seq)
			}
		}
	}
	send(100, 0)
	cycles, now := uint32(0), epoch
	report := func(cumulative uint32) (int, int, bool) {
		if seq < 65000 {
			cycles = 1 << 16
		}
		now = now.Add(time.Second)
		ntp := uint32(now.Sub(epoch).Seconds() * 65536)
		return r.Report(ReportBlock{
			Highest: cycles | uint32(seq), Lost: cumulative & 0xffffff, Jitter: 480, Last: ntp - 65536/2, Delay: 65536 / 4,
		}, Audio, &left, now, ntp)
	}
	if _, _, ok := report(3); ok {
		t.Error("the first report speaks of a span")
	}
	send(100, 10) // 10 did not come here
	if expected, lost, ok := report(3 + 10 + 9); !ok || expected != 90 || lost != 9 || math.Abs(r.Loss-0.1) > 1e-9 {
		t.Errorf("Report = %d, %d, %v, loss %v, want 90, 9, true, 0.1", expected, lost, ok, r.Loss)
	}
	send(50, 0)
	if expected, lost, ok := report(3 + 10 + 9 - 4); !ok || expected != 50 || lost != 0 { // four were only late
		t.Errorf("Report = %d, %d, %v, want 50, 0, true", expected, lost, ok)
	}
	if r.Jitter != 10*time.Millisecond || r.RoundTrip < 249*time.Millisecond || r.RoundTrip > 251*time.Millisecond {
		t.Errorf("jitter %v, round trip %v, want 10ms, 250ms", r.Jitter, r.RoundTrip)
	}
	if r.Expected != 140 || r.Lost != 9 {
		t.Errorf("%d of %d lost in all, want 9 of 140", r.Lost, r.Expected)
	}
	send(2*windowSize, 0)
	if _, _, ok := report(100); ok {
		t.Error("a span longer than what is remembered counts")
	}
	if _, _, ok := r.Report(ReportBlock{Highest: uint32(seq) - 5}, Audio, &left, now, 0); ok {
		t.Error("an old report counts")
	}
}

// FuzzReception reports whatever a listener may.
func FuzzReception(f *testing.F) {
	f.Add(uint32(5), uint32(1), uint32(2), uint32(3), uint32(4), uint32(5))
	f.Fuzz(func(t *testing.T, highest, lost, jitter, last, delay, ntp uint32) {
		var left Window
		for s := range uint16(300) {
			left.Add(s)
		}
		var r Reception
		for i := range uint32(3) {
			expected, gone, ok := r.Report(ReportBlock{highest + 50*i, lost * i, jitter, last, delay}, Video, &left, epoch, ntp)
			if ok && (expected < 0 || gone < 0 || gone > expected) || r.Loss < 0 || r.Loss > 1 || r.RoundTrip < 0 || r.Jitter < 0 {
				t.Fatalf("Report = %d, %d, %v, %+v", expected, gone, ok, r)
			}
		}
	})
}
