package forward

import "time"

// How many packets a second a publication may send. A browser sends 50 of
// voice and up to 1,000 of a screen in high resolution; what is above these
// would only cost every listener's downlink.
const (
	VoicePackets = 250
	VideoPackets = 4000
)

// Budget is a token bucket. It starts full. It has no clock and no lock: its
// owner passes the time and serialises calls.
type Budget struct {
	rate, burst float64
	left        float64
	taken       time.Time
}

// NewBudget returns a full budget of so many a second that holds one second's
// worth of them.
func NewBudget(perSecond int) Budget { return NewBurst(float64(perSecond), float64(perSecond)) }

// NewBurst returns a full budget of so many a second that holds burst of them.
func NewBurst(perSecond, burst float64) Budget {
	return Budget{rate: perSecond, burst: burst, left: burst}
}

// Take reports whether one more is within the budget.
func (b *Budget) Take(now time.Time) bool { return b.TakeN(1, now) }

// TakeN takes n, or nothing and reports false where n are not left. A clock
// that goes back adds nothing.
func (b *Budget) TakeN(n float64, now time.Time) bool {
	if !b.taken.IsZero() {
		b.left = min(b.burst, b.left+b.rate*max(0, now.Sub(b.taken).Seconds()))
	}
	b.taken = now
	if b.left < n {
		return false
	}
	b.left -= n
	return true
}

// Refit changes how many a second come and how many are held from now on.
func (b *Budget) Refit(perSecond, burst float64, now time.Time) {
	b.TakeN(0, now)
	b.rate, b.burst = perSecond, burst
	b.left = min(b.left, burst)
}
