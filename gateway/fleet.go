package gateway

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/cluster"
	clusternode "earshot/presence/node"
	"earshot/presence/placement"
	"earshot/presence/store"
)

// FleetConfig is what this node is among several that share a store.
type FleetConfig struct {
	// URL is the origin at which clients reach this node and no other, such as
	// https://a.voice.example.org: other nodes send them there.
	URL string `yaml:"url"`
	// Region is where it stands. An instance whose node goes is taken over in the
	// same region, if there is a node.
	Region string `yaml:"region"`
	// Capabilities are what it has that others may lack, such as gpu.
	Capabilities []string `yaml:"capabilities"`
	// Cost is what an hour of it costs, in any unit that all nodes use.
	Cost float64 `yaml:"cost"`
	// Drain is how long it takes to be emptied when it is told to end: its people
	// are sent to other nodes one after the other in the first half. 0: everybody
	// goes at once.
	Drain time.Duration `yaml:"drain"`
	// Timing is of leases, writes and handoffs, and the same on all nodes.
	Timing cluster.Config `yaml:"timing"`
}

// DefaultFleetConfig returns the documented defaults.
func DefaultFleetConfig() FleetConfig {
	return FleetConfig{Capabilities: []string{}, Drain: 20 * time.Second, Timing: cluster.DefaultConfig()}
}

func (c *FleetConfig) validate() error {
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" {
			return invalid("fleet.url: %q is not an origin, such as https://a.voice.example.org", c.URL)
		}
	}
	if c.Drain < 0 || c.Drain > 10*time.Minute {
		return invalid("fleet.drain: %v is outside 0 to 10m", c.Drain)
	}
	if len(c.Capabilities) > maxLabels {
		return invalid("fleet.capabilities: %d, at most %d", len(c.Capabilities), maxLabels)
	}
	return within("fleet", c.Timing.Validate())
}

// admitAgain is how soon the directory is asked once more by one who waits at
// the door.
const admitAgain = 250 * time.Millisecond

// leaverTries is how often that is done where the store says that an instance is
// full and its members here are fewer.
const leaverTries = 2

// fleet is this node among the others: which instances are here, who is, and
// what is in force on them, in step with the store. Gateways alone have none.
type fleet struct {
	*clusternode.Node
	g   *Gateway
	cfg FleetConfig

	drained chan struct{} // closed when nobody is here any more
	once    sync.Once

	decreeing sync.Mutex // held while the register is told of somebody: see decreed

	parting atomic.Bool // who is here will be handed over: their places are told exactly

	// mu guards followers.
	mu        sync.Mutex
	followers map[cluster.Key]*follower // handoffs to this node that have not come to their end
}

func newFleet(g *Gateway, cfg FleetConfig, shared store.Store) (*fleet, error) {
	if cfg.URL == "" {
		return nil, invalid("fleet.url: missing; with a store, other nodes must know where clients reach this one")
	}
	f := &fleet{g: g, cfg: cfg, drained: make(chan struct{}), followers: make(map[cluster.Key]*follower)}
	load := newLoadMeter(g)
	var err error
	f.Node, err = clusternode.New(cfg.Timing, cluster.NodeRecord{
		Node: earshot.NewNodeID(), Region: cfg.Region, URL: cfg.URL, Capabilities: cfg.Capabilities, Cost: cfg.Cost,
	}, clusternode.Deps{Log: g.log, Store: shared, Handler: f, Measure: load.measure})
	return f, err
}

// misdirected says that what was asked for is on another node.
type misdirected struct {
	instance earshot.InstanceID // empty: one that is to be opened there
	url      string             // of the node
}

// Error implements error.
func (m *misdirected) Error() string {
	if m.instance == "" {
		return "this world is full but for another node: join at " + m.url
	}
	return "instance " + string(m.instance) + " runs on another node: join at " + m.url
}

