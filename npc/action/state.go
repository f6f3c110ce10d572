package action

import (
	"maps"
	"time"

	"earshot"
	"earshot/npc/persona"
)

// Bounds of a State.
const (
	MaxVariables = 256     // live ones of one NPC
	MaxVariable  = 1 << 10 // bytes of a value
	maxUses      = 65_536  // players an NPC keeps cool-downs and onces for
)

// State is the world as the rules of one NPC know it. The zero value is a
// character that has done nothing in a world without variables of its own.
type State struct {
	// World says which of the persona's variables count.
	World string
	// Variables are the live ones, over the persona's: set by the game, the
	// designer and effects.
	Variables map[string]string
	// Stock is what is left of items; one that is not here is as the persona
	// says.
	Stock map[string]int

	last map[string]time.Time // by action: for everybody
	uses map[use]time.Time    // for one player
}

// use is an action done for a player.
type use struct {
	player earshot.ParticipantID
	action string
}

// Held returns how many of an item the character has.
func (s *State) Held(p *persona.Persona, item string) int {
	if left, ok := s.Stock[item]; ok {
		return left
	}
	return p.Stock[item]
}

// VariablesOf returns all variables as rules and prompts see them. It is a new
// map.
func (s *State) VariablesOf(p *persona.Persona) map[string]string {
	return p.VariablesIn(s.World, s.Variables)
}

// Set sets a live variable. Errors are invalid_argument for what is no name or
// too long, resource_exhausted for more than MaxVariables.
func (s *State) Set(name, value string) error {
	if err := checkVariable(name, value); err != nil {
		return err
	}
	if _, known := s.Variables[name]; !known && len(s.Variables) >= MaxVariables {
		return earshot.Errorf(earshot.CodeResourceExhausted, "an NPC has at most %d live variables: unset one", MaxVariables)
	}
	if s.Variables == nil {
		s.Variables = map[string]string{}
	}
	s.Variables[name] = value
	return nil
}

// Unset lets a variable be what the persona says again.
func (s *State) Unset(name string) { delete(s.Variables, name) }

// Apply carries out what Check returned for this very state, player, name and
// time.
func (s *State) Apply(d Deed, c Changes, now time.Time) {
	s.Variables = over(s.Variables, c.Variables)
	s.Stock = over(s.Stock, c.Stock)
	if s.last == nil {
		s.last, s.uses = map[string]time.Time{}, map[use]time.Time{}
	}
	s.last[d.Name] = now
	if c.keep {
		s.uses[use{d.To, d.Name}] = now
	}
}

func over[V any](all, changed map[string]V) map[string]V {
	if len(changed) == 0 {
		return all
	}
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, changed)
	return all
}

// Forget drops what is kept of a player: cool-downs, and what was done once.
func (s *State) Forget(player earshot.ParticipantID) {
	maps.DeleteFunc(s.uses, func(u use, _ time.Time) bool { return u.player == player })
}

// Prune drops cool-downs that are over. Deeds calls it when there are many.
func (s *State) Prune(p *persona.Persona, now time.Time) {
	maps.DeleteFunc(s.uses, func(u use, at time.Time) bool {
		a := find(p, u.action)
		return a == nil || !a.Once && now.Sub(at) >= seconds(a.Cooldown.Player)
	})
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
