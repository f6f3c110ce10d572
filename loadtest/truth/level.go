package truth

import (
	"math"
	"time"
)

// Level is how loud a talker counts as being, from the levels in their packets
// (RFC 6464): smoothed in amplitude, with 20 ms while it rises and 400 ms while
// it falls, as an Earshot server does. The zero Level is silence.
type Level struct {
	amplitude float64 // 1 is 0 dBov
	at        time.Time
}

const (
	attack  = 20 * time.Millisecond
	release = 400 * time.Millisecond
	silence = -127 // dBov
	floor   = -90  // below it a level is silence
)

// Observe takes the level of one packet, in dBov from 0 to -127.
func (l *Level) Observe(dBov float64, now time.Time) {
	target := 0.0
	if dBov > silence {
		target = math.Pow(10, min(0, dBov)/20)
	}
	tau := release
	if target > l.amplitude {
		tau = attack
	}
	l.amplitude += (target - l.amplitude) * (1 - math.Exp(-l.since(now).Seconds()/tau.Seconds()))
	l.at = now
}

// At returns the level in dBov at a time, -127 for silence.
func (l *Level) At(now time.Time) float64 {
	level := 20 * math.Log10(l.amplitude*math.Exp(-l.since(now).Seconds()/release.Seconds()))
	if !(level >= floor) { // also -Inf
		return silence
	}
	return level
}

func (l *Level) since(now time.Time) time.Duration {
	if l.at.IsZero() {
		return 5 * time.Second
	}
	return max(0, now.Sub(l.at))
}
