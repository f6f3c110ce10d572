package gateway

import (
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/presence/border"
)

// borderEvery is every how many ticks those near a border are looked at: ten
// times a second.
const borderEvery = tickRate / 10

// borders are the borders of an instance, as its people are seen across them: the
// other direction is beyond. Each node shows its own people, to every instance
// that its own borders and wherever those run. It is nil where there are none.
//
// mu is taken after policy and mu of the instance, and held across calls into
// other instances' beyond and while messages are queued.
type borders struct {
	in   *Instance
	list []*frontier

	mu     sync.Mutex
	people []afoot // scratch of tick
	closed bool
}

// frontier is one border of an instance.
type frontier struct {
	geometry border.Border // from here to there
	back     border.Border // from there to here
	world    string        // beyond it
	twin     earshot.InstanceID

	// The mu of borders guards what follows.
	strands map[place]*strand
	coasts  uint64                             // what version of where the twin runs strands are for
	shown   map[earshot.ParticipantID]struct{} // on the strands
	nearest []border.Candidate                 // scratch
}

// place is where a twin runs.
type place struct {
	here *beyond // on this node, or
	peer *peer   // on another, as
	to   uint16  // a coast of its
	life uint64  // that has run since then
}

// strand shows an instance's people in one instance on the other side.
type strand struct {
	shore shore
	told  map[earshot.ParticipantID]*outward
	round uint
}

// shore is where they are shown. The mu of borders is held.
type shore interface {
	// arrive and move show somebody where they are now.
	arrive(o *outward, now time.Time)
	move(o *outward, now time.Time)
	// gone takes somebody out. When it returns, nothing of them leaves any more.
	gone(o *outward)
	// block says that they block somebody, or no more.
	block(o *outward, other earshot.ParticipantID, on bool)
	// flush says what was gathered.
	flush()
	// end says that there will be no more. Everybody is gone before.
	end()
}

// outward is one of our people, as shown on a strand.
type outward struct {
	session *session
	name    *string
	pose    earshot.Pose // on this side
	talks   bool
	round   uint // in which they were to be shown last

	stranger *stranger // on this node
	distant            // on another
}

// afoot is somebody who may be near a border.
type afoot struct {
	session *session
	pose    earshot.Pose
	talks   bool
}

// newBorders returns both directions of the borders of an instance, nil where it
// has none.
func newBorders(in *Instance, w *WorldConfig) (*borders, *beyond, error) {
	if len(w.Borders) == 0 || twin(in.id, in.world) == "" {
		return nil, nil, nil
	}
	bs := &borders{in: in}
	for i := range w.Borders {
		c := &w.Borders[i]
		back := c.reversed(in.world)
		f := &frontier{
			world: c.To, twin: twin(in.id, c.To), strands: make(map[place]*strand), shown: make(map[earshot.ParticipantID]struct{}),
		}
		var err error
		if f.geometry, err = c.build(); err != nil {
			return nil, nil, err
		}
		if f.back, err = back.build(); err != nil {
			return nil, nil, err
		}
		bs.list = append(bs.list, f)
	}
	return bs, newBeyond(in, w.visitors()), nil
}

// to returns the border with a world, nil for none. It may be called on nil.
func (bs *borders) to(world string) *frontier {
	if bs == nil {
		return nil
	}
	for _, f := range bs.list {
		if f.world == world {
			return f
		}
	}
	return nil
}

// visits reports whether s may be seen across a border at all: people and NPCs of
// this node are, streams and those who stand in for others are not. Nor is anybody
// behind a sealed wall, who is located for nobody outside their world.
func (s *session) visits() bool {
	return s.ghost == nil && s.stream == nil && !s.hidden && !s.ending.Load() && (s.resident == nil || s.resident.role.owner == "")
}

// tick brings what is seen of our people beyond the borders up to date. Only the
// goroutine of the instance's ticks calls it. In the steady state nothing
// allocates.
func (bs *borders) tick(live *roster, now time.Time) {
	if bs == nil {
		return
	}
	in := bs.in
	for _, f := range bs.list {
		f.settle(bs)
	}
	bs.mu.Lock()
	defer bs.mu.Unlock()
	zones, busy := in.zones.Load(), live.clients+live.ghosts > 0 // else nobody has looked who talks
	bs.people = bs.people[:0]
	for _, s := range live.all {
		if !s.visits() || zones.Sealed(s.within()) {
			continue
		}
		if pose, ok := in.space.Sight(s.participant); ok {
			bs.people = append(bs.people, afoot{s, pose, busy && s.voice.talking})
		}
	}
	for _, f := range bs.list {
		if len(f.strands) > 0 {
			f.show(bs.people, now)
		}
	}
}

