package wire

import "time"

// Repair of datagrams: who misses one asks for it, twice at most.
const (
	// RepairWindow is how many of the last datagrams are followed; a power of
	// two. It is as many as a Link keeps.
	RepairWindow = 512
	// Reorder is how much later datagrams may come than those after them before
	// they count as lost.
	Reorder = 3 * time.Millisecond
	// repairFor is how long a lost datagram is worth having: later than that a
	// listener's buffer has played on.
	repairFor = 150 * time.Millisecond
	// MaxAsked is how many are asked for at once.
	MaxAsked = 64
)

// Repair follows the sequence numbers of one direction of a link. The zero
// Repair takes the first number as it comes.
type Repair struct {
	begun  bool
	newest uint32
	gap    time.Time // when something was missed last
	state  [RepairWindow]arrival
}

type arrival struct {
	came  bool
	asked uint8
	since time.Time // when it was missed, or was asked for last
	first time.Time // when it was missed
}

// Came notes a datagram and reports whether it is new: not seen before, and not
// too old to know.
func (r *Repair) Came(seq uint32, now time.Time) bool {
	if !r.begun {
		r.begun, r.newest = true, seq
		for i := range r.state {
			r.state[i].came = true // nothing before it is missed
		}
		return true
	}
	ahead := int32(seq - r.newest)
	if ahead <= 0 {
		if ahead <= -RepairWindow {
			return false
		}
		e := &r.state[seq%RepairWindow]
		fresh := !e.came
		e.came = true
		return fresh
	}
	if ahead > 1 {
		r.gap = now
	}
	for range min(ahead, RepairWindow) {
		r.newest++
		r.state[r.newest%RepairWindow] = arrival{since: now, first: now}
	}
	r.newest = seq
	if ahead > RepairWindow { // a pause of the link, not loss worth repair
		for i := range r.state {
			r.state[i].came = true
		}
	}
	r.state[seq%RepairWindow].came = true
	return true
}

// Missing appends the numbers to ask for now to dst. rtt is the round trip of
// the link. It is to be called every few milliseconds while datagrams come.
func (r *Repair) Missing(dst []uint32, rtt time.Duration, now time.Time) []uint32 {
	if !r.Open(now) {
		return dst
	}
	for back := uint32(RepairWindow - 1); back > 0 && len(dst) < MaxAsked; back-- {
		seq := r.newest - back
		e := &r.state[seq%RepairWindow]
		if e.came || e.asked >= 2 || now.Sub(e.first) > repairFor {
			continue
		}
		wait := Reorder
		if e.asked > 0 {
			wait = rtt + rtt/2 + Reorder
		}
		if now.Sub(e.since) >= wait {
			e.asked++
			e.since = now
			dst = append(dst, seq)
		}
	}
	return dst
}

// Next reports whether seq is the one after the newest, or the first of all.
func (r *Repair) Next(seq uint32) bool { return !r.begun || seq == r.newest+1 }

// Open reports whether something may still be worth asking for.
func (r *Repair) Open(now time.Time) bool { return r.begun && now.Sub(r.gap) <= repairFor }
