package forward

import (
	"math"
	"testing"
	"time"
)

func TestLevel(t *testing.T) {
	var l Level
	now := epoch
	speak := func(dBov int, voice bool, d time.Duration) {
		for end := now.Add(d); now.Before(end); {
			now = now.Add(20 * time.Millisecond)
			l.Observe(dBov, voice, now)
		}
	}
	expect := func(what string, dBov float64, within float64, talking bool) {
		t.Helper()
		if got, is := l.At(now); math.Abs(float64(got)-dBov) > within || is != talking {
			t.Errorf("%s: At = %.1f, %v, want %.1f +-%.1f, %v", what, got, is, dBov, within, talking)
		}
	}

	expect("nothing yet", LevelSilent, 0, false)
	speak(-30, true, 60*time.Millisecond)
	expect("60 ms of speech", -30, 1, true)
	speak(-30, true, time.Second)
	expect("a second of speech", -30, 0.1, true)
	now = now.Add(100 * time.Millisecond)
	expect("100 ms without packets", -30-2.17, 0.2, true)
	speak(-127, false, 400*time.Millisecond)
	expect("400 ms of silence", -30-2.17-8.68, 0.5, false)
	now = now.Add(5 * time.Second)
	expect("long silence", LevelSilent, 0, false)
	speak(-55, true, time.Second)
	expect("a murmur does not start talking", -55, 0.5, false)
	speak(-48, false, time.Second)
	expect("nor does noise without the voice bit", -48, 0.5, false)
	speak(-48, true, 20*time.Millisecond)
	expect("with it, it does", -48, 0.5, true)
	speak(-55, true, time.Second)
	expect("and a murmur keeps it going", -55, 3, true)
	speak(-38, false, time.Second)
	expect("loud without the voice bit", -38, 0.5, true)
	now = now.Add(TalkHang)
	expect("and gone", -38-5.4, 0.3, false)
}

func TestLevelTakesAnything(t *testing.T) {
	var l Level
	for _, dBov := range []int{math.MinInt, -1000, 1000, math.MaxInt} {
		l.Observe(dBov, true, epoch)
		l.Observe(dBov, true, epoch.Add(-time.Hour))
		if got, _ := l.At(epoch.Add(-time.Hour)); got != got || got > 0 || got < LevelSilent {
			t.Errorf("Observe(%d): At = %v, want -127 to 0", dBov, got)
		}
	}
}
