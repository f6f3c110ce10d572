package gateway

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence"
	"earshot/spatialaudio/zone"
)

// How often somebody may appear from beyond the borders of an instance, a second
// and at once: an index that becomes free rests for ten seconds.
const (
	appearPerSecond = 50
	appearBurst     = 2 * maxBeyond
)

// beyond is who of an instance's neighbours is seen in it: a stranger has a place
// in its Space, and so is in interest sets and pose datagrams, under blocks and
// isolations, but is no member: nothing is ever sent to it, heard of it or done
// to it. It is nil where the world has no borders.
//
// mu is taken after policy and mu of any instance and after those of links, and
// held across calls into the Space and while messages are queued.
type beyond struct {
	in   *Instance
	room int // strangers at once

	mu      sync.Mutex
	byID    map[earshot.ParticipantID]*stranger
	appears protocol.Limiter
	live    atomic.Pointer[strangers] // copy of byID for the tick; rebuilt under mu
}

// strangers is a snapshot, by index in the Space.
type strangers map[uint16]*stranger

// stranger is somebody near the other side of a border.
type stranger struct {
	at    *beyond
	id    earshot.ParticipantID
	name  string
	kind  string
	world string // where they are

	talks atomic.Bool
	spot  zone.Spot // only the tick touches it

	// mu of at guards what follows.
	seen   bool   // they have a place in the Space
	index  uint16 // there
	blocks map[earshot.ParticipantID]bool
	// blocks are theirs; true: known here by their word as a stranger alone
}

func newBeyond(in *Instance, room int) *beyond {
	b := &beyond{
		in: in, room: room, byID: make(map[earshot.ParticipantID]*stranger),
		appears: protocol.NewLimiter(appearPerSecond, appearBurst),
	}
	b.live.Store(&strangers{})
	return b
}

// stranger returns one who is not seen yet.
func (b *beyond) stranger(id earshot.ParticipantID, name, kind, world string, blocks []earshot.ParticipantID) *stranger {
	v := &stranger{at: b, id: id, name: name, kind: kind, world: world, blocks: make(map[earshot.ParticipantID]bool)}
	for _, other := range blocks {
		if other != id {
			v.blocks[other] = false
		}
	}
	return v
}

// close takes all out and lets nobody in any more: the instance has ended.
func (b *beyond) close() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.room = 0
	for _, v := range b.byID {
		v.vanish()
	}
}

// stand gives a newcomer a place in the Space: a stranger of that id, who is the
// same person on their way here, gives way.
func (in *Instance) stand(id earshot.ParticipantID, at earshot.Pose, now time.Time) (index uint16, err error) {
	if b := in.beyond; b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		if v := b.byID[id]; v != nil {
			v.vanish()
		}
	}
	return in.space.Join(id, at, now)
}

// motion is where a stranger is by now, in the coordinates of where they are seen.
type motion struct {
	pose  earshot.Pose
	talks bool

	// Of one who is on another node: see presence.Space.Echo. nil: of this one.
	snapshot []byte
	seq      uint16
	clock    uint32
	age      uint8
}

// move puts a stranger where they are, and shows them where they are not seen yet.
// One who is a member here themselves is not, nor one too many. It allocates
// nothing for one who is seen.
func (v *stranger) move(m *motion, now time.Time) {
	v.at.mu.Lock()
	defer v.at.mu.Unlock()
	v.talks.Store(m.talks)
	switch {
	case !v.seen && !v.appear(m.pose, now):
	case m.snapshot == nil:
		v.at.in.space.Move(v.id, m.pose, now)
	default: // one that is older than the last is dropped
		_ = v.at.in.space.Echo(v.id, m.seq, m.clock, m.age, m.snapshot, now)
	}
}

// appear shows a stranger to those who may see them. at.mu is held.
func (v *stranger) appear(at earshot.Pose, now time.Time) bool {
	b, space := v.at, v.at.in.space
	if len(b.byID) >= b.room || b.byID[v.id] != nil || b.in.live.Load().byID[v.id] != nil || !b.appears.Allow(now) {
		return false
	}
	index, err := space.Visit(v.id, at, now)
	if err != nil {
		return false
	}
	v.seen, v.index = true, index
	b.byID[v.id] = v
	for other := range v.blocks {
		if !v.shun(other) {
			v.vanish() // rather than be seen by whom they block
			return false
		}
	}
	b.rebuild()
	b.in.g.names.learn(v.id, v.name)
	v.tell(&protocol.Joined{Participants: []protocol.Participant{v.describe()}})
	space.Show(v.id)
	return true
}

// leave takes a stranger out.
func (v *stranger) leave() {
	v.at.mu.Lock()
	defer v.at.mu.Unlock()
	v.vanish()
}

// vanish is leave with at.mu held.
func (v *stranger) vanish() {
	if !v.seen {
		return
	}
	b, space := v.at, v.at.in.space
	v.seen = false
	delete(b.byID, v.id)
	space.Leave(v.id)
	b.rebuild()
	v.tell(&protocol.Left{Participant: v.id, Reason: protocol.ReasonBeyond})
	for other, ours := range v.blocks {
		if ours {
			_ = space.Block(v.id, other, false)
			v.blocks[other] = false
		}
	}
}

