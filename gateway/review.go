package gateway

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/placement"
)

const (
	// reviewEvery is how often it is looked at what a world needs.
	reviewEvery = time.Second
	// maxReviews bounds how many targets of a merge are tried in one of them.
	maxReviews = 4
)

// reviewer opens public instances ahead of need, has thin ones put together and
// empty ones closed, as a placement.Planner of its own says. Of several nodes
// that share a store the owner of a world's first instance decides for that
// world, and proposes to the others what is theirs to do (cluster.Proposal); a
// node alone decides for all. Why so: docs/decisions/0037.
type reviewer struct {
	g    *Gateway
	cfg  placement.Config
	load *loadMeter

	worlds map[string]*reviewed // of which this node decides; of the goroutine of run

	// mu guards merges.
	mu     sync.Mutex
	merges map[earshot.InstanceID]*merge // under way, of instances of this node
}

// reviewed is a world of which this node decides.
type reviewed struct {
	planner *placement.Planner
	counts  map[earshot.InstanceID]int // as of the last time
	nodes   map[earshot.NodeID]bool
}

// reviewing is what the review wants of an instance of this node.
type reviewing struct {
	into  atomic.Pointer[earshot.InstanceID] // its people are offered to go on there, and nobody is led here; nil: not
	close atomic.Bool                        // nobody needs it: it ends when nobody is in it
}

func newReviewer(g *Gateway, cfg placement.Config) *reviewer {
	return &reviewer{
		g: g, cfg: cfg, load: newLoadMeter(g), worlds: make(map[string]*reviewed),
		merges: make(map[earshot.InstanceID]*merge),
	}
}

// run reviews, and brings people together, until ctx ends.
func (r *reviewer) run(ctx context.Context) {
	var merges sync.WaitGroup
	defer merges.Wait()
	merges.Go(func() { r.runMerges(ctx) })
	ticker := time.NewTicker(reviewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			r.review(now)
		}
	}
}

// review does what the worlds of which this node decides need.
func (r *reviewer) review(now time.Time) {
	for name, cfg := range r.g.allWorlds() {
		if !r.decides(name) {
			delete(r.worlds, name)
			continue
		}
		w := r.worlds[name]
		if w == nil {
			planner, err := placement.New(r.cfg)
			if err != nil {
				continue // New has checked it
			}
			w = &reviewed{planner: planner, counts: make(map[earshot.InstanceID]int), nodes: make(map[earshot.NodeID]bool)}
			r.worlds[name] = w
		}
		list := r.g.manager.reviewable(name)
		r.feed(w, name, cfg.MaxInstances, list, now)
		for range maxReviews {
			if again := r.act(w, name, list, now); !again {
				break
			}
		}
	}
}

// decides reports whether this node says what a world needs.
func (r *reviewer) decides(world string) bool {
	switch {
	case r.g.cfg.Cluster.spans(world):
		return false
	case r.g.fleet != nil:
		return r.g.fleet.Holds(firstOf(world))
	}
	return true
}

// feed tells the planner of a world what there is. Arrivals are counted by what
// instances have more than a second ago: wherever people were placed.
func (r *reviewer) feed(w *reviewed, name string, most int, list []cluster.InstanceRecord, now time.Time) {
	w.planner.SetWorld(name, most)
	w.planner.SetFirst(name, firstOf(name))
	w.planner.SetWaiting(name, r.g.queues.waiting(name))
	live := make(map[earshot.NodeID]bool)
	for _, n := range r.nodes() {
		w.planner.SetNode(n)
		live[n.Node] = true
	}
	for id := range w.nodes {
		if !live[id] {
			w.planner.RemoveNode(id)
		}
	}
	w.nodes = live
	for i := range list {
		in := &list[i]
		w.planner.SetInstance(*in)
		if before, known := w.counts[in.Instance]; known && in.Count > before {
			w.planner.Arrived(name, in.Count-before, now)
		}
		w.counts[in.Instance] = in.Count
	}
	for id := range w.counts {
		if find(list, id) == nil {
			w.planner.RemoveInstance(id)
			delete(w.counts, id)
		}
	}
}

func (r *reviewer) nodes() []cluster.NodeRecord {
	if f := r.g.fleet; f != nil {
		return f.Nodes()
	}
	load := r.load.measure()
	if !r.g.manager.cfg.Measured {
		load.Headroom = idleHeadroom + load.People
	}
	return []cluster.NodeRecord{{Node: r.g.manager.node, Load: load}}
}

