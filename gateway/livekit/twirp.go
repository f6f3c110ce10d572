package livekit

import "earshot"

// TwirpError is how a call of Twirp fails (twitchtv.github.io/twirp/docs/errors.html):
// this in JSON, whatever the request was in.
type TwirpError struct {
	Code    earshot.Code `json:"code"`
	Message string       `json:"msg"`
}

// BadRoute and Malformed are the codes of Twirp that Earshot itself does not
// use: of a call that does not exist, and of a body that cannot be read.
const (
	BadRoute  earshot.Code = "bad_route"
	Malformed earshot.Code = "malformed"
)

// TwirpStatus returns the HTTP status of a code.
func TwirpStatus(code earshot.Code) int {
	switch code {
	case earshot.CodeInvalidArgument, earshot.CodeOutOfRange, Malformed:
		return 400
	case earshot.CodeUnauthenticated:
		return 401
	case earshot.CodePermissionDenied:
		return 403
	case earshot.CodeNotFound, BadRoute:
		return 404
	case earshot.CodeCanceled, earshot.CodeDeadlineExceeded:
		return 408
	case earshot.CodeAlreadyExists, earshot.CodeAborted:
		return 409
	case earshot.CodeFailedPrecondition:
		return 412
	case earshot.CodeResourceExhausted:
		return 429
	case earshot.CodeUnimplemented:
		return 501
	case earshot.CodeUnavailable:
		return 503
	}
	return 500
}
