package presence

import (
	"time"

	"earshot"
	"earshot/presence/interest"
)

// outside is who is only seen in a Space, from beyond a border of its world. They
// have a grid of their own, for in a crowd those who are here come first: of the
// places in a set, theirs are the ones that are left.
type outside struct {
	grid  interest.Grid
	count int
	laid  bool // the grid has somebody
}

func (o *outside) leave(p *participant) {
	if p.outside {
		o.count--
	}
}

// Visit is Join for somebody who is only seen from here: they look at nobody, and
// are in somebody's interest set only where those who are here leave room.
func (s *Space) Visit(id earshot.ParticipantID, at earshot.Pose, now time.Time) (index uint16, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.join(id, at, now)
	if err != nil {
		return 0, err
	}
	p.outside = true
	s.outside.count++
	return p.index, nil
}

// lookOut adds to the hits of p those outside for whom there is room, and takes
// out of its set those for whom there is none any more.
func (s *Space) lookOut(p *participant) {
	c := &s.scratch
	room := max(0, s.cfg.MaxNear-len(c.hits))
	for seen := s.outsiders(p); seen > room; seen-- {
		far := -1
		for i := range p.set.Members {
			if s.byIndex[p.set.Members[i].ID].outside && (far < 0 || p.set.Members[i].Distance > p.set.Members[far].Distance) {
				far = i
			}
		}
		id := p.set.Members[far].ID
		c.leave = append(c.leave, id)
		p.set.Remove(id)
	}
	q := &p.outer
	q.X, q.Y, q.Z, q.Self, q.Exclude = p.query.X, p.query.Y, p.query.Z, p.query.Self, p.query.Exclude
	q.Radius, q.K = p.query.Radius, room
	c.hits = s.outside.grid.Nearest(q, c.hits)
}

// outsiders returns how many of the set of p are outside.
func (s *Space) outsiders(p *participant) (n int) {
	for i := range p.set.Members {
		if s.byIndex[p.set.Members[i].ID].outside {
			n++
		}
	}
	return n
}
