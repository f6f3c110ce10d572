package memory

import (
	"earshot/npc/persona"
)

// Experience is what is new since the last time. All of it is optional.
type Experience struct {
	Turns []persona.Turn // oldest first; notes are taken from them
	Notes []string       // what the caller knows itself, one line each
	Goals []string       // ids of goals that were met

	// Summary replaces the summary: a model's answer to a Recollection's
	// Request, with that request's Through.
	Summary string
	Through int
}

// Recollection is what an NPC has in mind when it answers a player.
type Recollection struct {
	Notes     []string        // the most fitting first
	Summary   string          // of turns before Turns; "" if there is none
	Turns     []persona.Turn  // oldest first, the newest last
	FirstTurn int             // which turn of the conversation Turns[0] is, for persona.Scene
	Goals     map[string]bool // met
	Known     bool            // they have met before

	// Request is set when old turns would be better summarised by a model.
	// Sending it is optional: an extract of the turns stands in.
	Request *Request
}

// Request asks a model to summarise: send Messages with little priority, and
// put the answer into an Experience with Through.
type Request struct {
	Messages  []persona.Message
	MaxOutput int // tokens
	Through   int
}
