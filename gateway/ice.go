package gateway

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot/sfu"
)

// iceList is the answer to GET /v1/ice.
type iceList struct {
	Servers []sfu.ICEServer `json:"ice_servers"`
	Expires string          `json:"expires"`
}

// iceServers returns the STUN and TURN servers for the bearer of a verified
// token, and when their credentials end: with the token, or before.
func (g *Gateway) iceServers(claims *Claims, now time.Time) ([]sfu.ICEServer, time.Time) {
	return g.deps.SFU.ICEServers(claims.Participant(), claims.Expires, now)
}

// getICE tells a client what to put into its RTCConfiguration before it makes
// an offer.
func (g *Gateway) getICE(c *fiber.Ctx) error {
	claims, err := g.authorize(c)
	if err != nil {
		return err
	}
	servers, expires := g.iceServers(claims, time.Now())
	if servers == nil {
		servers = []sfu.ICEServer{}
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(iceList{servers, expires.UTC().Format(time.RFC3339)})
}
