package policy

import (
	"bytes"
	"encoding/json"
	"time"

	"earshot"
)

// Incident is what is kept of one decision, one JSON object a line in an
// export of the journal. It is a stable format: fields are added, never
// renamed; unknown ones are ignored. Signal, Record and time are all that
// Decide needs, so that another policy can be asked afterwards.
type Incident struct {
	ID       string                `json:"id"`
	World    string                `json:"world,omitempty"`
	Instance earshot.InstanceID    `json:"instance,omitempty"`
	Who      earshot.ParticipantID `json:"who,omitempty"`
	// Policy is the name of the policy that decided.
	Policy string `json:"policy,omitempty"`
	// At is the `now` that Decide got.
	At time.Time `json:"at"`
	// Signal is what was found.
	Signal Signal `json:"signal"`
	// Record is the person's before this decision.
	Record Record `json:"record"`
	// Decision is what was decided at the time.
	Decision Decision `json:"decision"`
	// Judgement is what a person said of it later, nil while nobody did.
	Judgement *Judgement `json:"judgement,omitempty"`
	// Text is what was said, where it is kept at all. Replay prints it only
	// when it is told to.
	Text string `json:"text,omitempty"`
}

// Judgement is what a moderator said of a decision, on the queue or on appeal.
type Judgement struct {
	Verdict Verdict   `json:"verdict"`
	By      string    `json:"by,omitempty"`
	At      time.Time `json:"at"`
	Appeal  bool      `json:"appeal,omitempty"` // it was decided on appeal
	// Actions are what holds in the end, where the verdict is not Right.
	Actions []Act `json:"actions,omitempty"`
}

// Verdict is what a moderator finds of a decision.
type Verdict string

// The verdicts.
const (
	Right    Verdict = "right"
	Wrong    Verdict = "wrong" // nothing should have been done: undone
	TooHarsh Verdict = "too_harsh"
	TooMild  Verdict = "too_mild"
)

// MaxIncident is how many bytes a line of an export may have.
const MaxIncident = 256 << 10

// DecodeIncident reads one line of an export. Errors are *earshot.Error with
// CodeInvalidArgument.
func DecodeIncident(line []byte) (Incident, error) {
	var in Incident
	if len(line) > MaxIncident {
		return in, earshot.Errorf(earshot.CodeInvalidArgument, "the incident has %d bytes, at most %d are read", len(line), MaxIncident)
	}
	if err := json.Unmarshal(bytes.TrimSpace(line), &in); err != nil {
		return Incident{}, earshot.Errorf(earshot.CodeInvalidArgument, "this is no incident: %v; want one JSON object a line as the journal exports it", err)
	}
	return in, nil
}
