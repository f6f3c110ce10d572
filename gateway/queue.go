package gateway

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/queue"
)

const (
	// sweepEvery is how often it is looked at whether there is room for who waits.
	sweepEvery = 250 * time.Millisecond
	// recallFor is how long a node that leads a queue from now on gives all who wait
	// to say which place they have, and for how long one that led it before is
	// believed to have had somebody in it, though it is not heard of any more.
	recallFor = 10 * time.Second
	// sweepTries bounds the parties that are looked for at a time, seatWithin how
	// long the store may take for each, and storeFull how long it is believed that
	// an instance is full where it knew better than the directory.
	sweepTries = 64
	seatWithin = 2 * time.Second
	storeFull  = time.Second
	// maxQueued bounds the queues that a node tells others of.
	maxQueued = 64
)

// queues are who waits for the worlds that are full. Of the nodes that share a
// store the one that has a world's first instance leads its queue; the others
// hold newcomers back while it says that somebody waits.
type queues struct {
	g      *Gateway
	recall time.Duration // recallFor, but in tests

	// mu guards what follows. It is not held across a call into the store.
	mu     sync.Mutex
	halls  map[string]*hall    // by world: those led here
	others map[string]sighting // queues led elsewhere, as they were last seen
	left   map[string]time.Time
	held   int
	closed bool

	told atomic.Pointer[[]string] // see names, which is asked under locks of others
}

// hall is the queue of a world, and who of it is waiting for an answer.
type hall struct {
	world string
	queue *queue.Queue
	held  map[earshot.ParticipantID]*holding
	full  time.Time // until when none is looked for: the store said that there is no room
}

// sighting is a node that said it has somebody in a queue.
type sighting struct {
	node earshot.NodeID
	at   time.Time
}

func newQueues(g *Gateway) *queues {
	return &queues{g: g, recall: recallFor, halls: make(map[string]*hall), others: make(map[string]sighting), left: make(map[string]time.Time)}
}

// run lets people in as there is room, until ctx ends.
func (q *queues) run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, h := range q.look(now) {
				q.sweep(ctx, h)
				q.wake(h)
			}
		}
	}
}

// look sees what others say, gives up what is not led here any more, and returns
// the queues with somebody in them.
func (q *queues) look(now time.Time) (list []*hall) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.watch(now)
	for world, h := range q.halls {
		if !q.leads(world) {
			delete(q.halls, world)
			q.left[world] = now // until who leads it now has said so
			q.release(h)
			continue
		}
		q.g.metrics.queueLeft.WithLabelValues("lost").Add(float64(h.queue.Expire(now)))
		if h.queue.Empty(now) {
			q.release(h)
			delete(q.halls, world)
			q.g.metrics.queued.DeleteLabelValues(world)
			continue
		}
		q.g.metrics.queued.WithLabelValues(world).Set(float64(h.queue.Waiting()))
		list = append(list, h)
	}
	for world, at := range q.left {
		if now.Sub(at) > q.recall/2 {
			delete(q.left, world)
		}
	}
	for world := range q.others { // it is ours now: places are said again
		if q.leads(world) && q.halls[world] == nil {
			q.hall(world, now)
		}
	}
	q.tell(now)
	return list
}

// watch notes which queues other nodes have. mu is held.
func (q *queues) watch(now time.Time) {
	if q.g.fleet == nil {
		return
	}
	self, live := q.g.fleet.ID(), make(map[earshot.NodeID][]string)
	for _, n := range q.g.fleet.Nodes() {
		if n.Node == self {
			continue
		}
		live[n.Node] = n.Load.Queued
		for _, name := range n.Load.Queued[:min(len(n.Load.Queued), maxQueued)] {
			q.others[name] = sighting{n.Node, now}
		}
	}
	for name, s := range q.others {
		names, lives := live[s.node]
		if lives && !slices.Contains(names, name) || now.Sub(s.at) > q.recall {
			delete(q.others, name)
		}
	}
}

// leads reports whether the queue of a world is kept here.
func (q *queues) leads(world string) bool {
	return !q.g.manager.spread(world) || q.g.fleet.Owns(firstOf(world))
}

// leader is the error that leads to the node that keeps the queue of a world.
func (q *queues) leader(world string) error {
	first := firstOf(world)
	return q.g.fleet.elsewhere(first, q.g.fleet.ownerOf(first))
}

// hall returns the queue of a world that is led here. Where another node led it
// a moment ago, those who wait have places that this one has not heard of. mu is
// held.
func (q *queues) hall(world string, now time.Time) *hall {
	h := q.halls[world]
	if h == nil {
		h = &hall{world: world, queue: queue.New(q.g.cfg.Instances.Queue, q.g.manager.node), held: make(map[earshot.ParticipantID]*holding)}
		q.halls[world] = h
		if _, known := q.others[world]; known {
			h.queue.Recover(now.Add(q.recall))
		}
	}
	return h
}

