package forward

import "time"

// How many packets a second a publication may send. A browser sends 50 of
// voice and up to 1,000 of a screen in high resolution; what is above these
// would only cost every listener's downlink.
const (
	VoicePackets = 250
	VideoPackets = 4000
)

// Budget is a token bucket that holds one second's worth of packets.
type Budget struct {
	rate  float64
	left  float64
	taken time.Time
}

// NewBudget returns a full budget of so many packets a second.
func NewBudget(packets int) Budget { return Budget{rate: float64(packets), left: float64(packets)} }

// Take reports whether one more packet is within the budget.
func (b *Budget) Take(now time.Time) bool {
	if !b.taken.IsZero() {
		b.left = min(b.rate, b.left+b.rate*max(0, now.Sub(b.taken).Seconds()))
	}
	b.taken = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
