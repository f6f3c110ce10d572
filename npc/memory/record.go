package memory

import (
	"time"
)

// Bounds of what is kept of one player by one NPC. They keep a Record far below
// npc/store's limit for a value.
const (
	MaxTurns   = 40 // newest turns, word by word
	MaxNotes   = 200
	MaxGoals   = 64   // as many as a persona has
	MaxText    = 600  // bytes of a turn
	MaxNote    = 240  // bytes of a note
	MaxSummary = 2000 // bytes
	maxSpeaker = 64   // bytes of a display name
	maxKind    = 16   // bytes
)

// Record is all that one NPC keeps of one player. The zero value is a stranger.
type Record struct {
	// Summary is of the turns before FirstTurn, or of some of them.
	Summary string
	// Through is how many turns of the conversation the summary covers.
	Through int
	// Turns are the newest, oldest first; Turns[0] is turn FirstTurn of the
	// conversation, counted from 0 over all visits.
	Turns     []Turn
	FirstTurn int
	Notes     []Note    // oldest first
	Goals     []string  // ids of those met, in order
	Seen      time.Time // when it was last added to
}

// Turn is something said, and when.
type Turn struct {
	Own     bool      `json:"own,omitempty"`     // by the NPC
	Speaker string    `json:"speaker,omitempty"` // display name, of others
	Text    string    `json:"text"`
	At      time.Time `json:"at"`
}

// Note is one thing worth remembering, in one line.
type Note struct {
	Text       string    `json:"text"`
	Kind       Kind      `json:"kind"`
	Importance int       `json:"importance"` // 1 to 10
	At         time.Time `json:"at"`
}

// Kind is what a note is about.
type Kind string

// The kinds.
const (
	KindFact    Kind = "fact"    // what the player says of themselves
	KindLike    Kind = "like"    // or dislikes
	KindPromise Kind = "promise" // by either
	KindDeed    Kind = "deed"    // something happened: an action, a goal
	KindNumber  Kind = "number"  // how many of what
	KindEvent   Kind = "event"   // the game reported it
)
