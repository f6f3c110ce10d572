package npc

import (
	"maps"
	"sync"
	"time"

	"earshot"
	"earshot/npc/action"
	"earshot/npc/persona"
)

// Situate tells where a player is for an NPC: false if either is not there. It
// is called from Permit, without any lock held, and must not block.
type Situate func(npc string, player earshot.ParticipantID) (action.Situation, bool)

// Deeds is the ActionWorld of one instance: it keeps the state that the rules
// of its NPCs ask about, and lets npc/action decide. The state lives as long
// as the instance.
type Deeds struct {
	world   string
	situate Situate

	// mu guards cast and all states in it. It is not held across situate.
	mu   sync.Mutex
	cast map[string]*part
}

var _ ActionWorld = (*Deeds)(nil)

// part is one NPC.
type part struct {
	persona *persona.Persona
	state   action.State
	asked   int
}

// pruneEvery is after how many permissions of an NPC old cool-downs go.
const pruneEvery = 256

// NewDeeds returns the world of no NPCs yet. world says which of the personas'
// variables count.
func NewDeeds(world string, situate Situate) *Deeds {
	return &Deeds{world: world, situate: situate, cast: map[string]*part{}}
}

// Cast makes an NPC known, or gives it a new version of its persona: its
// variables, stock and cool-downs stay. The persona must not change afterwards.
func (d *Deeds) Cast(npc string, p *persona.Persona) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.cast[npc]; known != nil {
		known.persona = p
		return
	}
	d.cast[npc] = &part{persona: p, state: action.State{World: d.world}}
}

// Drop forgets an NPC that left the world.
func (d *Deeds) Drop(npc string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.cast, npc)
}

// Permit implements ActionWorld. What it returns has happened, as far as
// variables, stock and cool-downs go. Errors are those of action.Check, and
// not_found for an NPC that is not there.
func (d *Deeds) Permit(npc string, player earshot.ParticipantID, name string, args map[string]any, now time.Time) (Deed, error) {
	at, ok := d.situate(npc, player)
	if !ok {
		return Deed{}, earshot.Errorf(earshot.CodeFailedPrecondition, "%.64q: the player has left", name)
	}
	at.Player = player
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.part(npc)
	if err != nil {
		return Deed{}, err
	}
	if p.asked++; p.asked%pruneEvery == 0 {
		p.state.Prune(p.persona, now)
	}
	deed, changes, err := action.Check(p.persona, &p.state, at, name, args, now)
	if err != nil {
		return Deed{}, err
	}
	p.state.Apply(deed, changes, now)
	return deed, nil
}

// SetVariable sets a variable of an NPC: the game reports, or the designer
// tries something out. Errors are those of action.State.Set, and not_found.
func (d *Deeds) SetVariable(npc, name, value string) error {
	return d.SetVariables(npc, map[string]string{name: value})
}

// SetVariables sets several, all or none.
func (d *Deeds) SetVariables(npc string, values map[string]string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.part(npc)
	if err != nil {
		return err
	}
	next := action.State{Variables: maps.Clone(p.state.Variables)}
	for name, value := range values {
		if err := next.Set(name, value); err != nil {
			return err
		}
	}
	p.state.Variables = next.Variables
	return nil
}

// Variables returns all variables of an NPC, the persona's with what was set
// over them, as a new map; nil for one that is not there.
func (d *Deeds) Variables(npc string) map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.cast[npc]
	if p == nil {
		return nil
	}
	return p.state.VariablesOf(p.persona)
}

// Stock returns how many of each item an NPC has left, as a new map; nil for
// one that is not there.
func (d *Deeds) Stock(npc string) map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.cast[npc]
	if p == nil {
		return nil
	}
	left := map[string]int{}
	for item := range p.persona.Stock {
		left[item] = p.state.Held(p.persona, item)
	}
	return left
}

// Restock fills the stock of an NPC up to what its persona says.
func (d *Deeds) Restock(npc string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.part(npc)
	if err == nil {
		p.state.Stock = nil
	}
	return err
}

// Forget drops what the rules keep of a player, for every NPC: cool-downs, and
// what was done once.
func (d *Deeds) Forget(player earshot.ParticipantID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.cast {
		p.state.Forget(player)
	}
}

func (d *Deeds) part(npc string) (*part, error) {
	if p := d.cast[npc]; p != nil {
		return p, nil
	}
	return nil, earshot.Errorf(earshot.CodeNotFound, "there is no NPC %.64q in %s", npc, d.world)
}
