package placement

import (
	"time"

	"earshot/presence/cluster"
)

// SetWaiting says how many people wait for a world because it is full.
func (p *Planner) SetWaiting(name string, people int) { p.world(name).waiting = people }

// Fits reports whether Place would not have a request wait, or deny it. Nothing
// is promised by that.
func (p *Planner) Fits(r *Request, now time.Time) bool {
	w := p.world(r.World)
	p.count(r)
	if p.best(w, r, now) != nil {
		return true
	}
	return r.Instance == "" && w.mayOpen(&p.cfg) && p.nodeFor(r, len(r.Party)) != nil
}

// mayOpen reports whether the world may have one more public instance.
func (w *world) mayOpen(cfg *Config) bool {
	most := cfg.MaxInstances
	if w.most > 0 {
		most = min(most, w.most)
	}
	return w.public() < most
}

// public is how many public instances there are, those that open included.
func (w *world) public() int {
	n := len(w.opening)
	for _, in := range w.instances {
		if in.Kind == cluster.KindPublic && in.State != cluster.Closed {
			n++
		}
	}
	return n
}
