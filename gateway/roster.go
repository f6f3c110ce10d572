package gateway

import "earshot"

// roster is a snapshot of the members of an instance.
type roster struct {
	all     []*session
	byID    map[earshot.ParticipantID]*session
	byIndex []*session // by the index that presence gave them; nil where there is nobody
	clients int        // those of all who are neither residents nor ghosts
	people  int        // those of clients who are no agents of LiveKit's
	ghosts  int        // who are on other nodes
	doors   int        // those who came by LiveKit's protocol
	hidden  int        // those of whom nobody knows
}

// here is how many are on this node.
func (r *roster) here() int { return len(r.all) - r.ghosts }

// at returns the member whom presence knows by an index, or nil where that is
// somebody else by now.
func (r *roster) at(index uint16, id earshot.ParticipantID) *session {
	if int(index) >= len(r.byIndex) {
		return nil
	}
	if s := r.byIndex[index]; s != nil && s.participant == id {
		return s
	}
	return nil
}

// rebuild makes live match members. in.mu is held.
func (in *Instance) rebuild() {
	next := &roster{
		all:  make([]*session, 0, len(in.members)),
		byID: make(map[earshot.ParticipantID]*session, len(in.members)),
	}
	most := -1
	for _, s := range in.members {
		most = max(most, int(s.index))
	}
	next.byIndex = make([]*session, most+1)
	for id, s := range in.members {
		next.all = append(next.all, s)
		next.byID[id] = s
		next.byIndex[s.index] = s
		switch {
		case s.ghost != nil:
			next.ghosts++
		case s.resident == nil:
			next.clients++
			if !s.isAgent() {
				next.people++
			}
		}
		if s.door != nil {
			next.doors++
		}
		if s.hidden {
			next.hidden++
		}
	}
	before := in.live.Swap(next)
	in.g.metrics.participants.WithLabelValues(in.world).Add(float64(next.here() - before.here()))
}
