package forward

import (
	"testing"
	"time"
)

// at returns a packet that begins a frame at a place, of an encoding and a time.
func at(place Place, encoding uint8, timestamp uint32) *Packet {
	place.First = true
	return &Packet{Place: place, Layer: encoding, Timestamp: timestamp}
}

// TestLayerChoice is simulcast: sizes change at key frames of their own
// encodings.
func TestLayerChoice(t *testing.T) {
	top := func(layer int) Target { return MakeTarget(layer, MaxTemporal-1) }
	var c LayerChoice
	c.Reset(top(2))
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
		{-1, 1, true, false, false},
		{0, 1, true, false, false}, // above the target
		{-2, 0, true, true, true},
	} {
		switch s.aim {
		case -2:
		case -1:
			c.Aim(NoTarget)
		default:
			c.Aim(top(s.aim))
		}
		place := (&VP8Header{Start: true, KeyFrame: s.starts}).place()
		place.toEncoding(s.layer)
		if ok, switched := c.Take(at(place, uint8(s.layer), uint32(i))); ok != s.ok || switched != s.switched {
			t.Errorf("step %d: Take(%d, %v) = %v, %v, want %v, %v", i, s.layer, s.starts, ok, switched, s.ok, s.switched)
		}
	}
}

// pattern is the temporal layers of VP8 as browsers send them: T0 T2 T1 T2, of
// which the second T2 refers to others than T0.
func pattern(i int) *VP8Header {
	return &VP8Header{Start: true, KeyFrame: i == 0, TID: [...]uint8{0, 2, 1, 2}[i%4], Sync: i%4 == 1 || i%4 == 2}
}

// TestFrameRates lowers the frame rate of VP8 at the next picture, and raises it
// only where a frame says that it refers to the lowest layer alone.
func TestFrameRates(t *testing.T) {
	var c LayerChoice
	c.Reset(MakeTarget(0, 2))
	got := ""
	for i := range 24 {
		switch i {
		case 6:
			c.Aim(MakeTarget(0, 1))
		case 11:
			c.Aim(MakeTarget(0, 0))
		case 15: // before the second T2: nobody can go on there
			c.Aim(MakeTarget(0, 2))
		}
		v := pattern(i)
		if ok, _ := c.Take(at(v.place(), 0, uint32(i))); ok {
			got += string('0' + rune(v.TID))
		} else {
			got += "-"
		}
	}
	if want := "021202" + "1-0-1" + "-0--" + "-02120212"; got != want {
		t.Errorf("taken %s, want %s", got, want)
	}
}

// TestFrameRateChangesBetweenPictures has the aim change within a frame: what is
// begun is ended.
func TestFrameRateChangesBetweenPictures(t *testing.T) {
	var c LayerChoice
	c.Reset(MakeTarget(0, 2))
	take := func(v *VP8Header, ts uint32) bool {
		p := &Packet{Place: v.place(), Timestamp: ts}
		ok, _ := c.Take(p)
		return ok
	}
	take(pattern(0), 0)
	if !take(pattern(1), 1) {
		t.Fatal("a T2 frame is not taken at the highest rate")
	}
	c.Aim(MakeTarget(0, 0))
	rest := pattern(1)
	rest.Start = false
	if !take(rest, 1) {
		t.Error("the end of a frame whose beginning left is left out")
	}
	if take(pattern(3), 2) {
		t.Error("a T2 frame is taken at the lowest rate")
	}
}

func TestLayerMeter(t *testing.T) {
	var m LayerMeter
	now := epoch
	for range 100 {
		m.Observe(1250, &Place{Needed: above(1, 1), Layer: 1, Temporal: 1}, now)
		now = now.Add(20 * time.Millisecond)
	}
	for target, want := range map[Target]bool{MakeTarget(1, 1): true, MakeTarget(2, 2): true, MakeTarget(1, 0): false, MakeTarget(0, 2): false} {
		if r := m.Rate(target); want && (r < 490_000 || r > 540_000) || !want && r != 0 {
			t.Errorf("rate of target %d is %.0f", target, r)
		}
	}
	if !m.Active(1, now) || m.Active(0, now) || m.Layers() != 2 || m.Temporals(1) != 2 || m.Temporals(0) != 1 {
		t.Errorf("%+v: want layer 1 active, two sizes, two frame rates", m)
	}
	if now = now.Add(LayerSilence); m.Active(1, now) {
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
