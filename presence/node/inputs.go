package node

import (
	"context"
	"slices"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// Join lets a participant into an instance, and returns the event of it: the
// place they had, and the orders in force. Errors are *earshot.Error:
// failed_precondition where another node owns the instance (Event.Node, which is
// set with an error too), resource_exhausted where it is full,
// permission_denied for who is banned, aborted where they joined elsewhere
// meanwhile, unavailable where this node may admit nobody now.
func (n *Node) Join(ctx context.Context, j cluster.Join) (cluster.Event, error) {
	ended := make(chan cluster.Event, 1)
	var key cluster.Key
	n.mu.Lock()
	wall := time.Now()
	key = n.machine.Join(j, cluster.Now{Mono: wall.Sub(n.began), Wall: wall})
	n.waiting[key] = ended
	n.mu.Unlock()
	n.input(func(*cluster.Node, cluster.Now) {}) // what it brought about, now that somebody waits
	select {
	case e := <-ended:
		return e, n.refusal(&e)
	case <-ctx.Done():
	case <-n.quit:
	}
	n.input(func(m *cluster.Node, now cluster.Now) { m.CallOff(key, now) })
	n.mu.Lock()
	delete(n.waiting, key)
	n.mu.Unlock()
	select {
	case e := <-ended: // it came to its end just now
		return e, n.refusal(&e)
	default:
		return cluster.Event{}, errAway()
	}
}

// errAway is the error for who is not let in because the store does not answer.
func errAway() error {
	return earshot.Errorf(earshot.CodeUnavailable, "the store that nodes share does not answer: whoever is in goes on, and nobody new is let in until it does; join again in a few seconds")
}

// Away reports whether the store has not answered for a while.
func (n *Node) Away() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.machine.Away()
}

// refusal says what a Refused event means to who joins.
func (n *Node) refusal(e *cluster.Event) error {
	if e.Kind == cluster.Admitted {
		return nil
	}
	if n.Away() && (e.Code == earshot.CodeUnavailable || e.Code == earshot.CodeDeadlineExceeded) {
		return errAway()
	}
	switch e.Code {
	case earshot.CodeFailedPrecondition:
		return earshot.Errorf(e.Code, "instance %s runs on another node", e.Instance)
	case earshot.CodeResourceExhausted:
		return earshot.Errorf(e.Code, "instance %s is full; try again later or join another (GET /v1/worlds)", e.Instance)
	case earshot.CodePermissionDenied:
		return earshot.Errorf(e.Code, "a moderator keeps you out of this world")
	case earshot.CodeAborted:
		return earshot.Errorf(e.Code, "you joined from somewhere else meanwhile")
	}
	return earshot.Errorf(earshot.CodeUnavailable, "instance %s admits nobody at this moment; join again in a second", e.Instance)
}

// Orders are those in force on somebody who is here, as of now.
func (n *Node) Orders(id earshot.ParticipantID) cluster.Orders {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := n.seats[id]; s != nil {
		return slices.Clone(s.orders)
	}
	return nil
}

// Seated reports whether the session that came by key is still the one of its
// participant.
func (n *Node) Seated(key cluster.Key) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.seats[key.Participant]
	return s != nil && s.key == key
}

// Given returns what was last ordered under a name: see cluster.Order.Name. For
// who is not here the store is asked; nothing is found where it does not answer.
func (n *Node) Given(ctx context.Context, of earshot.ParticipantID, name string) (o cluster.Order, found bool) {
	n.mu.Lock()
	s := n.seats[of]
	var orders cluster.Orders
	if s != nil {
		orders = s.orders
	}
	n.mu.Unlock()
	if s == nil {
		reply, err := n.deps.Store.Do(ctx, cluster.Find{Participant: of})
		if err != nil {
			return o, false
		}
		orders = reply.Orders
	}
	for i := range orders {
		if orders[i].Name() == name {
			return orders[i], true
		}
	}
	return o, false
}

// Leave says that the session that came by key is over. A later one of the same
// participant is not touched.
func (n *Node) Leave(key cluster.Key) {
	n.input(func(m *cluster.Node, now cluster.Now) {
		if s := n.seats[key.Participant]; s != nil && s.key == key {
			delete(n.seats, key.Participant)
			m.Leave(key.Participant, now)
		}
	})
}

// Place says where somebody who is here is, and what they have. See
// cluster.Node.Place.
func (n *Node) Place(p cluster.Presence) (err error) {
	n.input(func(m *cluster.Node, now cluster.Now) { err = m.Place(p, now) })
	return err
}

// Snapshot keeps what it takes to restore an instance elsewhere.
func (n *Node) Snapshot(id earshot.InstanceID, b []byte) (err error) {
	n.input(func(m *cluster.Node, now cluster.Now) { err = m.Snapshot(id, b, now) })
	return err
}

// Order puts an order in force, or lifts it: see cluster.Node.Order.
func (n *Node) Order(o cluster.Order) {
	n.input(func(m *cluster.Node, now cluster.Now) { m.Order(o, now) })
}

// Lift ends an order as it was given.
func (n *Node) Lift(o cluster.Order) {
	n.input(func(m *cluster.Node, now cluster.Now) { m.Lift(o, now) })
}

