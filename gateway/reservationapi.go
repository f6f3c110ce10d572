package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/placement"
)

// reservationRequest is the body of POST /v1/worlds/{world}/reservations.
type reservationRequest struct {
	// Participants and Subjects are who is to have a place: by id, or by sub of
	// tokens of the same issuer. Who asks is always among them.
	Participants []earshot.ParticipantID `json:"participants"`
	Subjects     []string                `json:"subjects"`
	// Instance is the one wanted; empty: any public one with room for all.
	Instance earshot.InstanceID `json:"instance"`
}

type reservationReply struct {
	Reservation  string                  `json:"reservation"`
	Instance     earshot.InstanceID      `json:"instance"`
	URL          string                  `json:"url,omitempty"` // of the node that has it, where it is another
	Expires      string                  `json:"expires"`
	Participants []earshot.ParticipantID `json:"participants"`
}

// party returns who is meant, each once, who asks first.
func (r *reservationRequest) party(claims *Claims, most int) ([]earshot.ParticipantID, error) {
	if len(r.Participants)+len(r.Subjects) > 2*most {
		return nil, tooManyIn(most)
	}
	list := []earshot.ParticipantID{claims.Participant()}
	add := func(id earshot.ParticipantID) {
		if !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	for _, id := range r.Participants {
		if !id.Valid() {
			return nil, invalid("participants: %q is no participant's id (pa_…)", clip(string(id)))
		}
		add(id)
	}
	for _, sub := range r.Subjects {
		if sub == "" || len(sub) > maxSubjectBytes {
			return nil, invalid("subjects: %q is no sub of a token, 1 to %d bytes", clip(sub), maxSubjectBytes)
		}
		add(earshot.ParticipantFor(claims.Issuer, sub))
	}
	if len(list) > most {
		return nil, tooManyIn(most)
	}
	return list, nil
}

func tooManyIn(most int) error {
	return invalid("a party has at most %d participants here: make several reservations", most)
}

// instanceRoutes are for those who arrange where they and others go.
func (g *Gateway) instanceRoutes(v1 fiber.Router) {
	v1.Get("/worlds/:world/instances", g.getInstances)
	v1.Post("/worlds/:world/instances", g.postInstance)
	v1.Delete("/instances/:id", g.deleteInstance)
	v1.Post("/worlds/:world/reservations", g.postReservation)
	v1.Delete("/reservations/:token", g.deleteReservation)
}

// arranging returns the claims of a request about a world.
func (g *Gateway) arranging(c *fiber.Ctx) (*Claims, string, error) {
	claims, err := g.authorize(c)
	if err != nil {
		return nil, "", err
	}
	if !g.arrangers.allow(string(claims.Participant()), time.Now()) {
		return nil, "", earshot.Errorf(earshot.CodeResourceExhausted, "you ask for places too often; wait some seconds")
	}
	world := strings.Clone(c.Params("world"))
	if named := claims.worldName(); named != world {
		return nil, "", denied("the token is for world %q, this URL for %q; use the URL of that world, or ask for another token", named, clip(world))
	}
	if _, ok := g.worldConfig(world); !ok {
		return nil, "", noWorld(world)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return claims, world, nil
}

func (g *Gateway) postReservation(c *fiber.Ctx) error {
	claims, world, err := g.arranging(c)
	if err != nil {
		return err
	}
	var ask reservationRequest
	if len(c.Body()) > 0 {
		if err := decodeAs(c, &ask, "docs/instances.md"); err != nil {
			return err
		}
	}
	who, err := ask.party(claims, g.cfg.Instances.MaxParty)
	if err != nil {
		return err
	}
	asked, err := askingOf(c.Query)
	if err != nil {
		return err
	}
	asked.instance = ask.Instance
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	r, url, err := g.manager.reserve(ctx, claims, &asked, world, who)
	if asked.waits(err) {
		return g.queues.enqueue(ctx, c, claims, &asked, world, who)
	}
	if err != nil {
		return err
	}
	return c.Status(http.StatusCreated).JSON(reservationReply{
		Reservation: r.token(), Instance: r.Instance, URL: url, Participants: who,
		Expires: time.Unix(r.Until, 0).UTC().Format(time.RFC3339),
	})
}

// reserveTries is how many instances are tried that were full after all.
const reserveTries = 4

// reserve keeps places for a party, all or none, and says where, and at which
// node if that is another. What the same participant reserved here before is
// given back.
func (m *manager) reserve(ctx context.Context, claims *Claims, asked *asking, world string, who []earshot.ParticipantID) (*reservation, string, error) {
	id, _, err := m.g.named(claims, asked.instance)
	if err == nil {
		err = m.mayEnter(ctx, claims, asked.invitation, id)
	}
	if err != nil {
		return nil, "", err
	}
	m.cancelLast(ctx, claims.Participant())
	if err := m.g.queues.mayPass(ctx, claims.Participant(), world, id); err != nil {
		return nil, "", err
	}
	for range reserveTries {
		d := decision{instance: id, invited: true}
		if id == "" {
			if d, err = m.decideFor(ctx, claims.Participant(), who, asked, world); err != nil {
				return nil, "", err
			}
		}
		r, err := m.keep(ctx, claims.Participant(), d, world, who)
		if r != nil || id != "" || earshot.CodeOf(err) != earshot.CodeResourceExhausted {
			if err != nil {
				return nil, "", err
			}
			return r, m.urlOf(r.Instance, world), nil
		}
	}
	return nil, "", m.full(world)
}

// decideFor is decide for a party.
func (m *manager) decideFor(ctx context.Context, by earshot.ParticipantID, who []earshot.ParticipantID, asked *asking, world string) (decision, error) {
	list := m.public(world, by)
	if find(list, firstOf(world)) == nil {
		return decision{instance: firstOf(world)}, nil
	}
	r := placement.Request{World: world, Party: who, RTT: asked.rtt}
	if len(list) > 1 {
		a := m.g.acquaintances(ctx, by, func(id earshot.InstanceID) bool { return find(list, id) != nil })
		r.FriendsIn, r.BlockedIn = a.friends, a.blocked
		if a.at != "" { // come to me
			r.FriendsIn = append(r.FriendsIn, placement.Crowd{Instance: a.at, People: 2 * len(who)})
		}
	}
	return m.choose(list, &r, asked.openHere)
}

// keep reserves places in an instance, here or at the store.
func (m *manager) keep(ctx context.Context, by earshot.ParticipantID, d decision, world string, who []earshot.ParticipantID) (*reservation, error) {
	m.mu.Lock()
	key := m.key(by, time.Now())
	m.mu.Unlock()
	return m.keepAs(ctx, key, d, world, who)
}

// keepAs is keep under a key. Under the same key the same places are kept once.
func (m *manager) keepAs(ctx context.Context, key cluster.Key, d decision, world string, who []earshot.ParticipantID) (*reservation, error) {
	now, by := time.Now(), key.Participant
	until := now.Add(m.cfg.Reserve)
	r := &reservation{Instance: d.instance, By: by, Reading: key.HLC, Node: key.Node, Until: until.Unix()}
	if m.spread(world) {
		if d.fresh || !m.g.fleet.lists(d.instance) {
			if _, err := m.at(ctx, d.instance, world, d.fresh); err != nil {
				return nil, err
			}
		}
		reply, err := m.store.Do(ctx, cluster.Reserve{Instance: d.instance, Reservation: cluster.Reservation{
			Key: key, Participants: who, Invited: d.invited, TTL: m.cfg.Reserve,
		}})
		switch {
		case err != nil:
			return nil, err
		case reply.Status != cluster.OK:
			return nil, earshot.Errorf(earshot.CodeResourceExhausted, "instance %s has no room for %d at this moment; try again later", d.instance, len(who))
		}
		m.noteLast(by, r)
		return r, nil
	}
	in, err := m.at(ctx, d.instance, world, d.fresh)
	if err != nil {
		return nil, err
	}
	live, capacity := in.live.Load(), in.cfg.Load().Capacity
	in.mu.Lock() // nobody enters while it is counted
	defer in.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := len(live.all) + m.seats.others(in.id, "", now)
	for _, id := range who {
		if live.byID[id] != nil {
			taken--
		}
	}
	if taken+len(who) > capacity {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "instance %s has no room for %d at this moment; try again later", d.instance, len(who))
	}
	absent := slices.DeleteFunc(slices.Clone(who), func(id earshot.ParticipantID) bool { return live.byID[id] != nil })
	m.seats.keep(key, in.id, absent, until)
	m.reservations[by] = r
	return r, nil
}

func (m *manager) noteLast(by earshot.ParticipantID, r *reservation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reservations[by] = r
}

// cancelLast gives back what a participant reserved here last.
func (m *manager) cancelLast(ctx context.Context, by earshot.ParticipantID) {
	now := time.Now().Unix()
	m.mu.Lock()
	r := m.reservations[by]
	for id, old := range m.reservations {
		if id == by || old.Until <= now {
			delete(m.reservations, id)
		}
	}
	m.mu.Unlock()
	if r != nil {
		m.cancel(ctx, r)
	}
}

// cancel gives back the places of a reservation that nobody has taken.
func (m *manager) cancel(ctx context.Context, r *reservation) {
	m.mu.Lock()
	m.seats.cancel(r.key())
	m.mu.Unlock()
	if m.spread(worldOf(r.Instance)) {
		_, _ = m.store.Do(ctx, cluster.Cancel{Instance: r.Instance, Key: r.key()}) // else it runs out
	}
}

// urlOf is where clients reach the node of an instance; empty: here.
func (m *manager) urlOf(id earshot.InstanceID, world string) string {
	if !m.spread(world) {
		return ""
	}
	owner := m.g.fleet.ownerOf(id)
	for _, n := range m.g.fleet.Nodes() {
		if n.Node == owner && owner != m.g.fleet.ID() {
			return n.URL
		}
	}
	return ""
}

// deleteReservation gives places back. Only who made a reservation may.
func (g *Gateway) deleteReservation(c *fiber.Ctx) error {
	claims, err := g.authorize(c)
	if err != nil {
		return err
	}
	r, err := readReservation(strings.Clone(c.Params("token")))
	if err != nil {
		return err
	}
	if r.By != claims.Participant() {
		return denied("the reservation is somebody else's")
	}
	ctx, cancel := g.brief()
	defer cancel()
	g.manager.cancel(ctx, &r)
	return c.SendStatus(http.StatusNoContent)
}
