package gateway

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/presence/directory"
	"earshot/presence/federation"
)

// The rate of a peer's questions, a second and at once, over all it asks.
const federationPerSecond, federationBurst = 5, 60

// getFederation answers another operator who is here: docs/federation.md.
func (g *Gateway) getFederation(c *fiber.Ctx) (err error) {
	f := g.federated
	if f == nil {
		return errNoFederation
	}
	defer func() { f.answers.WithLabelValues(resultLabel(err)).Inc() }()
	now := time.Now()
	if err := g.mayKnock(c.IP(), now); err != nil {
		return err
	}
	scheme, token, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	claims, err := federation.Verify(strings.Clone(token), f.keyOf, f.origin, now)
	if err != nil {
		return err
	}
	cursor, limit := strings.Clone(c.Query("cursor")), federation.MaxPeople
	if len(cursor) > federation.MaxCursor {
		return invalid("cursor: %d bytes, at most %d", len(cursor), federation.MaxCursor)
	}
	if text := c.Query("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > federation.MaxPeople {
			return invalid("limit: %q is not a number from 1 to %d", clip(text), federation.MaxPeople)
		}
	}
	page, err := f.answer(f.peers[claims.Issuer], claims, cursor, limit, now)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(page)
}

// answer makes the page for a peer.
func (f *federated) answer(p *federatedPeer, claims *federation.Claims, cursor string, limit int, now time.Time) (*federation.Page, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.replays.Use(claims, now); err != nil {
		return nil, err
	}
	if !p.rate.Allow(now) {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "federation: ask %d times a second at most, and every %v when nothing is left to ask", federationPerSecond, f.cfg.Poll)
	}
	people := f.tellable(p, now)
	p.ledger.Update(people, now)
	worlds := slices.DeleteFunc(slices.Clone(p.export), func(w string) bool { return !claims.Allows(w) })
	page := &federation.Page{
		Version: federation.Version, Operator: f.cfg.Operator, Region: f.cfg.Region, At: now.UnixMilli(),
		Policy: f.policy(worlds), Worlds: make([]federation.World, 0, len(worlds)), Poll: int(f.cfg.Poll / time.Second),
	}
	for _, name := range worlds {
		w, _ := f.g.worldConfig(name)
		entry := federation.World{Name: name, Title: firstRunes(w.Title, federation.MaxTitle)}
		for i := range people {
			if people[i].World == name {
				entry.People++
			}
		}
		page.Worlds = append(page.Worlds, entry)
	}
	p.ledger.Since(cursor, worlds, limit, page)
	return page, nil
}

// policy is what binds who is told of some worlds: the narrowest.
func (f *federated) policy(worlds []string) federation.Policy {
	regions := []string{"*"}
	for _, name := range worlds {
		of := federation.Policy{Regions: f.cfg.Worlds[name].Regions}
		switch {
		case slices.Contains(of.Regions, "*"):
		case slices.Contains(regions, "*"):
			regions = slices.Clone(of.Regions)
		default:
			regions = slices.DeleteFunc(regions, func(r string) bool { return !of.Permits(r) })
		}
	}
	return federation.Policy{Regions: regions, Retain: int(f.cfg.Retain / time.Second)}
}

// tellable lists of whom a peer may be told: of people connected to this node, in
// public instances of the worlds exported to it, whom everybody there may see, and
// who have blocked nobody of that peer.
func (f *federated) tellable(p *federatedPeer, now time.Time) (list []federation.Person) {
	for _, in := range f.g.running() {
		if !slices.Contains(p.export, in.world) || !in.public() || in.retired.Load() {
			continue
		}
		export := f.cfg.Worlds[in.world]
		live := in.live.Load()
		in.mu.Lock()
		for _, s := range live.all {
			if !s.exported(p.cfg.Operator) {
				continue
			}
			person := federation.Person{ID: f.names.Of(p.cfg.Operator, s.participant), World: in.world, Instance: in.id}
			if export.Names {
				person.Name = firstRunes(s.called(), federation.MaxName)
			}
			if pose, ok := in.space.Pose(s.participant); ok && export.Places && s.within() == 0 {
				cell := directory.CellOf(pose.Root)
				person.Cell = &cell
			}
			list = append(list, person)
		}
		in.mu.Unlock()
	}
	return list
}

// exported reports whether a peer may be told of s. in.mu is held.
func (s *session) exported(peer string) bool {
	if !s.shared() || s.resident != nil || s.stream != nil || s.isAgent() || s.sanctions.isolated {
		return false
	}
	return !slices.ContainsFunc(s.in.space.Blocks(s.participant), func(id earshot.ParticipantID) bool {
		return federation.OperatorOf(id) == peer
	})
}

// firstRunes is at most most characters of what people may read.
func firstRunes(s string, most int) string {
	r := []rune(s)
	return string(r[:min(len(r), most)])
}