// names are the queues led here that have somebody in them, for other nodes: of
// worlds, and of instances that are not for everybody.
func (q *queues) names() []string {
	if names := q.told.Load(); names != nil {
		return *names
	}
	return nil
}

// tell notes what names returns. mu is held.
func (q *queues) tell(now time.Time) {
	var list []string
	for world := range q.left {
		list = append(list, world)
	}
	for world, h := range q.halls {
		for target := range h.queue.Targets(now) {
			name := string(target)
			if target == "" || publicID(target, world) {
				name = world
			}
			if !slices.Contains(list, name) && len(list) < maxQueued {
				list = append(list, name)
			}
		}
	}
	slices.Sort(list)
	q.told.Store(&list)
}

// waiting is how many people wait for a world whose queue is led here.
func (q *queues) waiting(world string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if h := q.halls[world]; h != nil {
		return h.queue.Waiting()
	}
	return 0
}

// busy reports whether somebody waits for an instance, or with none for any of a
// world, whose turn is before a newcomer's.
func (q *queues) busy(world string, id earshot.InstanceID, now time.Time) bool {
	public := id == "" || publicID(id, world)
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.leads(world) {
		q.watch(now)
		name := string(id)
		if public {
			name = world
		}
		_, waits := q.others[name]
		return waits
	}
	h := q.halls[world]
	if h == nil {
		if _, known := q.others[world]; !known {
			return false
		}
		h = q.hall(world, now)
	}
	return h.queue.Busy(id, now) || public && h.queue.Busy("", now)
}

// mayPass is why a newcomer cannot go to an instance, or with none to any of a
// world: others wait for that. Who is in already, or was a moment ago, may.
func (q *queues) mayPass(ctx context.Context, who earshot.ParticipantID, world string, id earshot.InstanceID) error {
	if !q.busy(world, id, time.Now()) || q.isIn(ctx, who, world) {
		return nil
	}
	return earshot.Errorf(earshot.CodeResourceExhausted, "world %s is full and others wait for it: join with ?wait=1 to wait too", world)
}

// isIn reports whether somebody has a place in a world, here or by the store.
func (q *queues) isIn(ctx context.Context, who earshot.ParticipantID, world string) bool {
	for _, in := range q.g.running() {
		if in.world == world && in.live.Load().byID[who] != nil {
			return true
		}
	}
	if !q.g.manager.spread(world) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, knowWithin)
	defer cancel()
	r, err := q.g.manager.store.Do(ctx, cluster.Find{Participant: who})
	return err == nil && worldOf(r.At.Instance) == world
}

// entered says that somebody is in.
func (q *queues) entered(s *session) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if h := q.halls[s.in.world]; h != nil {
		h.queue.Entered(s.participant, s.in.id, s.in.public(), time.Now())
	}
}

// sweep keeps places for those who have waited longest, as long as there are any.
func (q *queues) sweep(ctx context.Context, h *hall) {
	q.mu.Lock()
	s, pause := h.queue.Sweep(), time.Now().Before(h.full)
	q.mu.Unlock()
	for range sweepTries {
		q.mu.Lock()
		p, ok := s.Next(time.Now())
		q.mu.Unlock()
		if !ok || pause || !q.turn(ctx, h, s, &p) {
			return
		}
	}
}

// turn keeps places for a party whose turn it is, if there is room. It reports
// whether others may be looked at.
func (q *queues) turn(ctx context.Context, h *hall, s *queue.Sweep, p *queue.Place) bool {
	ctx, cancel := context.WithTimeout(ctx, seatWithin)
	defer cancel()
	m := q.g.manager
	var o queue.Offer
	fits, err := m.fits(h.world, p)
	if fits && err == nil {
		o, err = m.seat(ctx, h.world, p)
	}
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	switch code := earshot.CodeOf(err); {
	case err == nil && !fits:
		s.Refuse(p)
	case err == nil && s.Admit(p, o, now):
		q.g.metrics.queueWait.WithLabelValues(h.world).Observe(max(now.Sub(p.At.Time()), 0).Seconds())
		q.g.metrics.queueLeft.WithLabelValues("admitted").Inc()
	case err == nil: // they have just left
		r := reservationOf(&o, p)
		q.g.work.Go(func() { m.cancel(context.WithoutCancel(ctx), &r) })
	case code == earshot.CodeResourceExhausted: // the store knew better
		s.Refuse(p)
		h.full = now.Add(storeFull)
	case code == earshot.CodeNotFound || code == earshot.CodePermissionDenied:
		h.queue.Leave(p.Who(), now)
		q.g.metrics.queueLeft.WithLabelValues("refused").Inc()
	default: // the store is away: it goes on when that is back
		return false
	}
	return true
}
