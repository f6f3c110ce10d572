package npc

import (
	"context"
	"time"

	"earshot"
	"earshot/npc/persona"
)

// Memory is what characters remember of players. Its methods may be called
// from any goroutine. An Actor gives each call little time and goes on without.
type Memory interface {
	// Recall returns what an NPC remembers of a player that matters for what
	// they speak about now.
	Recall(ctx context.Context, npc string, player earshot.ParticipantID, about string, now time.Time) (Recollection, error)
	// Remember keeps what happened between them.
	Remember(ctx context.Context, npc string, player earshot.ParticipantID, now time.Time, e Experience) error
	// Forget erases all that any NPC remembers of a player.
	Forget(ctx context.Context, player earshot.ParticipantID) error
}

// Recollection is what an NPC remembers of a player.
type Recollection struct {
	Notes     []string        // the most relevant first
	Summary   string          // of what is no longer among Turns, or ""
	Turns     []persona.Turn  // newest last
	FirstTurn int             // which turn of all Turns[0] is, from 0
	Goals     map[string]bool // ids of goals met with this player
}

// Experience is what happened between an NPC and a player.
type Experience struct {
	Turns []persona.Turn
	Notes []string
	Goals []string // ids of goals met
}
