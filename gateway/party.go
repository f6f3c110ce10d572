package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

const (
	// partyTTL is for how long a party's place is known after the last of them
	// came.
	partyTTL   = 4 * time.Hour
	maxParties = 10_000 // known to a node without others
)

// parties are where those of a node without others are; with a store, it knows.
type parties map[earshot.ParticipantID]partyPlace

type partyPlace struct {
	at    earshot.InstanceID
	until time.Time
}

// meeting is where a party is, as far as one of them knows who comes.
type meeting struct {
	id    earshot.ParticipantID // of the party; empty: there is none
	at    earshot.InstanceID
	epoch cluster.Epoch // of the store's record
}

// meeting reads where the party of claims is in a world. Tokens of one issuer
// that name the same party are of one. In the store a party is a participant who
// has no session: the compare-and-set of whereabouts makes two who come at the
// same moment, to two nodes, meet.
func (m *manager) meeting(ctx context.Context, claims *Claims, world string) (p meeting) {
	if claims.Party == "" {
		return p
	}
	sum := sha256.Sum256([]byte(claims.Issuer + "\x00" + world + "\x00" + claims.Party))
	p.id = earshot.ParticipantID("pt_" + hex.EncodeToString(sum[:16]))
	if !m.spread(world) {
		m.mu.Lock()
		defer m.mu.Unlock()
		p.at = m.parties.at(p.id, time.Now())
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, knowWithin)
	defer cancel()
	if r, err := m.store.Do(ctx, cluster.Find{Participant: p.id}); err == nil {
		p.at, p.epoch = r.At.Instance, r.At.Epoch
	}
	return p
}

// gather says that a party is in an instance, unless another of them has said
// otherwise since p was read, and returns where it is.
func (m *manager) gather(ctx context.Context, p meeting, to earshot.InstanceID, world string) earshot.InstanceID {
	if p.id == "" {
		return to
	}
	now := time.Now()
	m.mu.Lock()
	key := m.key(p.id, now)
	if !m.spread(world) {
		defer m.mu.Unlock()
		if at := m.parties.at(p.id, now); at != p.at && at != "" {
			return at
		}
		m.parties.set(p.id, partyPlace{to, now.Add(partyTTL)}, now)
		return to
	}
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, knowWithin)
	defer cancel()
	r, err := m.store.Do(ctx, cluster.Commit{
		To:     cluster.Whereabouts{Participant: p.id, Instance: to, Node: m.node, Key: key},
		Expect: p.epoch, Seed: cluster.SeedEpoch(key.HLC), TTL: partyTTL,
	})
	if err == nil && r.Status == cluster.Conflict && r.At.Instance != "" {
		return r.At.Instance
	}
	return to
}

// key is a new one for what is asked of the store on behalf of id. Those that
// the protocol itself makes name another node. mu is held.
func (m *manager) key(id earshot.ParticipantID, now time.Time) cluster.Key {
	return cluster.Key{Participant: id, HLC: m.clock.Next(now), Node: m.node}
}

func (p parties) at(id earshot.ParticipantID, now time.Time) earshot.InstanceID {
	if place, ok := p[id]; ok && now.Before(place.until) {
		return place.at
	}
	return ""
}

// set keeps a place. Where there are too many, those go that have run out, or
// else any.
func (p parties) set(id earshot.ParticipantID, place partyPlace, now time.Time) {
	if len(p) >= maxParties {
		maps.DeleteFunc(p, func(_ earshot.ParticipantID, o partyPlace) bool { return !now.Before(o.until) })
	}
	for other := range p {
		if len(p) < maxParties {
			break
		}
		delete(p, other)
	}
	p[id] = place
}
