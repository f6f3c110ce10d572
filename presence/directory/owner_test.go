package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// owner writes one instance as its node's machine does: what changed every 250
// ms, a heartbeat after 2 s, a renewal each second, everything again where the
// store has forgotten it.
type owner struct {
	store   store.Store
	record  cluster.InstanceRecord
	mu      sync.Mutex
	seq     uint64
	hlc     cluster.HLC
	members map[earshot.ParticipantID]cluster.Presence
	dirty   map[earshot.ParticipantID]bool
	gone    []earshot.ParticipantID
	full    bool
	written atomic.Int64 // members
}

func newOwner(t testing.TB, s store.Store, id earshot.InstanceID, node earshot.NodeID) *owner {
	t.Helper()
	o := &owner{store: s, members: map[earshot.ParticipantID]cluster.Presence{}, dirty: map[earshot.ParticipantID]bool{}, full: true}
	o.record = cluster.InstanceRecord{Instance: id, World: "plaza", State: cluster.Open, Soft: 1000, Hard: 1000, Owner: node}
	r, err := s.Do(t.Context(), cluster.Claim{Instance: id, Node: node, Nonce: 1, Seed: 100, TTL: 3 * time.Second, Record: o.record})
	if err != nil || r.Status != cluster.OK {
		t.Fatalf("Claim of %s: %v %v", id, r.Status, err)
	}
	o.record = r.Record
	return o
}

func (o *owner) put(id earshot.ParticipantID, epoch cluster.Epoch, at earshot.Vec3) {
	o.show(id, epoch, at, Shown|Located)
}

func (o *owner) show(id earshot.ParticipantID, epoch cluster.Epoch, at earshot.Vec3, flags uint8) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hlc++
	o.members[id] = cluster.Presence{Participant: id, Epoch: epoch, HLC: o.hlc, Node: o.record.Owner, Cell: CellOf(at), Position: at, Flags: flags}
	o.dirty[id] = true
}

func (o *owner) remove(id earshot.ParticipantID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.members, id)
	delete(o.dirty, id)
	o.gone = append(o.gone, id)
}

// run writes until ctx ends.
func (o *owner) run(ctx context.Context) {
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for beat := 0; ; beat++ {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if beat%4 == 0 {
			o.renew(ctx)
		}
		o.flush(ctx, beat%8 == 0)
	}
}

func (o *owner) renew(ctx context.Context) {
	r, err := o.store.Do(ctx, cluster.Renew{Instance: o.record.Instance, Node: o.record.Owner, Epoch: o.record.Epoch, TTL: 3 * time.Second})
	if err != nil {
		o.full = true
		return
	}
	if r.Status == cluster.OK && (r.Fresh || o.full) {
		o.record.Rev++
		o.store.Do(ctx, cluster.Write{Record: o.record})
		o.full = true
	}
}

func (o *owner) flush(ctx context.Context, heartbeat bool) {
	o.mu.Lock()
	put := cluster.Put{Instance: o.record.Instance, Node: o.record.Owner, Epoch: o.record.Epoch, Full: o.full, Gone: o.gone}
	for id, p := range o.members {
		if o.full || o.dirty[id] {
			put.Set = append(put.Set, p)
		}
	}
	o.full, o.gone = false, nil
	clear(o.dirty)
	if !put.Full && !heartbeat && len(put.Set)+len(put.Gone) == 0 {
		o.mu.Unlock()
		return
	}
	o.seq++
	put.Seq = o.seq
	o.mu.Unlock()
	o.written.Add(int64(len(put.Set)))
	if r, err := o.store.Do(ctx, put); err != nil || r.Status != cluster.OK {
		o.full = true
	}
}

// wobbly is a store that can be away, and loses deltas when told to.
type wobbly struct {
	store.Store
	away  atomic.Bool
	lossy atomic.Bool
	n     atomic.Int64
}

var errAway = earshot.Errorf(earshot.CodeUnavailable, "test: away")

func (w *wobbly) Do(ctx context.Context, op cluster.Op) (cluster.Reply, error) {
	if w.away.Load() {
		return cluster.Reply{}, errAway
	}
	return w.Store.Do(ctx, op)
}

func (w *wobbly) Friends(ctx context.Context, id earshot.ParticipantID) ([]earshot.ParticipantID, error) {
	if w.away.Load() {
		return nil, errAway
	}
	return w.Store.Friends(ctx, id)
}

func (w *wobbly) Follow(ctx context.Context, id earshot.InstanceID, began func(), delta func(cluster.Delta)) error {
	return w.Store.Follow(ctx, id, began, func(d cluster.Delta) {
		if !w.away.Load() && !(w.lossy.Load() && w.n.Add(1)%3 == 0) {
			delta(d)
		}
	})
}

// start runs a Directory over a store until the test ends.
func start(t testing.TB, s store.Store) *Directory {
	t.Helper()
	d, err := New(DefaultConfig(), Deps{Log: slog.New(slog.DiscardHandler), Store: s})
	if err != nil {
		t.Fatal(err)
	}
	background(t, func(ctx context.Context) { d.Run(ctx) })
	return d
}

// background runs f until the test ends, and returns what ends it sooner.
func background(t testing.TB, f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(ctx)
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// same reports how the view of a world differs from what its owners have.
func same(d *Directory, owners ...*owner) error {
	want := map[earshot.ParticipantID]cluster.Presence{}
	where := map[earshot.ParticipantID]earshot.InstanceID{}
	for _, o := range owners {
		o.mu.Lock()
		for id, p := range o.members {
			if have, ok := want[id]; !ok || have.Epoch < p.Epoch {
				want[id], where[id] = p, o.record.Instance
			}
		}
		o.mu.Unlock()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.view.worlds["plaza"]
	if w == nil {
		return errors.New("the world is not watched")
	}
	for id, p := range want {
		s, _, ok := w.people.Get(id)
		if !ok || s.Instance != where[id] || s.Position != p.Position {
			return fmt.Errorf("%s is seen (%t) in %q at %v, but is in %s at %v", id, ok, s.Instance, s.Position, where[id], p.Position)
		}
		if _, ok := w.cells[CellOf(p.Position)][id]; !ok {
			return fmt.Errorf("%s is not in the index", id)
		}
	}
	indexed := 0
	for _, cell := range w.cells {
		indexed += len(cell)
	}
	if w.people.Len() != len(want) || indexed != len(want) {
		return fmt.Errorf("%d are seen and %d indexed, %d are there", w.people.Len(), indexed, len(want))
	}
	return nil
}
