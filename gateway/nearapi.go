package gateway

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/near"
	"earshot/gateway/protocol"
	"earshot/presence/directory"
)

// nearRoutes are the pages about who is near whom: docs/presence-api.md.
func (g *Gateway) nearRoutes(v1 fiber.Router) {
	at := v1.Group("/presence")
	for _, r := range []struct {
		method, path, name string
		limits             *pace
		handle             func(context.Context, *fiber.Ctx, *seeker) error
	}{
		{http.MethodGet, "/nearby", "nearby", g.lookout.asks, g.getNearby},
		{http.MethodGet, "/friends", "friends", g.lookout.asks, g.getFriends},
		{http.MethodPut, "/friends/:id", "befriend", g.lookout.words, g.putFriend},
		{http.MethodDelete, "/friends/:id", "unfriend", g.lookout.words, g.deleteFriend},
		{http.MethodGet, "/density", "density", g.lookout.asks, g.getDensity},
	} {
		at.Add(r.method, r.path, func(c *fiber.Ctx) (err error) {
			defer func() { g.lookout.metrics.asks.WithLabelValues(r.name, resultLabel(err)).Inc() }()
			who, err := g.seeking(c)
			if err != nil {
				return err
			}
			if !r.limits.allow(string(who.id), time.Now()) {
				return earshot.Errorf(earshot.CodeResourceExhausted,
					"you asked more than %g times a second; wait a second, or subscribe (GET /v1/presence/subscribe)", r.limits.perSecond)
			}
			ctx, cancel := context.WithTimeout(context.Background(), nearAnswerWithin)
			defer cancel()
			c.Set(fiber.HeaderCacheControl, "no-store")
			return r.handle(ctx, c, who)
		})
	}
	at.Get("/subscribe", g.upgradeNear, g.serveNear())
}

// seeker is the bearer of a token who asks.
type seeker struct {
	id      earshot.ParticipantID
	claims  *Claims
	world   string
	expires time.Time
}

func (g *Gateway) seeking(c *fiber.Ctx) (*seeker, error) {
	claims, err := g.authorize(c)
	if err != nil {
		return nil, err
	}
	return g.seekerOf(claims)
}

func (g *Gateway) seekerOf(claims *Claims) (*seeker, error) {
	if !claims.Can(protocol.GrantSubscribe) {
		return nil, missing(protocol.GrantSubscribe)
	}
	a := &seeker{id: claims.Participant(), claims: claims, world: claims.World, expires: claims.Expires}
	if a.world == "" {
		a.world = worldOf(claims.Instance)
	}
	if _, ok := g.worldConfig(a.world); !ok {
		return nil, earshot.Errorf(earshot.CodeNotFound, "the token is for world %q, which is not here; GET /v1/worlds lists those that are", a.world)
	}
	return a, nil
}

type nearbyReply struct {
	World    string        `json:"world"`
	At       [3]float64    `json:"at"`
	Radius   float64       `json:"radius"`
	Complete bool          `json:"complete"`
	Behind   int64         `json:"behind_ms"`
	People   []near.Person `json:"people"`
}

func (g *Gateway) getNearby(ctx context.Context, c *fiber.Ctx, who *seeker) error {
	q := nearQuestion{viewer: who.id, world: who.world, radius: nearRadius, limit: nearLimit, friends: c.Query("friends") == "1"}
	var err error
	if text := c.Query("radius"); text != "" {
		if q.radius, err = strconv.ParseFloat(text, 64); err != nil || !(q.radius > 0 && q.radius <= near.MaxRadius) {
			return invalid("radius is %q; it must be a number of metres above 0 and up to %d", clip(text), near.MaxRadius)
		}
	}
	if text := c.Query("limit"); text != "" {
		if q.limit, err = strconv.Atoi(text); err != nil || q.limit < 1 || q.limit > maxNear {
			return invalid("limit is %q; it must be 1 to %d", clip(text), maxNear)
		}
	}
	if q.place, err = g.middle(who.world, c.Query("stage"), c.Query("at")); err != nil {
		return err
	}
	a, err := g.lookout.near(ctx, q)
	if err != nil {
		return err
	}
	var middle near.Person
	middle.Place(a.place, 0)
	return c.JSON(nearbyReply{
		World: who.world, At: middle.Position, Radius: q.radius, Complete: a.complete,
		Behind: g.lookout.behind().Milliseconds(), People: append([]near.Person{}, a.people...),
	})
}

