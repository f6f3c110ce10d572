package npc

import (
	"context"
	"time"

	"earshot"
	"earshot/npc/memory"
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
type Recollection = memory.Recollection

// Experience is what happened between an NPC and a player.
type Experience = memory.Experience
