package router

import (
	"slices"
	"strings"

	"earshot"
)

// world shares the pool with the others by virtual tokens: it is charged
// prompt tokens plus twice the output tokens, divided by its weight, and the
// world with the lowest sum is next (VTC).
type world struct {
	name    string
	weight  float64
	virtual float64
	queues  [classes][]*ticket // earliest deadline first
	place   [classes]int       // in Router.waiting, if it has anything queued
	pass    uint64             // when it was last looked at
	tickets int                // queued and in flight
	kept    bool               // its weight was set
}

// outputWeight is what an output token costs in prompt tokens (VTC).
const outputWeight = 2

// MaxWeight bounds SetWeight.
const MaxWeight = 1e6

// SetWeight says how much of the pool a world gets when there is not enough
// for all, in relation to the others. Worlds have 1 unless told otherwise.
func (r *Router) SetWeight(name string, weight float64) error {
	if !(weight > 0 && weight <= MaxWeight) {
		return invalid("world %q: weight %v: give more than 0, at most %g", name, weight, float64(MaxWeight))
	}
	w := r.world(name)
	if w == nil {
		return earshot.Errorf(earshot.CodeResourceExhausted, "the router knows %d worlds already: raise router.max_worlds", len(r.worlds))
	}
	w.weight, w.kept = weight, true
	return nil
}

// world returns the world called name, in the place of one that is idle if
// there are too many; nil if none is.
func (r *Router) world(name string) *world {
	if w := r.worlds[name]; w != nil {
		return w
	}
	if len(r.worlds) >= r.cfg.MaxWorlds && !r.forgetWorld() {
		return nil
	}
	name = strings.Clone(name) // it may be part of a buffer of the caller's
	w := &world{name: name, weight: 1, virtual: r.virtual}
	r.worlds[name] = w
	return w
}

// forgetWorld forgets a world that has nothing here, rather one that is not
// in debt.
func (r *Router) forgetWorld() bool {
	var idle *world
	for _, w := range r.worlds {
		if w.tickets == 0 && !w.kept && (idle == nil || w.virtual < idle.virtual) {
			idle = w
		}
	}
	if idle == nil {
		return false
	}
	delete(r.worlds, idle.name)
	return true
}

// enqueue puts t among its world's tickets by deadline. A world that had
// nothing queued starts at the level of the others: it must not save up.
func (r *Router) enqueue(t *ticket) {
	w, class := t.world, t.req.Class
	if len(w.queues[Dialogue])+len(w.queues[Moderation]) == 0 {
		w.virtual = max(w.virtual, r.virtual)
	}
	if len(w.queues[class]) == 0 {
		w.place[class] = len(r.waiting[class])
		r.waiting[class] = append(r.waiting[class], w)
	}
	at, _ := slices.BinarySearchFunc(w.queues[class], t, func(a, b *ticket) int {
		if c := a.deadline.Compare(b.deadline); c != 0 {
			return c
		}
		return -1 // after all of the same deadline: first come, first served
	})
	w.queues[class] = slices.Insert(w.queues[class], at, t)
	t.queued = true
}

func (r *Router) dequeue(t *ticket) {
	w, class := t.world, t.req.Class
	at := slices.Index(w.queues[class], t)
	w.queues[class] = slices.Delete(w.queues[class], at, at+1)
	t.queued = false
	t.forgetHold()
	if len(w.queues[class]) > 0 {
		return
	}
	last := len(r.waiting[class]) - 1
	moved := r.waiting[class][last]
	r.waiting[class][w.place[class]], moved.place[class] = moved, w.place[class]
	r.waiting[class][last] = nil
	r.waiting[class] = r.waiting[class][:last]
}

// lowest returns the world with the lowest virtual tokens that has something
// queued in class and was not looked at in this pass; nil if there is none.
func (r *Router) lowest(class Class) (w *world) {
	for _, other := range r.waiting[class] {
		if other.pass != r.pass && (w == nil || other.virtual < w.virtual) {
			w = other
		}
	}
	return w
}

// charge takes from t's world what t is expected to cost; settle corrects it.
func (r *Router) charge(t *ticket, expected float64) {
	if t.req.MaxOutput > 0 {
		expected = min(expected, float64(t.req.MaxOutput))
	}
	t.charged = expected
	r.virtual = max(r.virtual, t.world.virtual)
	t.world.virtual += (float64(t.req.PromptTokens) + outputWeight*expected) / t.world.weight
}

// settle puts the output that came in the place of what was expected.
func (t *ticket) settle(output int) {
	t.world.virtual += outputWeight * (float64(output) - t.charged) / t.world.weight
	t.charged = float64(output)
}
