package gateway

import (
	"sync"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/cluster"
	"earshot/presence/placement"
)

// crossingLeast is how long the first connection of somebody goes on at least who
// has gone over: until their client has heard so by the other.
const crossingLeast = time.Second

// crossings are handoffs between two instances of a node that shares no store:
// what cluster.Node does for nodes that do, where everything is in one memory. A
// key is good for one connection of one participant within AttachWithin; whoever
// has gone over keeps the first connection until the others have, or for Linger,
// and what is ordered about them holds on both.
type crossings struct {
	g      *Gateway
	timing *cluster.Config

	// mu guards what follows. It is held across no call but for reading rosters.
	mu     sync.Mutex
	under  map[cluster.Key]*crossing
	linger map[*session]lingerer
}

// crossing is one that has not come to its end.
type crossing struct {
	from *session
	to   *Instance
	over *session // once its client has connected
	used bool
	ends time.Time
}

// lingerer is how long a first connection may go on.
type lingerer struct{ least, until time.Time }

func newCrossings(g *Gateway) *crossings {
	return &crossings{
		g: g, timing: &g.cfg.Fleet.Timing,
		under: make(map[cluster.Key]*crossing), linger: make(map[*session]lingerer),
	}
}

// offer asks the client of s to open a second connection, to another instance.
// The *earshot.Error is permission_denied where somebody is there whom s blocked
// or who blocked s, unless they have come from the same place; and unavailable or
// resource_exhausted where nobody else can go there.
func (c *crossings) offer(s *session, into earshot.InstanceID) error {
	to, now := c.g.instanceHere(into), time.Now()
	switch {
	case to == nil || to.retired.Load() || to.review.into.Load() != nil:
		return earshot.Errorf(earshot.CodeUnavailable, "instance %s does not take anybody", into)
	case to.full(s.participant):
		return to.fullError()
	case shunned(s, to, func(other *session) bool { return s.in.live.Load().byID[other.participant] != nil }):
		return earshot.Errorf(earshot.CodePermissionDenied, "somebody is in instance %s whom they blocked, or who blocked them", into)
	}
	m := c.g.manager
	within := c.timing.AttachWithin
	m.mu.Lock()
	key := m.key(s.participant, now)
	m.seats.keep(key, into, []earshot.ParticipantID{s.participant}, now.Add(within))
	m.mu.Unlock()
	c.mu.Lock()
	c.under[key] = &crossing{from: s, to: to, ends: now.Add(within)}
	c.mu.Unlock()
	s.send(&protocol.Invite{Instance: into, Handoff: handoffText(key), WithinMS: int(within.Milliseconds())})
	return nil
}

// redeem implements handoffs.
func (c *crossings) redeem(who earshot.ParticipantID, handoff string) (cluster.Key, earshot.InstanceID, error) {
	key, ok := handoffKey(who, handoff)
	c.mu.Lock()
	defer c.mu.Unlock()
	if x := c.under[key]; ok && x != nil && !x.used {
		x.used = true
		return key, x.to.id, nil
	}
	return key, "", handoffOver()
}

// connected implements handoffs.
func (c *crossings) connected(key cluster.Key, s *session) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.under[key]
	if x == nil {
		return false
	}
	x.over = s
	return true
}

// CallOff implements handoffs.
func (c *crossings) CallOff(key cluster.Key) {
	if x := c.take(key); x != nil {
		c.came(key, x, placement.Stays)
	}
}

func (c *crossings) take(key cluster.Key) *crossing {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.under[key]
	delete(c.under, key)
	return x
}

// came says how a crossing has ended.
func (c *crossings) came(key cluster.Key, x *crossing, o placement.Outcome) {
	m := c.g.manager
	m.mu.Lock()
	m.seats.cancel(key)
	m.mu.Unlock()
	c.g.reviewer.answered(x.from.participant, o, time.Now())
}

// dismiss implements handoffs.
func (c *crossings) dismiss(s *session) { c.CallOff(s.seat) }

// arrive implements handoffs: whoever has connected is in, and lingers where they
// were.
func (c *crossings) arrive(s *session) {
	x := c.take(s.seat)
	if x == nil || x.from.ending.Load() || x.from.in.live.Load().byID[s.participant] != x.from {
		turnAway(s)
		if x != nil {
			c.came(s.seat, x, placement.Stays)
		}
		return
	}
	old := x.from
	s.leads.Store(old)
	defer s.leads.Store(nil)
	s.back = old.taking()
	s.takeOver()
	if err := s.in.enter(s, time.Now()); err != nil {
		c.came(s.seat, x, outcomeOf(earshot.CodeOf(err)))
		turnAway(s)
		return
	}
	now := time.Now()
	c.mu.Lock()
	c.linger[old] = lingerer{now.Add(crossingLeast), now.Add(c.timing.Linger)}
	c.mu.Unlock()
	old.wentTo.Store(&side{instance: s.in.id})
	s.cameFrom.Store(&origin{side{instance: old.in.id}, now.Add(c.timing.Linger)})
	s.withhold()
	s.entered.Store(true)
	s.arriving.Store(false)
	c.g.replaceElsewhere(s)
	c.g.manager.arrived(s, true)
	s.OnControlOpen()
	s.goOn()
	old.in.handOver(old) // who has gone, too, hears them here by now
	c.came(s.seat, x, placement.Went)
	if s.ending.Load() { // it has gone meanwhile, maybe before it was a member
		s.in.remove(s, protocol.ReasonLeft)
	}
}

