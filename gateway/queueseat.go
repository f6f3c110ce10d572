package gateway

import (
	"context"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/placement"
	"earshot/presence/queue"
)

// fits reports whether there seems to be room for a party that waits. The error
// is not_found where what they wait for is no more.
func (m *manager) fits(world string, p *queue.Place) (bool, error) {
	if p.Target != "" {
		in := find(m.all(world), p.Target)
		if in == nil {
			return false, earshot.Errorf(earshot.CodeNotFound, "instance %s does not run any more", p.Target)
		}
		return m.spread(world) && in.Count+len(p.Party) <= in.Hard || !m.spread(world) && m.roomIn(p), nil
	}
	list := m.public(world, "")
	if find(list, firstOf(world)) == nil {
		return true, nil
	}
	r := placement.Request{World: world, Party: p.Party}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.feed(world, list)
	return m.planner.Fits(&r, time.Now()) || m.spare(list, &r) != nil, nil
}

// roomIn reports whether the instance that a party waits for has room for them,
// on a node alone.
func (m *manager) roomIn(p *queue.Place) bool {
	m.g.mu.Lock()
	in := m.g.instances[p.Target]
	m.g.mu.Unlock()
	if in == nil {
		return false
	}
	live := in.live.Load()
	return len(live.all)+m.kept(in.id, "")+len(p.Party) <= in.cfg.Load().Capacity && !in.crowded(live)
}

// seat keeps places for a party that has waited, under the key that is their
// place: asked twice, also by another node, it is the same reservation. Who asks
// must not be barred.
func (m *manager) seat(ctx context.Context, world string, p *queue.Place) (o queue.Offer, err error) {
	who := p.Who()
	if err := m.barred(ctx, world, who); err != nil {
		return o, err
	}
	d := decision{instance: p.Target, invited: true}
	if p.Target == "" {
		if d, err = m.decideFor(ctx, who, p.Party, &asking{openHere: true}, world); err != nil {
			return o, err
		}
	}
	r, err := m.keepAs(ctx, cluster.Key{Participant: who, HLC: p.At, Node: p.Node}, d, world, p.Party)
	if err != nil {
		return o, err
	}
	return queue.Offer{Instance: r.Instance, Key: r.key(), Until: time.Unix(r.Until, 0)}, nil
}

// reservationOf is what is kept for a party that has waited.
func reservationOf(o *queue.Offer, p *queue.Place) reservation {
	return reservation{Instance: o.Instance, By: p.Who(), Reading: o.Key.HLC, Node: o.Key.Node, Until: o.Until.Unix()}
}

// barred is why a moderator's word keeps somebody out of a world; nil: none does.
// Whoever lets them in asks again.
func (m *manager) barred(ctx context.Context, world string, who earshot.ParticipantID) error {
	now := time.Now()
	for _, in := range m.g.running() {
		if in.world != world {
			continue
		}
		in.mu.Lock()
		until, barred := in.barred[who]
		in.mu.Unlock()
		if barred && now.Before(until) {
			return denied("a moderator keeps you out of this world")
		}
	}
	if !m.spread(world) {
		return nil
	}
	r, err := m.store.Do(ctx, cluster.Find{Participant: who})
	if err != nil {
		return err
	}
	for _, o := range r.Orders {
		if o.Kind == cluster.Ban && (o.Scope == "" || o.Scope == world) && o.InForce(cluster.At(now)) {
			return denied("a moderator keeps you out of this world")
		}
	}
	return nil
}
