package directory

import (
	"context"
	"slices"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// Question asks who is near.
type Question struct {
	Viewer earshot.ParticipantID
	World  string // a watched one
	// Place is the middle, in metres; nil is wherever Viewer is.
	Place *earshot.Vec3
	// Radius is in metres, above 0 and up to MaxRadius.
	Radius float64
	// Friends asks for friends only: see Friends.
	Friends bool
	// Limit is how many at most, the nearest; 1 to MaxFound.
	Limit int
}

// Answer is who is near.
type Answer struct {
	Place  earshot.Vec3
	People []Neighbour // nearest first
	// Complete: every instance of the world is known and the store answers. Else
	// there may be others.
	Complete bool
}

// Nearby returns whom the viewer may know of around a place, in their own
// instance and in all of the world that everybody may enter, without themselves.
//
// One sees only while one is seen: the *earshot.Error is failed_precondition for
// a viewer who is not in the world, or not shown there; also for a world that
// nobody watches here. It is invalid_argument for what is out of bounds,
// unavailable for Friends whose names are not known because the store is away.
func (d *Directory) Nearby(ctx context.Context, q Question) (a Answer, err error) {
	if err := q.check(); err != nil {
		return a, err
	}
	var friends []earshot.ParticipantID
	if q.Friends {
		if friends, err = d.Mutual(ctx, q.Viewer); err != nil {
			return a, err
		}
	}
	found, err := d.candidates(&q, &a, friends)
	if err != nil {
		return a, err
	}
	for part := range slices.Chunk(found[:min(len(found), MaxFound)], q.Limit) {
		a.People = append(a.People, d.shown(ctx, q.Viewer, q.World, part)...)
		if len(a.People) >= q.Limit {
			a.People = a.People[:q.Limit]
			break
		}
	}
	return a, nil
}

func (q *Question) check() error {
	switch {
	case !(q.Radius > 0 && q.Radius <= MaxRadius):
		return earshot.Errorf(earshot.CodeInvalidArgument, "radius is %v m; it must be above 0 and at most %d", q.Radius, MaxRadius)
	case q.Place != nil && !q.Place.Finite():
		return earshot.Errorf(earshot.CodeInvalidArgument, "%v is no place; it must be three finite numbers, in metres", *q.Place)
	case q.Limit < 1 || q.Limit > MaxFound:
		return earshot.Errorf(earshot.CodeInvalidArgument, "limit is %d; it must be 1 to %d", q.Limit, MaxFound)
	}
	return nil
}

// candidates are those near, by place and instance alone.
func (d *Directory) candidates(q *Question, a *Answer, friends []earshot.ParticipantID) ([]Neighbour, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.view.worlds[q.World]
	if w == nil {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "world %.64q is not watched on this node", q.World)
	}
	viewer, _, here := w.people.Get(q.Viewer)
	if !here || !viewer.is(Shown) {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "you are not in world %.64q, or not seen there; join it first: who sees is seen", q.World)
	}
	a.Place, a.Complete = viewer.Position, d.complete(q.World)
	if q.Place != nil {
		a.Place = *q.Place
	}
	open := d.view.open(q.World)
	return slices.DeleteFunc(w.near(a.Place, q.Radius), func(n Neighbour) bool {
		return n.Participant == q.Viewer || n.Instance != viewer.Instance && !open[n.Instance] ||
			q.Friends && !slices.Contains(friends, n.Participant)
	}), nil
}

// shown leaves of some those whom viewer may know of.
func (d *Directory) shown(ctx context.Context, viewer earshot.ParticipantID, world string, some []Neighbour) (out []Neighbour) {
	ids := make([]earshot.ParticipantID, 0, len(some)+1)
	ids = append(ids, viewer)
	for i := range some {
		ids = append(ids, some[i].Participant)
	}
	known := d.find(ctx, ids)
	for i := range some {
		if !hidden(viewer, some[i].Participant, world, known) {
			out = append(out, some[i])
		}
	}
	return out
}

// Friend is a friend who is somewhere.
type Friend struct {
	Participant earshot.ParticipantID
	World       string
	Instance    earshot.InstanceID
	Node        earshot.NodeID
	Since       time.Time // by the clock of the node that let them in; zero: not known
	// Sighting says where in it, and whether they may be told of at all. It is nil
	// in a world that is not watched here: then nothing may be told of them.
	Sighting *Sighting
}

// Friends returns those friends of viewer who are somewhere, sorted. A friend
// is who viewer has as one and who has viewer as one: nobody is followed by
// strangers. The *earshot.Error is unavailable where viewer's friends are not
// known because the store is away.
func (d *Directory) Friends(ctx context.Context, viewer earshot.ParticipantID) ([]Friend, error) {
	ids, err := d.Mutual(ctx, viewer)
	if err != nil {
		return nil, err
	}
	known := d.find(ctx, append(slices.Clone(ids), viewer))
	d.mu.Lock()
	defer d.mu.Unlock()
	listed := make(map[earshot.InstanceID]*cluster.InstanceRecord, len(d.view.listed))
	for i := range d.view.listed {
		listed[d.view.listed[i].Instance] = &d.view.listed[i]
	}
	out := []Friend{}
	for _, id := range ids {
		f := Friend{Participant: id}
		at := known[id].At
		if s, ok := d.view.seen(id); ok {
			if !s.is(Shown) {
				continue
			}
			f.World, f.Instance, f.Node, f.Sighting = s.World, s.Instance, s.Node, &s
		} else if rec := listed[at.Instance]; rec != nil && rec.State != cluster.Orphaned && d.view.worlds[rec.World] == nil {
			f.World, f.Instance, f.Node = rec.World, at.Instance, at.Node
		}
		if f.Instance == "" || hidden(viewer, id, f.World, known) {
			continue
		}
		if at.Instance == f.Instance && at.Key.HLC != 0 {
			f.Since = at.Key.HLC.Time()
		}
		out = append(out, f)
	}
	return out, nil
}

// Sighting returns where somebody is in a watched world, whoever may know of it;
// false: nowhere.
func (d *Directory) Sighting(world string, id earshot.ParticipantID) (s Sighting, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w := d.view.worlds[world]; w != nil {
		s, _, ok = w.people.Get(id)
	}
	return s, ok
}

// seen returns the latest sighting of somebody in all watched worlds.
func (v *view) seen(id earshot.ParticipantID) (latest Sighting, ok bool) {
	var stamp cluster.Stamp
	for _, w := range v.worlds {
		if s, at, known := w.people.Get(id); known && (!ok || stamp.Before(at)) {
			latest, stamp, ok = s, at, true
		}
	}
	return latest, ok
}

// Mutual returns those who are friends in both directions, sorted. The error is
// that of Friends.
func (d *Directory) Mutual(ctx context.Context, viewer earshot.ParticipantID) ([]earshot.ParticipantID, error) {
	mine, ok := d.friendsOf(ctx, []earshot.ParticipantID{viewer})[viewer]
	if !ok {
		return nil, earshot.Errorf(earshot.CodeUnavailable, "directory: the friends of %s are not known: the store is away", viewer)
	}
	theirs := d.friendsOf(ctx, mine)
	var out []earshot.ParticipantID
	for _, id := range mine {
		if slices.Contains(theirs[id], viewer) {
			out = append(out, id)
		}
	}
	return out, nil
}
