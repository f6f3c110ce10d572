package persona

import "strings"

// Goal is something the character does when its moment has come.
type Goal struct {
	ID          string     `yaml:"id" json:"id"` // lower-case letters, digits, _ and -
	Activation  Activation `yaml:"activation" json:"activation"`
	Instruction string     `yaml:"instruction" json:"instruction"`                   // told to the model while the goal is active
	Repeatable  bool       `yaml:"repeatable,omitempty" json:"repeatable,omitempty"` // false: once per player
}

// Activation says when a goal becomes active: the trigger, and what the
// variables must be.
type Activation struct {
	On      Trigger           `yaml:"on" json:"on"`
	Phrases []string          `yaml:"phrases,omitempty" json:"phrases,omitempty"` // for says: any of these, matched like lore keys
	Event   string            `yaml:"event,omitempty" json:"event,omitempty"`     // for event: its name
	When    map[string]string `yaml:"when,omitempty" json:"when,omitempty"`       // variables that must have these values
}

// Trigger is a kind of thing that happens to a character.
type Trigger string

// The triggers.
const (
	TriggerApproach Trigger = "approach" // somebody comes within perception range
	TriggerSays     Trigger = "says"     // somebody says one of the phrases
	TriggerEvent    Trigger = "event"    // the game reports the event
)

// Happening is what just happened, for Goal.Activated.
type Happening struct {
	On    Trigger
	Said  string // for says
	Event string // for event
}

// Activated reports whether what happened activates the goal. done says that
// this player has already met it.
func (g *Goal) Activated(h Happening, variables map[string]string, done bool) bool {
	if done && !g.Repeatable || h.On != g.Activation.On {
		return false
	}
	for name, value := range g.Activation.When {
		if variables[name] != value {
			return false
		}
	}
	switch h.On {
	case TriggerSays:
		return g.said(h.Said)
	case TriggerEvent:
		return h.Event == g.Activation.Event
	}
	return true
}

func (g *Goal) said(text string) bool {
	folded := strings.ToLower(clipEnd(text, maxScan))
	for _, phrase := range g.Activation.Phrases {
		if containsKey(folded, strings.ToLower(phrase)) {
			return true
		}
	}
	return false
}
