package gateway

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/presence/queue"
)

const (
	// queryKnown is the position that who asks knows of: they are answered when
	// it is another, or after holdFor, and while they still count as being there.
	queryKnown = "known"
	holdFor    = 20 * time.Second
	// maxHeld bounds the requests that are held at a time; others are answered at
	// once, and told to ask again later.
	maxHeld = 4096
	// soon and later are when to ask again.
	soon, later = time.Second, 10 * time.Second
	// nearFront is up to which position each change is told; further back one by
	// a tenth is.
	nearFront = 32
	// How often somebody who waits may ask.
	waitPerSecond = 1
	waitBurst     = 10
	// renewAhead is how long before a token runs out who waits gets another.
	renewAhead = 5 * time.Minute
	// maxWaitURLs bounds the other nodes that who waits is told of.
	maxWaitURLs = 4
)

// queueReply is how it is with somebody who waits.
type queueReply struct {
	// Queue is the ticket to ask with from now on.
	Queue string `json:"queue"`
	// Position is how many people are before them, and one; Waiting how many wait;
	// both are missing where another node knows: at URL.
	Position int `json:"position,omitempty"`
	Waiting  int `json:"waiting,omitempty"`
	// Estimated is how many seconds it takes if it goes on as of late; missing
	// where that is not known.
	Estimated int `json:"estimated_s,omitempty"`
	// Again is when to ask again, in seconds.
	Again float64 `json:"again_s"`
	// URL is the node for the next request, where it is another: to ask, or, when
	// it is their turn, to join.
	URL string `json:"url,omitempty"`
	// Alternates are others to ask where this one does not answer any more.
	Alternates []string `json:"alternates,omitempty"`

	// Ready: it is their turn. What follows is as of a reservation.
	Ready        bool                    `json:"ready,omitempty"`
	Reservation  string                  `json:"reservation,omitempty"`
	Instance     earshot.InstanceID      `json:"instance,omitempty"`
	Expires      string                  `json:"expires,omitempty"`
	Participants []earshot.ParticipantID `json:"participants,omitempty"`

	// Token is a new one where the one they came with is about to run out.
	Token        string `json:"token,omitempty"`
	TokenExpires string `json:"token_expires,omitempty"`
}

// holding is a request that is answered when there is something new.
type holding struct {
	known int
	news  chan struct{} // closed when there is
}

// queueRoutes are for those who wait until there is room.
func (g *Gateway) queueRoutes(v1 fiber.Router) {
	v1.Get("/queue/:ticket", g.getQueue)
	v1.Delete("/queue/:ticket", g.deleteQueue)
}

// enqueue answers 202 to who found no room and waits: with their place, or, where
// another node leads the queue, with a ticket to get one there.
func (q *queues) enqueue(ctx context.Context, c *fiber.Ctx, claims *Claims, asked *asking, world string, party []earshot.ParticipantID) error {
	id, _, err := q.g.named(claims, asked.instance)
	if err != nil {
		return err
	}
	if asked.sent {
		id = claims.Instance
	}
	if err := q.g.manager.mayEnter(ctx, claims, asked.invitation, id); err != nil {
		return err
	}
	if err := q.g.manager.barred(ctx, world, claims.Participant()); err != nil {
		return err
	}
	now := time.Now()
	p, reply := queue.Place{Party: party, Target: id}, queueReply{}
	q.mu.Lock()
	if q.leads(world) {
		if p, err = q.hall(world, now).queue.Ask(p, now, now); err == nil {
			reply = q.standing(world, &p, now)
		}
		q.mu.Unlock()
	} else {
		q.mu.Unlock()
		reply.URL = q.g.manager.urlOf(firstOf(world), world)
		reply.Again = soon.Seconds()
	}
	if err != nil {
		return err
	}
	q.seal(&reply, world, &p, claims, now)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(http.StatusAccepted).JSON(&reply)
}

