package gateway

import (
	"time"

	"earshot/sfu"
	"earshot/spatialaudio/loudness"
)

const silentDBov = -127 // the level of RFC 6464 for no sound at all

// level is how loud a session's microphone is, worked out once a tick for all
// who may hear it.
type level struct {
	now        time.Time
	microphone *sfu.Publication // or nil
	dBov       float64
	talking    bool
	levelled   float64            // dB to add where talkers are compared: see loudness.Estimate
	estimate   *loudness.Estimate // nil until there is a microphone
}

// level returns that of the microphone of s. Only the instance's tick calls it.
func (s *session) level(now time.Time) *level {
	l := &s.voice
	if l.now.Equal(now) {
		return l
	}
	l.now, l.dBov, l.talking = now, silentDBov, false
	mic := s.microphone()
	l.microphone = mic
	if mic == nil {
		return l
	}
	if l.estimate == nil {
		l.estimate = loudness.NewEstimate(loudness.DefaultConfig())
	}
	dBov, talking := mic.Level(now)
	l.dBov, l.talking = float64(dBov), talking
	l.estimate.Observe(now, l.dBov, talking)
	l.levelled = l.estimate.GainDB()
	return l
}
