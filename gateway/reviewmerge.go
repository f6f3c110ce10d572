package gateway

import (
	"context"
	"hash/fnv"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/cluster"
	"earshot/presence/placement"
)

const (
	// mergeEvery is how often a merge goes on.
	mergeEvery = 100 * time.Millisecond
	// mergeSettles is how long after an instance was taken off the lists the
	// first is asked: until what goes along with them is known.
	mergeSettles = 4 * placeEvery * time.Second / tickRate
)

// merge is an instance of this node whose people are offered to go on in another,
// here or on another node. It is off the lists meanwhile. Who does not follow
// stays: until they leave, or for placement.Config.MergeAfter, after which the
// instance is listed again.
type merge struct {
	from  *Instance
	into  earshot.InstanceID
	node  earshot.NodeID // which had into when it began
	began time.Time
	all   int // who was there

	plan    *placement.Merging                // guarded by reviewer.mu
	went    int                               // guarded by reviewer.mu
	parties map[earshot.ParticipantID]*Claims // of those who came with others
}

// begin has the people of an instance asked to go on in another, unless there is
// a reason not to.
func (r *reviewer) begin(id, into earshot.InstanceID) {
	in := r.g.instanceHere(id)
	node, open := r.admitting(into)
	if in == nil || !open || id == into || id == firstOf(in.world) {
		return
	}
	if why := in.rooted(r.cfg.MergeForce); why != "" {
		r.g.log.Debug("an instance with few people is not put together with another", "instance", id, "into", into, "why", why)
		return
	}
	now := time.Now()
	m := &merge{from: in, into: into, node: node, began: now, parties: make(map[earshot.ParticipantID]*Claims)}
	var guests []placement.Guest
	for _, s := range in.live.Load().all {
		if s.stays() == "" {
			guests = append(guests, placement.Guest{Participant: s.participant, Party: s.claims.group()})
			if s.claims.Party != "" {
				m.parties[s.participant] = s.claims
			}
		}
	}
	m.all = len(guests)
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	m.plan = placement.NewMerging(&r.cfg, guests, h.Sum64(), now.Add(mergeSettles))
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, other := range r.merges {
		if other.from == in || other.into == id || other.from.id == into {
			return
		}
	}
	if f := r.g.fleet; f != nil && !f.Unlist(id, into) {
		return
	}
	in.review.into.Store(&into)
	r.merges[id] = m
	r.done(actionMerge)
	r.g.log.Info("the people of an instance are asked to go on in another", "instance", id, "into", into, "people", m.all)
}

// runMerges goes on with merges until ctx ends.
func (r *reviewer) runMerges(ctx context.Context) {
	ticker := time.NewTicker(mergeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			r.mu.Lock()
			list := make([]*merge, 0, len(r.merges))
			for _, m := range r.merges {
				list = append(list, m)
			}
			r.mu.Unlock()
			for _, m := range list {
				r.goOn(m, now)
			}
			if c := r.g.crossings; c != nil {
				c.tick(now)
			}
		}
	}
}

// goOn asks whose turn it is, and ends a merge that is over.
func (r *reviewer) goOn(m *merge, now time.Time) {
	in := m.from
	if in.retired.Load() || r.g.fleet != nil && !r.g.fleet.Owns(in.id) {
		r.over(m, "") // it is closed, or another node's by now
		return
	}
	here, people := in.askable()
	node, open := r.admitting(m.into)
	r.mu.Lock()
	if !open || node != m.node {
		m.plan.Break()
	}
	ask := m.plan.Next(here, now)
	answered, over := m.plan.Answers(here), m.plan.Over(now)
	r.mu.Unlock()
	switch {
	case people == 0:
		in.review.close.Store(true) // and the rest is for Instance.retire
	case over:
		r.over(m, actionRelist)
		return
	case answered && r.cfg.MergeForce:
		in.sendOn(m, max(1, r.cfg.MergeInvites*int(mergeEvery)/int(time.Second)))
	}
	for _, id := range ask {
		s := in.live.Load().byID[id]
		if s == nil {
			continue
		}
		if err := r.offer(s, m); err != nil {
			r.answered(id, outcomeOf(earshot.CodeOf(err)), now)
		}
	}
}

// offer asks somebody to go on where a merge leads. What becomes of it comes to
// answered.
func (r *reviewer) offer(s *session, m *merge) error {
	if f := r.g.fleet; f != nil {
		_, err := f.Move(s.participant, m.into, m.node)
		return err
	}
	return r.g.crossings.offer(s, m.into)
}

// answered says what became of an offer to somebody.
func (r *reviewer) answered(id earshot.ParticipantID, o placement.Outcome, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.merges {
		if !m.plan.Answered(id, o, now) || o != placement.Went {
			continue
		}
		m.went++
		if claims := m.parties[id]; claims != nil {
			r.g.work.Go(func() { r.g.manager.partyMoves(claims, m.from, m.into) })
		}
	}
}

