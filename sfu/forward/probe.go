package forward

import "time"

// How a probe is judged.
const (
	probeLeast   = 4                      // packets that must arrive
	probeLoss    = 0.1                    // of them that may be lost
	probeEnough  = 0.95                   // of the target is as good as all of it
	probeWait    = time.Second            // so long its packets are waited for
	probeSpan    = 25 * time.Millisecond  // of a probe at its target
	probePackets = 5                      // at least
	probeShield  = 500 * time.Millisecond // so long after a probe a queue may be its own
)

// ProbeBytes returns how many bytes to send at once to find out whether a
// target rate passes: what takes 25 ms at it, and five packets at least, so that
// a failure is a queue of not much more.
func ProbeBytes(target float64, packet int) int {
	return max(int(target*probeSpan.Seconds()/8), probePackets*packet)
}

// Probe is a train of packets sent at once, and how they arrived: the time
// between the first and the last says what the narrowest link passes. Packets
// are told by their numbers on the downlink. The zero Probe is none.
type Probe struct {
	target      float64 // bit/s
	first, last uint16
	at          time.Time
	open, going bool // being sent; being waited for

	left, got, lost int
	bytes           int
	from, to        time.Duration
	head            int // bytes of the packet that came first
}

// Begin says that packets from this number on are sent to find out whether a
// rate passes.
func (p *Probe) Begin(first uint16, target float64, now time.Time) {
	*p = Probe{target: target, first: first, last: first, at: now, open: true}
}

// End says which packet was the last.
func (p *Probe) End(last uint16) {
	p.open, p.last = false, last
	if p.left = int(int16(last-p.first)) + 1; p.left >= probeLeast {
		p.going = true
	}
}

// Has reports whether a packet is one of the probe's.
func (p *Probe) Has(seq uint16) bool {
	return (p.open || p.going) && int16(seq-p.first) >= 0 && (p.open || int16(seq-p.last) <= 0)
}

// Take notes what became of one of its packets.
func (p *Probe) Take(came bool, size int, arrival time.Duration) {
	if p.left--; !came {
		p.lost++
		return
	}
	if p.got == 0 || arrival < p.from {
		p.from, p.head = arrival, size
	}
	p.to = max(p.to, arrival)
	p.bytes += size
	p.got++
}

// Result returns at what rate the packets arrived, at most the target, once
// that is known. done is true once; a rate of 0 means that nothing was learnt.
func (p *Probe) Result(now time.Time) (rate float64, done bool) {
	if !p.going || p.left > 0 && now.Sub(p.at) < probeWait {
		return 0, false
	}
	p.going = false
	if p.got < probeLeast || p.got == 0 || float64(p.lost) > probeLoss*float64(p.got+p.lost) {
		return 0, true
	}
	took := (p.to - p.from).Seconds()
	if took <= 0 {
		return p.target, true
	}
	rate = 8 * float64(p.bytes-p.head) / took
	if rate >= probeEnough*p.target {
		rate = p.target
	}
	return rate, true
}

// Probed takes the result of a probe: so much passes. What a queue of its own
// makes of the delay for a moment is not held against the link.
func (e *Estimate) Probed(rate float64) {
	if rate > e.rate && e.known {
		e.rate = min(rate, EstimateMost)
	}
}

// Probing takes one packet of a probe that arrived. How long it took says
// nothing of other packets.
func (e *Estimate) Probing(size int, arrival time.Duration) {
	e.seen++
	e.ack(size, arrival)
}

// Shield says that a probe leaves now: the queue that it makes is not overuse.
func (e *Estimate) Shield(now time.Time) { e.shielded = now.Add(probeShield) }
