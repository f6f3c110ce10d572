package presence

import (
	"time"

	"earshot"
	"earshot/presence/pose"
)

// Glance is somebody's pose as another node needs it.
type Glance struct {
	Index   uint16
	Version uint32 // counts poses that differ
	Age     uint8  // ms since it was captured; 255 means 255 or more
	len     int
	bytes   [pose.MaxSnapshot]byte
}

// Snapshot returns the pose, as pose.DecodeSnapshot reads it. It is good as long
// as the Glance.
func (g *Glance) Snapshot() []byte { return g.bytes[:g.len] }

// Glance fills in where a participant is now; it reports false for one who is
// not here.
func (s *Space) Glance(id earshot.ParticipantID, now time.Time, g *Glance) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[id]
	if p == nil {
		return false
	}
	g.Index, g.Version = p.index, p.version
	g.Age = uint8(min(max(s.clock(now)-p.current.capture, 0), 255))
	g.len = copy(g.bytes[:], p.current.payload())
	return true
}

// Echo moves a participant who is on another node, as that node says: to the pose
// of a snapshot that was captured age ms before sent, the other node's clock in
// ms. seq numbers the poses of this participant; one older than the last is
// dropped without error. The *earshot.Error is not_found or invalid_argument. It
// keeps nothing of the slice.
func (s *Space) Echo(id earshot.ParticipantID, seq uint16, sent uint32, age uint8, snapshot []byte, now time.Time) error {
	if !pose.ValidSnapshot(snapshot) {
		return earshot.Errorf(earshot.CodeInvalidArgument, "the pose of %s is no vr3 snapshot", id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.echo(id, seq, sent, age, snapshot, now)
}

// EchoRoot is Echo for one of whom only the root is known: they stand upright
// there.
func (s *Space) EchoRoot(id earshot.ParticipantID, seq uint16, sent uint32, age uint8, root []byte, now time.Time) error {
	standing, err := pose.DecodeRoot(root)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scratch.snapshot = pose.AppendSnapshot(s.scratch.snapshot[:0], &standing)
	return s.echo(id, seq, sent, age, s.scratch.snapshot, now)
}

// echo is Echo with mu held.
func (s *Space) echo(id earshot.ParticipantID, seq uint16, sent uint32, age uint8, snapshot []byte, now time.Time) error {
	p := s.byID[id]
	if p == nil {
		return earshot.Errorf(earshot.CodeNotFound, "participant %s is not in this instance", id)
	}
	s.advance(now)
	if _, ok := p.uplink.accepts(seq, now); !ok {
		return nil
	}
	capture := p.uplink.capture(seq, sent, s.clock(now), now) - int64(age)
	p.accept(snapshot, max(capture, p.current.capture), false)
	s.versions[p.index] = p.version
	return nil
}

// Blocks returns whom a participant blocks.
func (s *Space) Blocks(by earshot.ParticipantID) []earshot.ParticipantID {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.relations.of[by]
	if d == nil {
		return nil
	}
	list := make([]earshot.ParticipantID, 0, len(d.blocks))
	for id := range d.blocks {
		list = append(list, id)
	}
	return list
}
