package gateway

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cors"
	"github.com/gofiber/fiber/v2/middleware/filesystem"
	"github.com/gofiber/fiber/v2/middleware/recover"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/gateway/web"
	"earshot/presence/federation"
)

const (
	typeSDP      = "application/sdp"
	typeFragment = "application/trickle-ice-sdpfrag"
	// joinDeadline bounds the making of an answer.
	joinDeadline = 5 * time.Second
	// maxConnections bounds those who may connect without a token yet.
	maxConnections = 16 << 10
	// contentPolicy allows the page its own files and its own server only, and
	// where there are other nodes, them.
	contentPolicy = "default-src 'self'; connect-src 'self' ws: wss:%s; img-src 'self' data: blob:; " +
		"media-src 'self' blob: mediastream:; style-src 'self'; worker-src 'self' blob:; " +
		"frame-ancestors 'self'; base-uri 'none'; form-action 'self'"
)

func (g *Gateway) routes() *fiber.App {
	app := fiber.New(fiber.Config{
		AppName:               "earshot",
		BodyLimit:             protocol.MaxSDPBytes,
		Concurrency:           maxConnections,
		ReadBufferSize:        32 << 10, // a token and an offer in one line: LiveKit's /rtc/v1
		ReadTimeout:           10 * time.Second,
		WriteTimeout:          10 * time.Second,
		IdleTimeout:           30 * time.Second,
		DisableStartupMessage: true,
		DisableDefaultDate:    true, // its goroutine never ends
		ErrorHandler:          g.reply,
	})
	app.Use(recover.New())
	app.Get("/healthz", func(c *fiber.Ctx) error { return c.SendString("ok\n") })
	app.Get("/readyz", g.getReady)
	// Not under CORS: a token of a development node is for its own page.
	app.Get("/v1/dev/token", g.getDevToken)

	// Servers call these, not pages: no CORS.
	app.Get(federation.Path, g.getFederation)
	app.All("/twirp/:service/:method", g.postTwirp)

	g.liveKitRoutes(app)
	g.agentRoutes(app)
	app.Use([]string{"/v1/whip", "/v1/whep"}, streamOptions)

	// Everything below asks for a bearer token, never for a cookie, so pages
	// of any origin may call it.
	v1 := app.Group("/v1", cors.New(cors.Config{
		AllowOrigins:  "*",
		AllowMethods:  "GET,POST,PUT,PATCH,DELETE,OPTIONS",
		AllowHeaders:  "Authorization,Content-Type,Content-Encoding,If-Match",
		ExposeHeaders: "Location,ETag,Link,Accept-Patch,Accept-Post,Retry-After,Earshot-Backend,Earshot-Degraded",
		MaxAge:        3600,
	}))
	v1.Get("/worlds", g.getWorlds)
	g.nodeRoutes(v1)
	v1.Post("/join", g.postJoin)
	v1.Get("/ice", g.getICE)
	v1.Patch("/sessions/:id", g.patchSession)
	v1.Delete("/sessions/:id", g.deleteSession)
	v1.Get("/control", g.upgradeControl, g.serveControl())
	v1.Post("/chat/completions", g.postCompletion)
	v1.Get("/models", g.getModels)
	v1.Get("/inference/backends", g.getBackends)
	v1.Get("/federation/people", g.getFederatedPeople)
	g.instanceRoutes(v1)
	g.queueRoutes(v1)
	g.streamRoutes(v1)
	g.studioRoutes(v1)
	g.consoleRoutes(v1)
	g.recordingRoutes(v1)
	g.nearRoutes(v1)
	app.Server().HeaderReceived = g.requestLimits
	v1.Use(func(*fiber.Ctx) error { return fiber.ErrNotFound })

	policy := fmt.Sprintf(contentPolicy, g.fleet.origins())
	app.Use(func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentSecurityPolicy, policy)
		c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
		c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
		c.Set(fiber.HeaderCacheControl, "no-cache")
		return c.Next()
	}, filesystem.New(filesystem.Config{Root: http.FS(web.Files())}))
	return app
}

func (g *Gateway) getReady(c *fiber.Ctx) error {
	if !g.ready.Load() {
		return earshot.Errorf(earshot.CodeUnavailable, "not accepting joins")
	}
	return c.SendString("ready\n")
}

type worldList struct {
	Worlds []worldEntry `json:"worlds"`
}

