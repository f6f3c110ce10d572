package moderation

import (
	"context"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// Order tells the media layer about one person: what happens to them once,
// and all that is in force for them now. It comes whenever something begins or
// ends.
type Order struct {
	// ID is that of the order in the journal. After a crash or a failure an order
	// may come again with the same ID: Acts must then not happen again. InForce
	// may always be put in force.
	ID       string                `json:"id"`
	Incident string                `json:"incident,omitempty"`
	World    string                `json:"world"`
	Who      earshot.ParticipantID `json:"who"`
	// Instance is where it happened; what is in force is so in all of the world.
	Instance earshot.InstanceID `json:"instance,omitempty"`
	// Acts are what is new, mildest first. Of them Nudge and Kick are done at
	// once; the others are in InForce as well.
	Acts []policy.Act `json:"acts,omitempty"`
	// InForce is everything that is in force for the person in this world after
	// this order, across reconnects, migration and nodes: what is not here ends.
	// Its ends come as orders too.
	InForce []policy.Sanction `json:"in_force,omitempty"`
	// Statement is the statement of reasons, empty where nothing is new.
	Statement policy.Statement `json:"statement,omitzero"`
	At        time.Time        `json:"at"`
	// Heard says that another node decided it, which has told everybody who is to
	// be told by other ways than the journal.
	Heard bool `json:"heard,omitempty"`
}

// Sanctioned returns whether an action is in force by this order, and until
// when; the zero time where it stays until lifted.
func (o *Order) Sanctioned(a policy.Action, now time.Time) (until time.Time, ok bool) {
	return (&policy.Record{InForce: o.InForce}).Sanctioned(a, now)
}

// Enforcer carries out orders. Orders about one person come one after the
// other. An error means not done: the order comes again. That the person is
// not here is no error: Pipeline.Standing says at the next join what holds.
type Enforcer interface {
	Enforce(ctx context.Context, o Order) error
}

// Cause says why a person gets a Notice.
type Cause string

// The causes.
const (
	CauseDecision Cause = "decision" // something was done to them
	CauseUndone   Cause = "undone"   // it was taken back
	CauseEnded    Cause = "ended"    // its time is over
	CauseAppeal   Cause = "appeal"   // their appeal was decided, or received
	CauseReport   Cause = "report"   // what they reported was decided
)

// Notice is a message to the person concerned: the statement of reasons, or
// what became of an appeal or a report.
type Notice struct {
	Who       earshot.ParticipantID
	World     string
	Incident  string // what an appeal names
	Cause     Cause
	Action    policy.Action // the harshest, for decisions
	Until     time.Time     // zero: until lifted, or at once and done
	Statement policy.Statement
	// Upheld, for CauseAppeal and CauseReport: the first decision stays, or the
	// report was right.
	Upheld bool
	// Report, for CauseReport: the id that Report returned.
	Report string
	// Pending, for CauseAppeal: it was received and is not decided yet.
	Pending bool
	// Appealable: the person may appeal, once.
	Appealable bool
	// Heard, for CauseReport: another node took the report, and tells its author
	// where they are not here.
	Heard bool
}
