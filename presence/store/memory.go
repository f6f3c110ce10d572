package store

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/cluster/reference"
	"earshot/presence/docket"
)

// Memory is the store of a single process: several nodes of a test may share
// it. Everything is gone when the process ends.
type Memory struct {
	// mu guards all below. News go to the queues of who listens under it, so
	// that they come in order; nobody waits for a queue.
	mu        sync.Mutex
	closed    chan struct{}
	end       sync.Once // closes closed
	began     time.Time
	shared    *reference.Store
	followers map[earshot.InstanceID]map[chan cluster.Delta]struct{}
	receivers map[earshot.NodeID]map[chan []byte]struct{}
	listeners map[chan struct{}]struct{}
	friends   map[earshot.ParticipantID]map[earshot.ParticipantID]friendship
	books     map[string]*book // dockets by name
	readers   map[string]map[chan docket.News]struct{}
	listed    map[string]cluster.State // nodes and instances that who listens knows of
}

var _ Store = (*Memory)(nil)

type friendship struct {
	stamp cluster.Stamp
	on    bool
}

// queueLength is how many news wait for one who listens. What comes beyond is
// lost, as over a broken connection.
const queueLength = 256

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{
		closed: make(chan struct{}), began: time.Now(), shared: reference.New(),
		followers: map[earshot.InstanceID]map[chan cluster.Delta]struct{}{},
		receivers: map[earshot.NodeID]map[chan []byte]struct{}{},
		listeners: map[chan struct{}]struct{}{},
		friends:   map[earshot.ParticipantID]map[earshot.ParticipantID]friendship{},
		books:     map[string]*book{},
		readers:   map[string]map[chan docket.News]struct{}{},
		listed:    map[string]cluster.State{},
	}
}

// Close implements Store.
func (m *Memory) Close() error {
	m.end.Do(func() { close(m.closed) })
	return nil
}

// Do implements Store.
func (m *Memory) Do(ctx context.Context, op cluster.Op) (cluster.Reply, error) {
	if err := Check(op); err != nil {
		return cluster.Reply{}, err
	}
	if ctx.Err() != nil {
		return cluster.Reply{}, stopped(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	reply, delta := m.shared.Apply(op, time.Since(m.began))
	if delta != nil {
		for queue := range m.followers[delta.Instance] {
			put(queue, *delta)
		}
	}
	if reply.Status == cluster.OK && m.listsChange(op) {
		for queue := range m.listeners {
			put(queue, struct{}{})
		}
	}
	return reply, nil
}

// listsChange notes what is listed, and reports whether that is new.
func (m *Memory) listsChange(op cluster.Op) bool {
	name, state := op.Tag(), cluster.Open
	switch op := op.(type) {
	case cluster.Claim:
		state = cluster.Claimed
	case cluster.Write:
		state = op.Record.State
	case cluster.Announce:
		if op.Record.Draining {
			state = cluster.Draining
		}
	case cluster.Withdraw:
		delete(m.listed, name)
		return true
	case cluster.Release:
		if !op.Forget {
			return false
		}
		delete(m.listed, name)
		return true
	default:
		return false
	}
	before, known := m.listed[name]
	m.listed[name] = state
	if state == cluster.Closed {
		delete(m.listed, name)
	}
	return !known || before != state
}

func put[T any](queue chan T, news T) {
	select {
	case queue <- news:
	default:
	}
}

// Follow implements Bus.
func (m *Memory) Follow(ctx context.Context, instance earshot.InstanceID, began func(), delta func(cluster.Delta)) error {
	return hear(ctx, m, m.followers, instance, began, delta)
}

// Receive implements Bus.
func (m *Memory) Receive(ctx context.Context, node earshot.NodeID, began func(), message func([]byte)) error {
	return hear(ctx, m, m.receivers, node, began, message)
}

// hear passes on what comes into a queue of its own among those under key.
func hear[K comparable, T any](ctx context.Context, m *Memory, queues map[K]map[chan T]struct{}, key K, began func(), news func(T)) error {
	queue := make(chan T, queueLength)
	m.mu.Lock()
	if queues[key] == nil {
		queues[key] = map[chan T]struct{}{}
	}
	queues[key][queue] = struct{}{}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(queues[key], queue)
		if len(queues[key]) == 0 {
			delete(queues, key)
		}
	}()
	return drain(ctx, m.closed, queue, began, news)
}

// Listen implements Bus.
func (m *Memory) Listen(ctx context.Context, began func(), changed func()) error {
	queue := make(chan struct{}, 1) // one says it all
	m.mu.Lock()
	m.listeners[queue] = struct{}{}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.listeners, queue)
	}()
	return drain(ctx, m.closed, queue, began, func(struct{}) { changed() })
}

func drain[T any](ctx context.Context, closed chan struct{}, queue chan T, began func(), news func(T)) error {
	began()
	for {
		select {
		case n := <-queue:
			news(n)
		case <-closed:
			return earshot.Errorf(earshot.CodeUnavailable, "store: it was closed")
		case <-ctx.Done():
			return stopped(ctx)
		}
	}
}

// Send implements Bus.
func (m *Memory) Send(ctx context.Context, to earshot.NodeID, message []byte) error {
	if err := checkMessage(to, message); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for queue := range m.receivers[to] {
		put(queue, bytes.Clone(message))
	}
	return nil
}

func checkMessage(to earshot.NodeID, message []byte) error {
	if len(message) == 0 || len(message) > MaxMessage {
		return tooLarge("bytes of a message", len(message), MaxMessage)
	}
	return named(to)
}

// Befriend implements Friendships.
func (m *Memory) Befriend(ctx context.Context, participant earshot.ParticipantID, friends []earshot.ParticipantID, on bool, at cluster.Stamp) error {
	if err := checkFriends(participant, friends); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	of := maps.Clone(m.friends[participant])
	if of == nil {
		of = map[earshot.ParticipantID]friendship{}
	}
	for _, friend := range friends {
		if old, known := of[friend]; !known || old.stamp.Before(at) {
			of[friend] = friendship{at, on}
		}
	}
	if len(of) > MaxFriends {
		maps.DeleteFunc(of, func(_ earshot.ParticipantID, f friendship) bool { return !f.on })
	}
	if len(of) > MaxFriends {
		return tooManyFriends(participant)
	}
	m.friends[participant] = of
	return nil
}

func checkFriends(participant earshot.ParticipantID, friends []earshot.ParticipantID) error {
	err := named(participant)
	for i := 0; err == nil && i < len(friends); i++ {
		err = named(friends[i])
	}
	if len(friends) > MaxFriends {
		return tooLarge("friends", len(friends), MaxFriends)
	}
	return err
}

// Friends implements Friendships.
func (m *Memory) Friends(ctx context.Context, participant earshot.ParticipantID) (friends []earshot.ParticipantID, err error) {
	if ctx.Err() != nil {
		return nil, stopped(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, f := range m.friends[participant] {
		if f.on {
			friends = append(friends, id)
		}
	}
	slices.Sort(friends)
	return friends, nil
}
