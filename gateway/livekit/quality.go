package livekit

import (
	"math"
	"time"

	"earshot/gateway/livekit/wire"
)

// Travel is how packets of one kind travelled between a client and the server,
// in both directions.
type Travel struct {
	Expected, Lost    uint64        // packets, since the session began
	Jitter, RoundTrip time.Duration // lately; 0 where unknown
}

// Travels are what a connection is graded by.
type Travels struct {
	Voice, Video Travel
	Paused       bool // a video is not sent because the downlink carries too little
	Broken       bool // nothing comes from the client
}

// Quality grades one connection, as clients of LiveKit show it. The rating R is
// that of the E-model (ITU-T G.107) with delay after Cole and Rosenbluth
// ("Voice over IP performance monitoring", 2001), smoothed: it falls faster than
// it rises, and a grade is left upwards only by some more than it was entered.
// The zero value is ready; it belongs to its caller's lock.
type Quality struct {
	r              float64 // 0 to best
	began          bool
	grade          wire.ConnectionQuality
	voice, picture counted
}

// counted is what was counted of a Travel.
type counted struct{ expected, lost uint64 }

const (
	bestR        = 93.2 // of a connection without faults
	excellentR   = 80   // "satisfied", and above
	goodR        = 60   // "nearly all dissatisfied" lies below
	pausedR      = 50   // at most, while a video is paused
	liftR        = 4    // above the border of a better grade
	fallR, riseR = 0.8, 0.4
	// How robust against loss a kind is (Bpl of G.107): Opus conceals, and video
	// is repaired.
	voiceRobust, videoRobust = 20, 40
	fixedDelay               = 60.0 // ms beside the network: frames, jitter buffer
)

// Take grades what travelled since the last call; score is a mean opinion score,
// 1 to 4.5.
func (q *Quality) Take(t Travels) (grade wire.ConnectionQuality, score float32) {
	if !q.began {
		q.began, q.r, q.grade = true, bestR, wire.QualityExcellent
	}
	voice, heard := q.voice.rate(&t.Voice, voiceRobust)
	video, seen := q.picture.rate(&t.Video, videoRobust)
	now, known := math.Min(voice, video), heard || seen
	switch {
	case t.Broken:
		q.r, q.grade = goodR-2*liftR, wire.QualityLost // from where it climbs when it is back
		return q.grade, 1
	case t.Paused:
		now, known = math.Min(now, pausedR), true
	}
	if known {
		weight := fallR
		if now > q.r {
			weight = riseR
		}
		q.r += weight * (now - q.r)
	}
	q.settle()
	return q.grade, opinion(q.r)
}

// settle grades r.
func (q *Quality) settle() {
	lift := func(better bool) float64 {
		if better {
			return liftR
		}
		return 0
	}
	switch {
	case q.r >= excellentR+lift(q.grade != wire.QualityExcellent):
		q.grade = wire.QualityExcellent
	case q.r >= goodR+lift(q.grade != wire.QualityExcellent && q.grade != wire.QualityGood):
		q.grade = wire.QualityGood
	default:
		q.grade = wire.QualityPoor
	}
}

// rate returns R for what travelled since the last call; known is false where
// nothing did.
func (c *counted) rate(t *Travel, robust float64) (r float64, known bool) {
	expected := since(t.Expected, c.expected)
	lost := min(since(t.Lost, c.lost), expected)
	*c = counted{t.Expected, t.Lost}
	if expected == 0 {
		return bestR, false
	}
	percent := 100 * float64(lost) / float64(expected)
	delay := fixedDelay + float64(t.RoundTrip.Milliseconds())/2 + 2*float64(t.Jitter.Milliseconds())
	impairment := 0.024 * delay
	if delay > 177.3 {
		impairment += 0.11 * (delay - 177.3)
	}
	return max(0, bestR+0.024*fixedDelay-impairment-95*percent/(percent+robust)), true
}

// since is how much a count grew; it may shrink where a late packet came.
func since(now, before uint64) uint64 {
	if now < before {
		return 0
	}
	return now - before
}

// opinion is the mean opinion score of R (ITU-T G.107, annex B).
func opinion(r float64) float32 {
	return float32(1 + 0.035*r + 7e-6*r*(r-60)*(100-r))
}