// point tells who made a request where to go with it: an encoder or player by a
// redirect, which RFC 9725 has them follow, and clients of ours, whose token a
// browser would not take along to another origin, by the Location of an error.
func (m *misdirected) point(c *fiber.Ctx) int {
	path := strings.Clone(c.Path())
	if strings.HasPrefix(path, "/v1/whip/") || strings.HasPrefix(path, "/v1/whep/") {
		c.Set(fiber.HeaderLocation, m.url+strings.Clone(c.OriginalURL()))
		return http.StatusTemporaryRedirect
	}
	if strings.HasPrefix(path, "/v1/queue/") {
		c.Set(fiber.HeaderLocation, m.url+strings.Clone(c.OriginalURL()))
		return http.StatusMisdirectedRequest
	}
	query := queryInstance + "=" + string(m.instance)
	if m.instance == "" {
		query = queryOpen + "=1"
	} else if c.Query(queryWait) != "" && (c.Query(queryInstance) == "" || c.Query(querySent) == "1") {
		query += "&" + querySent + "=1" // who has to wait there waits for the world
	}
	for _, kept := range []string{queryReservation, queryInvitation, queryRTT, queryWait} {
		if v := strings.Clone(c.Query(kept)); v != "" {
			query += "&" + kept + "=" + url.QueryEscape(v)
		}
	}
	c.Set(fiber.HeaderLocation, m.url+"/v1/join?"+query)
	return http.StatusMisdirectedRequest
}

// at returns an instance that this node owns, or becomes the owner of because
// nobody is; else the error is misdirected. fresh: the id was made just now.
func (f *fleet) at(ctx context.Context, id earshot.InstanceID, world string, fresh bool) (*Instance, error) {
	w, ok := f.g.worldConfig(world)
	if !ok || f.Admits(id) {
		return f.g.run(id, world) // which says that there is no such world
	}
	for {
		owner := f.ownerOf(id)
		if owner == "" || owner == f.ID() && !f.Owns(id) { // it was given up, which is not known everywhere yet
			var err error
			if owner, err = f.Open(ctx, f.record(id, world, w.Capacity), fresh); err != nil {
				return nil, err
			}
		}
		if owner == f.ID() {
			return f.g.run(id, world)
		}
		err := f.elsewhere(id, owner)
		if earshot.CodeOf(err) != earshot.CodeUnavailable {
			return nil, err
		}
		select { // its node has gone: somebody takes it over within seconds
		case <-ctx.Done():
			return nil, err
		case <-time.After(admitAgain):
		}
	}
}

// ownerOf is who owns an instance by the directory; empty: nobody.
func (f *fleet) ownerOf(id earshot.InstanceID) earshot.NodeID {
	for _, r := range f.Instances() {
		if r.Instance == id && r.State != cluster.Orphaned {
			return r.Owner
		}
	}
	return ""
}

func (f *fleet) record(id earshot.InstanceID, world string, capacity int) cluster.InstanceRecord {
	if kind, ok := madeKind(id); ok {
		if r, ok := f.g.manager.rules(id); ok {
			return r
		}
		return cluster.InstanceRecord{Instance: id, World: world, Region: f.cfg.Region, Kind: kind, Soft: capacity, Hard: capacity}
	}
	r := cluster.InstanceRecord{
		Instance: id, World: world, Region: f.cfg.Region, Kind: cluster.KindPublic,
		Soft: soft(capacity), Hard: capacity,
	}
	if !publicID(id, world) {
		r.Kind, r.Soft = cluster.KindPrivate, capacity
	}
	return r
}

// openAt is the error for who is to have an instance opened on another node.
func (f *fleet) openAt(world string, at earshot.NodeID) error {
	for _, n := range f.Nodes() {
		if n.Node == at && n.URL != "" {
			return &misdirected{"", n.URL}
		}
	}
	return earshot.Errorf(earshot.CodeUnavailable, "world %s is about to get another instance; join again in a second", world)
}

// elsewhere is the error for who asks here for what a node has.
func (f *fleet) elsewhere(id earshot.InstanceID, owner earshot.NodeID) error {
	for _, n := range f.Nodes() {
		if n.Node == owner && n.URL != "" {
			return &misdirected{id, n.URL}
		}
	}
	return earshot.Errorf(earshot.CodeUnavailable, "instance %s is changing its node; join again in a second", id)
}

