package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/placement"
)

const (
	// knowWithin bounds what a newcomer waits for the store to say whom they
	// know: without an answer they are placed as a stranger.
	knowWithin = 300 * time.Millisecond
	// maxKnown bounds how many friends, and how many who are blocked, are looked
	// for.
	maxKnown = 64
)

// acquaintances are where those are, among some instances, whom somebody knows.
type acquaintances struct {
	at      earshot.InstanceID // where they are themselves, by the store
	friends []placement.Crowd
	blocked []placement.Crowd
}

// acquaintances looks for those whom who knows, in the instances that among
// says. Friends count who are so in both directions: nobody is led to a stranger
// by having named them. A node without a store knows its own people: of blocks
// among those, both ways hold.
func (g *Gateway) acquaintances(ctx context.Context, who earshot.ParticipantID, among func(earshot.InstanceID) bool) (a acquaintances) {
	crowds := func(at map[earshot.InstanceID]int) (list []placement.Crowd) {
		for id, n := range at {
			list = append(list, placement.Crowd{Instance: id, People: n})
		}
		return list
	}
	blocked := make(map[earshot.InstanceID]int)
	for _, in := range g.running() {
		if n := in.space.Repelled(who); n > 0 && among(in.id) {
			blocked[in.id] = n
		}
	}
	defer func() { a.blocked = crowds(blocked) }()
	if g.fleet == nil {
		a.friends = crowds(g.friendsHere(ctx, who, among))
		return a
	}
	ctx, cancel := context.WithTimeout(ctx, knowWithin)
	defer cancel()
	me, err := g.manager.store.Do(ctx, cluster.Find{Participant: who})
	if err != nil {
		return a
	}
	if a.at = me.At.Instance; !among(a.at) {
		a.at = ""
	}
	var enemies []earshot.ParticipantID
	now := cluster.At(time.Now())
	for _, o := range me.Orders {
		if o.Kind == cluster.Block && o.InForce(now) && len(enemies) < maxKnown {
			enemies = append(enemies, o.Against)
		}
	}
	for id, n := range g.whereabouts(ctx, enemies, among, nil) {
		blocked[id] = max(blocked[id], n)
	}
	friends, err := g.lookout.friends.Friends(ctx, who)
	if err != nil {
		return a
	}
	friends = slices.DeleteFunc(friends, func(id earshot.ParticipantID) bool { return slices.Contains(enemies, id) })
	a.friends = crowds(g.whereabouts(ctx, friends[:min(len(friends), maxKnown)], among, func(id earshot.ParticipantID, o cluster.Orders) bool {
		if slices.ContainsFunc(o, func(o cluster.Order) bool { return o.Kind == cluster.Block && o.Against == who && o.InForce(now) }) {
			return false
		}
		theirs, err := g.lookout.friends.Friends(ctx, id)
		return err == nil && slices.Contains(theirs, who)
	}))
	return a
}

// friendsHere counts by instance the friends of who, both ways, on this node.
func (g *Gateway) friendsHere(ctx context.Context, who earshot.ParticipantID, among func(earshot.InstanceID) bool) map[earshot.InstanceID]int {
	friends, err := g.lookout.friends.Friends(ctx, who)
	if err != nil || len(friends) == 0 {
		return nil
	}
	at := make(map[earshot.InstanceID]int)
	for _, in := range g.running() {
		if !among(in.id) {
			continue
		}
		live := in.live.Load()
		for _, id := range friends[:min(len(friends), maxKnown)] {
			if live.byID[id] == nil || in.space.Blocked(who, id) {
				continue
			}
			if theirs, err := g.lookout.friends.Friends(ctx, id); err == nil && slices.Contains(theirs, who) {
				at[in.id]++
			}
		}
	}
	return at
}

// whereabouts counts by instance those who are in one that among says, and whom
// counts, where it is not nil, agrees to.
func (g *Gateway) whereabouts(ctx context.Context, ids []earshot.ParticipantID, among func(earshot.InstanceID) bool, counts func(earshot.ParticipantID, cluster.Orders) bool) map[earshot.InstanceID]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	at := make(map[earshot.InstanceID]int)
	for _, id := range ids {
		all.Go(func() {
			r, err := g.manager.store.Do(ctx, cluster.Find{Participant: id})
			if err != nil || !among(r.At.Instance) || counts != nil && !counts(id, r.Orders) {
				return
			}
			mu.Lock()
			at[r.At.Instance]++
			mu.Unlock()
		})
	}
	all.Wait()
	return at
}
