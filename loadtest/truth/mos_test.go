package truth

import (
	"math"
	"testing"
	"time"
)

// R and MOS as published: ITU-T G.107, annex B, table B.1 (which rounds up), and the default of
// 93.2 and 4.41.
func TestMOSOfR(t *testing.T) {
	for r, want := range map[float64]float64{93.2: 4.41, 90: 4.34, 80: 4.03, 70: 3.60, 60: 3.10, 50: 2.58, 0: 1, -10: 1, 100: 4.5, 120: 4.5} {
		if got := mosOf(r); math.Abs(got-want) > 0.01 {
			t.Errorf("MOS of R %v = %.3f, want %v", r, got, want)
		}
	}
	if got := mosOf(math.NaN()); got != 1 {
		t.Errorf("MOS of NaN = %v, want 1", got)
	}
}

func TestMOS(t *testing.T) {
	for _, c := range []struct {
		loss, burst, delay, want float64
	}{
		{0, 1, 0, 4.41}, {0, 1, 100, 4.41}, // no delay below 100 ms is felt
		{0, 1, 400, mosOf(93.2 - 24.07)}, // Idd(400 ms): X = 2
		{0.01, 1, 50, mosOf(93.2 - 95/26.1)}, {0.05, 1, 50, mosOf(93.2 - 95*5/30.1)},
		{0.05, 2, 50, mosOf(93.2 - 95*5/27.6)},
		{1, 1, 1000, 1},
	} {
		if got := MOS(c.loss, c.burst, c.delay); math.Abs(got-c.want) > 0.01 {
			t.Errorf("MOS(%v, %v, %v) = %.3f, want %.3f", c.loss, c.burst, c.delay, got, c.want)
		}
	}
	last := 5.0
	for ms := 0.0; ms < 2000; ms += 25 {
		got := MOS(0.01, 1.5, ms)
		if got > last || got < 1 {
			t.Errorf("MOS at %v ms is %v, before that %v", ms, got, last)
		}
		last = got
	}
	for loss := 0.0; loss <= 1; loss += 0.05 {
		if MOS(loss, 3, 50) > MOS(loss, 1, 50) || MOS(loss+0.05, 1, 50) > MOS(loss, 1, 50) {
			t.Errorf("at a loss of %v bursts or more loss help", loss)
		}
	}
}

func TestBurstRatio(t *testing.T) {
	for _, c := range []struct {
		lost, frames, runs int64
		want               float64
	}{{0, 100, 0, 1}, {10, 100, 10, 1}, {20, 100, 5, 3.2}, {100, 100, 1, 1}, {5, 0, 1, 1}} {
		if got := burstRatio(c.lost, c.frames, c.runs); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("burstRatio(%d, %d, %d) = %v, want %v", c.lost, c.frames, c.runs, got, c.want)
		}
	}
}

// A level rises within frames and falls by 8.7 dB in 400 ms.
func TestLevel(t *testing.T) {
	var l Level
	now := time.Unix(1000, 0)
	if l.At(now) != silence {
		t.Errorf("nobody is at %v dBov", l.At(now))
	}
	for range 10 {
		now = now.Add(frame)
		l.Observe(-20, now)
	}
	if got := l.At(now); math.Abs(got+20) > 0.1 {
		t.Errorf("after 200 ms at -20 the level is %v", got)
	}
	if got := l.At(now.Add(400 * time.Millisecond)); math.Abs(got+28.7) > 0.1 {
		t.Errorf("400 ms later it is %v, want -28.7", got)
	}
	if got := l.At(now.Add(10 * time.Second)); got != silence {
		t.Errorf("much later it is %v, want silence", got)
	}
}
