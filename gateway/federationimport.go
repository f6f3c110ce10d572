package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/federation"
)

const (
	federationDeadline = 5 * time.Second
	federationLife     = time.Minute // of a token
	// federationPages bounds how many pages are asked for in a row.
	federationPages = federation.MaxTold/federation.MaxPeople + 2
	// federationRest is the longest pause after failures.
	federationRest = time.Minute
)

// federationClient follows nobody elsewhere: a token is for one origin.
func federationClient() *http.Client {
	return &http.Client{
		Timeout:       federationDeadline,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: 2 * time.Minute, ForceAttemptHTTP2: true, ResponseHeaderTimeout: federationDeadline},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// follow asks one node of a peer until ctx ends.
func (f *federated) follow(ctx context.Context, p *federatedPeer, at int) {
	failed := 0
	for {
		wait := f.cfg.Poll
		poll, err := f.ask(ctx, p, at)
		f.questions.WithLabelValues(p.cfg.Operator, resultLabel(err)).Inc()
		switch {
		case err == nil:
			wait = max(wait, poll)
			if failed > 0 {
				f.g.log.Info("federation: a peer answers again", "operator", p.cfg.Operator, "url", p.cfg.URLs[at])
			}
			failed = 0
		case ctx.Err() == nil:
			if failed == 0 {
				f.g.log.Warn("federation: a peer tells nothing; who it told of is forgotten in a while", "operator", p.cfg.Operator, "url", p.cfg.URLs[at], "error", err)
			}
			wait = min(wait<<min(failed, 10), federationRest)
			failed++
		}
		p.mu.Lock()
		p.views[at].Expire(time.Now())
		p.mu.Unlock()
		timer := time.NewTimer(wait + mathrand.N(wait/4))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// ask takes in what a node of a peer has to say, and returns how long to wait
// before the next question.
func (f *federated) ask(ctx context.Context, p *federatedPeer, at int) (poll time.Duration, err error) {
	for range federationPages {
		p.mu.Lock()
		cursor := p.views[at].Cursor()
		p.mu.Unlock()
		page, err := f.fetch(ctx, p.cfg.URLs[at], cursor)
		if err != nil {
			return 0, err
		}
		p.mu.Lock()
		err = p.views[at].Apply(page, time.Now())
		p.mu.Unlock()
		if err != nil || !page.More {
			return time.Duration(page.Poll) * time.Second, err
		}
	}
	return 0, earshot.Errorf(earshot.CodeResourceExhausted, "federation: the peer has more than %d pages", federationPages)
}

// fetch asks one question. Tokens are made for one each.
func (f *federated) fetch(ctx context.Context, origin, cursor string) (*federation.Page, error) {
	now, nonce := time.Now(), make([]byte, 16)
	rand.Read(nonce)
	token, err := federation.Sign(f.key, &federation.Claims{
		Issuer: f.cfg.Operator, Audience: origin, Scope: federation.Scope, Nonce: hex.EncodeToString(nonce),
		IssuedAt: now.Unix(), Expires: now.Add(federationLife).Unix(),
	})
	if err != nil {
		return nil, err
	}
	query := url.Values{"limit": {strconv.Itoa(federation.MaxPeople)}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+federation.Path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set(fiber.HeaderAuthorization, "Bearer "+token)
	req.Header.Set(fiber.HeaderAccept, "application/json")
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeUnavailable, "federation: %v", errors.Unwrap(err)) // without the URL, which has the cursor
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, refusalOf(resp)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, federation.MaxPageBytes+1))
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeUnavailable, "federation: the answer broke off")
	}
	return federation.Decode(data)
}

// federatedList is what people here are told of other operators.
type federatedList struct {
	Operators []federatedOperator `json:"operators"`
}

type federatedOperator struct {
	Operator string             `json:"operator"`
	Region   string             `json:"region"`
	Worlds   []federation.World `json:"worlds"`
	People   []federatedPerson  `json:"people"`
}

type federatedPerson struct {
	Participant earshot.ParticipantID `json:"participant"` // to block, as anybody
	World       string                `json:"world"`
	Instance    earshot.InstanceID    `json:"instance"`
	Name        string                `json:"name,omitempty"`
	Cell        *[2]int16             `json:"cell,omitempty"`
}

// getFederatedPeople tells somebody who is in an instance here of people in the
// worlds of other operators, but for those they have blocked. Only who is seen may
// see: of one who is hidden or isolated nobody is told, and they are told of nobody.
func (g *Gateway) getFederatedPeople(c *fiber.Ctx) error {
	f := g.federated
	if f == nil {
		return errNoFederation
	}
	claims, err := g.authorize(c)
	if err != nil {
		return err
	}
	if !claims.Can(protocol.GrantSubscribe) {
		return missing(protocol.GrantSubscribe)
	}
	if !g.patches.allow(string(claims.Participant()), time.Now()) {
		return earshot.Errorf(earshot.CodeResourceExhausted, "you ask too often; every %v is enough", f.cfg.Poll)
	}
	s := g.present(claims.Participant())
	if s == nil {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "you are in no instance here: join first")
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(f.list(s.in.space.Blocks(s.participant), time.Now()))
}

// present is somebody who is here and seen; nil where they are not.
func (g *Gateway) present(id earshot.ParticipantID) *session {
	for _, in := range g.running() {
		s := in.live.Load().byID[id]
		if s == nil {
			continue
		}
		in.mu.Lock()
		seen := s.shared() && s.resident == nil && !s.sanctions.isolated
		in.mu.Unlock()
		if seen {
			return s
		}
	}
	return nil
}

// list is what all peers have said, without some people.
func (f *federated) list(blocked []earshot.ParticipantID, now time.Time) federatedList {
	all := federatedList{Operators: []federatedOperator{}}
	for _, p := range f.operators() {
		op := federatedOperator{Operator: p.cfg.Operator, Region: p.cfg.Region, Worlds: []federation.World{}, People: []federatedPerson{}}
		p.mu.Lock()
		for _, v := range p.views {
			v.Expire(now)
			worlds, _ := v.Worlds()
			for _, w := range worlds {
				if !slices.ContainsFunc(op.Worlds, func(o federation.World) bool { return o.Name == w.Name }) {
					w.People = 0 // counted below: those who are shown
					op.Worlds = append(op.Worlds, w)
				}
			}
			for _, s := range v.People(nil) {
				id := federation.Foreign(p.cfg.Operator, s.ID)
				if slices.Contains(blocked, id) {
					continue
				}
				op.People = append(op.People, federatedPerson{id, s.World, s.Instance, s.Name, s.Cell})
				for i := range op.Worlds {
					if op.Worlds[i].Name == s.World {
						op.Worlds[i].People++
					}
				}
			}
		}
		p.mu.Unlock()
		all.Operators = append(all.Operators, op)
	}
	return all
}
