package moderation

import (
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// Report is what somebody says of somebody. Blocks and personal mutes are not
// reports and never come here.
type Report struct {
	ID       string                `json:"id"` // given by Pipeline.Report
	World    string                `json:"world"`
	Instance earshot.InstanceID    `json:"instance,omitempty"`
	From     earshot.ParticipantID `json:"from"`
	Who      earshot.ParticipantID `json:"who"`
	Name     string                `json:"name,omitempty"` // of Who, as seen by From
	Category policy.Category       `json:"category,omitempty"`
	Note     string                `json:"note,omitempty"`  // at most 500 bytes are kept
	Event    earshot.EventID       `json:"event,omitempty"` // what it is about, if a text
	Context  []Line                `json:"context,omitempty"`
	// Since is when the account of From was made, as far as the token says;
	// zero: as old as what this node remembers of it.
	Since time.Time `json:"since,omitzero"`
	// Group says which reporters may be one and the same: the same network, the
	// same party. "" is a group of its own.
	Group string    `json:"group,omitempty"`
	At    time.Time `json:"at"`
}

// Appeal is a person's objection to what was done to them.
type Appeal struct {
	Incident string                `json:"incident"`
	Who      earshot.ParticipantID `json:"who"`
	Text     string                `json:"text"` // at most 2000 bytes are kept
	At       time.Time             `json:"at"`
}

// Judgement is a moderator's decision of an incident, or of an appeal.
type Judgement struct {
	Incident  string
	Moderator string         // who decides, as the token names them
	Verdict   policy.Verdict // of the decision so far
	// Actions: for Right and TooMild what is done besides what is in force, for
	// TooHarsh what takes the place of it, for Wrong nothing.
	Actions []policy.Act
	Note    string // for the next moderator
	// Appeal: this answers the appeal. A moderator who judged the incident
	// before is refused.
	Appeal bool
}

// Act is what a moderator does to somebody of their own accord.
type Act struct {
	World     string
	Instance  earshot.InstanceID
	Who       earshot.ParticipantID
	Name      string
	Moderator string
	Action    policy.Act
	Category  policy.Category
	Note      string // facts, for the record
	Context   []Line
	Age       policy.Age
	Language  string
}
