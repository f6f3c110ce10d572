package reference

import (
	"maps"
	"slices"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// purge forgets reservations that have run out.
func (in *instance) purge(now time.Duration) {
	maps.DeleteFunc(in.reserved, func(_ cluster.Key, r *reservation) bool { return r.until <= now || len(r.of) == 0 })
}

func (s *Store) reserve(op cluster.Reserve, now time.Duration) cluster.Reply {
	in := s.instances[op.Instance]
	if in == nil || !in.recorded {
		return cluster.Reply{Status: cluster.Missing}
	}
	in.purge(now)
	if in.reserved[op.Key] != nil {
		return in.refused(cluster.OK, now)
	}
	if !in.record.State.Admits(op.Invited) && !(in.record.State.Full() && in.has(op.Participants)) {
		return in.refused(cluster.Shut, now)
	}
	places := make(map[earshot.ParticipantID]bool, len(in.members)+len(op.Participants))
	for id := range in.members {
		places[id] = true
	}
	for _, r := range in.reserved {
		for _, id := range r.of {
			places[id] = true
		}
	}
	before := len(places)
	for _, id := range op.Participants {
		places[id] = true
	}
	most := in.record.Soft
	if op.Invited {
		most = in.record.Hard
	}
	if len(places) > before && len(places) > most {
		return in.refused(cluster.Full, now)
	}
	in.reserved[op.Key] = &reservation{slices.Clone(op.Participants), now + op.TTL}
	return in.refused(cluster.OK, now)
}

// has reports whether all of them are in.
func (in *instance) has(all []earshot.ParticipantID) bool {
	for _, id := range all {
		if _, member := in.members[id]; !member {
			return false
		}
	}
	return true
}

func (s *Store) cancel(op cluster.Cancel) cluster.Reply {
	if in := s.instances[op.Instance]; in != nil && in.reserved[op.Key] != nil {
		r := in.reserved[op.Key]
		if len(op.Participants) == 0 {
			delete(in.reserved, op.Key)
		} else {
			r.of = slices.DeleteFunc(r.of, func(id earshot.ParticipantID) bool { return slices.Contains(op.Participants, id) })
		}
	}
	return cluster.Reply{Status: cluster.OK}
}

func (s *Store) take(op cluster.Take, now time.Duration) cluster.Reply {
	in := s.instances[op.Instance]
	if !in.owner(op.Node, op.Epoch) || in.until <= now {
		return in.refused(cluster.Fenced, now)
	}
	in.purge(now)
	id := op.Member.Participant
	r := in.reserved[op.Reservation]
	at := -1
	if r != nil {
		at = slices.Index(r.of, id)
	}
	if _, member := in.members[id]; !member && at < 0 {
		return in.refused(cluster.Missing, now)
	}
	if at >= 0 {
		r.of = slices.Delete(r.of, at, at+1)
	}
	in.set(op.Member)
	return in.refused(cluster.OK, now)
}
