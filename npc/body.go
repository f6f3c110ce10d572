package npc

import "earshot"

// Body is the character's part of the world. Gateway implements it. No method
// may block: they are called by the goroutine that also hears and decides.
type Body interface {
	// Move says where the character is now: at most 30 times a second, and
	// only when that changed.
	Move(p earshot.Pose)
	// Caption says what it says, to those in earshot: as it grows, at most 5
	// times a second, and once when nothing more comes.
	Caption(c Caption)
	// Voice is the next 20 ms of its voice, paced, with its level in dBov for
	// RFC 6464. The slice is not used again.
	Voice(opus []byte, level int8)
	// State says how it is, when that changed.
	State(s ActorState)
	// Perform is something it does that the rules of the world allowed, or a
	// gesture of its own.
	Perform(d Deed)
}

// Caption is the text of one utterance of a character.
type Caption struct {
	ID          earshot.EventID
	To          earshot.ParticipantID // whom it answers, or ""
	Text        string                // all of it so far; the final one may be shorter, when the end was never said
	Final       bool                  // nothing more comes
	Interrupted bool                  // it was cut; Text is what was said
	Source      string                // SourceModel or SourceScript
	Degraded    string                // how far this is from what was asked for: one of the Degraded constants
	Reason      string                // for SourceScript: why, in words for a player
}

// Where the words of a Caption come from.
const (
	SourceModel  = "model"
	SourceScript = "script" // written by the designer
)

// How far a Caption is from what was asked for, best first.
const (
	DegradedNot    = ""
	DegradedRegion = "other_region"
	DegradedModel  = "smaller_model"
	DegradedScript = "script"
)

// ActorState is how a character is.
type ActorState struct {
	State  string                // one of the State constants
	To     earshot.ParticipantID // whom it attends to, or ""
	Speaks Speaks
}

// The states of a character.
const (
	StateIdle      = "idle"
	StateListening = "listening"
	StateThinking  = "thinking"
	StateSpeaking  = "speaking"
)

// Speaks is what a character would answer with now.
type Speaks struct {
	With   string // SourceModel or SourceScript
	Reason string // for SourceScript: why, in words for a player
}