// lists reports whether an instance runs on any node.
func (f *fleet) lists(id earshot.InstanceID) bool {
	return f != nil && slices.ContainsFunc(f.Instances(), func(r cluster.InstanceRecord) bool {
		return r.Instance == id && r.State != cluster.Closed
	})
}

// admit has the directory let s in. What was in force on them, and where they
// stood before a node died, comes with it.
func (f *fleet) admit(s *session) error {
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	join := cluster.Join{
		Participant: s.participant, Instance: s.in.id, Reservation: s.pass.reservation,
		Invited: s.pass.invited || s.claims.Instance != "" || s.stream != nil || !f.roomElsewhere(s.in),
	}
	e, err := f.Join(ctx, join)
	if join.Reservation != (cluster.Key{}) && earshot.CodeOf(err) == earshot.CodeFailedPrecondition && f.Holds(s.in.id) {
		join.Reservation = cluster.Key{} // it ran out, or they came by it before
		e, err = f.Join(ctx, join)
	}
	// It was given up, for nobody was there, in the moment before this join.
	givenUp := func() bool {
		return earshot.CodeOf(err) == earshot.CodeFailedPrecondition && (e.Node == "" || e.Node == f.ID()) && !s.in.retired.Load()
	}
	for try := 0; ctx.Err() == nil && !f.Away() && (earshot.CodeOf(err) == earshot.CodeUnavailable || givenUp() ||
		earshot.CodeOf(err) == earshot.CodeResourceExhausted && try < leaverTries && s.in.live.Load().clients < s.in.cfg.Load().Capacity); try++ {
		// An owner that is new, or has just heard from the store again, admits
		// nobody until whoever may have been it before has stopped. Without the
		// store nobody is kept waiting: others wait for the same turn. And who has
		// just left still counts at the store for a moment.
		select {
		case <-ctx.Done():
		case <-time.After(admitAgain):
			if givenUp() { // where another has it by now, Join says so
				_, _ = f.Open(ctx, f.record(s.in.id, s.in.world, s.in.cfg.Load().Capacity), false)
			}
			e, err = f.Join(ctx, join)
		}
	}
	if err != nil {
		if e.Code == earshot.CodeFailedPrecondition && e.Node != "" && e.Node != f.ID() {
			return f.elsewhere(s.in.id, e.Node)
		}
		return err
	}
	s.seat = e.Key
	s.back = stateOf(&e.Member)
	return nil
}

// settle makes good what happened to s between its admission and its being
// found by sessionOf: an order given meanwhile, or a place elsewhere.
func (f *fleet) settle(s *session) {
	if s.seat == (cluster.Key{}) {
		return
	}
	for _, o := range f.Orders(s.participant) {
		f.enforce(&cluster.Event{Key: s.seat, Order: o})
	}
	if !f.Seated(s.seat) {
		f.ended(&cluster.Event{Key: s.seat, Code: earshot.CodeAborted})
	}
}

// roomElsewhere reports whether another instance of the world could take those
// who come when in is nearly full.
func (f *fleet) roomElsewhere(in *Instance) bool {
	return in.cfg.Load().MaxInstances > 1 && in.public()
}

// leave says that the session is over.
func (f *fleet) leave(s *session) {
	if s.arriving.Load() {
		f.dismiss(s)
	}
	if s.seat != (cluster.Key{}) {
		f.Leave(s.seat)
	}
}

