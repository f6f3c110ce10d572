package gateway

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/presence/border"
	"earshot/presence/pose"
	"earshot/sfu/relay/wire"
)

// Borders between instances on different nodes. A node tells all others which of
// its instances have borders: its coasts. Whoever runs an instance that borders one
// shows its people there (farshore.go): names and blocks on the reliable stream,
// roots in datagrams, ten a second of each who moves. Here is what comes of it.

// maxVisits bounds how many instances of one other node border ours.
const maxVisits = 1024

// coasts are the instances of this node that have borders.
type coasts struct {
	version atomic.Uint64 // counts changes of what runs where, on other nodes

	mu   sync.Mutex
	ours map[uint16]*coast // by channel
	last uint16
}

type coast struct {
	in      *Instance
	channel uint16
	life    uint64
}

func (c *coast) message(over bool) *wire.Message {
	return &wire.Message{Coast: &wire.Coast{Channel: c.channel, Instance: c.in.id, Incarnation: c.life, Over: over}}
}

// peerCoasts is what passes between this node and another about borders.
type peerCoasts struct {
	// mu guards what follows. It is taken after those of borders and before those of
	// beyond.
	mu       sync.Mutex
	theirs   map[earshot.InstanceID]place
	visits   map[uint16]*visit // by their channel
	channels numbers           // of our far shores
	indices  numbers           // of our people on those
}

// visit is who of one instance there is near the border of one of ours.
type visit struct {
	at      *beyond
	border  *frontier
	byIndex map[uint16]*stranger
	index   map[earshot.ParticipantID]uint16

	motion   motion // scratch
	snapshot []byte // of motion
}

// numbers are given out so that one that is free again rests for long.
type numbers struct {
	used map[uint16]struct{}
	last uint16
}

// take returns a number above 0; false where there is none.
func (n *numbers) take() (uint16, bool) {
	if n.used == nil {
		n.used = make(map[uint16]struct{})
	}
	if len(n.used) > 1<<15 {
		return 0, false
	}
	for n.last++; ; n.last++ {
		if _, used := n.used[n.last]; !used && n.last != 0 {
			n.used[n.last] = struct{}{}
			return n.last, true
		}
	}
}

func (n *numbers) give(number uint16) { delete(n.used, number) }

// openCoast says to all other nodes that an instance runs here and has borders.
func (c *spans) openCoast(in *Instance) (end func()) {
	if c == nil || in.beyond == nil {
		return func() {}
	}
	cs := &c.coasts
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.ours == nil {
		cs.ours = make(map[uint16]*coast)
	}
	for cs.last++; cs.ours[cs.last] != nil; cs.last++ {
	}
	one := &coast{in: in, channel: cs.last, life: rand.Uint64()}
	cs.ours[one.channel] = one
	c.tellCoast(one, false)
	return func() {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		delete(cs.ours, one.channel)
		c.tellCoast(one, true)
	}
}

// tellCoast tells all peers of a coast. The mu of coasts is held, so that nothing
// overtakes it.
func (c *spans) tellCoast(one *coast, over bool) {
	c.mu.Lock()
	peers := c.peers()
	c.mu.Unlock()
	for _, p := range peers {
		p.link.Send(one.message(over))
	}
}

// tellCoasts tells a peer of all coasts.
func (c *spans) tellCoasts(p *peer) {
	c.coasts.mu.Lock()
	defer c.coasts.mu.Unlock()
	for _, one := range c.coasts.ours {
		p.link.Send(one.message(false))
	}
}

// coastsOf returns where on other nodes an instance is a coast, if that may have
// changed since a version. It may be called on nil.
func (c *spans) coastsOf(id earshot.InstanceID, since uint64) (version uint64, list []place) {
	if c == nil {
		return since, nil
	}
	if version = c.coasts.version.Load(); version == since {
		return version, nil
	}
	c.mu.Lock()
	peers := c.peers()
	c.mu.Unlock()
	for _, p := range peers {
		p.coasts.mu.Lock()
		if at, ok := p.coasts.theirs[id]; ok {
			list = append(list, at)
		}
		p.coasts.mu.Unlock()
	}
	return version, list
}

// onCoast takes down that an instance with borders runs on another node.
func (c *spans) onCoast(p *peer, m *wire.Coast) {
	defer c.coasts.version.Add(1)
	p.coasts.mu.Lock()
	defer p.coasts.mu.Unlock()
	at := place{peer: p, to: m.Channel, life: m.Incarnation}
	switch {
	case m.Over && p.coasts.theirs[m.Instance] == at:
		delete(p.coasts.theirs, m.Instance)
	case m.Over || len(p.coasts.theirs) >= maxVisits && p.coasts.theirs[m.Instance] == place{}:
	default:
		if p.coasts.theirs == nil {
			p.coasts.theirs = make(map[earshot.InstanceID]place)
		}
		p.coasts.theirs[m.Instance] = at
	}
}