// taking is what goes along with s.
func (s *session) taking() *back {
	pose, _ := s.in.space.Pose(s.participant)
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	b := &back{at: pose, state: state{Name: s.called(), Kind: s.claims.Kind, Yaw: pose.Yaw, Muted: s.muted}}
	s.carry(&b.state)
	return b
}

// tick ends what has run out.
func (c *crossings) tick(now time.Time) {
	type ended struct {
		key cluster.Key
		x   *crossing
	}
	var late []ended
	var done []*session
	c.mu.Lock()
	for key, x := range c.under {
		if !now.Before(x.ends) {
			late = append(late, ended{key, x})
			delete(c.under, key)
		}
	}
	for s, l := range c.linger {
		_, people := s.in.askable()
		if s.ending.Load() || !now.Before(l.until) || people == 0 && !now.Before(l.least) {
			done = append(done, s)
			delete(c.linger, s)
		}
	}
	c.mu.Unlock()
	for _, e := range late {
		c.came(e.key, e.x, placement.Stays)
		if e.x.over != nil {
			c.g.work.Go(func() { turnAway(e.x.over) })
		}
	}
	for _, s := range done {
		c.g.work.Go(func() {
			s.end(protocol.ReasonMoved, &protocol.Bye{
				Code: earshot.CodeUnavailable, Message: "you have gone over to another instance", Reconnect: true,
			})
		})
	}
}

// twins are the two connections of somebody who is on both sides of a crossing;
// none of who is not.
func (c *crossings) twins(id earshot.ParticipantID) (list []*session) {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	for s := range c.linger {
		if s.participant == id && !s.ending.Load() {
			list = append(list, s)
		}
	}
	c.mu.Unlock()
	if len(list) == 0 {
		return nil
	}
	for _, in := range c.g.running() {
		if s := in.live.Load().byID[id]; s != nil && s.resident == nil && in.world == list[0].in.world && !s.over.Load() {
			list = append(list, s)
		}
	}
	return list
}

// enforce puts on all connections of somebody what was ordered on one of them.
func (c *crossings) enforce(o cluster.Order, on bool) {
	for _, s := range c.twins(o.Of) {
		switch o.Kind {
		case cluster.Block:
			_ = s.in.block(s, o.Against, on)
		case cluster.Mute:
			s.in.mu.Lock()
			if s.moderated != on {
				s.moderated = on
				s.in.silence(s, "moderator")
			}
			s.in.mu.Unlock()
		case cluster.Ban:
			if on {
				s.in.mu.Lock()
				s.in.barred[o.Of] = o.Until.Time()
				s.in.mu.Unlock()
				s.end(protocol.ReasonKicked, &protocol.Bye{Code: earshot.CodePermissionDenied, Message: "a moderator removed you"})
			}
		}
	}
}

// inherit puts in force on s, before anything of it can be seen or heard, what was
// on the connection that it comes from. s.in.policy is held.
func (c *crossings) inherit(s *session) {
	old := s.leads.Load()
	if c == nil || old == nil {
		return
	}
	for _, other := range old.in.space.Blocks(s.participant) {
		_ = s.in.space.Block(s.participant, other, true) // beyond the limit of blocks, which both have
	}
	old.in.mu.Lock()
	sanctions, moderated := old.sanctions, old.moderated
	old.in.mu.Unlock()
	s.in.mu.Lock()
	s.sanctions = s.sanctions.and(sanctions)
	s.moderated = s.moderated || moderated
	s.in.mu.Unlock()
	if mic := s.microphone(); mic != nil && s.moderated {
		mic.SetMuted(true)
	}
}

var _ handoffs = (*crossings)(nil)

// handoffs is who brings people over: the fleet, or a node by itself.
type handoffs interface {
	// redeem uses a handoff up: which instance it leads to.
	redeem(who earshot.ParticipantID, handoff string) (cluster.Key, earshot.InstanceID, error)
	// connected says that the client of a handoff has begun to connect. It reports
	// false where its time has run out.
	connected(key cluster.Key, s *session) bool
	// CallOff ends a handoff whose client is gone.
	CallOff(key cluster.Key)
	// dismiss does so for one who had connected, arrive lets one in.
	dismiss(s *session)
	arrive(s *session)
}

func (g *Gateway) handoffs() handoffs {
	if g.fleet != nil {
		return g.fleet
	}
	return g.crossings
}

// leaves says that the session is over. Of one that is just being let in whoever
// does that says so.
func (g *Gateway) leaves(s *session) {
	switch {
	case !s.entered.Load() && !s.arriving.Load():
	case g.fleet != nil:
		g.fleet.leave(s)
	case s.arriving.Load():
		g.crossings.dismiss(s)
	}
}

// inherit puts in force on s what is known to be, from elsewhere, before anything
// of s can be seen or heard. in.policy is held.
func (g *Gateway) inherit(s *session, now time.Time) {
	if g.fleet != nil {
		g.fleet.recall(s.in, s, now)
	} else {
		g.crossings.inherit(s)
	}
}

// blocked tells of a block, or of its end, wherever else it has to hold.
func (g *Gateway) blocked(s *session, other earshot.ParticipantID, on bool) {
	if g.fleet != nil {
		g.fleet.blocked(s, other, on)
	} else {
		g.crossings.enforce(cluster.Order{Kind: cluster.Block, Of: s.participant, Against: other}, on)
	}
}
