package presence

import (
	"math/rand/v2"
	"testing"
	"time"
)

// The mapped time of a sender whose clock drifts either way, over a line with
// 5 to 65 ms under way, stays as steady as its own clock.
func TestCaptureFollowsTheSendersClock(t *testing.T) {
	for _, rate := range []float64{1, 1 + 1e-4, 1 - 1e-4} {
		var u uplink
		rng := rand.New(rand.NewPCG(1, 2))
		const start = 1<<32 - 20_000 // the sender's clock wraps on the way
		var worst float64
		for i := range 30 * 600 {
			sent := float64(i) * 1000 / 30
			clock := int64(sent + 5 + 60*rng.Float64())
			got := u.capture(uint16(i), uint32(int64(start+sent*rate)), clock, time.Time{})
			if got > clock {
				t.Fatalf("captured at %d, after its arrival at %d", got, clock)
			}
			if i > 300 {
				worst = max(worst, max(float64(got)-(sent+5), sent-float64(got)))
			}
		}
		if worst > 8 {
			t.Errorf("clock at %v times the server's: captures are off by %.1f ms, want at most 8", rate, worst)
		}
	}
}

func TestCaptureAfterAStepOfTheSendersClock(t *testing.T) {
	var u uplink
	u.capture(0, 5000, 10_000, time.Time{})
	if got := u.capture(1, 5033, 10_033, time.Time{}); got != 10_033 {
		t.Errorf("capture = %d, want 10033", got)
	}
	if got := u.capture(2, 1000, 10_066, time.Time{}); got != 10_066 {
		t.Errorf("capture after a step back = %d, want 10066", got)
	}
	if got := u.capture(3, 900_000, 10_099, time.Time{}); got != 10_099 {
		t.Errorf("capture after a step ahead = %d, want 10099", got)
	}
}

func TestAccepts(t *testing.T) {
	now := time.Unix(100, 0)
	u := uplink{seen: true, seq: 65534, at: now}
	for _, c := range []struct {
		seq     uint16
		after   time.Duration
		missing int
		ok      bool
	}{
		{65535, 0, 0, true}, {0, 0, 1, true}, {3, 0, 4, true},
		{65534, 0, 0, false}, {65533, 0, 0, false}, {40000, 0, 0, false},
		{65533, 2 * time.Second, 0, true}, {65534, 2 * time.Second, 0, false},
	} {
		if missing, ok := u.accepts(c.seq, now.Add(c.after)); missing != c.missing || ok != c.ok {
			t.Errorf("accepts(%d) after %v = %d, %v, want %d, %v", c.seq, c.after, missing, ok, c.missing, c.ok)
		}
	}
	if _, ok := (&uplink{}).accepts(40000, now); !ok {
		t.Error("the first datagram is refused")
	}
}
