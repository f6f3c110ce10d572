package protocol

import (
	"slices"

	"earshot"
)

// Limits of what a client may say to moderators.
const (
	MaxReportRunes = 500
	MaxAppealRunes = 1000
	MaxOrderBytes  = 64
)

// The reasons of Report.
const (
	ReportHarassment = "harassment"
	ReportHate       = "hate"
	ReportSexual     = "sexual"
	ReportViolence   = "violence"
	ReportSelfHarm   = "self_harm"
	ReportSpam       = "spam"
	ReportOther      = "other"
)

// The values of Reported.Outcome.
const (
	OutcomeUpheld    = "upheld"     // there was reason to act
	OutcomeNotUpheld = "not_upheld" // there was none
)

// ReportReasons returns the reasons a report may give.
func ReportReasons() []string {
	return []string{ReportHarassment, ReportHate, ReportSexual, ReportViolence, ReportSelfHarm, ReportSpam, ReportOther}
}

// The messages of a client about moderation.
type (
	// Report tells moderators of somebody: of a chat line, or, without Event,
	// of what they said or did in the last half minute.
	Report struct {
		Participant earshot.ParticipantID `json:"participant"`
		Reason      string                `json:"reason"`
		Text        string                `json:"text,omitempty"`
		Event       earshot.EventID       `json:"event,omitempty"`
	}
	// Appeal asks that another person looks at an order against the sender.
	Appeal struct {
		Order string `json:"order"`
		Text  string `json:"text"`
	}
)

func (*Report) clientType() string { return "report" }
func (*Appeal) clientType() string { return "appeal" }

// Sanction is an action of moderation against the receiver.
type Sanction struct {
	Action string `json:"action"`          // nudge, mask, hold, slow, mute, isolate, kick, suspend
	Until  string `json:"until,omitempty"` // RFC 3339; missing: at once and done, or until lifted
}

// Statement is the statement of reasons of an order, for people to read.
type Statement struct {
	What       string `json:"what"`
	Facts      string `json:"facts"`
	Automation string `json:"automation"`
	Rule       string `json:"rule"`
	Redress    string `json:"redress"`
}

// The messages of the server about moderation.
type (
	// Retract takes a chat line, or what an NPC said, back that was delivered
	// before. Of a Caption nothing more comes then.
	Retract struct {
		ID earshot.EventID `json:"id"`
	}
	// Order tells the receiver what was decided against them, and why.
	Order struct {
		ID        string     `json:"id"`
		Event     string     `json:"event,omitempty"` // the chat line it is about, if there is one
		Sanctions []Sanction `json:"sanctions"`       // empty with Lifted
		Lifted    bool       `json:"lifted"`          // undone or over
		Appeal    bool       `json:"appeal"`          // one may be made
		Statement Statement  `json:"statement"`
	}
	// Reported and Appealed answer Report and Appeal. With Outcome a Reported
	// says, once, what a moderator found of a report.
	Reported struct {
		ID      string `json:"id"`
		Outcome string `json:"outcome,omitempty"`
	}
	Appealed struct {
		Order string `json:"order"`
	}
)

func (*Retract) serverType() string  { return "retract" }
func (*Order) serverType() string    { return "order" }
func (*Reported) serverType() string { return "reported" }
func (*Appealed) serverType() string { return "appealed" }

func (f fields) report() (ClientMessage, error) {
	id, err := f.participant()
	if err != nil {
		return nil, err
	}
	m := &Report{Participant: id}
	if m.Reason, err = f.text("reason"); err != nil {
		return nil, err
	}
	if !slices.Contains(ReportReasons(), m.Reason) {
		return nil, invalid("reason is %s, it must be one of %v", quote(m.Reason), ReportReasons())
	}
	if _, given := f["text"]; given {
		if m.Text, err = f.prose("text", MaxReportRunes); err != nil {
			return nil, err
		}
	}
	if _, given := f["event"]; given {
		event, err := f.text("event")
		if err != nil {
			return nil, err
		}
		if m.Event = earshot.EventID(event); !m.Event.Valid() {
			return nil, invalid("event is %s, it must be the id of a chat line (ev_…)", quote(event))
		}
	}
	return m, nil
}

func (f fields) appeal() (ClientMessage, error) {
	order, err := f.text("order")
	if err != nil {
		return nil, err
	}
	if order == "" || len(order) > MaxOrderBytes {
		return nil, invalid("order has %d bytes, it must have 1 to %d: take it from the order message", len(order), MaxOrderBytes)
	}
	text, err := f.prose("text", MaxAppealRunes)
	if err != nil {
		return nil, err
	}
	if blank(text) {
		return nil, invalid("text is blank: say why the decision is wrong")
	}
	return &Appeal{Order: order, Text: text}, nil
}
