package router

import "earshot"

// Filter is one of the rules a backend must pass, in their order.
type Filter uint8

// The filters. A refusal names the one that removed the last backend.
const (
	ByLocality   Filter = iota // lacks a label that the request needs
	ByCapability               // lacks the model, a capability or the context
	ByHealth                   // ejected, or was tried already
	ByDeadline                 // would answer too late
	ByLoad                     // would have to load the model, which takes too long
	ByQueue                    // the queue is full
	passed
)

// String returns the name used in metrics.
func (f Filter) String() string {
	return [...]string{"locality", "capability", "health", "deadline", "load", "queue", "passed"}[f]
}

// Refusal is why a request is not placed. It unwraps to the *earshot.Error
// that says what to do. An NPC that gets one speaks a scripted line: its
// degradation is ScriptedLine.
type Refusal struct {
	Filter Filter
	Err    *earshot.Error
}

// Error implements error.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns the *earshot.Error inside.
func (r *Refusal) Unwrap() error { return r.Err }

// Degraded returns ScriptedLine: there will be no answer from a model.
func (r *Refusal) Degraded() Degradation { return ScriptedLine }

// Retriable reports whether the same request may succeed later: false for one
// that no backend of the catalogue could ever take.
func (r *Refusal) Retriable() bool { return r.Filter > ByCapability }

func refuse(f Filter, code earshot.Code, format string, args ...any) *Refusal {
	return &Refusal{Filter: f, Err: earshot.Errorf(code, format, args...)}
}

// refusal explains why no backend passed the filters for q.
func refusal(f Filter, q *Request) *Refusal {
	switch f {
	case ByLocality:
		return refuse(f, earshot.CodeFailedPrecondition,
			"no backend carries the labels %q that data locality needs: add one that does, or change the world's policy", q.Labels)
	case ByCapability:
		return refuse(f, earshot.CodeFailedPrecondition,
			"no backend within policy has one of the models %q with %q and room for %d prompt and %d output tokens: load one, or shorten the prompt",
			q.Models, q.Capability.Names(), q.PromptTokens, q.MaxOutput)
	case ByHealth:
		return refuse(f, earshot.CodeUnavailable,
			"every backend that could answer has failed lately: try again in some seconds, and look at the backends' state")
	case ByLoad:
		return refuse(f, earshot.CodeDeadlineExceeded,
			"every backend that could answer would have to load the model first, which takes too long: prewarm it, or give a later deadline")
	}
	return refuse(ByDeadline, earshot.CodeDeadlineExceeded,
		"no backend would answer by the deadline: add capacity, or give a later deadline")
}
