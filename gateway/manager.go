package gateway

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/placement"
	"earshot/presence/store"
)

// manager says in which public instance of a world somebody goes who does not
// name one, on this node or on another of those that share a store with it: it
// tells a placement.Planner what there is, asks it, and does what it says. What
// it knows may be half a second old; whoever lets people in has the last word.
type manager struct {
	g    *Gateway
	cfg  InstancesConfig
	node earshot.NodeID // as the planner knows this one, and in keys made here
	load *loadMeter
	// store is what nodes share; nil: this one is alone.
	store store.Store

	// mu guards what follows. It is not held across a call into the store.
	mu      sync.Mutex
	planner *placement.Planner
	clock   cluster.Clock
	fed     map[earshot.InstanceID]string // what the planner knows, and of which world
	nodes   map[earshot.NodeID]bool
	seats   seats
	parties parties

	made map[earshot.InstanceID]cluster.InstanceRecord // those of this node that somebody made

	reservations map[earshot.ParticipantID]*reservation // the last that each made here
}

func newManager(g *Gateway, cfg InstancesConfig) (*manager, error) {
	planner, err := placement.New(cfg.Placement)
	if err != nil {
		return nil, err
	}
	return &manager{
		g: g, cfg: cfg, node: earshot.NewNodeID(), load: newLoadMeter(g), planner: planner,
		fed: make(map[earshot.InstanceID]string), nodes: make(map[earshot.NodeID]bool), parties: parties{},

		made: make(map[earshot.InstanceID]cluster.InstanceRecord),

		reservations: make(map[earshot.ParticipantID]*reservation),
	}, nil
}

// spread reports whether a world's instances are on all nodes that share the
// store, each on one of them.
func (m *manager) spread(world string) bool {
	return m.g.fleet != nil && !m.g.cfg.Cluster.spans(world)
}

// place returns the instance of their world where the bearer of claims goes,
// unless they name one: where they are already, then where the planner says,
// then what there is. The error is misdirected where that is on another node.
func (g *Gateway) place(claims *Claims, asked *asking) (pass, error) {
	m := g.manager
	id, world, err := g.named(claims, asked.instance)
	if err != nil {
		return pass{}, err
	}
	if _, ok := g.worldConfig(world); !ok {
		return pass{}, noWorld(world)
	}
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	p := pass{invited: id != ""}
	kept, err := m.redeemable(claims, asked, id, world)
	if err != nil {
		return pass{}, err
	}
	if kept == nil {
		if err := g.queues.mayPass(ctx, claims.Participant(), world, id); err != nil {
			return pass{}, err
		}
	}
	fresh := false
	switch {
	case kept != nil:
		id, p.invited, p.reservation = kept.instance, true, kept.key
	case id == "":
		var d decision
		if d, err = m.decide(ctx, claims, asked, world); err != nil {
			return pass{}, err
		}
		id, p.invited, fresh = d.instance, d.invited, d.fresh
	}
	switch to := m.goesOn(id); {
	case to == "":
	case claims.Instance == id: // who signed it wants them there
		m.g.reviewer.callOff(id)
	default:
		id, fresh, p.reservation, p.invited = to, false, cluster.Key{}, true
	}
	if err := m.mayEnter(ctx, claims, asked.invitation, id); err != nil {
		return pass{}, err
	}
	p.in, err = m.at(ctx, id, world, fresh)
	return p, err
}

// at returns an instance that is here or becomes so.
func (m *manager) at(ctx context.Context, id earshot.InstanceID, world string, fresh bool) (*Instance, error) {
	if m.spread(world) {
		return m.g.fleet.at(ctx, id, world, fresh)
	}
	return m.g.run(id, world)
}

// decision is where somebody goes who did not say.
type decision struct {
	instance earshot.InstanceID
	invited  bool
	fresh    bool // its id was made just now: it has to be opened
}