// asking returns the ticket of a request by who may ask with it, of a world
// whose queue is kept here.
func (q *queues) asking(c *fiber.Ctx) (*Claims, *ticket, error) {
	claims, err := q.g.authorize(c)
	if err != nil {
		return nil, nil, err
	}
	if !q.g.waiters.allow(string(claims.Participant()), time.Now()) {
		return nil, nil, earshot.Errorf(earshot.CodeResourceExhausted, "you ask too often; wait as long as again_s says")
	}
	t, err := q.g.keys.readTicket(strings.Clone(c.Params("ticket")))
	switch {
	case err != nil:
		return nil, nil, err
	case t.Party[0] != claims.Participant():
		return nil, nil, denied("the place in the queue is somebody else's")
	case claims.worldName() != t.World || claims.Instance != "" && claims.Instance != t.Target:
		return nil, nil, denied("the token is not good for what this place in the queue is for")
	case !t.proved && len(t.Party) > q.g.cfg.Instances.MaxParty:
		return nil, nil, tooManyIn(q.g.cfg.Instances.MaxParty)
	}
	if _, ok := q.g.worldConfig(t.World); !ok {
		return nil, nil, noWorld(t.World)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	if !q.leads(t.World) {
		return nil, nil, q.leader(t.World)
	}
	return claims, &t, nil
}

// getQueue says how it is with somebody who waits, when there is something new.
func (g *Gateway) getQueue(c *fiber.Ctx) error {
	q := g.queues
	claims, t, err := q.asking(c)
	if err != nil {
		return err
	}
	known, _ := strconv.Atoi(c.Query(queryKnown))
	if !t.proved && t.Target != "" {
		ctx, cancel := g.brief()
		defer cancel()
		if err := g.manager.mayEnter(ctx, claims, "", t.Target); err != nil {
			return err
		}
	}
	now := time.Now()
	q.mu.Lock()
	p, err := q.hall(t.World, now).queue.Ask(t.place(), t.seen(now), now)
	if err != nil {
		q.mu.Unlock()
		return err
	}
	reply, news := q.standing(t.World, &p, now), (<-chan struct{})(nil)
	if known > 0 && !reply.Ready && !moved(known, reply.Position) {
		if news = q.hold(t.World, p.Who(), known); news == nil {
			reply.Again = later.Seconds()
		}
	}
	q.mu.Unlock()
	if news != nil {
		timer := time.NewTimer(min(holdFor, g.cfg.Instances.Queue.Away*2/3))
		select {
		case <-news:
		case <-timer.C:
		}
		timer.Stop()
		if reply, err = q.after(t.World, &p, news); err != nil {
			return err
		}
	}
	q.seal(&reply, t.World, &p, claims, time.Now())
	return c.JSON(&reply)
}

// after is how it is with somebody whose request was held.
func (q *queues) after(world string, p *queue.Place, news <-chan struct{}) (queueReply, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if h := q.halls[world]; h != nil && h.held[p.Who()] != nil && h.held[p.Who()].news == news {
		q.let(h, p.Who())
	}
	switch {
	case q.closed:
		return queueReply{}, earshot.Errorf(earshot.CodeUnavailable, "the server is shutting down; ask again in a moment, there or at another node")
	case !q.leads(world):
		return queueReply{}, q.leader(world)
	}
	now, waits := time.Now(), false
	if h := q.halls[world]; h != nil {
		_, waits = h.queue.Standing(p.Who(), now)
	}
	if !waits {
		return queueReply{}, earshot.Errorf(earshot.CodeNotFound, "you do not wait any longer: you left, joined, or may not enter; join again")
	}
	return q.standing(world, p, now), nil
}

// standing is what who waits is told. mu is held.
func (q *queues) standing(world string, p *queue.Place, now time.Time) (r queueReply) {
	s, _ := q.halls[world].queue.Standing(p.Who(), now)
	r = queueReply{Position: s.Position, Waiting: s.Waiting, Estimated: int(s.Estimate.Round(time.Second) / time.Second), Again: soon.Seconds()}
	if s.Offer != nil {
		kept := reservationOf(s.Offer, p)
		r.Ready, r.Reservation, r.Instance, r.Participants = true, kept.token(), kept.Instance, p.Party
		r.Expires = s.Offer.Until.UTC().Format(time.RFC3339)
		r.URL = q.g.manager.urlOf(kept.Instance, world)
	}
	return r
}

// seal adds to a reply what does not depend on how it is: the ticket, where else
// to ask, and a token where theirs runs out soon.
func (q *queues) seal(r *queueReply, world string, p *queue.Place, claims *Claims, now time.Time) {
	t := ticketOf(world, p, now)
	r.Queue = q.g.keys.ticket(&t)
	if q.g.manager.spread(world) {
		for _, n := range q.g.fleet.Nodes() {
			if n.Node != q.g.fleet.ID() && n.URL != "" && !n.Draining && len(r.Alternates) < maxWaitURLs {
				r.Alternates = append(r.Alternates, n.URL)
			}
		}
		slices.Sort(r.Alternates)
	}
	if left := claims.Expires.Sub(now); left < min(renewAhead, claims.Expires.Sub(claims.IssuedAt)/2) {
		if token, expires, err := q.g.keys.Renew(claims, now); err == nil {
			r.Token, r.TokenExpires = token, expires.UTC().Format(time.RFC3339)
		}
	}
}

// deleteQueue gives a place up, and what is kept for it.
func (g *Gateway) deleteQueue(c *fiber.Ctx) error {
	q := g.queues
	_, t, err := q.asking(c)
	if err != nil {
		return err
	}
	now := time.Now()
	q.mu.Lock()
	h, p := q.hall(t.World, now), t.place()
	if p.At != 0 { // so that nobody takes it later
		_, _ = h.queue.Ask(p, t.seen(now), now)
	}
	waited, kept := h.queue.Leave(p.Who(), now)
	if waited {
		g.metrics.queueLeft.WithLabelValues("left").Inc()
	}
	q.let(h, p.Who())
	q.mu.Unlock()
	if kept != nil {
		ctx, cancel := g.brief()
		defer cancel()
		r := reservationOf(kept, &p)
		g.manager.cancel(ctx, &r)
	}
	return c.SendStatus(http.StatusNoContent)
}

// hold has a request of who wait for news; nil: too many do. One is held for
// each: an older one is answered. mu is held.
func (q *queues) hold(world string, who earshot.ParticipantID, known int) <-chan struct{} {
	h := q.halls[world]
	q.let(h, who)
	if q.closed || q.held >= maxHeld {
		return nil
	}
	q.held++
	h.held[who] = &holding{known, make(chan struct{})}
	return h.held[who].news
}

// let has the request of who be answered, if one is held. mu is held.
func (q *queues) let(h *hall, who earshot.ParticipantID) {
	if held := h.held[who]; held != nil {
		delete(h.held, who)
		q.held--
		close(held.news)
	}
}

// wake answers those for whom there is something new.
func (q *queues) wake(h *hall) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	for who, held := range h.held {
		if s, waits := h.queue.Standing(who, now); !waits || s.Offer != nil || moved(held.known, s.Position) {
			q.let(h, who)
		}
	}
}

// release answers all. mu is held.
func (q *queues) release(h *hall) {
	for who := range h.held {
		q.let(h, who)
	}
}

// close answers all, and holds nobody any more.
func (q *queues) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, h := range q.halls {
		q.release(h)
	}
}

// moved reports whether who waits is told of their new position at once.
func moved(known, now int) bool {
	off := max(known-now, now-known)
	return off > 0 && (min(known, now) <= nearFront || off >= known/10)
}
