package npc

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"earshot"
)

// FailureKind says in which way a model server failed. Kinds are few, so that
// they can label metrics.
type FailureKind string

// The ways in which a model server fails.
const (
	FailedConnect    FailureKind = "connect"     // no connection, or no TLS
	FailedTimeout    FailureKind = "timeout"     // hung: before the first token, between two, or altogether
	FailedBusy       FailureKind = "busy"        // 429 or 503
	FailedModel      FailureKind = "no_model"    // 404: it does not have the model it was said to have
	FailedAuth       FailureKind = "auth"        // 401 or 403
	FailedRequest    FailureKind = "refused"     // any other 4xx: the request itself, so nobody else is asked
	FailedServer     FailureKind = "server"      // any other 5xx, or an error said in the answer
	FailedGarbage    FailureKind = "garbage"     // not the protocol, or beyond its limits
	FailedCut        FailureKind = "cut"         // ended before the mark of the end
	FailedWrongModel FailureKind = "wrong_model" // answered with another model than asked
	FailedCanceled   FailureKind = "canceled"    // given up here: barge-in, or the loser of a hedge
)

// Failure is what a model server did instead of answering. Its text is for
// logs: it may quote what the server said, never a credential.
type Failure struct {
	Kind    FailureKind
	Backend string
	Detail  string
}

// Error implements error.
func (f *Failure) Error() string {
	return fmt.Sprintf("backend %s: %s: %s", f.Backend, f.Kind, f.Detail)
}

// Retryable reports whether another backend may do better.
func (f *Failure) Retryable() bool {
	return f.Kind != FailedRequest && f.Kind != FailedCanceled
}

// Unwrap returns the *earshot.Error that a participant may see: it does not
// name the backend.
func (f *Failure) Unwrap() error {
	switch f.Kind {
	case FailedCanceled:
		return earshot.Errorf(earshot.CodeCanceled, "the answer was no longer wanted")
	case FailedTimeout:
		return earshot.Errorf(earshot.CodeDeadlineExceeded, "no model answered in time")
	case FailedRequest:
		return earshot.Errorf(earshot.CodeInvalidArgument, "the model server refused the request")
	default:
		return earshot.Errorf(earshot.CodeUnavailable, "no model could answer (%s)", f.Kind)
	}
}

// maxDetail bounds what is kept of a server's own words, in bytes.
const maxDetail = 256

func (c *client) failure(kind FailureKind, format string, args ...any) *Failure {
	detail := fmt.Sprintf(format, args...)
	if len(detail) > maxDetail {
		detail = detail[:maxDetail]
	}
	return &Failure{Kind: kind, Backend: c.id, Detail: detail}
}

// errHung and errOver are causes with which a watchdog cancels a request.
var (
	errHung = errors.New("nothing came for too long")
	errOver = errors.New("the answer took too long")
)

// broken types an error of net/http. cause is why the context of the request
// ended, nil if it has not; otherwise is the kind where it has not.
func (c *client) broken(cause, err error, otherwise FailureKind) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	switch {
	case errors.Is(cause, errHung), errors.Is(cause, errOver), errors.Is(cause, context.DeadlineExceeded):
		return c.failure(FailedTimeout, "%v", cause)
	case cause != nil:
		return c.failure(FailedCanceled, "%v", cause)
	}
	return c.failure(otherwise, "%v", err)
}

func kindOfStatus(status int) FailureKind {
	switch {
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests:
		return FailedBusy
	case status == http.StatusNotFound:
		return FailedModel
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return FailedAuth
	case status >= 500:
		return FailedServer
	case status >= 400:
		return FailedRequest
	default:
		return FailedGarbage
	}
}
