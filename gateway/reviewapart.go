package gateway

import (
	"context"
	"sync"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

const (
	// apartWithin bounds what it may take to know who has blocked whom, and
	// apartAtOnce how much is asked of the store at the same time.
	apartWithin = 2 * time.Second
	apartAtOnce = 32
)

// apart reports whether somebody in one of two instances has blocked somebody in
// the other: then the two are not put together. It does so too where that cannot
// be known.
func (r *reviewer) apart(a, b earshot.InstanceID) bool {
	if r.g.fleet == nil {
		return r.g.apartHere(a, b)
	}
	ctx, cancel := context.WithTimeout(context.Background(), apartWithin)
	defer cancel()
	in := make(map[earshot.ParticipantID]earshot.InstanceID)
	for _, id := range []earshot.InstanceID{a, b} {
		reply, err := r.g.manager.store.Do(ctx, cluster.ReadInstance{Instance: id})
		if err != nil || reply.Status != cluster.OK {
			return true
		}
		for i := range reply.Members {
			in[reply.Members[i].Participant] = id
		}
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	found, turns, now := false, make(chan struct{}, apartAtOnce), cluster.At(time.Now())
	for who, where := range in {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			reply, err := r.g.manager.store.Do(ctx, cluster.Find{Participant: who})
			mu.Lock()
			defer mu.Unlock()
			found = found || err != nil
			for i := range reply.Orders {
				o := &reply.Orders[i]
				other, there := in[o.Against]
				found = found || o.Kind == cluster.Block && there && other != where && o.InForce(now)
			}
		})
	}
	all.Wait()
	return found
}

// apartHere is the same of two instances of this node.
func (g *Gateway) apartHere(a, b earshot.InstanceID) bool {
	one, two := g.instanceHere(a), g.instanceHere(b)
	if one == nil || two == nil {
		return true
	}
	for _, s := range one.live.Load().all {
		if s.resident == nil && shunned(s, two, nil) {
			return true
		}
	}
	return false
}

// shunned reports whether somebody in another instance blocks s, or s them. Those
// whom except names do not count.
func shunned(s *session, there *Instance, except func(*session) bool) bool {
	for _, other := range there.live.Load().all {
		if other.resident == nil && other.participant != s.participant && (except == nil || !except(other)) && parted(s, other) {
			return true
		}
	}
	return false
}
