package directory

import (
	"context"
	"maps"
	"sync"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

const (
	// knowledgeLife is how long what was once known counts while the store is
	// away.
	knowledgeLife = 10 * time.Minute
	maxKnowledge  = 50_000 // participants
)

// knowledge is what was last read of participants.
type knowledge[T any] map[earshot.ParticipantID]known[T]

type known[T any] struct {
	value T
	at    time.Time
}

func (k knowledge[T]) sweep(now time.Time) {
	maps.DeleteFunc(k, func(_ earshot.ParticipantID, e known[T]) bool { return now.Sub(e.at) > knowledgeLife })
	for id := range k {
		if len(k) <= maxKnowledge {
			break
		}
		delete(k, id)
	}
}

// learn returns what is known of participants, read anew where it is older than
// Config.Known. What cannot be read is what was known last; what never was, is
// missing. While the store is away nothing is asked: nobody waits for it.
func learn[T any](ctx context.Context, d *Directory, k knowledge[T], ids []earshot.ParticipantID, read func(context.Context, earshot.ParticipantID) (T, error)) map[earshot.ParticipantID]T {
	out := make(map[earshot.ParticipantID]T, len(ids))
	now := time.Now()
	var ask []earshot.ParticipantID
	d.mu.Lock()
	away := d.away(now)
	for _, id := range ids {
		e, ok := k[id]
		if ok && now.Sub(e.at) <= knowledgeLife {
			out[id] = e.value
		}
		if !away && (!ok || now.Sub(e.at) >= d.cfg.Known) {
			ask = append(ask, id)
		}
	}
	d.mu.Unlock()
	var all sync.WaitGroup
	for _, id := range ask {
		select {
		case d.asks <- struct{}{}:
		case <-ctx.Done():
			continue
		}
		all.Go(func() {
			defer func() { <-d.asks }()
			value, err := read(ctx, id)
			if err != nil {
				return
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			k[id] = known[T]{value, time.Now()}
			out[id] = value
		})
	}
	all.Wait()
	return out
}

// find returns whereabouts and orders of participants.
func (d *Directory) find(ctx context.Context, ids []earshot.ParticipantID) map[earshot.ParticipantID]cluster.Reply {
	return learn(ctx, d, d.people, ids, func(ctx context.Context, id earshot.ParticipantID) (cluster.Reply, error) {
		return d.deps.Store.Do(ctx, cluster.Find{Participant: id})
	})
}

// friendsOf returns the friends of participants, in one direction.
func (d *Directory) friendsOf(ctx context.Context, ids []earshot.ParticipantID) map[earshot.ParticipantID][]earshot.ParticipantID {
	return learn(ctx, d, d.friends, ids, d.deps.Store.Friends)
}

// Forget has what is in force on a participant, and who their friends are, read
// anew before the next answer: for whoever has just written it.
func (d *Directory) Forget(participant earshot.ParticipantID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.people, participant)
	delete(d.friends, participant)
}

// InForce returns the orders of moderators that hold for a participant in a
// world, at the time of the call: what whoever admits them has to enforce. While
// the store is away it is what was last known; the error is unavailable where
// nothing was, and then nobody knows what is in force.
func (d *Directory) InForce(ctx context.Context, world string, participant earshot.ParticipantID) (cluster.Orders, error) {
	r, ok := d.find(ctx, []earshot.ParticipantID{participant})[participant]
	if !ok {
		return nil, earshot.Errorf(earshot.CodeUnavailable, "directory: it is not known what is in force on %s: the store is away", participant)
	}
	now := cluster.At(time.Now())
	var out cluster.Orders
	for _, o := range r.Orders {
		if o.Kind != cluster.Block && o.InForce(now) && (o.Scope == "" || o.Scope == world) {
			out = append(out, o)
		}
	}
	return out, nil
}

// hidden reports whether viewer gets to know nothing of other in a world: where
// either blocks the other or is isolated, viewer is banned, or that is not known.
func hidden(viewer, other earshot.ParticipantID, world string, known map[earshot.ParticipantID]cluster.Reply) bool {
	if viewer == other {
		return false
	}
	mine, ok := known[viewer]
	theirs, also := known[other]
	if !ok || !also {
		return true
	}
	now := cluster.At(time.Now())
	for _, o := range mine.Orders {
		if !o.InForce(now) {
			continue
		}
		if o.Kind == cluster.Block && o.Against == other || o.Kind != cluster.Mute && o.Kind != cluster.Block && (o.Scope == "" || o.Scope == world) {
			return true
		}
	}
	for _, o := range theirs.Orders {
		if !o.InForce(now) {
			continue
		}
		if o.Kind == cluster.Block && o.Against == viewer || o.Kind == cluster.Isolation && (o.Scope == "" || o.Scope == world) {
			return true
		}
	}
	return false
}
