package gateway

import (
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/protocol"
)

// wireError makes of any error the one a client may see. What is not an
// *earshot.Error is an internal matter: its text stays here.
func wireError(err error) (status int, e *earshot.Error) {
	var fe *fiber.Error
	var away *misdirected
	switch {
	case errors.As(err, &away):
		return http.StatusMisdirectedRequest, earshot.Errorf(earshot.CodeFailedPrecondition, "%s", away)
	case errors.As(err, &e):
		return protocol.HTTPStatus(e.Code), e
	case errors.As(err, &fe):
		return fe.Code, fiberError(fe)
	default:
		return http.StatusInternalServerError,
			earshot.Errorf(earshot.CodeInternal, "something broke on the server; try again, and tell the operator if it stays")
	}
}

// fiberError gives fiber's own refusals (no such page, body too large) the
// wire form.
func fiberError(fe *fiber.Error) *earshot.Error {
	switch fe.Code {
	case http.StatusNotFound:
		return earshot.Errorf(earshot.CodeNotFound, "no such page; the protocol is described in gateway/protocol/PROTOCOL.md")
	case http.StatusMethodNotAllowed:
		return earshot.Errorf(earshot.CodeUnimplemented, "this page does not take that method")
	case http.StatusRequestEntityTooLarge:
		return earshot.Errorf(earshot.CodeInvalidArgument, "the request is larger than %d bytes; trim the codecs of the offer", protocol.MaxSDPBytes)
	case http.StatusUnsupportedMediaType:
		return earshot.Errorf(earshot.CodeInvalidArgument, "%s", fe.Message)
	case http.StatusPreconditionRequired:
		return earshot.Errorf(earshot.CodeFailedPrecondition, "%s", fe.Message)
	case http.StatusUpgradeRequired:
		return earshot.Errorf(earshot.CodeInvalidArgument, "this page speaks WebSocket: ask for an upgrade")
	default:
		return earshot.Errorf(earshot.CodeInvalidArgument, "the request could not be read: %s", fe.Message)
	}
}

// reply is fiber's error handler: the only place where an error becomes a
// response.
func (g *Gateway) reply(c *fiber.Ctx, err error) error {
	status, e := wireError(err)
	if e.Code == earshot.CodeInternal {
		g.log.Error("request failed", "method", c.Method(), "path", c.Route().Path, "error", err)
	}
	if e.Code == earshot.CodeUnauthenticated {
		c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	}
	var away *misdirected
	if errors.As(err, &away) {
		status = away.point(c)
	}
	if e.Code == earshot.CodeUnavailable || e.Code == earshot.CodeResourceExhausted {
		c.Set(fiber.HeaderRetryAfter, "1")
	}
	return c.Status(status).JSON(e)
}