// decide chooses among the public instances of a world.
func (m *manager) decide(ctx context.Context, claims *Claims, asked *asking, world string) (decision, error) {
	who := claims.Participant()
	for _, in := range m.g.running() {
		if s := in.live.Load().byID[who]; s != nil && s.resident == nil && s.ghost == nil && !s.over.Load() && in.world == world && in.public() && !in.retired.Load() {
			return decision{instance: in.id, invited: true}, nil
		}
	}
	list := m.public(world, who)
	first := firstOf(world)
	r := placement.Request{World: world, Party: []earshot.ParticipantID{who}, RTT: asked.rtt}
	var at earshot.InstanceID
	if len(list) > 1 { // else there is nothing to choose
		a := m.g.acquaintances(ctx, who, func(id earshot.InstanceID) bool { return find(list, id) != nil })
		at, r.FriendsIn, r.BlockedIn = a.at, a.friends, a.blocked
	}
	if at != "" {
		return decision{instance: at, invited: true}, nil
	}
	if find(list, first) == nil {
		return decision{instance: first}, nil // there from the start
	}
	party := m.meeting(ctx, claims, world)
	if to := m.goesOn(party.at); to != "" {
		party.at = m.gather(ctx, party, to, world)
	}
	if party.at != "" && find(list, party.at) == nil {
		list = append(list, m.unlisted(ctx, party.at, world)...)
	}
	if party.at != "" && m.admits(list, party.at, &r) {
		return decision{instance: party.at, invited: true}, nil
	}
	d, err := m.choose(list, &r, asked.openHere)
	if err != nil {
		return d, err
	}
	if to := m.gather(ctx, party, d.instance, world); to != d.instance && find(list, to) != nil {
		return decision{instance: to, invited: true}, nil // another of the party was faster
	}
	return d, nil
}

// unlisted is the record of a public instance that this node has not heard of
// yet, if there is one.
func (m *manager) unlisted(ctx context.Context, id earshot.InstanceID, world string) []cluster.InstanceRecord {
	if !m.spread(world) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, knowWithin)
	defer cancel()
	r, err := m.store.Do(ctx, cluster.ReadInstance{Instance: id})
	if err != nil || r.Status != cluster.OK || r.Left <= 0 || r.Record.World != world || r.Record.Kind != cluster.KindPublic || r.Record.State == cluster.Closed {
		return nil
	}
	r.Record.Owner, r.Record.Count = r.Node, len(r.Members)
	return []cluster.InstanceRecord{r.Record}
}

// choose asks the planner, and where it knows nothing takes what there is.
func (m *manager) choose(list []cluster.InstanceRecord, r *placement.Request, here bool) (decision, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.feed(r.World, list)
	d := m.planner.Place(r, time.Now())
	switch d.Verdict {
	case placement.Enter:
		return decision{instance: d.Instance, invited: crowdIn(r.FriendsIn, d.Instance) > 0}, nil
	case placement.Open:
		if here || d.Node == m.self() {
			return decision{instance: m.newPublic(r.World, list), fresh: true}, nil
		}
		return decision{}, m.g.fleet.openAt(r.World, d.Node)
	}
	if in := m.spare(list, r); in != nil {
		return decision{instance: in.Instance, invited: true}, nil
	}
	return decision{}, m.full(r.World)
}

// admits reports whether the party of r may follow another of theirs.
func (m *manager) admits(list []cluster.InstanceRecord, id earshot.InstanceID, r *placement.Request) bool {
	if find(list, id) == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.feed(r.World, list)
	one := *r
	one.Instance = id
	return m.planner.Place(&one, time.Now()).Verdict == placement.Enter
}

// spare is where there is any room at all, most of it and fewest who are
// blocked; nil: nowhere. It takes those, too, whose node has just gone: another
// has them in seconds.
func (m *manager) spare(list []cluster.InstanceRecord, r *placement.Request) (best *cluster.InstanceRecord) {
	if m.cfg.Measured {
		return nil
	}
	for i := range list {
		in := &list[i]
		if in.Count+in.Reserved+len(r.Party) > in.Hard || in.State == cluster.Draining || in.State == cluster.HardFull {
			continue
		}
		if best == nil {
			best = in
			continue
		}
		a, b := crowdIn(r.BlockedIn, in.Instance), crowdIn(r.BlockedIn, best.Instance)
		if a < b || a == b && in.Count < best.Count {
			best = in
		}
	}
	return best
}

// full says that nobody else fits into a world.
func (m *manager) full(world string) error {
	return earshot.Errorf(earshot.CodeResourceExhausted, "world %s is full: all its instances are; try again later", world)
}

// newPublic names a public instance that there is not yet. Where others might
// have named one too, the number is large and drawn by chance: nobody can own
// it already.
func (m *manager) newPublic(world string, list []cluster.InstanceRecord) earshot.InstanceID {
	first := firstOf(world)
	for n := 2; ; n++ {
		if m.spread(world) {
			n = 100_000_000 + rand.IntN(900_000_000)
		}
		if id := first + earshot.InstanceID("_"+strconv.Itoa(n)); find(list, id) == nil {
			return id
		}
	}
}