// middle is the place that a request names, nil for none.
func (g *Gateway) middle(world, stage, at string) (*earshot.Vec3, error) {
	if stage != "" && at != "" {
		return nil, invalid("stage and at are both given: there is one middle")
	}
	if stage != "" {
		return g.stageAt(world, strings.Clone(stage))
	}
	if at == "" {
		return nil, nil
	}
	parts := strings.Split(at, ",")
	var v [3]float32
	ok := len(parts) == 3
	for i := 0; ok && i < 3; i++ {
		x, err := strconv.ParseFloat(parts[i], 32)
		ok = err == nil && math.Abs(x) <= near.MaxCoordinate
		v[i] = float32(x)
	}
	if !ok {
		return nil, invalid("at is %q; it must be x,y,z in metres, each from -%d to %d", clip(at), near.MaxCoordinate, near.MaxCoordinate)
	}
	place := vec(v)
	return &place, nil
}

// stageAt is where a stage of a world is.
func (g *Gateway) stageAt(world, name string) (*earshot.Vec3, error) {
	w, _ := g.worldConfig(world)
	stage, err := w.stage(name)
	if err != nil {
		return nil, err
	}
	place := vec(stage.Position)
	return &place, nil
}

// friendEntry is a friend as its owner is told.
type friendEntry struct {
	Participant earshot.ParticipantID `json:"participant"`
	Mutual      bool                  `json:"mutual"` // they have you as a friend too
	Online      bool                  `json:"online"`
	Name        string                `json:"name,omitempty"`
	World       string                `json:"world,omitempty"`
	Instance    earshot.InstanceID    `json:"instance,omitempty"`
	Node        earshot.NodeID        `json:"node,omitempty"`
	URL         string                `json:"url,omitempty"`
	Since       string                `json:"since,omitempty"`
	Position    *[3]float64           `json:"position,omitempty"`
}

func (g *Gateway) getFriends(ctx context.Context, c *fiber.Ctx, who *seeker) error {
	l := g.lookout
	mine, err := l.friends.Friends(ctx, who.id)
	if err != nil {
		return err
	}
	where, err := l.whereFriends(ctx, who)
	if err != nil {
		return err
	}
	list := make([]friendEntry, 0, len(mine))
	for _, id := range mine {
		e := where[id]
		e.Participant = id
		list = append(list, e)
	}
	slices.SortStableFunc(list, func(a, b friendEntry) int { return cmp.Compare(weight(b), weight(a)) })
	return c.JSON(fiber.Map{"friends": list, "behind_ms": l.behind().Milliseconds()})
}

// weight sorts friends: those who are somewhere first.
func weight(e friendEntry) int {
	switch {
	case e.Online:
		return 2
	case e.Mutual:
		return 1
	}
	return 0
}

func (g *Gateway) putFriend(ctx context.Context, c *fiber.Ctx, who *seeker) error {
	id, err := friendOf(c, who)
	if err != nil {
		return err
	}
	if me := sessionOf(g.running(), who.id, ""); me != nil && me.in.space.Shuns(who.id, id) {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "you block %s; unblock them first", id)
	}
	if err := g.lookout.befriend(ctx, who.id, []earshot.ParticipantID{id}, true); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

func (g *Gateway) deleteFriend(ctx context.Context, c *fiber.Ctx, who *seeker) error {
	id, err := friendOf(c, who)
	if err != nil {
		return err
	}
	if err := g.lookout.befriend(ctx, who.id, []earshot.ParticipantID{id}, false); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

func friendOf(c *fiber.Ctx, who *seeker) (earshot.ParticipantID, error) {
	id := earshot.ParticipantID(strings.Clone(c.Params("id")))
	if !id.Valid() || id == who.id {
		return "", invalid("%q cannot be your friend: name another participant, by the id that begins with pa_", clip(string(id)))
	}
	return id, nil
}

type densityReply struct {
	World    string        `json:"world"`
	Cell     int           `json:"cell"`  // metres
	Floor    int           `json:"floor"` // fewer in a cell are not told
	Complete bool          `json:"complete"`
	Behind   int64         `json:"behind_ms"`
	Cells    []densityCell `json:"cells"`
}

// densityCell is the square from (X, Z) times the cell's edge on.
type densityCell struct {
	X     int16 `json:"x"`
	Z     int16 `json:"z"`
	Count int   `json:"count"`
}

func (g *Gateway) getDensity(ctx context.Context, c *fiber.Ctx, who *seeker) error {
	if g.outcast(who.world, who.id, time.Now()) {
		return denied("moderation keeps you from others in world %q", who.world)
	}
	counts, complete := g.lookout.density(ctx, who.world)
	cells := make([]densityCell, 0, len(counts))
	for cell, n := range counts {
		if n >= densityFloor {
			cells = append(cells, densityCell{cell[0], cell[1], n})
		}
	}
	slices.SortFunc(cells, func(a, b densityCell) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.X, b.X), cmp.Compare(a.Z, b.Z))
	})
	return c.JSON(densityReply{
		World: who.world, Cell: directory.CellSize, Floor: densityFloor, Complete: complete,
		Behind: g.lookout.behind().Milliseconds(), Cells: cells,
	})
}
