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
	"earshot/gateway/protocol"
	"earshot/sfu"
)

// The headers of WHIP that fiber has no names of.
const (
	headerAcceptPost  = "Accept-Post"
	headerAcceptPatch = "Accept-Patch"
)

// door is one of the two protocols that begin with a POST of an offer and go on
// at a session URL: WHIP and WHEP.
type door struct {
	g    *Gateway
	name string // in URLs
	join func(ctx context.Context, c *fiber.Ctx, claims *Claims, stage, offer string) (earshot.SessionID, string, error)
	find func(earshot.SessionID) (resource, bool)
	// lenient takes candidates without If-Match, of which their ice-ufrag says
	// the generation: players of today send none (whip-whep 1.2).
	lenient bool
}

// resource is what a session URL stands for.
type resource struct {
	owner earshot.ParticipantID
	world string
	media *sfu.Session
	leave func()
}

// doors returns WHIP and WHEP.
func (g *Gateway) doors() []*door {
	return []*door{
		{g: g, name: "whip", find: g.streaming, join: func(ctx context.Context, _ *fiber.Ctx, claims *Claims, stage, offer string) (earshot.SessionID, string, error) {
			return g.joinStream(ctx, claims, stage, offer)
		}},
		{g: g, name: "whep", lenient: true, find: g.watching, join: func(ctx context.Context, c *fiber.Ctx, claims *Claims, stage, offer string) (earshot.SessionID, string, error) {
			publisher := earshot.ParticipantID(strings.Clone(c.Query("publisher")))
			return g.joinViewer(ctx, claims, watched{stage, publisher}, offer)
		}},
	}
}

// streamRoutes serves WHIP and WHEP.
func (g *Gateway) streamRoutes(v1 fiber.Router) {
	for _, d := range g.doors() {
		endpoint, session := "/"+d.name+"/:world", "/"+d.name+"/:world/:id"
		v1.Post(endpoint, d.post)
		v1.Patch(session, d.patch)
		v1.Delete(session, d.delete)
		for path, methods := range map[string]string{endpoint: "POST, OPTIONS", session: "PATCH, DELETE, OPTIONS"} {
			v1.Options(path, func(c *fiber.Ctx) error { return c.SendStatus(http.StatusOK) })
			v1.All(path, func(c *fiber.Ctx) error {
				c.Set(fiber.HeaderAllow, methods)
				return fiber.ErrMethodNotAllowed
			})
		}
	}
}

// streamOptions says of every answer to OPTIONS what may be sent there, and
// makes it 200: RFC 9725, section 4.2. It goes before CORS, which answers a
// preflight by itself.
func streamOptions(c *fiber.Ctx) error {
	if c.Method() != fiber.MethodOptions {
		return c.Next()
	}
	if path := strings.Trim(c.Path(), "/"); strings.Count(path, "/") > 2 {
		c.Set(headerAcceptPatch, typeFragment)
	} else {
		c.Set(headerAcceptPost, typeSDP)
	}
	err := c.Next()
	if err == nil && c.Response().StatusCode() == http.StatusNoContent {
		c.Response().ResetBody() // the text of the former status
		c.Status(http.StatusOK)
	}
	return err
}

// post takes an offer: 201, an answer, and a session URL.
func (d *door) post(c *fiber.Ctx) (err error) {
	defer func() { d.g.metrics.joins.WithLabelValues(resultLabel(err)).Inc() }()
	claims, offer, done, err := d.g.offered(c)
	if err != nil {
		c.Set(headerAcceptPost, typeSDP)
		return err
	}
	defer done()
	if d.name == "whip" { // many players may share one token
		if err := d.g.mayJoin(claims.Participant(), time.Now()); err != nil {
			return err
		}
	}
	world := strings.Clone(c.Params("world"))
	if named := claims.worldName(); named != world {
		return denied("the token is for world %q, this URL for %q; use the URL of that world, or ask for another token", named, clip(world))
	}
	stage, err := stageOf(claims, strings.Clone(c.Query("stage")))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	id, answer, err := d.join(ctx, c, claims, stage, offer)
	if err != nil {
		return err
	}
	d.g.linkServers(c, claims)
	c.Set(fiber.HeaderLocation, "/v1/"+d.name+"/"+world+"/"+string(id))
	c.Set(fiber.HeaderETag, etag(1))
	c.Set(headerAcceptPatch, typeFragment)
	c.Set(fiber.HeaderContentType, typeSDP)
	return c.Status(http.StatusCreated).SendString(answer)
}

