package forward

import (
	"math"
	"time"
)

// When voices are protected by redundancy, as shares of packets lost on the way
// to a listener. Of independent losses one earlier frame leaves the square, two
// the cube; losses come in runs, so two are used early.
const (
	protectOn    = 0.01 // at least so much is lost: one earlier frame
	protectOff   = 0.004
	protectMore  = 0.03 // and two
	protectLess  = 0.015
	protectHold  = 20 * time.Second       // so long it stays after it was last asked for
	protectHalf  = 6 * time.Second        // reports count half after
	protectLeast = 40.0                   // packets that must be reported on
	protectCalm  = 3 * time.Second        // after congestion nothing is added
	protectSpan  = 100 * time.Millisecond // reports of one datagram count as one
)

// Protection decides by a listener's reports how many earlier frames its voice
// packets carry. Loss on the publisher's way to here does not count: repeating
// what never came does not help. The zero Protection protects nothing.
type Protection struct {
	expected, lost float64 // recent, weighed by age
	at             time.Time
	depth          int
	asked          time.Time // when loss last asked for depth
}

// Observe takes what a report says: so many packets were sent of which so many
// were lost.
func (p *Protection) Observe(expected, lost int, now time.Time) {
	if expected <= 0 || lost < 0 {
		return
	}
	if since := now.Sub(p.at); !p.at.IsZero() && since > protectSpan {
		keep := math.Exp2(-since.Seconds() / protectHalf.Seconds())
		p.expected, p.lost = p.expected*keep, p.lost*keep
		p.at = now
	} else if p.at.IsZero() {
		p.at = now
	}
	p.expected += float64(expected)
	p.lost += float64(min(lost, expected))
}

// Loss returns the share of packets that was lost of late, 0 to 1.
func (p *Protection) Loss() float64 {
	if p.expected < protectLeast {
		return 0
	}
	return p.lost / p.expected
}

// Depth returns how many earlier frames a packet should carry now, 0 to
// MaxRedundancy. congested is when more was last sent to the listener than
// passes: what is lost because of that is not cured by sending more.
func (p *Protection) Depth(now, congested time.Time) int {
	loss := p.Loss()
	want := 0
	switch {
	case loss >= protectMore || p.depth == 2 && loss >= protectLess:
		want = 2
	case loss >= protectOn || p.depth >= 1 && loss >= protectOff:
		want = 1
	}
	calm := congested.IsZero() || now.Sub(congested) >= protectCalm
	switch {
	case want > p.depth && calm:
		p.depth, p.asked = want, now
	case want >= p.depth:
		p.asked = now
	case now.Sub(p.asked) >= protectHold:
		p.depth, p.asked = want, now
	}
	return p.depth
}