// public lists the public instances of a world as they are now. On who it
// depends whether a place that is kept counts.
func (m *manager) public(world string, who earshot.ParticipantID) (list []cluster.InstanceRecord) {
	if m.spread(world) {
		for _, r := range m.g.fleet.Instances() {
			if r.World == world && r.Kind == cluster.KindPublic && r.State != cluster.Closed {
				list = append(list, m.current(r))
			}
		}
		for _, in := range m.g.running() { // opened since the last survey
			if in.world == world && in.public() && find(list, in.id) == nil && m.g.fleet.Admits(in.id) {
				list = append(list, m.current(m.record(in)))
			}
		}
		return list
	}
	for _, in := range m.g.running() {
		if in.world == world && in.public() && !in.retired.Load() {
			list = append(list, m.local(in, who))
		}
	}
	return list
}

// current is r with what this node knows better: the directory counts members
// some hundred milliseconds late.
func (m *manager) current(r cluster.InstanceRecord) cluster.InstanceRecord {
	if r.Owner != m.self() {
		return r
	}
	m.g.mu.Lock()
	in := m.g.instances[r.Instance]
	m.g.mu.Unlock()
	if in != nil {
		r.Count = in.live.Load().clients
	}
	return r
}

// local is the record of an instance of this node alone.
func (m *manager) local(in *Instance, who earshot.ParticipantID) cluster.InstanceRecord {
	r := m.record(in)
	r.Count = len(in.live.Load().all)
	m.mu.Lock()
	r.Reserved = m.seats.others(in.id, who, time.Now())
	m.mu.Unlock()
	if in.full(who) && r.State == cluster.Open {
		r.State = cluster.HardFull
	}
	return r
}

// record is that of a public instance that is here.
func (m *manager) record(in *Instance) cluster.InstanceRecord {
	capacity := in.cfg.Load().Capacity
	r := cluster.InstanceRecord{
		Instance: in.id, World: in.world, Kind: cluster.KindPublic, State: cluster.Open, Owner: m.self(),
		Soft: soft(capacity), Hard: capacity,
	}
	if into := in.review.into.Load(); into != nil {
		r.State, r.Into = cluster.Draining, *into
	}
	return r
}

// soft is up to how many newcomers are brought together in an instance; the rest
// is kept for those who are invited, and for when no other may be opened.
func soft(capacity int) int { return max(1, int(math.Ceil(fillTo*float64(capacity)))) }

// feed tells the planner of a world's public instances and of the nodes. mu is
// held.
func (m *manager) feed(world string, list []cluster.InstanceRecord) {
	w, _ := m.g.worldConfig(world)
	m.planner.SetWorld(world, w.MaxInstances)
	m.planner.SetWaiting(world, m.g.queues.waiting(world))
	m.feedNodes()
	for i := range list {
		m.planner.SetInstance(list[i])
		m.fed[list[i].Instance] = world
	}
	for id, of := range m.fed {
		if of == world && find(list, id) == nil {
			m.planner.RemoveInstance(id)
			delete(m.fed, id)
		}
	}
}

func (m *manager) feedNodes() {
	if m.g.fleet == nil {
		r := cluster.NodeRecord{Node: m.node, Load: m.load.measure()}
		if !m.cfg.Measured {
			r.Load.Headroom = math.MaxInt32
		}
		m.planner.SetNode(r)
		return
	}
	live := make(map[earshot.NodeID]bool, len(m.nodes))
	for _, r := range m.g.fleet.Nodes() {
		m.planner.SetNode(r)
		live[r.Node] = true
	}
	for id := range m.nodes {
		if !live[id] {
			m.planner.RemoveNode(id)
		}
	}
	m.nodes = live
}

// self is this node as records have it.
func (m *manager) self() earshot.NodeID {
	if m.g.fleet != nil {
		return m.g.fleet.ID()
	}
	return m.node
}

// arrived says that somebody is in, or will not be: what was kept for them is
// used up.
func (m *manager) arrived(s *session, in bool) {
	if in {
		m.g.queues.entered(s)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.planner.Redeem(s.in.id)
	if in {
		m.seats.take(s.in.id, s.participant)
	}
}

// kept is how many places of an instance of this node are kept for others.
func (m *manager) kept(id earshot.InstanceID, who earshot.ParticipantID) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seats.others(id, who, time.Now())
}

func find(list []cluster.InstanceRecord, id earshot.InstanceID) *cluster.InstanceRecord {
	for i := range list {
		if list[i].Instance == id {
			return &list[i]
		}
	}
	return nil
}

func crowdIn(list []placement.Crowd, id earshot.InstanceID) (n int) {
	for _, c := range list {
		if c.Instance == id {
			n += c.People
		}
	}
	return n
}

func noWorld(name string) error {
	return earshot.Errorf(earshot.CodeNotFound, "the token is for world %q, which is not here; GET /v1/worlds lists those that are", name)
}
