package journal

import (
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// Incident is a decision and what it rests on. Text, Name and Context are
// encrypted; they are empty once they were erased or their time was over.
type Incident struct {
	policy.Incident
	Event    earshot.EventID `json:"event,omitempty"`
	Name     string          `json:"name,omitempty"`     // as others saw it
	Context  []Line          `json:"context,omitempty"`  // what was said around it, oldest first
	Evidence []string        `json:"evidence,omitempty"` // ids in moderation/evidence
	// By is the moderator who acted of their own accord; "" otherwise.
	By string `json:"by,omitempty"`
	// Severity orders the queue, highest first; 0: SeverityOf.
	Severity float64 `json:"severity,omitempty"`
	// Order is what is to be enforced, nil where nothing is.
	Order *Order `json:"order,omitempty"`
}

// Line is something said near an incident.
type Line struct {
	Who  earshot.ParticipantID `json:"who,omitempty"`
	Name string                `json:"name,omitempty"`
	Text string                `json:"text,omitempty"`
	At   time.Time             `json:"at"`
}

// Order is something to be enforced, once: the enforcer knows the ids of those
// it carried out, or carries out twice what does no more than once.
type Order struct {
	ID       string                `json:"id"`                 // "": the journal gives one
	Incident string                `json:"incident,omitempty"` // filled in where it comes with one
	World    string                `json:"world,omitempty"`
	Instance earshot.InstanceID    `json:"instance,omitempty"`
	Who      earshot.ParticipantID `json:"who"`
	// Lift says to end first what the incident put in force.
	Lift      bool             `json:"lift,omitempty"`
	Acts      []policy.Act     `json:"acts,omitempty"`
	At        time.Time        `json:"at"` // durations of Acts count from here
	Statement policy.Statement `json:"statement,omitzero"`
}

// Applied says that an order was carried out, or was given up, and why: without
// names, for it is not encrypted.
type Applied struct {
	Order   string    `json:"order"`
	At      time.Time `json:"at"`
	GivenUp string    `json:"given_up,omitempty"`
}

// Revision is a later tier's decision about an incident. It takes the place of
// the one before.
type Revision struct {
	Incident string          `json:"incident"`
	At       time.Time       `json:"at"`
	Signal   policy.Signal   `json:"signal"`
	Decision policy.Decision `json:"decision"`
	Evidence []string        `json:"evidence,omitempty"` // added to those before
	Severity float64         `json:"severity,omitempty"` // 0: SeverityOf
	Order    *Order          `json:"order,omitempty"`
}

// Report is what somebody says of somebody. Text, Name and Context are
// encrypted.
type Report struct {
	ID       string                `json:"id"` // "": the journal gives one
	World    string                `json:"world,omitempty"`
	Instance earshot.InstanceID    `json:"instance,omitempty"`
	About    earshot.ParticipantID `json:"about"`
	By       earshot.ParticipantID `json:"by"`
	Category policy.Category       `json:"category,omitempty"`
	Weight   float64               `json:"weight,omitempty"`   // that of the reporter at the time
	Incident string                `json:"incident,omitempty"` // where it belongs to one
	Event    earshot.EventID       `json:"event,omitempty"`
	Name     string                `json:"name,omitempty"` // of About, as the reporter saw it
	Text     string                `json:"text,omitempty"`
	Context  []Line                `json:"context,omitempty"`
	At       time.Time             `json:"at"`
	// Heard says that another node took it.
	Heard bool `json:"-"`
}

// Appeal is a person's objection to a decision about them, once per incident.
// Text is encrypted.
type Appeal struct {
	Incident string                `json:"incident"`
	Who      earshot.ParticipantID `json:"who"`
	Text     string                `json:"text,omitempty"`
	At       time.Time             `json:"at"`
}

// Judgement is what a moderator found. On appeal it has to be another
// moderator than those who decided before. Note is encrypted. With Right and
// TooMild its Actions come on top of what is in force, with TooHarsh they take
// its place; with Wrong nothing stays, nor does the strike.
type Judgement struct {
	policy.Judgement
	Incident string `json:"incident"`
	Note     string `json:"note,omitempty"`
	// Order carries the judgement out: it lifts, does more, or is nil.
	Order *Order `json:"order,omitempty"`
}

// Undo takes back all that an incident did to a person. Note is encrypted.
type Undo struct {
	Incident string    `json:"incident"`
	By       string    `json:"by"`
	Note     string    `json:"note,omitempty"`
	At       time.Time `json:"at"`
	Order    *Order    `json:"order,omitempty"`
}

// Access says who looked at what people said, or at evidence, and what for.
type Access struct {
	Incident string    `json:"incident,omitempty"`
	Evidence string    `json:"evidence,omitempty"`
	By       string    `json:"by"`
	Purpose  string    `json:"purpose,omitempty"`
	At       time.Time `json:"at"`
}

// SeverityOf is the severity of an incident without one: the harshest action
// done or proposed counts half, then how sure the scores are, then reports.
// Reports alone count half at most, by their weight: the category somebody
// chose is no score.
func SeverityOf(s policy.Signal, d policy.Decision) float64 {
	rank, score := 0, 0.0
	for _, acts := range [][]policy.Act{d.Actions, d.Proposed} {
		for _, a := range acts {
			rank = max(rank, a.Action.Rank())
		}
	}
	for _, v := range s.Scores {
		if v > score { // false where it is not a number
			score = min(v, 1)
		}
	}
	reports := min(max(s.Reporters, 0), 5) / 5
	if s.Source == policy.ByReport {
		return 0.5 * reports
	}
	return 0.5*float64(rank)/8 + 0.35*score + 0.15*reports
}
