package moderation

import (
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// MaxText is the longest text of an event in bytes. What is longer is refused.
const MaxText = 64 << 10

// maxContext bounds the lines that an event brings along.
const maxContext = 20

// Line is something said before an event, for those who need to understand it.
type Line struct {
	Who  earshot.ParticipantID `json:"who"`
	Name string                `json:"name"`
	Text string                `json:"text"`
	At   time.Time             `json:"at"`
}

// Event is something a person wrote or said.
type Event struct {
	ID       earshot.EventID       `json:"id"`
	Kind     policy.Kind           `json:"kind"`
	World    string                `json:"world"`
	Instance earshot.InstanceID    `json:"instance,omitempty"`
	Who      earshot.ParticipantID `json:"who"`
	Name     string                `json:"name,omitempty"` // as others see it
	Text     string                `json:"text"`
	// Context is what was said before, oldest first; the last 20 lines are kept.
	Context  []Line     `json:"context,omitempty"`
	Age      policy.Age `json:"age,omitempty"`
	Language string     `json:"language,omitempty"` // BCP 47, of statements to the person
	At       time.Time  `json:"at"`
}

// Verdict is what happens to a text now.
type Verdict struct {
	// Pass: others get it now, as Masked if that is not empty.
	Pass   bool
	Masked string
	// Hold: others do not get it now. Deps.Release is called if they may
	// later; without that, never.
	Hold bool
	// Unverified: a model should have judged it and has not in time. If it
	// does later and does not like it, Deps.Retract is called.
	Unverified bool
	// Incident is the id of what was recorded, "" if nothing was.
	Incident string
}

// Retraction takes back a text that others have already got.
type Retraction struct {
	Event    earshot.EventID
	World    string
	Instance earshot.InstanceID
	Who      earshot.ParticipantID
	Masked   string // to be shown instead; "": nothing
}

// Release lets others have a text that was held.
type Release struct {
	Event  Event
	Masked string // to be shown instead; "": the text as it is
}
