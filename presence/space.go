package presence

import (
	"sync"
	"time"

	"earshot"
	"earshot/presence/interest"
	"earshot/presence/pose"
)

// indexRest is for how long a freed index stays unused, so that a pose still
// on its way is not drawn on somebody else.
const indexRest = 10 * time.Second

// Space is one instance: who is in it and where.
type Space struct {
	cfg Config

	// mu guards everything below.
	mu        sync.Mutex
	now       time.Time // the latest time any method was told
	ticked    time.Time // of the last Tick
	ticks     uint
	byID      map[earshot.ParticipantID]*participant
	byIndex   [MaxCapacity]*participant
	live      []*participant // in no order
	free      []freeIndex    // oldest first
	relations relations

	versions []uint32 // by index: of the participant's pose
	turn     uint64   // how often that changed, and one
	grid     interest.Grid
	outside  outside
	updater  *interest.Updater
	scratch  scratch
}

type freeIndex struct {
	index uint16
	since time.Time // zero: never used
}

// NewSpace returns an empty instance. The error is that of Config.Validate.
func NewSpace(cfg Config) (*Space, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Space{
		cfg:      cfg,
		byID:     make(map[earshot.ParticipantID]*participant),
		versions: make([]uint32, MaxCapacity),
		turn:     1,
		updater:  interest.NewUpdater(interest.DefaultRules(cfg.ViewRange, cfg.MaxNear), MaxCapacity),
	}
	for i := range MaxCapacity {
		s.free = append(s.free, freeIndex{index: uint16(i)})
	}
	return s, nil
}

// Join brings a participant in at a pose. They are neither seen nor sent
// anything before Ready, or Show for one who wants nothing: first they may say
// whom they block. The index names them in pose datagrams. The
// *earshot.Error is already_exists, or resource_exhausted where the instance
// is full or every free index still rests.
func (s *Space) Join(id earshot.ParticipantID, at earshot.Pose, now time.Time) (index uint16, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.join(id, at, now)
	if err != nil {
		return 0, err
	}
	return p.index, nil
}

// join is Join with mu held.
func (s *Space) join(id earshot.ParticipantID, at earshot.Pose, now time.Time) (*participant, error) {
	s.advance(now)
	if s.byID[id] != nil {
		return nil, earshot.Errorf(earshot.CodeAlreadyExists, "participant %s is in this instance already", id)
	}
	if len(s.live) >= s.cfg.Capacity || s.resting() {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "the instance is full (%d participants); try again later or another instance", len(s.live))
	}
	p := newParticipant(id, s.free[0].index, len(s.live), at, s.clock(now))
	s.free = s.free[1:]
	s.byID[id], s.byIndex[p.index] = p, p
	s.newest(p)
	s.live = append(s.live, p)
	for _, q := range s.live {
		if s.relations.blocked(id, q.id) {
			p.hide(q, true)
		}
	}
	return p, nil
}

// Leave takes a participant out of the instance and of everybody's set.
// Blocks and gains stay for their return. An unknown id is ignored.
func (s *Space) Leave(id earshot.ParticipantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[id]
	if p == nil {
		return
	}
	delete(s.byID, id)
	s.outside.leave(p)
	s.relations.leave(id)
	s.byIndex[p.index] = nil
	last := s.live[len(s.live)-1]
	s.live[p.at], last.at = last, p.at
	s.live = s.live[:len(s.live)-1]
	s.free = append(s.free, freeIndex{p.index, s.now})
	for _, q := range s.live {
		q.drop(p)
		q.hidden.Put(int32(p.index), false)
	}
}

// Ready says that from the next Tick on the participant may be seen and sent
// poses.
func (s *Space) Ready(id earshot.ParticipantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byID[id]; p != nil {
		p.ready, p.looks, p.shown = true, true, true
	}
}

// Attend says that from the next Tick on the participant may be seen and has
// an interest set, but is sent no poses: it is one the server itself moves.
func (s *Space) Attend(id earshot.ParticipantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byID[id]; p != nil {
		p.looks, p.shown = true, true
	}
}

// Show says that from the next Tick on the participant may be seen. It is for
// those who are never Ready.
func (s *Space) Show(id earshot.ParticipantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byID[id]; p != nil {
		p.shown = true
	}
}

// Watch is Ready for one who is never to be seen: they have an interest set, are
// sent poses and are within reach of words, and are in nobody else's set.
func (s *Space) Watch(id earshot.ParticipantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byID[id]; p != nil {
		p.ready, p.looks, p.aside = true, true, true
	}
}

