package director

import (
	"time"

	"earshot"
)

// TurnID names one turn of the character: what it says to one thing that was
// said or that happened. They grow. What is reported of any but the current
// turn is ignored, so a late answer cannot be spoken.
type TurnID uint64

// ClipID names one transcription that was asked for.
type ClipID uint64

// Do is what a Command wants done.
type Do uint8

// What a Command can want.
const (
	// DoTranscribe: find out what To said between From and Until; report
	// Transcribed or Deaf. It replaces any earlier one of To.
	DoTranscribe Do = iota
	// DoThink: have a model answer Text of To, the first word by Until: report
	// Sentence, Gesture, Act and Withheld as they come, then Thought or
	// Failed. At most one turn thinks at any time.
	DoThink
	// DoCancel: close the model's answer at once.
	DoCancel
	// DoSay: say Text after what the turn said before, and show it by Until
	// even if there is no voice yet; report Begun and Spoken.
	DoSay
	// DoStop: be silent at once and forget what DoSay asked for and was not
	// said.
	DoStop
	// DoFinish: the turn is over.
	DoFinish
	// DoGesture: make the gesture Text.
	DoGesture
	// DoAct: Text is a line in which the model proposed an action.
	DoAct
)

// Command is what the shell is to do.
type Command struct {
	Do   Do
	Turn TurnID
	Clip ClipID
	Part int // of DoSay, from 0 in each turn

	To   earshot.ParticipantID
	Name string // of To
	Text string

	From, Until time.Time // both in the past for DoTranscribe
	Ended       time.Time // DoThink, DoSay: when the player's turn ended

	Happening bool     // DoThink: Text is what happened, not what To said
	Goals     []string // DoThink: ids of the active goals
	Script    bool     // DoSay: the designer's words
	Reason    string   // DoSay with Script: why
	Cut       bool     // DoFinish: the character was interrupted
}

// State is how a character is, for those who look at it.
type State uint8

// The states.
const (
	Idle State = iota
	Listening
	Thinking
	Speaking
)

// String returns the name used on the wire.
func (s State) String() string {
	return [...]string{"idle", "listening", "thinking", "speaking"}[s]
}

// Counts are what a Director counts for its operator.
type Counts struct {
	Greeted, Interrupted, Resumed uint64
	Busy                          uint64 // turned away because too many waited
	Unheard                       uint64 // voices not followed because too many spoke
	Overheard                     uint64 // things said to somebody else
	Backchannels                  uint64
	Late                          uint64 // reports of turns that were over
}
