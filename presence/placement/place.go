package placement

import (
	"time"

	"earshot"
)

// Request is who wants in, all together or not at all. Lists are read only, and
// only during the call.
type Request struct {
	World    string
	Instance earshot.InstanceID      // the only one wanted; empty: any of the world
	Party    []earshot.ParticipantID // 1 to cluster.MaxParty
	Friends  []earshot.ParticipantID // of any of them
	Blocked  []earshot.ParticipantID // whom any of them blocks, or who blocks any
	Invited  []earshot.InstanceID
	Groups   []string
	Regions  []string // the only ones allowed; empty: all
	RTT      []RTT    // as the client measured

	// FriendsIn and BlockedIn are how many of them the caller knows to be where,
	// of those that Enter was not told of.
	FriendsIn, BlockedIn []Crowd
}

// Crowd is some of the people in an instance.
type Crowd struct {
	Instance earshot.InstanceID
	People   int
}

// RTT is how far away a region is.
type RTT struct {
	Region string
	RTT    time.Duration
}

// Verdict is what becomes of a request.
type Verdict uint8

// The verdicts.
const (
	Enter Verdict = iota // reserve places in Instance on Node
	Open                 // open a new instance on Node, then ask again
	Wait                 // the world is full
	Deny                 // Code says why
)

// Decision is where somebody goes.
type Decision struct {
	Verdict  Verdict
	Instance earshot.InstanceID
	Node     earshot.NodeID
	Score    float64
	Code     earshot.Code
}

// Place decides about a request. Places of an Enter count as taken for
// Config.Hold.
func (p *Planner) Place(r *Request, now time.Time) Decision {
	if len(r.Party) == 0 {
		return Decision{Verdict: Deny, Code: earshot.CodeInvalidArgument}
	}
	w := p.world(r.World)
	w.rate.add(len(r.Party), now)
	return p.place(w, r, now)
}

func (p *Planner) place(w *world, r *Request, now time.Time) Decision {
	p.count(r)
	best := p.best(w, r, now)
	switch {
	case best != nil:
		p.promise(best, len(r.Party)-best.party, now)
		return Decision{Verdict: Enter, Instance: best.Instance, Node: best.Owner, Score: best.score(r)}
	case r.Instance != "":
		if p.instances[r.Instance] == nil {
			return Decision{Verdict: Deny, Code: earshot.CodeNotFound}
		}
		return Decision{Verdict: Deny, Code: earshot.CodeResourceExhausted}
	}
	if n := p.nodeFor(r, len(r.Party)); n != nil && w.mayOpen(&p.cfg) {
		return Decision{Verdict: Open, Node: n.Node}
	}
	return Decision{Verdict: Wait}
}

// best is the instance with the best score of those that have room for a
// request; nil: none has. What r knows has been counted.
func (p *Planner) best(w *world, r *Request, now time.Time) (best *instance) {
	score := 0.0
	for _, in := range w.instances {
		if r.Instance != "" && in.Instance != r.Instance {
			continue
		}
		p.fresh(in)
		if len(in.holds) > 0 {
			in.expire(now)
		}
		if !in.admits(r, len(r.Party)-in.party) {
			continue
		}
		if s := in.score(r); best == nil || s > score || s == score && in.Instance < best.Instance {
			best, score = in, s
		}
	}
	return best
}

// count notes with each instance how many of those a request knows are there.
func (p *Planner) count(r *Request) {
	p.pass++
	for _, id := range r.Party {
		if in := p.where[id]; in != nil {
			p.fresh(in).party++
		}
	}
	for _, id := range r.Friends {
		if in := p.where[id]; in != nil {
			p.fresh(in).friends++
		}
	}
	for _, id := range r.Blocked {
		if in := p.where[id]; in != nil {
			p.fresh(in).blocked++
		}
	}
	for _, c := range r.FriendsIn {
		if in := p.instances[c.Instance]; in != nil {
			p.fresh(in).friends += c.People
		}
	}
	for _, c := range r.BlockedIn {
		if in := p.instances[c.Instance]; in != nil {
			p.fresh(in).blocked += c.People
		}
	}
}

func (p *Planner) fresh(in *instance) *instance {
	if in.pass != p.pass {
		in.pass, in.friends, in.party, in.blocked = p.pass, 0, 0, 0
	}
	return in
}

// nodeFor chooses where a new instance opens: the most loaded node below
// Config.Pack, so that others stay empty and can be given back; else the least
// loaded that has room.
func (p *Planner) nodeFor(r *Request, n int) *node {
	var packed, spare *node
	for _, o := range p.nodes {
		if o.Draining || o.Load.Headroom-o.promised < n || !r.regionOK(o.Region) {
			continue
		}
		l := o.load()
		if l < p.cfg.Pack && (packed == nil || p.prefer(r, o, packed, l > packed.load())) {
			packed = o
		}
		if spare == nil || p.prefer(r, o, spare, l < spare.load()) {
			spare = o
		}
	}
	if packed != nil {
		return packed
	}
	return spare
}

// prefer reports whether a is nearer than b, or as near and better.
func (p *Planner) prefer(r *Request, a, b *node, better bool) bool {
	if ra, rb := r.rtt(a.Region), r.rtt(b.Region); ra != rb {
		return ra < rb
	}
	if a.load() == b.load() {
		return a.Node < b.Node
	}
	return better
}

func (r *Request) regionOK(region string) bool {
	if len(r.Regions) == 0 {
		return true
	}
	for _, allowed := range r.Regions {
		if allowed == region {
			return true
		}
	}
	return false
}

// load is the share of a node that is in use, as what runs out first has it.
func (n *node) load() float64 {
	people := 1.0
	if all := n.Load.People + n.Load.Headroom; all > 0 {
		people = float64(n.Load.People+n.promised) / float64(all)
	}
	return max(n.Load.CPU, n.Load.Egress, people)
}