// callOff ends the merge of an instance of this node, if there is one: somebody
// comes whose token names it. Who is on the way goes on.
func (r *reviewer) callOff(id earshot.InstanceID) {
	r.mu.Lock()
	m := r.merges[id]
	r.mu.Unlock()
	if m != nil {
		r.over(m, actionRelist)
	}
}

// over ends a merge. With an action its instance is listed again.
func (r *reviewer) over(m *merge, action string) {
	r.mu.Lock()
	went, known := m.went, r.merges[m.from.id] == m
	if known {
		delete(r.merges, m.from.id)
	}
	r.mu.Unlock()
	if !known {
		return
	}
	if action != "" {
		if f := r.g.fleet; f != nil {
			f.Relist(m.from.id)
		}
		r.done(action)
	}
	m.from.review.into.Store(nil)
	r.g.log.Info("nobody else is asked to go on in another instance", "instance", m.from.id, "into", m.into,
		"went", went, "of", m.all, "listed", action != "", "took", time.Since(m.began).Round(time.Second))
}

// admitting is which node has an instance, if newcomers may come to it.
func (r *reviewer) admitting(id earshot.InstanceID) (node earshot.NodeID, yes bool) {
	if f := r.g.fleet; f != nil {
		for _, in := range f.Instances() {
			if in.Instance == id && (in.State == cluster.Open || in.State == cluster.SoftFull) {
				return in.Owner, true
			}
		}
		return "", false
	}
	in := r.g.instanceHere(id)
	return r.g.manager.node, in != nil && !in.retired.Load() && in.review.into.Load() == nil
}

// outcomeOf is what an offer came to by the code of its end; empty: they went.
func outcomeOf(code earshot.Code) placement.Outcome {
	switch code {
	case "":
		return placement.Went
	case earshot.CodePermissionDenied:
		return placement.Apart
	case earshot.CodeFailedPrecondition, earshot.CodeUnavailable, earshot.CodeResourceExhausted:
		return placement.NoRoom
	}
	return placement.Stays
}

// rooted says why nobody is asked to leave an instance; empty: they may be. Those
// who cannot follow are no reason where they are sent on at the end (forced).
func (in *Instance) rooted(forced bool) string {
	if in.recorded() || in.audience.size() > 0 {
		return "it is recorded or watched"
	}
	for _, s := range in.live.Load().all {
		if s.claims.Instance == in.id && s.resident == nil {
			return "a token names it"
		}
		if why := s.stays(); why != "" && s.resident == nil && !s.over.Load() && !forced {
			return why
		}
	}
	return ""
}

// stays says why somebody is not asked to open a second connection; empty: they
// are.
func (s *session) stays() string {
	switch {
	case s.resident != nil, s.ghost != nil:
		return "it has none"
	case s.media == nil, s.door != nil, s.stream != nil, s.encrypted:
		return "somebody's client has one connection only"
	case !s.opened.Load():
		return "somebody is just coming in"
	}
	return ""
}

// askable are those of an instance who may be asked, and how many people are here
// who have not gone on.
func (in *Instance) askable() (here []earshot.ParticipantID, people int) {
	for _, s := range in.live.Load().all {
		if s.resident != nil || s.over.Load() {
			continue
		}
		people++
		if s.stays() == "" {
			here = append(here, s.participant)
		}
	}
	return here, people
}

// sendOn tells some of those who are still there to join where a merge leads.
func (in *Instance) sendOn(m *merge, most int) {
	bye := &protocol.Bye{
		Code: earshot.CodeUnavailable, Message: "this instance is closing; join " + string(m.into), Reconnect: true, Instance: m.into,
	}
	if f := in.g.fleet; f != nil {
		bye.URL = f.urlOf(m.node)
	}
	for _, s := range in.live.Load().all {
		if most == 0 {
			return
		}
		if s.resident == nil && !s.over.Load() && !s.ending.Load() {
			most--
			in.g.work.Go(func() { s.end(protocol.ReasonMoved, bye) })
		}
	}
}

// group is what the tokens of a party have in common; empty: they are of none.
func (c *Claims) group() string {
	if c.Party == "" {
		return ""
	}
	return c.Issuer + "\x00" + c.Party
}

// partyMoves says that the party of claims is where a merge has led them, so that
// the rest of it comes there too.
func (m *manager) partyMoves(claims *Claims, from *Instance, into earshot.InstanceID) {
	ctx, cancel := m.g.brief()
	defer cancel()
	if p := m.meeting(ctx, claims, from.world); p.at == from.id {
		m.gather(ctx, p, into, from.world)
	}
}