// Open makes this node the owner of an instance, or returns who is. The
// *earshot.Error is unavailable where that cannot be known.
func (n *Node) Open(ctx context.Context, record cluster.InstanceRecord, unique bool) (owner earshot.NodeID, err error) {
	ended := make(chan cluster.Event, 1)
	n.mu.Lock()
	n.opening[record.Instance] = append(n.opening[record.Instance], ended)
	n.mu.Unlock()
	owns := false
	n.input(func(m *cluster.Node, now cluster.Now) {
		m.Open(record, unique, now)
		owns = m.Owns(record.Instance)
	})
	if owns { // it was granted already, after which no event comes
		n.opened(record.Instance, ended)
		return n.id, nil
	}
	select {
	case e := <-ended:
		if e.Kind == cluster.Granted {
			return n.id, nil
		}
		if e.Node != "" {
			return e.Node, nil
		}
		return "", earshot.Errorf(earshot.CodeUnavailable, "instance %s cannot be opened now; try again in a second", record.Instance)
	case <-ctx.Done():
	case <-n.quit:
	}
	n.opened(record.Instance, ended)
	return "", earshot.Errorf(earshot.CodeUnavailable, "the directory does not answer; try again in a moment")
}

// opened forgets one who waits for an instance to open.
func (n *Node) opened(id earshot.InstanceID, who chan cluster.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.opening[id] = slices.DeleteFunc(n.opening[id], func(c chan cluster.Event) bool { return c == who })
}

// Admits reports whether this node owns an instance and may let somebody in now.
func (n *Node) Admits(id earshot.InstanceID) (yes bool) {
	n.input(func(m *cluster.Node, now cluster.Now) { yes = m.Admits(id, now) })
	return yes
}

// Move hands somebody who is here over to another node: see cluster.Node.Move.
func (n *Node) Move(id earshot.ParticipantID, to earshot.InstanceID, node earshot.NodeID) (key cluster.Key, err error) {
	n.input(func(m *cluster.Node, now cluster.Now) { key, err = m.Move(id, to, node, now) })
	return key, err
}

// Attached says that the client of a handoff has connected here, and returns as
// Join does.
func (n *Node) Attached(ctx context.Context, key cluster.Key) (cluster.Event, error) {
	ended := make(chan cluster.Event, 1)
	n.mu.Lock()
	n.waiting[key] = ended
	n.mu.Unlock()
	n.input(func(m *cluster.Node, now cluster.Now) { m.Attached(key, now) })
	select {
	case e := <-ended:
		return e, n.refusal(&e)
	case <-ctx.Done():
	case <-n.quit:
	}
	n.mu.Lock()
	delete(n.waiting, key)
	n.mu.Unlock()
	return cluster.Event{}, earshot.Errorf(earshot.CodeUnavailable, "the handoff was not completed in time")
}

// CallOff says that the client of a handoff is gone before it came to its end.
func (n *Node) CallOff(key cluster.Key) {
	n.input(func(m *cluster.Node, now cluster.Now) { m.CallOff(key, now) })
}

// Yield gives an empty instance up that nobody needs: see cluster.Node.Yield.
func (n *Node) Yield(id earshot.InstanceID) (given bool) {
	n.input(func(m *cluster.Node, now cluster.Now) { given = m.Yield(id, now) })
	return given
}

// Owns reports whether this node is the owner of an instance by all it knows.
func (n *Node) Owns(id earshot.InstanceID) (yes bool) {
	n.input(func(m *cluster.Node, _ cluster.Now) { yes = m.Owns(id) })
	return yes
}

// Holds reports whether this node's lease on an instance runs, full or not.
func (n *Node) Holds(id earshot.InstanceID) (yes bool) {
	n.input(func(m *cluster.Node, now cluster.Now) { yes = m.Holds(id, now) })
	return yes
}

// Propose sends a proposal to a node: see cluster.Node.Propose.
func (n *Node) Propose(p cluster.Proposal, to earshot.NodeID) (sent bool) {
	n.input(func(m *cluster.Node, now cluster.Now) { sent = m.Propose(p, to, now) })
	return sent
}

// Unlist takes an instance out of what newcomers are led to: see
// cluster.Node.Unlist.
func (n *Node) Unlist(id, into earshot.InstanceID) (done bool) {
	n.input(func(m *cluster.Node, now cluster.Now) { done = m.Unlist(id, into, now) })
	return done
}

// Relist takes Unlist back.
func (n *Node) Relist(id earshot.InstanceID) {
	n.input(func(m *cluster.Node, now cluster.Now) { m.Relist(id, now) })
}

// Tell has another node's gateway be told something: see cluster.Node.Tell.
func (n *Node) Tell(to earshot.NodeID, payload []byte) (err error) {
	n.input(func(m *cluster.Node, now cluster.Now) { err = m.Tell(to, payload, now) })
	return err
}

// Shares are the other nodes that have people of an instance of this node.
func (n *Node) Shares(id earshot.InstanceID) (nodes []earshot.NodeID) {
	n.input(func(m *cluster.Node, now cluster.Now) { nodes = m.Shares(id, now) })
	return nodes
}

// Drain empties this node within a time: see cluster.Node.Drain. Event Drained
// comes at the end.
func (n *Node) Drain(within time.Duration) {
	n.input(func(m *cluster.Node, now cluster.Now) { m.Drain(within, now) })
}

// Nodes are those that live, and Instances what the directory lists, as of the
// last survey.
func (n *Node) Nodes() []cluster.NodeRecord {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.machine.Nodes())
}

// Instances are what the directory lists: see Nodes.
func (n *Node) Instances() []cluster.InstanceRecord {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.machine.Instances())
}
