package protocol

import "earshot"

// Recording tells the receiver whether the instance is being recorded: what is
// said, shown and done in it is kept in files.
type Recording struct {
	Active bool   `json:"active"`
	Since  string `json:"since,omitempty"` // RFC 3339
	// Participants and Sources are what alone is recorded; empty is everybody
	// and everything.
	Participants []earshot.ParticipantID `json:"participants,omitempty"`
	Sources      []string                `json:"sources,omitempty"`
}

func (*Recording) serverType() string { return "recording" }