// show shows those who are near on all strands, and takes out those who are not.
// The mu of borders is held.
func (f *frontier) show(people []afoot, now time.Time) {
	f.nearest = f.nearest[:0]
	for i := range people {
		_, was := f.shown[people[i].session.participant]
		f.nearest = append(f.nearest, border.Candidate{Ref: i, Root: people[i].pose.Root, Was: was})
	}
	chosen := f.geometry.Choose(f.nearest, maxBeyond)
	clear(f.shown)
	for i := range chosen {
		f.shown[people[chosen[i].Ref].session.participant] = struct{}{}
	}
	for _, st := range f.strands {
		st.round++
		for i := range chosen {
			st.show(&people[chosen[i].Ref], now)
		}
		for id, o := range st.told {
			if o.round != st.round {
				st.forget(id, o)
			}
		}
		st.shore.flush()
	}
}

// show shows one who is near.
func (st *strand) show(p *afoot, now time.Time) {
	s := p.session
	o := st.told[s.participant]
	if o != nil && (o.session != s || o.name != s.name.Load()) {
		st.forget(s.participant, o)
		o = nil
	}
	if o != nil {
		o.pose, o.talks, o.round = p.pose, p.talks, st.round
		st.shore.move(o, now)
		return
	}
	o = &outward{session: s, name: s.name.Load(), pose: p.pose, talks: p.talks, round: st.round}
	st.told[s.participant] = o
	st.shore.arrive(o, now)
}

func (st *strand) forget(id earshot.ParticipantID, o *outward) {
	delete(st.told, id)
	st.shore.gone(o)
}

// end takes everybody out.
func (st *strand) end() {
	for id, o := range st.told {
		st.forget(id, o)
	}
	st.shore.flush()
	st.shore.end()
}

// withdraw takes somebody out everywhere, at once: they left, or nobody may see
// them any more. When it returns nothing of them leaves.
func (bs *borders) withdraw(s *session) {
	if bs == nil {
		return
	}
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for _, f := range bs.list {
		for _, st := range f.strands {
			if o := st.told[s.participant]; o != nil && o.session == s {
				st.forget(s.participant, o)
				st.shore.flush()
			}
		}
	}
}

// block makes a block of one of ours hold wherever they are seen: on this node
// when it returns, on others before anything more of them leaves for there.
func (bs *borders) block(by *session, other earshot.ParticipantID, on bool) {
	if bs == nil || by.ghost != nil {
		return
	}
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for _, f := range bs.list {
		for _, st := range f.strands {
			if o := st.told[by.participant]; o != nil {
				st.shore.block(o, other, on)
			}
		}
	}
}

// close takes all our people out: the instance has ended.
func (bs *borders) close() {
	if bs == nil {
		return
	}
	bs.mu.Lock()
	defer bs.mu.Unlock()
	bs.closed = true
	for _, f := range bs.list {
		for at, st := range f.strands {
			st.end()
			delete(f.strands, at)
		}
	}
}

// settle begins and ends strands as the twin begins and ceases to run somewhere.
func (f *frontier) settle(bs *borders) {
	g := bs.in.g
	here := g.beyond(f.twin)
	version, there := g.cluster.coastsOf(f.twin, f.coasts)
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if bs.closed {
		return
	}
	for at, st := range f.strands {
		if at.here != nil && at.here != here || at.peer != nil && version != f.coasts && !slices.Contains(there, at) {
			st.end()
			delete(f.strands, at)
		}
	}
	if here != nil && f.strands[place{here: here}] == nil {
		f.begin(place{here: here}, &nearShore{bs: bs, f: f, at: here})
	}
	if version == f.coasts {
		return
	}
	f.coasts = version
	for _, at := range there {
		if f.strands[at] == nil {
			f.begin(at, newFarShore(bs, at))
		}
	}
}

func (f *frontier) begin(at place, on shore) {
	f.strands[at] = &strand{shore: on, told: make(map[earshot.ParticipantID]*outward)}
}

// beyond returns where strangers are seen in an instance of this node are, nil where it does
// not run, has no borders, or has nobody who could see them.
func (g *Gateway) beyond(id earshot.InstanceID) *beyond {
	g.mu.Lock()
	in := g.instances[id]
	g.mu.Unlock()
	if in == nil || in.retired.Load() || in.live.Load().clients == 0 {
		return nil
	}
	return in.beyond
}

// nearShore is an instance of this node.
type nearShore struct {
	bs *borders
	f  *frontier
	at *beyond

	motion motion // scratch
}

var _ shore = (*nearShore)(nil)

func (n *nearShore) arrive(o *outward, now time.Time) {
	s := o.session
	o.stranger = n.at.stranger(s.participant, *o.name, s.claims.Kind, n.bs.in.world, n.bs.in.space.Blocks(s.participant))
	n.move(o, now)
}

// move implements shore. Nothing allocates.
func (n *nearShore) move(o *outward, now time.Time) {
	n.motion.pose, n.motion.talks = n.f.geometry.Across(o.pose.Root, o.pose.Yaw), o.talks
	o.stranger.move(&n.motion, now)
}

func (n *nearShore) gone(o *outward) { o.stranger.leave() }

func (n *nearShore) block(o *outward, other earshot.ParticipantID, on bool) {
	o.stranger.block(other, on)
}

func (n *nearShore) flush() {}

func (n *nearShore) end() {}