// endCoasts takes out whoever was seen of another node: there is no link to it any
// more.
func (c *spans) endCoasts(p *peer) {
	p.coasts.mu.Lock()
	for channel, v := range p.coasts.visits {
		v.end()
		delete(p.coasts.visits, channel)
	}
	clear(p.coasts.theirs)
	p.coasts.mu.Unlock()
	c.coasts.version.Add(1)
}

// onVisitors shows people of another node.
func (c *spans) onVisitors(p *peer, m *wire.Visitors, now time.Time) {
	c.coasts.mu.Lock()
	one := c.coasts.ours[m.To]
	c.coasts.mu.Unlock()
	if one == nil {
		return // it has just ended
	}
	f := one.in.borders.to(worldOf(m.Instance))
	if f == nil || f.twin != m.Instance {
		c.log.Warn("a node shows people of an instance that borders none here: are the worlds the same on all nodes?", "peer", p.link.Peer(), "instance", m.Instance)
		return
	}
	pc := &p.coasts
	pc.mu.Lock()
	defer pc.mu.Unlock()
	v := pc.visits[m.Channel]
	if v != nil && (v.at != one.in.beyond || v.border != f) {
		v.end()
		v = nil
	}
	if v == nil {
		if pc.visits == nil {
			pc.visits = make(map[uint16]*visit)
		}
		if len(pc.visits) >= maxVisits {
			return
		}
		v = &visit{at: one.in.beyond, border: f, byIndex: make(map[uint16]*stranger), index: make(map[earshot.ParticipantID]uint16)}
		pc.visits[m.Channel] = v
	}
	for i := range m.People {
		v.add(&m.People[i], now)
	}
}

// add takes in one of them.
func (v *visit) add(p *wire.Visitor, now time.Time) {
	if old := v.byIndex[p.Index]; old != nil {
		v.drop(old.id)
	}
	v.drop(p.ID)
	if len(v.byIndex) >= maxBeyond {
		return
	}
	one := v.at.stranger(p.ID, p.Name, p.Kind, v.border.world, p.Blocks)
	v.byIndex[p.Index], v.index[p.ID] = one, p.Index
	if v.place(p.Root) {
		v.motion.snapshot = nil
		one.move(&v.motion, now)
	}
}

func (v *visit) drop(id earshot.ParticipantID) {
	if index, ok := v.index[id]; ok {
		v.byIndex[index].leave()
		delete(v.byIndex, index)
		delete(v.index, id)
	}
}

func (v *visit) end() {
	for id := range v.index {
		v.drop(id)
	}
}

// place makes motion of what came, false for what is no place near the border.
func (v *visit) place(payload []byte) bool {
	if len(payload) != wire.VisitorBytes {
		return false
	}
	at, err := pose.DecodeRoot(payload[:pose.RootBytes])
	if err != nil {
		return false
	}
	v.motion = motion{pose: v.border.back.Across(at.Root, at.Yaw), talks: payload[pose.RootBytes]&wire.VisitorTalks != 0}
	return v.border.geometry.Within(v.motion.pose.Root, 2*border.Slack)
}

// onVisitor moves one of them. Nothing allocates.
func (p *peer) onVisitor(m *wire.Pose, clock uint32, now time.Time) {
	pc := &p.coasts
	pc.mu.Lock()
	defer pc.mu.Unlock()
	v := pc.visits[m.Channel]
	if v == nil || v.byIndex[m.Index] == nil {
		return
	}
	if !v.place(m.Payload) {
		v.byIndex[m.Index].leave()
		return
	}
	v.snapshot = pose.AppendSnapshot(v.snapshot[:0], &v.motion.pose)
	v.motion.snapshot, v.motion.seq, v.motion.clock, v.motion.age = v.snapshot, m.Seq, clock, m.Age
	v.byIndex[m.Index].move(&v.motion, now)
}

func (p *peer) onGone(m *wire.Gone) {
	pc := &p.coasts
	pc.mu.Lock()
	defer pc.mu.Unlock()
	v := pc.visits[m.Channel]
	if v == nil {
		return
	}
	for _, id := range m.People {
		v.drop(id)
	}
	if m.All {
		v.end()
		delete(pc.visits, m.Channel)
	}
}

func (p *peer) onShun(m *wire.Shun) {
	pc := &p.coasts
	pc.mu.Lock()
	defer pc.mu.Unlock()
	if v := pc.visits[m.Channel]; v != nil {
		if index, ok := v.index[m.By]; ok {
			v.byIndex[index].block(m.Other, m.On)
		}
	}
}
