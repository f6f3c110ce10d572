package protocol

import "earshot"

// MaxStandInRunes bounds what a participant may tell their stand-in.
const MaxStandInRunes = 500

// GrantDesign lets its bearer edit NPCs and the parameters of the world.
const GrantDesign = "design"

// The kinds of participants that no token names.
const (
	KindNPC     = "npc"
	KindStandIn = "stand-in" // an NPC in the place of a participant who is away
	KindStream  = "stream"   // voice and picture that come by WHIP
)

// The messages of a client about NPCs.
type (
	// StandIn says whether an NPC may take the sender's place while they are
	// away, and what it should know.
	StandIn struct {
		Allowed bool   `json:"allowed"`
		Text    string `json:"text,omitempty"`
	}
	// Forget has everything erased that NPCs remember of the sender.
	Forget struct{}
)

func (*StandIn) clientType() string { return "stand_in" }
func (*Forget) clientType() string  { return "forget" }

// The values of NPC.State and of Speaks and Source.
const (
	StateIdle      = "idle"
	StateListening = "listening"
	StateThinking  = "thinking"
	StateSpeaking  = "speaking"

	SpeaksModel  = "model"
	SpeaksScript = "script"
)

// The messages of the server about NPCs.
type (
	// Caption is what an NPC says, to those in earshot.
	Caption struct {
		Participant earshot.ParticipantID `json:"participant"`
		ID          earshot.EventID       `json:"id"`           // of the utterance
		To          earshot.ParticipantID `json:"to,omitempty"` // whom it answers
		Text        string                `json:"text"`         // all of it so far
		Final       bool                  `json:"final"`
		Interrupted bool                  `json:"interrupted"`
		Source      string                `json:"source"`   // model or script
		Degraded    string                `json:"degraded"` // "", other_region, smaller_model, script
		Reason      string                `json:"reason"`   // of script, for people
		// Unverified: what should have judged some of it did not, yet.
		Unverified bool `json:"unverified,omitempty"`
	}
	// NPC is how an NPC is.
	NPC struct {
		Participant earshot.ParticipantID `json:"participant"`
		State       string                `json:"state"`
		Speaks      string                `json:"speaks"` // model or script
		Reason      string                `json:"reason"` // of script, for people
	}
	// Act is something an NPC does, which the rules of the world allowed.
	Act struct {
		Participant earshot.ParticipantID `json:"participant"`
		Name        string                `json:"name"`
		Kind        string                `json:"kind"` // emote, look, move, give, open, custom
		Args        map[string]any        `json:"args"` // strings, numbers and booleans
		To          earshot.ParticipantID `json:"to,omitempty"`
	}
	// WorldChanged says that a designer changed the world's parameters.
	WorldChanged struct {
		World World `json:"world"`
	}
	// Forgotten answers Forget.
	Forgotten struct{}
)

func (*Caption) serverType() string      { return "caption" }
func (*NPC) serverType() string          { return "npc" }
func (*Act) serverType() string          { return "act" }
func (*WorldChanged) serverType() string { return "world" }
func (*Forgotten) serverType() string    { return "forgotten" }

func (f fields) standIn() (ClientMessage, error) {
	allowed, err := f.truth("allowed")
	if err != nil {
		return nil, err
	}
	m := &StandIn{Allowed: allowed}
	if _, given := f["text"]; given {
		m.Text, err = f.prose("text", MaxStandInRunes)
	}
	return m, err
}
