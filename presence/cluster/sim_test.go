package cluster_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/cluster/reference"
)

// The simulation: nodes with clocks that are wrong by minutes and run apart,
// people who join, leave, move, reload and are muted, a store that is away,
// forgets or fails over, and a network that loses, doubles, delays and reorders
// everything. One thing happens at a time, in an order that the seed decides.
type sim struct {
	rng     *rand.Rand
	now     time.Duration // true time
	queue   events
	serial  int
	steps   int
	calm    bool // nothing fails
	roomy   bool // instances are for many, and everybody does as asked
	store   simStore
	nodes   []*simNode
	started int
	people  []*person
	in      []earshot.InstanceID
	orders  []*simOrder
	keys    map[cluster.Key]*attempt
	linger  map[cluster.Key]*lingering
	drains  []*simDrain
	reigns  map[earshot.InstanceID]reign
	told    [][]byte
	network time.Duration // what is sent takes longer by this
	breaks  rules
	failure string
	trace   []string
	verbose bool
	tally   tally
}

// rules are those that a mutation breaks.
type rules struct {
	config func(*cluster.Config)
	reply  func(cluster.Op, *cluster.Reply) // what the store answers instead
	op     func(cluster.Op) cluster.Op      // what it is asked instead
	plain  bool                             // not broken, but without reviews: as when old seeds failed
}

// tally is what happened, so that a test can see that it did.
type tally struct {
	admitted, refused, moved, released, yielded, stayed, ended, lost, granted, suspended, crashes, pauses, outages, wipes, failovers, drained, kept, claims, proposed, heeded, unlisted int
}

type event struct {
	at  time.Duration
	seq int
	do  func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = event{}
	*q = (*q)[:last]
	return e
}

type simNode struct {
	id      earshot.NodeID
	n       *cluster.Node
	started time.Duration
	rate    float64       // of the monotonic clock
	skew    time.Duration // of the wall clock
	dead    bool
	paused  time.Duration // until when
	cut     bool          // from the store
	apart   bool          // from the other nodes
	trouble time.Duration // when it was last not itself
	drained bool
	drain   *simDrain
}

type simDrain struct {
	node  *simNode
	until time.Duration
}

const (
	simNodes     = 4
	simInstances = 4
	simPeople    = 16
)

func newSim(seed uint64, breaks rules) *sim {
	s := &sim{rng: rand.New(rand.NewPCG(seed, 9)), keys: map[cluster.Key]*attempt{}, linger: map[cluster.Key]*lingering{}, reigns: map[earshot.InstanceID]reign{}, breaks: breaks}
	s.store.dir = reference.New()
	for i := range simInstances {
		s.in = append(s.in, earshot.InstanceID(fmt.Sprint("in_", i)))
	}
	for i := range simPeople {
		s.people = append(s.people, &person{id: earshot.ParticipantID(fmt.Sprint("pa_", i))})
	}
	for range simNodes {
		s.start()
	}
	for _, id := range s.in {
		s.after(s.within(3*time.Second), func() { s.open(id) })
	}
	for _, p := range s.people {
		s.after(s.within(10*time.Second), func() { s.live(p) })
	}
	s.after(10*time.Second, s.fail)
	s.after(80*time.Second, s.rest)
	s.after(time.Second, s.audit)
	return s
}

func (s *sim) start() {
	s.started++
	node := &simNode{
		id: earshot.NodeID(fmt.Sprint("nd_", s.started)), started: s.now, trouble: s.now,
		rate: 1 + (s.rng.Float64()-0.5)*0.02,
		skew: time.Duration((s.rng.Float64() - 0.5) * float64(10*time.Minute)),
	}
	if s.chance(0.3) { // two may also be right, and read the same
		node.rate, node.skew = 1, 0
	}
	cfg := cluster.DefaultConfig()
	n, err := cluster.New(cfg, cluster.NodeRecord{Node: node.id, Region: "here", Load: cluster.Load{Headroom: s.rng.IntN(100)}})
	if err != nil {
		panic(err)
	}
	if s.breaks.config != nil {
		n.Break(s.breaks.config)
	}
	node.n = n
	s.nodes = append(s.nodes, node)
	s.tick(node)
}

func (s *sim) tick(node *simNode) {
	s.after(80*time.Millisecond+s.within(40*time.Millisecond), func() {
		if node.dead || node.drained {
			return
		}
		if node.paused > s.now {
			s.tick(node)
			return
		}
		s.input(node, node.n.Tick)
		s.tick(node)
	})
}

// clock is what a node takes the time for.
func (s *sim) clock(node *simNode) cluster.Now {
	lived := s.now - node.started
	return cluster.Now{
		Mono: time.Duration(float64(lived)*node.rate) + time.Hour,
		Wall: time.Unix(1_800_000_000, 0).Add(s.now + node.skew),
	}
}

// input gives a node something, when it is awake, and does what it says.
func (s *sim) input(node *simNode, f func(cluster.Now)) {
	if node.dead || node.drained {
		return
	}
	if node.paused > s.now {
		s.at(min(node.paused+1, s.now+250*time.Millisecond), func() { s.input(node, f) })
		return
	}
	f(s.clock(node))
	out := node.n.Output()
	for _, e := range out.Events {
		s.event(node, e)
	}
	for _, c := range out.Calls {
		s.call(node, c)
	}
	for _, m := range out.Messages {
		s.send(node, m)
	}
}

func (s *sim) at(at time.Duration, do func()) {
	s.serial++
	heap.Push(&s.queue, event{at, s.serial, do})
}

func (s *sim) after(d time.Duration, do func()) { s.at(s.now+d, do) }

func (s *sim) within(d time.Duration) time.Duration { return time.Duration(s.rng.Int64N(int64(d))) }

func (s *sim) chance(p float64) bool { return s.rng.Float64() < p }

// run does steps things, or until something is wrong.
func (s *sim) run(steps int) {
	for s.steps < steps && s.failure == "" && len(s.queue) > 0 {
		e := heap.Pop(&s.queue).(event)
		s.now = max(s.now, e.at)
		e.do()
		s.steps++
		s.oneOwner()
	}
}

func (s *sim) wrong(format string, args ...any) {
	if s.failure == "" {
		s.failure = fmt.Sprintf("step %d, %v: ", s.steps, s.now) + fmt.Sprintf(format, args...)
	}
}

func (s *sim) note(format string, args ...any) {
	if s.verbose {
		s.trace = append(s.trace, fmt.Sprintf("%12v ", s.now)+fmt.Sprintf(format, args...))
	}
}

func (s *sim) node(id earshot.NodeID) *simNode {
	for _, n := range s.nodes {
		if n.id == id {
			return n
		}
	}
	return nil
}

// awake returns a node that runs, nil if there is none.
func (s *sim) awake() *simNode {
	for range 8 {
		if n := s.nodes[s.rng.IntN(len(s.nodes))]; !n.dead && !n.drained && n.paused <= s.now {
			return n
		}
	}
	return nil
}
