package protocol

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"earshot"
)

func TestLimiter(t *testing.T) {
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	l := NewLimiter(ChatPerSecond, ChatBurst)
	for i := range 8 {
		if got, want := l.Allow(start), i < ChatBurst; got != want {
			t.Errorf("Allow(#%d at 0 s) = %v, want %v", i, got, want)
		}
	}
	if l.Dropped() != 3 {
		t.Errorf("Dropped() = %d, want 3", l.Dropped())
	}
	for _, step := range []struct {
		at   time.Duration
		want bool
	}{
		{999 * time.Millisecond, false},
		{1000 * time.Millisecond, true},
		{1000 * time.Millisecond, false},
		{0, false}, // the clock went back
		{2000 * time.Millisecond, true},
		{time.Hour, true},
	} {
		if got := l.Allow(start.Add(step.at)); got != step.want {
			t.Errorf("Allow(at %v) = %v, want %v", step.at, got, step.want)
		}
	}
	if want := 3 + 3 - 3; l.Dropped() != want {
		t.Errorf("Dropped() after 6 refused and 3 allowed = %d, want %d", l.Dropped(), want)
	}
}

// A flood of twice the rate and more is noticed, and once it ends, forgotten.
func TestLimiterNoticesAFlood(t *testing.T) {
	l, now := NewLimiter(ControlPerSecond, ControlBurst), time.Unix(1000, 0)
	for range 10 * 90 { // 90 a second for ten seconds
		now = now.Add(time.Second / 90)
		l.Allow(now)
	}
	if l.Dropped() < 200 || l.Dropped() > 300 {
		t.Errorf("Dropped() after 10 s at 90 a second = %d, want 30 a second after the burst", l.Dropped())
	}
	for range 400 {
		now = now.Add(time.Second / 10)
		l.Allow(now)
	}
	if l.Dropped() != 0 {
		t.Errorf("Dropped() after 40 s at 10 a second = %d, want 0", l.Dropped())
	}
}

// Over any time the limiter lets through at most burst + rate x time, and
// a clock that goes back gains nothing.
func TestLimiterNeverExceedsItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := float64(rapid.IntRange(1, 120).Draw(t, "rate"))
		burst := float64(rapid.IntRange(1, 120).Draw(t, "burst"))
		steps := rapid.SliceOfN(rapid.IntRange(-50, 300), 1, 400).Draw(t, "ms")
		l := NewLimiter(rate, burst)
		now := time.Unix(1000, 0)
		l.Allow(now) // the bucket is full at first
		first, latest, allowed := now, now, 1.0
		for _, ms := range steps {
			now = now.Add(time.Duration(ms) * time.Millisecond)
			if now.After(latest) {
				latest = now
			}
			if l.Allow(now) {
				allowed++
			}
		}
		if most := burst + rate*latest.Sub(first).Seconds(); allowed > most+1e-6 {
			t.Fatalf("allowed %v, at most %v may pass", allowed, most)
		}
	})
}

func TestHTTPStatus(t *testing.T) {
	for code, want := range map[earshot.Code]int{
		"invalid_argument": 400, "out_of_range": 400, "unauthenticated": 401, "permission_denied": 403,
		"not_found": 404, "already_exists": 409, "aborted": 409, "failed_precondition": 412,
		"resource_exhausted": 429, "unimplemented": 501, "unavailable": 503, "deadline_exceeded": 504,
		"canceled": 499, "unknown": 500, "internal": 500, "made_up": 500, "": 500,
	} {
		if got := HTTPStatus(code); got != want {
			t.Errorf("HTTPStatus(%q) = %d, want %d", code, got, want)
		}
	}
}
