package gateway

import (
	"errors"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
)

const (
	roomService = "livekit.RoomService"

	typeJSON     = "application/json"
	typeProtobuf = "application/protobuf"
)

// roomCall is a call of LiveKit's room service that is being answered.
type roomCall struct {
	arrival
	g      *Gateway
	by     *livekit.Claims // who asks
	body   []byte
	binary bool // protobuf, else JSON
	now    time.Time
}

// postTwirp answers a call of LiveKit's server SDKs (Twirp v7: POST
// /twirp/PACKAGE.SERVICE/METHOD). It is the only place where an error becomes
// one of Twirp.
func (g *Gateway) postTwirp(c *fiber.Ctx) error {
	service, method := strings.Clone(c.Params("service")), strings.Clone(c.Params("method"))
	call := roomCall{g: g, binary: isType(c, typeProtobuf), now: time.Now()}
	call.arrival, _ = g.arrivalOf(c, call.now)
	answer, err := call.serve(c, service, method)
	if away := call.elsewhere(err); away != nil {
		if err = g.forwardCall(c, &call, away); err == nil {
			return nil
		}
	}
	if err = call.settled(err); err != nil {
		return g.replyTwirp(c, service, method, &call, err)
	}
	g.metrics.calls.WithLabelValues(method, "ok").Inc()
	if call.changes(method) {
		g.log.Info("livekit room service", "call", method, "key", call.by.Key)
	}
	if call.binary {
		c.Set(fiber.HeaderContentType, typeProtobuf)
		return c.Send(wire.Marshal(answer))
	}
	return c.JSON(answer)
}

func (g *Gateway) replyTwirp(c *fiber.Ctx, service, method string, call *roomCall, err error) error {
	_, e := wireError(err)
	if e.Code == earshot.CodeInternal {
		g.log.Error("livekit room service failed", "call", method, "error", err)
	}
	if e.Code == livekit.BadRoute || service != roomService && service != dispatchService {
		method = "other" // a stranger's word is no label
	}
	g.metrics.calls.WithLabelValues(method, string(e.Code)).Inc()
	return c.Status(livekit.TwirpStatus(e.Code)).JSON(livekit.TwirpError{Code: e.Code, Message: e.Message})
}

// serve authorizes a call and answers it.
func (call *roomCall) serve(c *fiber.Ctx, service, method string) (any, error) {
	if service != roomService && service != dispatchService {
		return nil, noService(service)
	}
	if c.Method() != fiber.MethodPost || !call.binary && !isType(c, typeJSON) {
		return nil, earshot.Errorf(livekit.BadRoute, "calls are POSTed as %s or %s", typeJSON, typeProtobuf)
	}
	scheme, token, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, unauthenticated("send an access token of LiveKit's form: Authorization: Bearer <token>")
	}
	by, err := livekit.Verify(strings.Clone(token), call.g.keys.livekitSecret, call.now)
	if err != nil {
		return nil, err
	}
	call.by, call.body = by, []byte(string(c.Body()))
	if service == dispatchService {
		return call.routeDispatch(method)
	}
	return call.route(method)
}

// route calls the method that answers.
func (call *roomCall) route(method string) (any, error) {
	switch method {
	case "CreateRoom":
		return respond(call, call.createRoom)
	case "ListRooms":
		return respond(call, call.listRooms)
	case "DeleteRoom":
		return respond(call, call.deleteRoom)
	case "UpdateRoomMetadata":
		return respond(call, call.updateRoomMetadata)
	case "ListParticipants":
		return respond(call, call.listParticipants)
	case "GetParticipant":
		return respond(call, call.getParticipant)
	case "RemoveParticipant":
		return respond(call, call.removeParticipant)
	case "MutePublishedTrack":
		return respond(call, call.mutePublishedTrack)
	case "UpdateParticipant":
		return respond(call, call.updateParticipant)
	case "UpdateSubscriptions":
		return respond(call, call.updateSubscriptions)
	case "SendData":
		return respond(call, call.sendData)
	case "ForwardParticipant", "MoveParticipant":
		return nil, unimplemented("%s: a participant is in one world at a time, by its own token; give it one for the other world, and remove it here", method)
	case "PerformRpc":
		return nil, unimplemented("PerformRpc: the server calls no methods of clients; send them a packet with SendData, or call from a participant")
	}
	return nil, earshot.Errorf(livekit.BadRoute, "there is no call %.64q of %s", method, roomService)
}

// changes reports whether method does more than to look, so that it is logged.
func (call *roomCall) changes(method string) bool {
	return !strings.HasPrefix(method, "List") && !strings.HasPrefix(method, "Get")
}

// respond decodes the request of a call and has it answered.
func respond[Request, Answer any](call *roomCall, do func(*Request) (*Answer, error)) (any, error) {
	request := new(Request)
	var err error
	if call.binary {
		err = wire.Unmarshal(call.body, request)
	} else {
		err = wire.UnmarshalJSON(call.body, request)
	}
	if err != nil {
		var e *earshot.Error
		if errors.As(err, &e) {
			return nil, e
		}
		return nil, earshot.Errorf(livekit.Malformed, "the body is no message of this call in %s", map[bool]string{true: "protobuf", false: "JSON"}[call.binary])
	}
	reply, err := do(request)
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// noService says what to use instead of a service of LiveKit that is not here.
func noService(service string) error {
	switch service {
	case "livekit.Egress":
		return unimplemented("there is no Egress: record an instance with Earshot's recordings (docs/recording.md)")
	case "livekit.Ingress":
		return unimplemented("there is no Ingress service: stream into a world by WHIP, POST /v1/whip (docs/streaming.md)")
	case "livekit.SIP":
		return unimplemented("there is no SIP here")
	}
	return earshot.Errorf(livekit.BadRoute, "there is no service %.64q; %s is", service, roomService)
}

func unimplemented(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeUnimplemented, format, args...)
}
