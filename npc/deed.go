package npc

import (
	"time"

	"earshot"
	"earshot/npc/action"
)

// ActionWorld decides whether what a model proposed may happen. The arguments
// have passed persona.CheckAction. It must not block: the goroutine of the
// character calls it.
type ActionWorld interface {
	// Permit returns what is to happen, or an *earshot.Error that says why not.
	Permit(npc string, player earshot.ParticipantID, name string, args map[string]any, now time.Time) (Deed, error)
}

// Deed is something a character does.
type Deed = action.Deed
