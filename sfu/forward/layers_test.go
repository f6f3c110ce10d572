package forward

import (
	"testing"
	"time"
)

func TestLayerChoice(t *testing.T) {
	var c LayerChoice
	c.Reset(2)
	for i, s := range []struct {
		aim          int // -2: unchanged
		layer        int
		starts       bool
		ok, switched bool
	}{
		{-2, 2, false, false, false}, // nothing before a key frame
		{-2, 0, true, true, true},    // whatever comes first
		{-2, 1, true, false, false},  // not the target
		{-2, 0, false, true, false},
		{-2, 2, false, false, false},
		{-2, 2, true, true, true}, // the target
		{-2, 0, true, false, false},
		{1, 2, false, true, false}, // until the lower one begins
		{-2, 1, true, true, true},
		{-2, 2, true, false, false},
		{NoLayer, 1, true, false, false},
		{0, 1, true, false, false}, // above the target
		{-2, 0, true, true, true},
	} {
		if s.aim != -2 {
			c.Aim(s.aim)
		}
		if ok, switched := c.Take(s.layer, s.starts); ok != s.ok || switched != s.switched {
			t.Errorf("step %d: Take(%d, %v) = %v, %v, want %v, %v", i, s.layer, s.starts, ok, switched, s.ok, s.switched)
		}
	}
}

func TestLayerMeter(t *testing.T) {
	var m LayerMeter
	now := epoch
	for range 100 {
		m.Observe(1250, now)
		now = now.Add(20 * time.Millisecond)
	}
	if r := m.Rate(); r < 490_000 || r > 540_000 || !m.Active(now) {
		t.Errorf("rate %.0f, active %v, want 500000, true", r, m.Active(now))
	}
	if now = now.Add(LayerSilence); m.Active(now) {
		t.Error("active after silence")
	}
}

func TestSourceClock(t *testing.T) {
	low := SourceClock{NTP: 1000 << 32, RTP: 500}
	high := SourceClock{NTP: 1001<<32 + 1<<31, RTP: 4_000_000_000} // 1.5 s later
	by, ok := high.Shift(low)
	if want := uint32(500 + 135_000); !ok || 4_000_000_000+by != want {
		t.Errorf("Shift = %d, %v: 4000000000 becomes %d, want %d", by, ok, 4_000_000_000+by, want)
	}
	if _, ok := high.Shift(SourceClock{}); ok {
		t.Error("Shift from an unknown clock is known")
	}
	if _, ok := high.Shift(SourceClock{NTP: 5000 << 32}); ok {
		t.Error("Shift over an hour is known")
	}
}

// TestSwitchLayer moves between two layers of one picture: timestamps go on as
// the senders' clocks say, however late packets come.
func TestSwitchLayer(t *testing.T) {
	r := NewRewriter(Video, 100, 10_000)
	now := epoch
	send := func(ssrc uint32, seq uint16, ts uint32) Stamp {
		s, ok := r.Rewrite(&Packet{SSRC: ssrc, Seq: seq, Timestamp: ts, Payload: []byte("xxx")}, now)
		if !ok {
			t.Fatalf("packet %d of %d is refused", seq, ssrc)
		}
		return s
	}
	for i := range 10 {
		send(1, uint16(i), 3000*uint32(i))
		now = now.Add(time.Second / 30)
	}
	high := uint32(777_777) // of layer 2 when layer 1 has 0
	now = now.Add(40 * time.Millisecond)
	r.SwitchLayer(-high, true)
	if s := send(2, 7000, high+30_000); s.Seq != 110 || s.Timestamp != 10_000+30_000 {
		t.Errorf("first of the new layer = %+v, want 110, 40000", s)
	}
	r.SwitchLayer(high, true)
	if s := send(1, 10, 30_000); s.Seq != 111 || s.Timestamp != 40_001 {
		t.Errorf("the same moment once more = %+v, want 111, 40001", s)
	}
	if s := send(1, 11, 33_000); s.Seq != 112 || s.Timestamp != 43_001 {
		t.Errorf("the frame after = %+v, want 112, 43001", s)
	}
	now = now.Add(time.Second / 30)
	r.SwitchLayer(-high, true)
	if s := send(2, 7001, high+36_000); s.Timestamp != 46_000 {
		t.Errorf("back again = %+v, want timestamp 46000: what was added once does not add up", s)
	}
	now = now.Add(time.Second / 30)
	r.SwitchLayer(12345678, true) // reports that cannot be true
	if s := send(1, 13, 39_000); int32(s.Timestamp-49_000) > 3000 || int32(s.Timestamp-49_000) < -3000 {
		t.Errorf("with absurd clocks = %+v, want a timestamp near 49000", s)
	}
}
