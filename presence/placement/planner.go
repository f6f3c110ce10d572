package placement

import (
	"slices"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// Planner places people. Create it with New, and tell it what there is with
// SetNode, SetInstance, Enter and Leave.
type Planner struct {
	cfg       Config
	nodes     []*node
	nodeByID  map[earshot.NodeID]*node
	instances map[earshot.InstanceID]*instance
	worlds    map[string]*world
	where     map[earshot.ParticipantID]*instance
	pass      uint64 // marks what instances count for one request
}

type node struct {
	cluster.NodeRecord
	promised int // people on the way here since the record was written
}

type instance struct {
	cluster.InstanceRecord
	node    *node
	members map[earshot.ParticipantID]struct{}
	holds   []hold
	held    int
	idle    time.Time                        // since when it has been empty; zero: it is not
	thin    time.Time                        // since when it has been nearly so
	merged  time.Time                        // when it last was to be put together with another
	apart   map[earshot.InstanceID]time.Time // with which not, until when

	pass    uint64 // of what follows
	friends int
	party   int
	blocked int
}

// hold is a promise of places that nobody has taken yet.
type hold struct {
	n     int
	until time.Time
}

// world is what belongs to one world.
type world struct {
	name      string
	instances []*instance
	rate      rate
	waiting   int                // people, because it is full
	opening   []time.Time        // until when each opening counts as under way
	most      int                // public instances; 0: as many as Config says
	first     earshot.InstanceID // is always there
}

// New returns a planner that knows nothing, or an *earshot.Error that names the
// field of cfg that is wrong.
func New(cfg Config) (*Planner, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Planner{
		cfg: cfg, nodeByID: make(map[earshot.NodeID]*node), instances: make(map[earshot.InstanceID]*instance),
		worlds: make(map[string]*world), where: make(map[earshot.ParticipantID]*instance),
	}, nil
}

// SetNode adds a node, or takes its newer record.
func (p *Planner) SetNode(r cluster.NodeRecord) {
	n := p.nodeByID[r.Node]
	if n == nil {
		n = &node{}
		p.nodeByID[r.Node] = n
		p.nodes = append(p.nodes, n)
	}
	if n.HLC != r.HLC || r.HLC == 0 {
		n.promised = 0 // those who came are measured now
	}
	n.NodeRecord = r
}

// RemoveNode forgets a node: nobody is placed on what it owns.
func (p *Planner) RemoveNode(id earshot.NodeID) {
	n := p.nodeByID[id]
	if n == nil {
		return
	}
	delete(p.nodeByID, id)
	p.nodes = slices.DeleteFunc(p.nodes, func(o *node) bool { return o == n })
	for _, in := range p.instances {
		if in.node == n {
			in.node = nil
		}
	}
}

// SetInstance adds an instance, or takes its newer record. Its Count and
// Reserved are heeded only while nobody has been told to Enter.
func (p *Planner) SetInstance(r cluster.InstanceRecord) {
	in := p.instances[r.Instance]
	if in == nil {
		in = &instance{members: make(map[earshot.ParticipantID]struct{})}
		p.instances[r.Instance] = in
		w := p.world(r.World)
		w.instances = append(w.instances, in)
		if len(w.opening) > 0 {
			w.opening = w.opening[1:]
		}
	}
	in.InstanceRecord, in.node = r, p.nodeByID[r.Owner]
}

// RemoveInstance forgets an instance and that anybody is in it.
func (p *Planner) RemoveInstance(id earshot.InstanceID) {
	in := p.instances[id]
	if in == nil {
		return
	}
	for m := range in.members {
		delete(p.where, m)
	}
	delete(p.instances, id)
	w := p.world(in.World)
	w.instances = slices.DeleteFunc(w.instances, func(o *instance) bool { return o == in })
}

// Enter says that somebody is in an instance now. What was promised to them is
// used up.
func (p *Planner) Enter(id earshot.ParticipantID, to earshot.InstanceID) {
	in := p.instances[to]
	if in == nil {
		return
	}
	p.Leave(id)
	in.members[id] = struct{}{}
	p.where[id] = in
	in.redeem()
}

// Redeem says that one of the places promised in an instance is not needed any
// more: who was to have it is counted in the record by now, or will not come.
func (p *Planner) Redeem(id earshot.InstanceID) {
	if in := p.instances[id]; in != nil {
		in.redeem()
	}
}

func (in *instance) redeem() {
	for i := range in.holds {
		if in.holds[i].n > 0 {
			in.holds[i].n--
			in.held--
			return
		}
	}
}

// SetWorld bounds the public instances of a world; 0 is Config.MaxInstances.
func (p *Planner) SetWorld(name string, most int) { p.world(name).most = most }

// SetFirst names the instance of a world that is there from the start: it is
// never closed, nor put into another.
func (p *Planner) SetFirst(name string, id earshot.InstanceID) { p.world(name).first = id }

// Arrived says that people have come to a world whom Place was not asked for.
func (p *Planner) Arrived(name string, n int, now time.Time) { p.world(name).rate.add(n, now) }

// Leave says that somebody is nowhere.
func (p *Planner) Leave(id earshot.ParticipantID) {
	if in := p.where[id]; in != nil {
		delete(in.members, id)
		delete(p.where, id)
	}
}

func (p *Planner) world(name string) *world {
	w := p.worlds[name]
	if w == nil {
		w = &world{name: name}
		p.worlds[name] = w
	}
	return w
}

// taken is how many places of in are gone, promises included.
func (in *instance) taken() int {
	return max(len(in.members), in.Count) + max(in.held, in.Reserved)
}

// expire lets promises go that nobody took.
func (in *instance) expire(now time.Time) {
	kept := in.holds[:0]
	in.held = 0
	for _, h := range in.holds {
		if h.n > 0 && h.until.After(now) {
			kept = append(kept, h)
			in.held += h.n
		}
	}
	in.holds = kept
}

func (p *Planner) promise(in *instance, n int, now time.Time) {
	in.holds = append(in.holds, hold{n, now.Add(p.cfg.Hold)})
	in.held += n
	if in.node != nil {
		in.node.promised += n
	}
}
