package placement

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// ActionKind says what an Action is.
type ActionKind uint8

// The kinds of actions.
const (
	OpenAhead ActionKind = iota // open a public instance of World on Node
	Merge                       // stop listing Instance, and invite its people into Into
	CloseIdle                   // close Instance, which has been empty for long
)

// Action is what the instances of a world need.
type Action struct {
	Kind     ActionKind
	World    string
	Node     earshot.NodeID // where it is to be, or the owner of Instance
	Instance earshot.InstanceID
	Into     earshot.InstanceID
}

// Review says what the public instances of all worlds need now: new ones ahead
// of need, two thin ones put together, empty ones closed. Call it each second;
// an action that is not taken comes again. Of a merge that is begun, Began says
// so.
func (p *Planner) Review(now time.Time) (actions []Action) {
	names := make([]string, 0, len(p.worlds))
	for name := range p.worlds {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		actions = p.review(p.worlds[name], now, actions)
	}
	return actions
}

// ReviewWorld is Review for one world.
func (p *Planner) ReviewWorld(name string, now time.Time) []Action {
	return p.review(p.world(name), now, nil)
}

// Began says that a merge has begun, or was asked for: neither instance is put
// together with any before Config.MergeAfter has passed.
func (p *Planner) Began(a Action, now time.Time) {
	for _, id := range []earshot.InstanceID{a.Instance, a.Into} {
		if in := p.instances[id]; in != nil {
			in.merged = now
		}
	}
}

// Apart says that two instances are not to be put together for Config.MergeAfter:
// people in them have blocked each other.
func (p *Planner) Apart(a Action, now time.Time) {
	in := p.instances[a.Instance]
	if in == nil {
		return
	}
	if in.apart == nil {
		in.apart = make(map[earshot.InstanceID]time.Time)
	}
	maps.DeleteFunc(in.apart, func(_ earshot.InstanceID, until time.Time) bool { return !until.After(now) })
	in.apart[a.Into] = now.Add(p.cfg.MergeAfter)
}

func (p *Planner) review(w *world, now time.Time, actions []Action) []Action {
	w.opening = slices.DeleteFunc(w.opening, func(until time.Time) bool { return !until.After(now) })
	free, need := 0, w.rate.at(now)*p.cfg.StartTime.Seconds()*2
	var thin []*instance
	var soft int
	for _, in := range w.instances {
		in.expire(now)
		in.note(now, p.cfg.MergeBelow)
		if in.Kind != cluster.KindPublic || in.node == nil || in.node.Draining || in.State != cluster.Open {
			continue
		}
		free += max(in.Soft-in.taken(), 0)
		soft = max(soft, in.Soft)
		if !in.thin.IsZero() && now.Sub(in.thin) >= p.cfg.MergeAfter && now.Sub(in.merged) >= p.cfg.MergeAfter {
			thin = append(thin, in)
		}
	}
	if float64(free+len(w.opening)*soft) < max(need, float64(min(w.waiting, 1))) && w.mayOpen(&p.cfg) {
		if n := p.nodeFor(&Request{World: w.name}, 1); n != nil {
			w.opening = append(w.opening, now.Add(2*p.cfg.StartTime))
			return append(actions, Action{Kind: OpenAhead, World: w.name, Node: n.Node})
		}
	}
	if a, ok := p.closing(w, free, need, now); ok {
		return append(actions, a)
	}
	if a, ok := w.merging(thin, now); ok && float64(free-p.instances[a.Instance].Soft) >= 2*need {
		return append(actions, a)
	}
	return actions
}

// closing finds an instance that has been empty for long and that the arrivals
// of the next while do not need.
func (p *Planner) closing(w *world, free int, need float64, now time.Time) (Action, bool) {
	for _, in := range w.instances {
		spare := free - in.Soft
		if in.Kind != cluster.KindPublic {
			spare = math.MaxInt
		}
		if !in.idle.IsZero() && now.Sub(in.idle) >= p.cfg.CloseAfter && in.Instance != w.first && float64(spare) >= 2*need && (in.Kind != cluster.KindPublic || w.public() > 1) {
			return Action{Kind: CloseIdle, World: w.name, Node: in.Owner, Instance: in.Instance}, true
		}
	}
	return Action{}, false
}

// merging finds of thin instances the one with fewest people, and another for
// them: that with most.
func (w *world) merging(thin []*instance, now time.Time) (Action, bool) {
	slices.SortFunc(thin, func(a, b *instance) int {
		if d := b.taken() - a.taken(); d != 0 {
			return d
		}
		return strings.Compare(string(a.Instance), string(b.Instance))
	})
	for _, from := range slices.Backward(thin) {
		if from.taken() == 0 || from.Instance == w.first {
			continue
		}
		for _, into := range thin {
			if into != from && (into.taken() > 0 || into.Instance == w.first) && into.taken()+from.taken() <= into.Soft && !from.apart[into.Instance].After(now) {
				return Action{Kind: Merge, World: w.name, Node: from.Owner, Instance: from.Instance, Into: into.Instance}, true
			}
		}
	}
	return Action{}, false
}

// note keeps since when in has been empty, or nearly.
func (in *instance) note(now time.Time, thin float64) {
	taken := in.taken()
	switch {
	case taken > 0:
		in.idle = time.Time{}
	case in.idle.IsZero():
		in.idle = now
	}
	switch {
	case float64(taken) >= thin*float64(in.Soft):
		in.thin = time.Time{}
	case in.thin.IsZero():
		in.thin = now
	}
}

// rate is how many arrive in a second, of late.
type rate struct {
	perSecond float64
	since     time.Time
}

// rateMemory is how long it takes a rate to fall to 1/e.
const rateMemory = 30 * time.Second

func (r *rate) add(n int, now time.Time) {
	r.perSecond = r.at(now) + float64(n)/rateMemory.Seconds()
	r.since = now
}

func (r *rate) at(now time.Time) float64 {
	return r.perSecond * math.Exp(-max(now.Sub(r.since), 0).Seconds()/rateMemory.Seconds())
}