type worldEntry struct {
	Name      string          `json:"name"`
	Title     string          `json:"title"`
	Instances []instanceEntry `json:"instances"`
	// VoiceModeration: what is said is transcribed and judged; people have to
	// know before they join.
	VoiceModeration bool `json:"voice_moderation,omitempty"`
	// Recording: an instance is being recorded, which people have to know too.
	Recording bool `json:"recording,omitempty"`
	// Observers: there may be participants of whom nobody is told; people have to
	// know that as well.
	Observers bool `json:"observers,omitempty"`
	// E2EE is protocol.World's: whether to join with a key.
	E2EE string `json:"e2ee"`
}

type instanceEntry struct {
	ID           earshot.InstanceID `json:"id"`
	Participants int                `json:"participants"`
	Capacity     int                `json:"capacity"`
}

func (g *Gateway) getWorlds(c *fiber.Ctx) error {
	worlds := g.allWorlds()
	list := worldList{Worlds: make([]worldEntry, 0, len(worlds))}
	running := g.running()
	for name, w := range worlds {
		entry := worldEntry{Name: name, Title: w.Title, Instances: []instanceEntry{}, VoiceModeration: g.hears(name, w.E2EE), Observers: g.cfg.LiveKit.Hidden, E2EE: g.encryption(name, w.E2EE)}
		for _, in := range running {
			if _, made := madeKind(in.id); in.world == name && !made && in.review.into.Load() == nil { // of those made, GET /v1/worlds/WORLD/instances tells
				entry.Recording = entry.Recording || in.recorded()
				entry.Instances = append(entry.Instances, instanceEntry{in.id, in.size(), w.Capacity})
			}
		}
		list.Worlds = append(list.Worlds, entry)
	}
	sort.Slice(list.Worlds, func(i, j int) bool { return list.Worlds[i].Name < list.Worlds[j].Name })
	return c.JSON(list)
}

func (g *Gateway) running() []*Instance {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]*Instance, 0, len(g.instances))
	for _, in := range g.instances {
		all = append(all, in)
	}
	return all
}

// getDevToken hands out tokens on a node without configured keys, to pages it
// served itself: the address must be a literal or localhost, which keeps a web
// page of another name (DNS rebinding) from asking.
func (g *Gateway) getDevToken(c *fiber.Ctx) error {
	if g.devKey == nil {
		return earshot.Errorf(earshot.CodeNotFound, "this server has keys configured and hands out no development tokens; ask its operator for one (earshot token)")
	}
	if host := c.Hostname(); !literalHost(host) {
		return earshot.Errorf(earshot.CodePermissionDenied, "development tokens are given to localhost and IP addresses only, not to %q", host)
	}
	now := time.Now()
	claims := developmentClaims(c, now)
	token, expires, err := Issue(*g.devKey, claims, now)
	if c.Query("form") == "livekit" {
		expires = claims.Expires
		token, err = IssueLiveKit(*g.devKey, claims, now)
	}
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(protocol.Token{Token: token, Expires: expires.UTC().Format(time.RFC3339)})
}

func literalHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return host == "localhost" || net.ParseIP(strings.Trim(host, "[]")) != nil
}

// postJoin is the door: an offer in, an answer and a session URL out.
func (g *Gateway) postJoin(c *fiber.Ctx) (err error) {
	waits := false
	defer func() {
		label := resultLabel(err)
		if waits && err == nil {
			label = "queued"
		}
		g.metrics.joins.WithLabelValues(label).Inc()
	}()
	claims, offer, done, err := g.offered(c)
	if err != nil {
		return err
	}
	defer done()
	if err := g.mayJoin(claims.Participant(), time.Now()); err != nil {
		return err
	}
	asked, err := askingOf(c.Query)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	var s *session
	var answer string
	if handoff := strings.Clone(c.Query(queryHandoff)); handoff != "" {
		s, answer, err = g.follow(ctx, claims, handoff, offer, c.Query(queryE2EE) == "1")
	} else {
		s, answer, err = g.join(ctx, claims, &asked, offer, c.Query(queryE2EE) == "1")
		waits = asked.waits(err)
	}
	if waits {
		return g.queues.enqueue(ctx, c, claims, &asked, claims.worldName(), []earshot.ParticipantID{claims.Participant()})
	}
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, "/v1/sessions/"+string(s.id))
	c.Set(fiber.HeaderETag, `"1"`)
	c.Set(fiber.HeaderContentType, typeSDP)
	return c.Status(http.StatusCreated).SendString(answer)
}

