package desk

import "time"

// timed notes how long the work of a beat took, and how late its packets are. A
// beat that takes longer than the 20 ms it has is an overrun: the next one comes
// late, but as long as few do nobody hears it, for listeners' jitter buffers
// wait at least as long.
func (m *metrics) timed(began, due, done time.Time) {
	took := done.Sub(began)
	m.beat.Observe(took.Seconds())
	m.late.Observe(max(done.Sub(due), 0).Seconds())
	if took > beat {
		m.overruns.Inc()
	}
}
