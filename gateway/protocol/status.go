package protocol

import "earshot"

// HTTPStatus returns the HTTP status of a refusal by its code (PROTOCOL.md
// section 5). Statuses that say more than a code can, 405, 413 and 415, are
// the caller's to choose.
func HTTPStatus(code earshot.Code) int {
	switch code {
	case earshot.CodeInvalidArgument, earshot.CodeOutOfRange:
		return 400
	case earshot.CodeUnauthenticated:
		return 401
	case earshot.CodePermissionDenied:
		return 403
	case earshot.CodeNotFound:
		return 404
	case earshot.CodeAlreadyExists, earshot.CodeAborted:
		return 409
	case earshot.CodeFailedPrecondition:
		return 412
	case earshot.CodeResourceExhausted:
		return 429
	case earshot.CodeCanceled:
		return 499
	case earshot.CodeUnimplemented:
		return 501
	case earshot.CodeUnavailable:
		return 503
	case earshot.CodeDeadlineExceeded:
		return 504
	}
	return 500
}