// offered reads the offer of a request and who makes it, and waits until one
// more may be answered. done must be called when it is.
func (g *Gateway) offered(c *fiber.Ctx) (claims *Claims, offer string, done func(), err error) {
	if err = g.mayKnock(c.IP(), time.Now()); err != nil {
		return nil, "", nil, err
	}
	if claims, err = g.authorize(c); err != nil {
		return nil, "", nil, err
	}
	if !isType(c, typeSDP) {
		return nil, "", nil, fiber.NewError(http.StatusUnsupportedMediaType, "send the offer with Content-Type: application/sdp")
	}
	if offer, err = body(c, protocol.MaxSDPBytes); err != nil {
		return nil, "", nil, err
	}
	done, err = g.entry.enter(joinDeadline)
	return claims, offer, done, err
}

func (g *Gateway) patchSession(c *fiber.Ctx) error {
	s, err := g.owned(c)
	if err != nil {
		return err
	}
	if err := s.mayPatch(time.Now()); err != nil {
		return err
	}
	switch {
	case isType(c, typeSDP):
		offer, err := body(c, protocol.MaxSDPBytes)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
		defer cancel()
		answer, err := s.media.Restart(ctx, offer)
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderContentType, typeSDP)
		return c.SendString(answer)
	case isType(c, typeFragment):
		fragment, err := body(c, protocol.MaxFragmentBytes)
		if err != nil {
			return err
		}
		if err := s.media.AddCandidates(fragment); err != nil {
			return err
		}
		return c.SendStatus(http.StatusNoContent)
	default:
		return fiber.NewError(http.StatusUnsupportedMediaType,
			"send an ICE-restart offer as application/sdp, or candidates as application/trickle-ice-sdpfrag")
	}
}

func (g *Gateway) deleteSession(c *fiber.Ctx) error {
	s, err := g.owned(c)
	if err != nil {
		return err
	}
	s.leave()
	return c.SendStatus(http.StatusNoContent)
}

// owned returns the session that the URL names if the token is its owner's.
func (g *Gateway) owned(c *fiber.Ctx) (*session, error) {
	claims, err := g.authorize(c)
	if err != nil {
		return nil, err
	}
	s, ok := g.session(earshot.SessionID(strings.Clone(c.Params("id"))))
	if !ok || s.media == nil || s.stream != nil || s.ending.Load() {
		return nil, earshot.Errorf(earshot.CodeNotFound, "this session has ended; join again")
	}
	if s.participant != claims.Participant() {
		return nil, earshot.Errorf(earshot.CodePermissionDenied, "this session belongs to somebody else")
	}
	return s, nil
}

// authorize verifies the bearer token of a request.
func (g *Gateway) authorize(c *fiber.Ctx) (*Claims, error) {
	scheme, token, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, earshot.Errorf(earshot.CodeUnauthenticated, "send a token: Authorization: Bearer <token>")
	}
	return g.keys.Verify(strings.Clone(token), time.Now())
}

// body returns a copy of the request's body, unpacked if it is gzip, and
// refuses more than limit bytes of it.
func body(c *fiber.Ctx, limit int) (string, error) {
	raw := c.Request().Body()
	switch c.Get(fiber.HeaderContentEncoding) {
	case "", "identity":
	case "gzip":
		zr, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return "", invalid("the body is not gzip, though Content-Encoding says so")
		}
		raw, err = io.ReadAll(io.LimitReader(zr, int64(limit)+1))
		if err != nil {
			return "", invalid("the gzip body is damaged")
		}
	default:
		return "", fiber.NewError(http.StatusUnsupportedMediaType, "the only Content-Encoding taken is gzip")
	}
	if len(raw) > limit {
		return "", fiber.ErrRequestEntityTooLarge
	}
	if len(raw) == 0 {
		return "", invalid("the body is empty; it should be an SDP offer")
	}
	return string(raw), nil
}

func isType(c *fiber.Ctx, want string) bool {
	got, _, _ := strings.Cut(c.Get(fiber.HeaderContentType), ";")
	return strings.EqualFold(strings.TrimSpace(got), want)
}

// resultLabel is the metric label of an outcome: "ok" or a code.
func resultLabel(err error) string {
	if err == nil {
		return "ok"
	}
	var fe *fiber.Error
	if errors.As(err, &fe) {
		return string(earshot.CodeInvalidArgument)
	}
	return string(earshot.CodeOf(err))
}
