package forward

import "time"

// MaxLayers is how many encodings of one picture a publication may have.
const MaxLayers = 3

// LayerSilence is after how long without a packet a layer counts as not sent.
const LayerSilence = 250 * time.Millisecond

// NoLayer means that nothing of a publication is shown.
const NoLayer = -1

// LayerChoice is which layer of a publication a slot gets: it moves to the
// target where a key frame of it begins, and shows the old layer until then.
// What is shown first is whatever layer has a key frame first. The zero
// LayerChoice shows nothing and aims at layer 0; call Reset before use.
type LayerChoice struct {
	current, target int
}

// Reset forgets what was shown.
func (c *LayerChoice) Reset(target int) { c.current, c.target = NoLayer, target }

// Aim sets the target; NoLayer pauses.
func (c *LayerChoice) Aim(target int) {
	c.target = target
	if target == NoLayer {
		c.current = NoLayer
	}
}

// Current returns the layer that is shown, or NoLayer.
func (c *LayerChoice) Current() int { return c.current }

// Target returns the layer aimed at, or NoLayer.
func (c *LayerChoice) Target() int { return c.target }

// Settled reports whether the target is what is shown.
func (c *LayerChoice) Settled() bool { return c.current == c.target }

// Take reports whether a packet of a layer is to be forwarded, and whether it
// is the first of its layer. starts says that a decoder can begin with it.
func (c *LayerChoice) Take(layer int, starts bool) (ok, switched bool) {
	switch {
	case c.target == NoLayer:
		return false, false
	case layer == c.current:
		return true, false
	case starts && (layer == c.target || c.current == NoLayer && layer <= c.target):
		c.current = layer
		return true, true
	}
	return false, false
}

// LayerMeter measures one layer of a publication: how much is sent of it, and
// when the last packet came.
type LayerMeter struct {
	newest time.Time
	since  time.Time
	bytes  int
	rate   float64 // bit/s, smoothed
}

// meterSpan is how long bytes are summed up before they count: it is longer
// than key frames are apart in trouble, and short enough to see a change.
const meterSpan = 500 * time.Millisecond

// Observe takes one packet of so many bytes.
func (m *LayerMeter) Observe(size int, now time.Time) {
	if m.since.IsZero() || now.Sub(m.newest) > 2*meterSpan {
		m.since, m.bytes = now, 0
	}
	m.newest = now
	m.bytes += size
	if span := now.Sub(m.since); span >= meterSpan {
		rate := 8 * float64(m.bytes) / span.Seconds()
		if m.rate == 0 {
			m.rate = rate
		}
		m.rate += 0.4 * (rate - m.rate)
		m.since, m.bytes = now, 0
	}
}

// Rate returns how much is sent in bit/s, or 0 where that is not known yet.
func (m *LayerMeter) Rate() float64 { return m.rate }

// Active reports whether the layer is being sent.
func (m *LayerMeter) Active(now time.Time) bool {
	return !m.newest.IsZero() && now.Sub(m.newest) < LayerSilence
}

// SourceClock is the pair of times in a sender report (RFC 3550, section
// 6.4.1), by which two layers of one picture are laid on one another.
type SourceClock struct {
	NTP uint64
	RTP uint32
}

// Shift returns what to add to a video timestamp of clock c to get the one
// that the same moment has in clock from. ok is false where either is unknown.
func (c SourceClock) Shift(from SourceClock) (by uint32, ok bool) {
	if c.NTP == 0 || from.NTP == 0 {
		return 0, false
	}
	elapsed := int64(c.NTP - from.NTP) // in 2^-32 s
	const most = 3600 << 32
	if elapsed > most || elapsed < -most {
		return 0, false
	}
	ticks := elapsed / (1 << 16) * 90000 / (1 << 16)
	return from.RTP + uint32(ticks) - c.RTP, true
}
