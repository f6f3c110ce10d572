package action

import (
	"earshot"
	"earshot/npc/persona"
)

// Deed is an action that the rules allowed: for those in earshot to see and for
// the game to carry out.
type Deed struct {
	Name string                `json:"name"`
	Kind string                `json:"kind"` // emote, look, move, give, open or custom
	Args map[string]any        `json:"args"` // string, float64, int64 or bool by parameter
	To   earshot.ParticipantID `json:"to"`   // the player it is for
}

// Situation is what the caller knows of the player and the place at the moment
// of asking.
type Situation struct {
	Player   earshot.ParticipantID
	Distance float64 // metres to the player; negative or NaN: not known, which is never near enough
	// Waypoints are the names of the places that the character can walk to.
	Waypoints []string
}

// Changes are what a Deed does to a State.
type Changes struct {
	Variables map[string]string // new values
	Stock     map[string]int    // what is left
	keep      bool              // who it was done for matters later
}

func kindOf(a *persona.Action) string {
	if a.Kind == "" {
		return string(persona.KindCustom)
	}
	return string(a.Kind)
}