// openWorlds takes part in who owns the first instances of the worlds of this
// node, so that they admit when the first people come.
func (f *fleet) openWorlds(ctx context.Context) {
	for name, w := range f.g.allWorlds() {
		if f.g.cfg.Cluster.spans(name) {
			continue
		}
		id := firstOf(name)
		for ctx.Err() == nil {
			within, cancel := context.WithTimeout(ctx, joinDeadline)
			owner, err := f.Open(within, f.record(id, name, w.Capacity), false)
			cancel()
			if err == nil {
				f.g.log.Info("world", "name", name, "owner", owner, "here", owner == f.ID())
				break
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

// drain empties the node, and returns when that is done or its time is over.
func (f *fleet) drain() {
	if f.cfg.Drain == 0 || len(f.Nodes()) < 2 {
		return
	}
	f.g.log.Info("emptying this node", "within", f.cfg.Drain)
	f.parting.Store(true)
	<-time.After(2 * placeEvery * time.Second / tickRate) // until places are known
	f.Drain(f.cfg.Drain)
	select {
	case <-f.drained:
	case <-time.After(f.cfg.Drain + time.Second):
	}
}

// OnEvent does what the protocol between nodes has decided.
func (f *fleet) OnEvent(e cluster.Event) {
	switch e.Kind {
	case cluster.Granted:
		f.granted(&e)
	case cluster.Suspended:
		f.g.log.Warn("the store does not answer: nobody is let in, those here go on", "instance", e.Instance)
	case cluster.Resumed:
		f.g.log.Info("the store answers again", "instance", e.Instance)
	case cluster.Lost:
		f.g.log.Info("another node has an instance now", "instance", e.Instance, "node", e.Node)
		f.lost(&e)
	case cluster.Ended:
		f.ended(&e)
	case cluster.Enforce:
		f.enforce(&e)
	case cluster.Invite:
		f.invite(&e)
	case cluster.Expect:
		f.expect(&e)
	case cluster.Refused:
		f.unexpect(&e)
	case cluster.Moved:
		f.passes(&e)
		f.moved(&e)
		f.g.reviewer.answered(e.Key.Participant, placement.Went, time.Now())
	case cluster.Stayed:
		f.g.reviewer.answered(e.Key.Participant, outcomeOf(e.Code), time.Now())
	case cluster.Told:
		f.told(&e)
	case cluster.Proposed:
		f.g.reviewer.proposed(e.Proposal)
	case cluster.Released:
		f.ended(&cluster.Event{Key: e.Key, Instance: e.Instance, Node: f.ownerOf(e.Instance), Code: earshot.CodeUnavailable})
	case cluster.NotKept:
		f.g.log.Error("an order could not be kept for other nodes", "participant", e.Order.Of, "code", e.Code)
	case cluster.Drained:
		f.once.Do(func() { close(f.drained) })
	}
}

// granted starts an instance that is this node's now.
func (f *fleet) granted(e *cluster.Event) {
	f.g.manager.adopt(e.Record)
	f.g.work.Go(func() {
		in, err := f.g.run(e.Instance, e.Record.World)
		if err != nil {
			f.g.log.Error("an instance that is this node's cannot be started: all nodes need the same worlds", "instance", e.Instance, "error", err)
			return
		}
		in.restore(e.Snapshot)
	})
}

// ended ends the session of a key: it is over, or goes on elsewhere.
func (f *fleet) ended(e *cluster.Event) {
	s := f.sessionOf(e.Key)
	if s == nil {
		return
	}
	bye, reason := &protocol.Bye{Code: e.Code}, protocol.ReasonReplaced
	switch e.Code {
	case earshot.CodeAborted:
		bye.Message = "you joined from somewhere else"
	case earshot.CodePermissionDenied:
		bye.Message, reason = "a moderator removed you", protocol.ReasonKicked
	default:
		bye.Code, reason = earshot.CodeUnavailable, protocol.ReasonMoved
		bye.Message, bye.Reconnect, bye.Instance = "this instance goes on on another node; join there", true, s.in.id
		bye.URL = f.urlOf(e.Node)
		if into := f.g.manager.goesOn(s.in.id); into != "" {
			bye.Message, bye.Instance, bye.URL = "this instance goes on in another; join that", into, f.urlOf(f.ownerOf(into))
		}
	}
	f.g.work.Go(func() { s.end(reason, bye) })
}

func (f *fleet) sessionOf(key cluster.Key) *session {
	for _, in := range f.g.running() {
		if s := in.live.Load().byID[key.Participant]; s != nil && s.seat == key {
			return s
		}
	}
	return nil
}
