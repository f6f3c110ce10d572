package forward

import "time"

// LayerMeter measures one encoding of a publication: how much each target takes
// of it, which layers it has, and when the last packet of each came.
type LayerMeter struct {
	newest time.Time
	since  time.Time
	bytes  [allTargets]int
	rates  [allTargets]float64 // bit/s, smoothed
	seen   [MaxLayers][MaxTemporal]time.Time
	layers int // the most there were
}

const (
	// meterSpan is how long bytes are summed up before they count: it is longer
	// than key frames are apart in trouble, and short enough to see a change.
	meterSpan = 500 * time.Millisecond
	// temporalSpan is for how long a temporal layer counts as there: at 5 frames
	// a second, in 3 temporal layers, the lowest comes every 800 ms.
	temporalSpan = 3 * time.Second
)

// Observe takes one packet of so many bytes.
func (m *LayerMeter) Observe(size int, place *Place, now time.Time) {
	if m.since.IsZero() || now.Sub(m.newest) > 2*meterSpan {
		m.since, m.bytes = now, [allTargets]int{}
	}
	m.newest = now
	m.seen[place.Layer][place.Temporal] = now
	m.layers = max(m.layers, int(place.Layer)+1)
	for t := range m.bytes {
		if place.Needed.Has(Target(t)) {
			m.bytes[t] += size
		}
	}
	span := now.Sub(m.since)
	if span < meterSpan {
		return
	}
	for t := range m.bytes {
		rate := 8 * float64(m.bytes[t]) / span.Seconds()
		if m.rates[t] == 0 {
			m.rates[t] = rate
		}
		m.rates[t] += 0.4 * (rate - m.rates[t])
	}
	m.since, m.bytes = now, [allTargets]int{}
}

// Rate returns how much a target takes in bit/s, or 0 where that is not known
// yet.
func (m *LayerMeter) Rate(t Target) float64 { return m.rates[t] }

// Newest returns when the last packet came.
func (m *LayerMeter) Newest() time.Time { return m.newest }

// Layers returns how many sizes there were until now, 1 before the first packet.
func (m *LayerMeter) Layers() int { return max(1, m.layers) }

// Active reports whether a layer is being sent at a time.
func (m *LayerMeter) Active(layer int, now time.Time) bool {
	for _, at := range m.seen[layer] {
		if !at.IsZero() && now.Sub(at) < LayerSilence {
			return true
		}
	}
	return false
}

// Temporals returns how many temporal layers a layer has, 1 where it is not
// known.
func (m *LayerMeter) Temporals(layer int) int {
	n := 1
	for t, at := range m.seen[layer] {
		if !at.IsZero() && m.newest.Sub(at) < temporalSpan {
			n = t + 1
		}
	}
	return n
}