// patch takes an SDP fragment: candidates of the ICE generation that If-Match
// names, or with If-Match: * a restart of ICE (RFC 9725, section 4.3).
func (d *door) patch(c *fiber.Ctx) error {
	r, err := d.owned(c)
	if err != nil {
		return err
	}
	if !d.g.patches.allow(c.Params("id"), time.Now()) {
		return tooManyPatches()
	}
	if !isType(c, typeFragment) {
		c.Set(headerAcceptPatch, typeFragment)
		return fiber.NewError(http.StatusUnsupportedMediaType, "send candidates or an ICE restart as "+typeFragment)
	}
	fragment, err := body(c, protocol.MaxFragmentBytes)
	if err != nil {
		return err
	}
	tags := entityTags(c.Get(fiber.HeaderIfMatch))
	switch {
	case len(tags) == 0 && !d.lenient:
		return fiber.NewError(http.StatusPreconditionRequired,
			"send If-Match: the ETag of the last answer with candidates, or * to restart ICE")
	case slices.Contains(tags, "*"):
		return d.restart(c, r.media, fragment)
	case len(tags) > 0 && !slices.Contains(tags, etag(r.media.ICE())):
		return earshot.Errorf(earshot.CodeFailedPrecondition,
			"If-Match names another ICE generation than that in force, %s: restart ICE with If-Match: *", etag(r.media.ICE()))
	}
	if err := r.media.AddCandidates(fragment); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

func (d *door) restart(c *fiber.Ctx, media *sfu.Session, fragment string) error {
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	answer, err := media.Patch(ctx, fragment)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderETag, etag(media.ICE()))
	if answer == "" {
		return c.SendStatus(http.StatusNoContent)
	}
	c.Set(fiber.HeaderContentType, typeFragment)
	return c.SendString(answer)
}

// delete ends the session. That it has ended already is success too: clients
// such as OBS close their connection first, which ends it, and take no other
// answer than 200 for success.
func (d *door) delete(c *fiber.Ctx) error {
	r, err := d.owned(c)
	switch {
	case err == nil:
		r.leave()
	case earshot.CodeOf(err) != earshot.CodeNotFound || !earshot.SessionID(c.Params("id")).Valid():
		return err
	}
	return c.SendStatus(http.StatusOK)
}

// owned returns what the session URL stands for, if the token is its owner's.
func (d *door) owned(c *fiber.Ctx) (resource, error) {
	claims, err := d.g.authorize(c)
	if err != nil {
		return resource{}, err
	}
	r, ok := d.find(earshot.SessionID(strings.Clone(c.Params("id"))))
	if !ok || r.world != c.Params("world") {
		return resource{}, earshot.Errorf(earshot.CodeNotFound, "this session has ended; begin another with POST")
	}
	if r.owner != claims.Participant() {
		return resource{}, earshot.Errorf(earshot.CodePermissionDenied, "this session belongs to somebody else")
	}
	return r, nil
}

// linkServers tells a client of STUN and TURN servers, one Link a URL (RFC 9725,
// section 4.6).
func (g *Gateway) linkServers(c *fiber.Ctx, claims *Claims) {
	servers, _ := g.iceServers(claims, time.Now())
	for _, s := range servers {
		for _, url := range s.URLs {
			link := "<" + url + `>; rel="ice-server"`
			if s.Username != "" {
				link += "; username=" + strconv.Quote(s.Username) + "; credential=" + strconv.Quote(s.Credential) + `; credential-type="password"`
			}
			c.Response().Header.Add(fiber.HeaderLink, link)
		}
	}
}

// worldName returns the world that a token is good for.
func (c *Claims) worldName() string {
	if c.World == "" {
		return worldOf(c.Instance)
	}
	return c.World
}

// etag names an ICE generation.
func etag(generation int) string { return strconv.Quote(strconv.Itoa(generation)) }

// entityTags returns what If-Match lists. "*" in quotes, as RFC 9725 has it in
// its example, is * too.
func entityTags(header string) []string {
	var tags []string
	for tag := range strings.SplitSeq(header, ",") {
		switch tag = strings.TrimSpace(tag); tag {
		case "":
		case `"*"`:
			tags = append(tags, "*")
		default:
			tags = append(tags, strings.Clone(tag))
		}
	}
	return tags
}
