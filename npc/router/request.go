package router

import "time"

// Class is what a request is for. Each class has queues of its own and
// capacity that the other cannot take.
type Class uint8

// The classes.
const (
	Dialogue   Class = iota // somebody waits for the first word
	Moderation              // many small ones, each with a deadline
	classes
)

// String returns the name used in metrics and errors.
func (c Class) String() string { return [...]string{"dialogue", "moderation"}[c] }

// Request is what is to be placed. The router keeps the slices until the
// ticket has ended: the caller must not change them before.
type Request struct {
	World string // who shares: see Router.SetWeight
	Class Class
	// Models are acceptable models, the preferred one first. Any but the
	// first counts as a degradation.
	Models     []string
	Capability Capability // all of these are needed
	// Region is where the answer is wanted; "" for no preference. Another
	// region costs Config.RegionCost and is reported.
	Region string
	// Labels must all be on the backend: data locality. It is checked first
	// and never relaxed, not by retries, hedges or degradation.
	Labels []string

	PromptTokens int
	// Prefix is a chain of hashes, one for each full block of
	// Config.BlockTokens of the prompt; each hash covers all blocks before it
	// and the model's system prompt, so that equal hashes mean equal text up
	// to there.
	Prefix    []uint64
	MaxOutput int // tokens; 0 means not said
	// Deadline is when the first token must have arrived. Zero means now plus
	// the class's default in Config.
	Deadline time.Time
	// NoHedge forbids a second attempt beside the first, such as for a
	// request that must be counted exactly once.
	NoHedge bool
}

// Ticket names a request until it has ended. The zero Ticket names none.
type Ticket uint64

// Attempt names one sending of a request to one backend until Done. The zero
// Attempt names none.
type Attempt uint64

// Assignment says where to send a request now, or that it will not be sent.
type Assignment struct {
	Ticket Ticket
	// Err, where it is not nil, refuses a queued request: the ticket has
	// ended and nothing below is set.
	Err     *Refusal
	Attempt Attempt
	Backend BackendID
	Model   string
	// Degraded is what the person who waits should be told.
	Degraded Degradation
	// TTFT and TPOT are the prediction: time to the first token and per
	// token after it. They are zero while the backend is unknown.
	TTFT, TPOT time.Duration
	// Cached is how many tokens of the prompt the backend should still have.
	Cached int
	Hedge  bool // a second attempt beside one that is late
	Probe  bool // placed to learn, not because it was predicted best
}

// Degradation is how far an answer is from what was asked for.
type Degradation uint8

// The ladder, best first.
const (
	NotDegraded  Degradation = iota
	OtherRegion              // the model asked for, elsewhere
	SmallerModel             // another acceptable model
	ScriptedLine             // no model: say one of the persona's own lines
)

// String returns the name used on the wire and in metrics.
func (d Degradation) String() string {
	return [...]string{"none", "other_region", "smaller_model", "scripted_line"}[d]
}

// Result is how an attempt ended.
type Result uint8

// The results.
const (
	Finished    Result = iota // the whole answer came
	Failed                    // an error, garbage or a cut
	Busy                      // refused without work: 429 or 503
	Unreachable               // no connection: nothing was sent
	Cancelled                 // closed by this side: barge-in or the loser of a hedge
	Late                      // closed by this side: no token for longer than anybody would wait
)

// Outcome is the end of an attempt.
type Outcome struct {
	Result    Result
	OutTokens int // generated, as far as known
}

// After says what becomes of a ticket when one of its attempts is done.
type After uint8

// What may follow.
const (
	Ended   After = iota // the ticket is over: answer or fail the request
	Queued               // it will come out of Next again, for another backend
	Running              // its other attempt goes on
)