// Isolate decides whether a participant and all others get nothing of each
// other, those who come later too. It holds once Isolate has returned, as a
// block does. An unknown id is ignored.
func (s *Space) Isolate(id earshot.ParticipantID, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[id]
	if p == nil || p.isolated == on {
		return
	}
	p.isolated = on
	if !on {
		return
	}
	for _, q := range s.live {
		if q != p {
			p.drop(q)
			q.drop(p)
		}
	}
}

// Pose returns where a participant is, false for one who is not here.
func (s *Space) Pose(id earshot.ParticipantID) (earshot.Pose, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[id]
	if p == nil {
		return earshot.Pose{}, false
	}
	return p.pose, true
}

// Move puts a participant that the server itself moves into a pose. An unknown
// id is ignored.
func (s *Space) Move(id earshot.ParticipantID, to earshot.Pose, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[id]
	if p == nil {
		return
	}
	s.advance(now)
	s.scratch.snapshot = pose.AppendSnapshot(s.scratch.snapshot[:0], &to)
	p.accept(s.scratch.snapshot, s.clock(s.now), false)
	s.newest(p)
}

// newest notes that p has another pose.
func (s *Space) newest(p *participant) {
	s.versions[p.index] = p.version
	s.turn++
}

// SetViewRange changes how far one sees others, in metres, from the next
// recomputation of each set on. The error is that of Config.Validate.
func (s *Space) SetViewRange(metres float64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg := s.cfg
	cfg.ViewRange = metres
	if err := cfg.Validate(); err != nil {
		return err
	}
	s.cfg = cfg
	s.updater = interest.NewUpdater(interest.DefaultRules(cfg.ViewRange, cfg.MaxNear), MaxCapacity)
	return nil
}

// Neighbour is somebody in an interest set, as an ear would care.
type Neighbour struct {
	ID         earshot.ParticipantID
	Index      uint16            // as of Join
	Distance   float32           // metres, head to head
	Head       earshot.Transform // in the world
	PersonalDB float64           // the listener's own volume for them
}

// Neighbours returns the head of a participant and, appended to dst, everybody
// in their interest set with the heads as they are now. Nobody blocked is in
// it. It is empty before Ready or Attend and the Tick after that. Where among is
// not nil, only those are wanted for whose index it is true.
func (s *Space) Neighbours(of earshot.ParticipantID, among []bool, dst []Neighbour) (ears earshot.Transform, out []Neighbour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[of]
	if p == nil {
		return earshot.Transform{Rotation: earshot.Identity}, dst
	}
	gains := s.relations.gains(of)
	for i := range p.set.Members {
		id := p.set.Members[i].ID
		if among != nil && (int(id) >= len(among) || !among[id]) {
			continue
		}
		q := s.byIndex[id]
		dst = append(dst, Neighbour{
			ID: q.id, Index: q.index, Head: q.head,
			Distance: q.head.Position.Distance(p.head.Position),
		})
		if len(gains) > 0 {
			dst[len(dst)-1].PersonalDB = gains[q.id]
		}
	}
	return p.head, dst
}

// Within appends to dst everybody whose root is at most radius metres from
// that of a participant: exact, as of now, without that participant, anybody
// blocked and anybody neither shown yet nor watching.
func (s *Space) Within(of earshot.ParticipantID, radius float64, dst []earshot.ParticipantID) []earshot.ParticipantID {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byID[of]
	if p == nil {
		return dst
	}
	for _, q := range s.live {
		if q != p && (q.shown || q.aside) && !q.isolated && !p.isolated && !p.hidden.Has(int32(q.index)) &&
			float64(q.pose.Root.Distance(p.pose.Root)) <= radius {
			dst = append(dst, q.id)
		}
	}
	return dst
}

// resting reports whether no index may be given out yet.
func (s *Space) resting() bool {
	return len(s.free) == 0 || !s.free[0].since.IsZero() && s.now.Sub(s.free[0].since) < indexRest
}

// advance keeps now from running backwards.
func (s *Space) advance(now time.Time) {
	if now.After(s.now) {
		s.now = now
	}
}

// clock returns the server clock in ms. On the wire it is cut to 32 bits.
func (s *Space) clock(now time.Time) int64 { return now.Sub(s.cfg.Epoch).Milliseconds() }
