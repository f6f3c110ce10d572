package protocol

import "time"

// Rates of PROTOCOL.md section 4, a second and at once.
const (
	ControlPerSecond = 30
	ControlBurst     = 60
	ChatPerSecond    = 1
	ChatBurst        = 5
	PosePerSecond    = 120
	PoseBurst        = 60 // half a second of the fastest headset after a stall

	PatchPerSecond = 2 // restarts of ICE and candidates together
	PatchBurst     = 30
	JoinPerSecond  = 1 // of one participant
	JoinBurst      = 20

	// MaxDroppedPoses and MaxDroppedPatches are how many more of those may be
	// dropped than taken before the session gets bye: ten seconds of three
	// times too many poses.
	MaxDroppedPoses   = 1200
	MaxDroppedPatches = 60

	// MaxDropped is how many more control messages may be dropped than taken
	// before the session gets bye.
	MaxDropped = 300
)

// Limiter is a token bucket: perSecond tokens a second, at most burst of them
// kept. It starts full. It is a plain value without a clock or a lock; the
// owner passes the time and serialises calls.
type Limiter struct {
	perSecond, burst float64
	tokens           float64
	last             time.Time
	dropped          int
}

// NewLimiter returns a full bucket.
func NewLimiter(perSecond, burst float64) Limiter {
	return Limiter{perSecond: perSecond, burst: burst, tokens: burst}
}

// Allow takes one token and reports whether there was one. A clock that goes
// back adds nothing.
func (l *Limiter) Allow(now time.Time) bool {
	if elapsed := now.Sub(l.last).Seconds(); !l.last.IsZero() && elapsed > 0 {
		l.tokens = min(l.burst, l.tokens+elapsed*l.perSecond)
	}
	if l.last.IsZero() || now.After(l.last) {
		l.last = now
	}
	if l.tokens < 1 {
		l.dropped++
		return false
	}
	l.tokens--
	l.dropped = max(0, l.dropped-1)
	return true
}

// Idle reports whether the bucket is full again, so that it can be forgotten.
func (l *Limiter) Idle(now time.Time) bool {
	return l.tokens+now.Sub(l.last).Seconds()*l.perSecond >= l.burst
}

// Dropped returns how many more calls Allow has refused than allowed since it
// last had nothing to refuse. Refusals in a row would say little: however fast
// a flood, the bucket lets one through now and then.
func (l *Limiter) Dropped() int { return l.dropped }