// shun makes a block of theirs hold, and reports whether it does. at.mu is held.
func (v *stranger) shun(other earshot.ParticipantID) bool {
	space := v.at.in.space
	if space.Shuns(v.id, other) {
		return true
	}
	if space.Block(v.id, other, true) != nil {
		return false
	}
	v.blocks[other] = true
	return true
}

// block takes down that they block somebody where they are, or no more. It holds
// when it returns.
func (v *stranger) block(other earshot.ParticipantID, on bool) {
	v.at.mu.Lock()
	defer v.at.mu.Unlock()
	switch _, known := v.blocks[other]; {
	case other == v.id:
		return
	case on && !known:
		v.blocks[other] = false
	case !on:
		delete(v.blocks, other)
	}
	if !v.seen {
		return
	}
	if on && !v.shun(other) {
		v.vanish()
		return
	}
	if !on {
		_ = v.at.in.space.Block(v.id, other, false)
	}
	if s := v.at.in.live.Load().byID[other]; s != nil {
		v.turn(s, on)
	}
}

// turn tells a member that a stranger is there no more, or there again, because
// one of the two blocked the other, or does no more. at.mu is held.
func (v *stranger) turn(s *session, blocked bool) {
	switch {
	case !s.seesBeyond():
	case blocked:
		s.send(&protocol.Left{Participant: v.id, Reason: protocol.ReasonBeyond})
	case !v.at.in.space.Blocked(v.id, s.participant):
		s.send(&protocol.Joined{Participants: []protocol.Participant{v.describe()}})
	}
}

// blocked tells s what it means to it that it blocks somebody, or no more. The
// Space has it already.
func (b *beyond) blocked(s *session, other earshot.ParticipantID, on bool) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if v := b.byID[other]; v != nil {
		v.turn(s, on)
	}
}

// show tells s, which has just said that it is ready, who is seen from here.
func (b *beyond) show(s *session) {
	if b == nil || !s.seesBeyond() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	page := make([]protocol.Participant, 0, min(len(b.byID), protocol.JoinedPage))
	for _, v := range b.byID {
		if b.in.space.Blocked(v.id, s.participant) {
			continue
		}
		if page = append(page, v.describe()); len(page) == protocol.JoinedPage {
			s.send(&protocol.Joined{Participants: page})
			page = page[:0]
		}
	}
	if len(page) > 0 {
		s.send(&protocol.Joined{Participants: page})
	}
}

// tell sends a message about a stranger to everybody who may know of them. at.mu is
// held.
func (v *stranger) tell(msg protocol.ServerMessage) {
	data := protocol.Encode(msg)
	in := v.at.in
	for _, s := range in.live.Load().all {
		if s.seesBeyond() && s.participant != v.id && !in.space.Blocked(v.id, s.participant) {
			s.sendBytes(data)
		}
	}
}

// seesBeyond reports whether s is told who is seen beyond the borders: clients of
// our own protocol are, once they are ready and so have said whom they block.
func (s *session) seesBeyond() bool {
	return s.ready.Load() && s.resident == nil && s.ghost == nil && s.stream == nil && s.door == nil
}

func (v *stranger) describe() protocol.Participant {
	return protocol.Participant{ID: v.id, Index: v.index, Name: v.name, Kind: v.kind, Beyond: v.world}
}

// rebuild makes live match byID. mu is held.
func (b *beyond) rebuild() {
	next := make(strangers, len(b.byID))
	for _, v := range b.byID {
		next[v.index] = v
	}
	before := b.live.Swap(&next)
	b.in.g.metrics.beyond.WithLabelValues(b.in.world).Add(float64(len(next) - len(*before)))
}

// locate notes in which zones strangers stand. Only the tick calls it.
func (b *beyond) locate(zones *zone.Set) {
	if b == nil {
		return
	}
	for _, v := range *b.live.Load() {
		if head, here := b.in.space.Head(v.id); here {
			zones.Locate(head.Position, &v.spot)
		}
	}
}

// voiced adds to a list of those who are worth looking at, by index, the strangers
// who talk. Only the tick calls it.
func (b *beyond) voiced(list []bool) []bool {
	if b == nil {
		return list
	}
	for index, v := range *b.live.Load() {
		if !v.talks.Load() {
			continue
		}
		for int(index) >= len(list) {
			list = append(list, false)
		}
		list[index] = true
	}
	return list
}

// talking adds to ids the strangers near s who talk, but for those whom a sealed
// wall keeps from it. Only the tick calls it.
func (b *beyond) talking(near []presence.Neighbour, s *session, zones *zone.Set, ids []earshot.ParticipantID) []earshot.ParticipantID {
	if b == nil || s.door != nil {
		return ids
	}
	live := *b.live.Load()
	if len(live) == 0 {
		return ids
	}
	for i := range near {
		v := live[near[i].Index]
		if v != nil && v.id == near[i].ID && v.talks.Load() && zones.Reaches(v.spot.In, s.spot.In) {
			ids = append(ids, v.id)
		}
	}
	return ids
}
