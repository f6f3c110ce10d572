package protocol

import "earshot"

// MaxHandoffBytes bounds the handoff of a join.
const MaxHandoffBytes = 128

// Invite asks the receiver to open a second connection to another node, while
// this one goes on: PROTOCOL.md section 2.
type Invite struct {
	URL      string             `json:"url"`
	Instance earshot.InstanceID `json:"instance"`
	Handoff  string             `json:"handoff"`   // to join with, once, by the same participant
	WithinMS int                `json:"within_ms"` // until it is good for nothing
}

func (*Invite) serverType() string { return "invite" }