// reviewable are the public instances of a world, with the people in them: NPCs
// keep none open.
func (m *manager) reviewable(world string) []cluster.InstanceRecord {
	list := m.public(world, "")
	if m.spread(world) {
		return list
	}
	for i := range list {
		in := m.g.instanceHere(list[i].Instance)
		if in == nil {
			continue
		}
		list[i].Count = in.live.Load().clients
		if list[i].State != cluster.Draining { // which those who are merely many do not change
			list[i].State = cluster.Open
		}
	}
	return list
}

// instanceHere is an instance that runs on this node; nil where it does not.
func (g *Gateway) instanceHere(id earshot.InstanceID) *Instance {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.instances[id]
}

// act has done what a world needs. It reports whether to look again, since what
// was to be put together must not be.
func (r *reviewer) act(w *reviewed, name string, list []cluster.InstanceRecord, now time.Time) (again bool) {
	for _, a := range w.planner.ReviewWorld(name, now) {
		p := cluster.Proposal{World: name, By: firstOf(name), Instance: a.Instance, Into: a.Into}
		switch a.Kind {
		case placement.OpenAhead:
			p.Kind, p.Instance = cluster.ProposeOpen, r.g.manager.newPublic(name, list)
		case placement.CloseIdle:
			p.Kind = cluster.ProposeClose
		case placement.Merge:
			p.Kind = cluster.ProposeMerge
			if r.apart(a.Instance, a.Into) {
				w.planner.Apart(a, now)
				again = true
				continue
			}
			w.planner.Began(a, now)
		}
		if f := r.g.fleet; f != nil {
			f.Propose(p, a.Node)
		} else {
			r.proposed(p)
		}
	}
	return again
}

// proposed does what a review wants of this node. It does not block.
func (r *reviewer) proposed(p cluster.Proposal) {
	world := worldOf(p.Instance)
	if world == "" || world != p.World || !publicID(p.Instance, world) || r.g.cfg.Cluster.spans(world) {
		return
	}
	switch p.Kind {
	case cluster.ProposeOpen:
		r.g.work.Go(func() { r.open(p.Instance, world) })
	case cluster.ProposeMerge:
		r.begin(p.Instance, p.Into)
	case cluster.ProposeClose:
		if in := r.g.instanceHere(p.Instance); in != nil && in.id != firstOf(world) {
			in.review.close.Store(true)
		}
	}
}

// open begins an instance before anybody needs it.
func (r *reviewer) open(id earshot.InstanceID, world string) {
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	in, err := r.g.manager.at(ctx, id, world, true)
	if err != nil {
		r.g.log.Warn("no instance was opened ahead of need", "instance", id, "error", err)
		return
	}
	r.done(actionOpen)
	r.g.log.Info("an instance was opened ahead of need", "instance", in.id)
}

// The actions, as metrics have them.
const (
	actionOpen   = "open"
	actionMerge  = "merge"
	actionRelist = "relist" // a merge is over, and not everybody has gone
	actionClose  = "close"
)

func (r *reviewer) done(action string) { r.g.metrics.reviewed.WithLabelValues(action).Inc() }

// mayClose reports whether an instance that has been empty for a time may end: a
// public one where the review says so, others by themselves.
func (in *Instance) mayClose(empty time.Duration) bool {
	if in.public() && !in.g.cfg.Cluster.spans(in.world) {
		return in.review.close.Load()
	}
	return empty >= in.g.cfg.Instances.Placement.CloseAfter
}

// goesOn is where the people of an instance are offered to go on, and who asks
// for it is led; empty: nowhere else.
func (m *manager) goesOn(id earshot.InstanceID) earshot.InstanceID {
	if in := m.g.instanceHere(id); in != nil {
		if into := in.review.into.Load(); into != nil {
			return *into
		}
	}
	if m.g.fleet == nil || m.g.fleet.Owns(id) {
		return ""
	}
	list := m.g.fleet.Instances()
	if at := slices.IndexFunc(list, func(r cluster.InstanceRecord) bool { return r.Instance == id }); at >= 0 && list[at].State == cluster.Draining {
		return list[at].Into
	}
	return ""
}
