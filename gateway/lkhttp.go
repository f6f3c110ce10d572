package gateway

import (
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cors"

	"earshot"
	"earshot/gateway/livekit"
)

// The paths of LiveKit's signalling, which its SDKs append to the URL they are
// given: of version 0 with two PeerConnections, and of version 1 with one.
const (
	pathLiveKit0 = "/rtc"
	pathLiveKit1 = "/rtc/v1"
)

// lkSignal bounds a message of a client, in bytes: an offer of 64 lines fits.
const lkSignal = 128 << 10

// liveKitRoutes serves the door for LiveKit's SDKs.
func (g *Gateway) liveKitRoutes(app fiber.Router) {
	open := cors.New(cors.Config{AllowOrigins: "*", AllowMethods: "GET,OPTIONS", AllowHeaders: "*", MaxAge: 3600})
	for _, path := range []string{pathLiveKit0, pathLiveKit1} {
		v1 := path == pathLiveKit1
		app.Use(path+"/validate", open)
		app.Get(path+"/validate", func(c *fiber.Ctx) error { return g.validateLiveKit(c, v1) })
		app.Get(path, func(c *fiber.Ctx) error { return g.upgradeLiveKit(c, v1) }, g.serveLiveKit())
	}
}

// validateLiveKit tells a client whose WebSocket was refused why: browsers do
// not say. Of all answers only 404 means that a version is not spoken here.
func (g *Gateway) validateLiveKit(c *fiber.Ctx, v1 bool) error {
	if _, err := g.greetLiveKit(c, v1); err != nil {
		return notAbsent(err)
	}
	return c.SendString("success")
}

func (g *Gateway) upgradeLiveKit(c *fiber.Ctx, v1 bool) error {
	if !websocket.IsWebSocketUpgrade(c) {
		return fiber.ErrUpgradeRequired
	}
	guest, err := g.greetLiveKit(c, v1)
	if err != nil {
		g.metrics.joins.WithLabelValues(resultLabel(err)).Inc()
		return notAbsent(err)
	}
	c.Locals("guest", guest)
	return c.Next()
}

// notAbsent says of a room that is not here that it is not for the client: by
// 404 the SDKs understand that the version of the protocol is not spoken, and
// try the other.
func notAbsent(err error) error {
	if earshot.CodeOf(err) == earshot.CodeNotFound {
		_, e := wireError(err)
		return earshot.Errorf(earshot.CodePermissionDenied, "%s", e.Message)
	}
	return err
}

// lkGuest is who asks to be let in.
type lkGuest struct {
	arrival
	hello  livekit.Hello
	token  *livekit.Claims
	claims *Claims // the same as our own tokens have it
}

// greetLiveKit verifies the token and reads how the client begins.
func (g *Gateway) greetLiveKit(c *fiber.Ctx, v1 bool) (*lkGuest, error) {
	now := time.Now()
	came, counted := g.arrivalOf(c, now)
	if !counted {
		if err := g.mayKnock(came.address, now); err != nil {
			return nil, err
		}
	}
	token := c.Query("access_token")
	if scheme, bearer, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " "); token == "" && strings.EqualFold(scheme, "Bearer") {
		token = bearer
	}
	if token == "" {
		return nil, unauthenticated("send a token: the query parameter access_token, or Authorization: Bearer <token>")
	}
	verified, err := livekit.Verify(strings.Clone(token), g.keys.livekitSecret, now)
	if err != nil {
		return nil, err
	}
	claims, err := claimsOfLiveKit(verified, g.cfg.LiveKit.Hidden, now)
	if err != nil {
		return nil, err
	}
	if _, ok := g.worldConfig(claims.World); !ok {
		return nil, earshot.Errorf(earshot.CodeNotFound, "the token is for room %q, and there is no such world here: rooms are named after worlds; GET /v1/worlds lists them", clip(claims.World))
	}
	hello, err := livekit.ParseHello(v1, func(key string) string { return strings.Clone(c.Query(key)) })
	if err != nil {
		return nil, err
	}
	return &lkGuest{arrival: came, hello: hello, token: verified, claims: claims}, nil
}

func (g *Gateway) serveLiveKit() fiber.Handler {
	return websocket.New(func(conn *websocket.Conn) {
		guest, _ := conn.Locals("guest").(*lkGuest)
		conn.SetReadLimit(lkSignal)
		err := g.attendLiveKit(conn, guest)
		if away := guest.elsewhere(err); away != nil {
			if err = g.forwardLiveKit(conn, guest, away); err == nil {
				return // counted where they are
			}
		}
		err = guest.settled(err)
		g.metrics.joins.WithLabelValues(resultLabel(err)).Inc()
		if err != nil {
			refuseLiveKit(conn, err)
		}
	}, websocket.Config{RecoverHandler: func(conn *websocket.Conn) {
		if fault := recover(); fault != nil {
			g.log.Error("a LiveKit signal connection failed", "error", fault)
			_ = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseInternalServerErr, http.StatusText(http.StatusInternalServerError)))
		}
	}})
}
