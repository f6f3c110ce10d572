package forward

import (
	"math"
	"time"
)

// How a level is smoothed and when a talker counts as talking. Browsers set
// the voice bit of RFC 6464 for everything that their encoder does not
// suppress, so it only moves the threshold; the level decides.
const (
	LevelAttack  = 20 * time.Millisecond  // time constant while the level rises
	LevelRelease = 400 * time.Millisecond // time constant while it falls, or while no packet comes
	LevelSilent  = -127                   // dBov reported for silence
	LevelFloor   = -90                    // dBov below which a level is silence

	TalkOnVoice   = -50                    // dBov from which a packet with the voice bit starts talking
	TalkOnPlain   = -40                    // the same without the voice bit, for senders that never set it
	TalkOff       = -58                    // dBov below which a packet no longer keeps talking going
	TalkHang      = 250 * time.Millisecond // talking ends so long after the last packet that kept it going
	maxLevelDelta = 5 * time.Second        // longer pauses are all the same
)

// Level is the loudness of one talker, smoothed in amplitude. The zero Level
// is silence.
type Level struct {
	amplitude float64 // 1 is 0 dBov
	at        time.Time
	talking   bool
	kept      time.Time // when a packet last kept talking going
}

// Observe takes the level of one packet: dBov from 0 to -127.
func (l *Level) Observe(dBov int, voice bool, now time.Time) {
	level := float64(min(0, max(LevelSilent, dBov)))
	target := 0.0
	if level > LevelSilent {
		target = math.Pow(10, level/20)
	}
	tau := LevelRelease
	if target > l.amplitude {
		tau = LevelAttack
	}
	l.amplitude += (target - l.amplitude) * (1 - math.Exp(-l.since(now).Seconds()/tau.Seconds()))
	l.at = now
	l.decide(level, voice, now)
}

func (l *Level) decide(level float64, voice bool, now time.Time) {
	on := level >= TalkOnPlain || voice && level >= TalkOnVoice
	l.talking = on || l.talking && now.Sub(l.kept) < TalkHang
	if on || l.talking && level >= TalkOff {
		l.kept = now
	}
}

// At returns the level in dBov at a time, LevelSilent for silence, and whether
// the talker is talking.
func (l *Level) At(now time.Time) (dBov float32, talking bool) {
	amplitude := l.amplitude * math.Exp(-l.since(now).Seconds()/LevelRelease.Seconds())
	level := 20 * math.Log10(amplitude)
	if !(level >= LevelFloor) { // also -Inf
		level = LevelSilent
	}
	return float32(level), l.talking && now.Sub(l.kept) < TalkHang
}

func (l *Level) since(now time.Time) time.Duration {
	if l.at.IsZero() {
		return maxLevelDelta
	}
	return min(maxLevelDelta, max(0, now.Sub(l.at)))
}
