package truth

import (
	"math"
	"time"
)

// Of a sound that a server mixes of several voices, a binaural mix or the bed of a
// crowd, no packet says whose it is. Who is in it the server has to be asked; that
// and how such packets come is all that is judged of one.

// mixing is a slot with such a sound in it.
type mixing struct {
	on    bool
	begun bool
	came  time.Time // of the newest packet
	stamp uint32

	transit  float64 // ms, of the newest packet, from any beginning
	estimate estimate
}

// mixPause is without a packet of a mix for how long it counts as silent, or as
// another's: who hears nobody is sent nothing.
const mixPause = time.Second

// Mix says whether a slot has a mix or a bed in it from now on.
func (l *Ledger) Mix(slot int, on bool) {
	if slot >= 0 && slot < maxSlots && l.mixes[slot].on != on {
		l.mixes[slot] = mixing{on: on}
	}
}

// Hears says who was in the mix or bed of a slot when the server was asked, and
// until when that may count: as long as its packets come, the talkers count as
// heard. One who was banned before the server was asked is a leak.
func (l *Ledger) Hears(slot int, asked, until time.Time, talkers []uint32) {
	if slot < 0 || slot >= maxSlots || !l.mixes[slot].on {
		return
	}
	for _, id := range talkers {
		if since, banned := l.bans[id]; banned && asked.After(since) {
			l.figures.Forbidden++
			l.window.Forbidden++
		}
		q := l.pair(id)
		q.mixed, q.slot, q.used = until, slot, asked
		if !q.due.IsZero() { // how soon is not to be seen by asking now and then
			q.met = true
		}
	}
}

// take takes a packet of the mix.
func (m *mixing) take(p *Packet, f *Figures) {
	gap, meant := p.At.Sub(m.came), int32(p.Timestamp-m.stamp)
	follows := m.begun && gap >= 0 && gap < mixPause && meant > 0 && meant < 48_000
	switch {
	case m.begun && meant <= 0 && meant > -48_000: // overtaken
		f.MixPackets++
		return
	case !follows:
		m.transit, m.estimate = 0, estimate{}
	default:
		f.MixPackets++
		f.MixMs += milliseconds(gap)
		m.transit += milliseconds(gap) - float64(meant)/48
	}
	m.begun, m.came, m.stamp = true, p.At, p.Timestamp
	m.estimate.add(m.transit)
	if follows {
		f.Hold.Add(m.estimate.hold())
	}
}

// mixed reports whether a talker is heard by a mix.
func (l *Ledger) mixed(q *pair, now time.Time) bool {
	return now.Before(q.mixed) && now.Sub(l.mixes[q.slot].came) <= fresh
}

// missing is the share of the packets of mixes that did not come, by their count
// in the time: lost, or never made because the server left out a beat.
func (f *Figures) missing() (float64, bool) {
	share, ok := ratio(float64(f.MixPackets)*frameMs, f.MixMs)
	return math.Max(0, 1-share), ok
}
