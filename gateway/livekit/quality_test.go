package livekit

import (
	"testing"
	"time"

	"earshot/gateway/livekit/wire"
)

// TestQuality grades connections over windows of 250 packets.
func TestQuality(t *testing.T) {
	const excellent, good, poor, gone = wire.QualityExcellent, wire.QualityGood, wire.QualityPoor, wire.QualityLost
	type window struct {
		lost   uint64 // of 250
		trip   time.Duration
		jitter time.Duration
		paused bool
		broken bool
		silent bool // nothing travels
		want   wire.ConnectionQuality
	}
	ms := time.Millisecond
	for name, windows := range map[string][]window{
		"nothing known":      {{silent: true, want: excellent}},
		"a clean one":        {{trip: 40 * ms, jitter: 5 * ms, want: excellent}},
		"one percent lost":   {{lost: 2, trip: 80 * ms, want: excellent}, {lost: 3, want: excellent}},
		"five percent lost":  {{lost: 12, want: good}, {lost: 12, want: good}},
		"a quarter lost":     {{lost: 62, want: poor}},
		"a long way":         {{trip: 400 * ms, jitter: 30 * ms, want: good}, {trip: 400 * ms, jitter: 30 * ms, want: good}},
		"a video is paused":  {{paused: true, want: poor}, {paused: true, silent: true, want: poor}, {want: good}, {want: good}},
		"cut and back":       {{broken: true, silent: true, want: gone}, {want: good}, {want: good}, {want: excellent}},
		"silence after loss": {{lost: 62, want: poor}, {silent: true, want: poor}},
		"it rises slowly":    {{lost: 62, want: poor}, {want: good}, {want: good}, {want: excellent}},
		"on the border":      {{lost: 11, want: good}, {lost: 8, want: good}, {lost: 7, want: good}, {lost: 7, want: good}, {want: excellent}},
	} {
		t.Run(name, func(t *testing.T) {
			var q Quality
			var total Travels
			for i, w := range windows {
				if !w.silent {
					total.Voice.Expected += 250
				}
				total.Voice.Lost += w.lost
				total.Voice.RoundTrip, total.Voice.Jitter = w.trip, w.jitter
				total.Paused, total.Broken = w.paused, w.broken
				grade, score := q.Take(total)
				if grade != w.want || score < 1 || score > 4.5 {
					t.Errorf("window %d: grade %d with %.2f (R %.1f), want grade %d", i, grade, score, q.r, w.want)
				}
			}
		})
	}
}

// TestQualityOfTheWorse: many good packets of a video do not hide the loss of a
// voice, and a count that shrinks is none.
func TestQualityOfTheWorse(t *testing.T) {
	var q Quality
	total := Travels{Voice: Travel{Expected: 100, Lost: 20}, Video: Travel{Expected: 5000, Lost: 10}}
	if grade, _ := q.Take(total); grade != wire.QualityPoor {
		t.Errorf("a voice with a fifth lost is graded %d", grade)
	}
	total.Voice = Travel{Expected: 90, Lost: 10}
	if grade, _ := q.Take(total); grade != wire.QualityPoor || q.r > bestR {
		t.Errorf("a count that shrank: grade %d, R %.1f", grade, q.r)
	}
}
