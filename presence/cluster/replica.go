package cluster

import (
	"slices"
	"time"

	"earshot"
)

// keepGone is how long a replica remembers who left, so that a late word of
// them is not news.
const keepGone = time.Minute

// Replica is what a node knows of the members of an instance that it follows:
// a snapshot, and the deltas after it. The zero Replica knows nothing yet.
type Replica struct {
	Epoch   Epoch
	Seq     uint64
	members map[earshot.ParticipantID]Presence
	gone    map[earshot.ParticipantID]tombstone
	known   bool
}

type tombstone struct {
	stamp Stamp
	until time.Duration
}

// Apply takes a delta in. It reports false when something before it was lost,
// or nothing is known yet: read the instance, and Reset.
func (r *Replica) Apply(d *Delta, now time.Duration) bool {
	switch {
	case d.Full:
		r.Reset(d.Epoch, d.Seq, d.Set, now)
		return true
	case !r.known || d.Epoch > r.Epoch:
		r.known = false
		return false
	case d.Epoch < r.Epoch || d.Seq <= r.Seq:
		return true // late, or twice
	case d.Seq != r.Seq+1:
		r.known = false
		return false
	}
	r.Seq = d.Seq
	for _, id := range d.Gone {
		if p, ok := r.members[id]; ok {
			r.gone[id] = tombstone{p.Stamp(), now + keepGone}
			delete(r.members, id)
		}
	}
	for i := range d.Set {
		r.set(&d.Set[i])
	}
	return true
}

func (r *Replica) set(p *Presence) {
	if t, ok := r.gone[p.Participant]; ok && !t.stamp.Before(p.Stamp()) {
		return
	}
	if have, ok := r.members[p.Participant]; !ok || !p.Stamp().Before(have.Stamp()) {
		r.members[p.Participant] = *p
		delete(r.gone, p.Participant)
	}
}

// Reset makes members all there are, as of (epoch, seq), unless more is known
// already.
func (r *Replica) Reset(epoch Epoch, seq uint64, members []Presence, now time.Duration) {
	if r.known && (epoch < r.Epoch || epoch == r.Epoch && seq < r.Seq) {
		return
	}
	for id, t := range r.gone {
		if t.until <= now {
			delete(r.gone, id)
		}
	}
	if r.gone == nil {
		r.gone = make(map[earshot.ParticipantID]tombstone)
	}
	r.Epoch, r.Seq, r.known = epoch, seq, true
	r.members = make(map[earshot.ParticipantID]Presence, len(members))
	for i := range members {
		r.set(&members[i])
	}
}

// Members are those known, sorted by id. Complete reports whether nothing was
// missed since the last snapshot.
func (r *Replica) Members() (all []Presence, complete bool) {
	for _, p := range r.members {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Presence) int {
		if a.Participant < b.Participant {
			return -1
		}
		return 1
	})
	return all, r.known
}
