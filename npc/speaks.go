package npc

import "earshot/npc/persona"

// now says what the actor would answer with.
func (a *Actor) now(c *persona.Character) *Speaks {
	switch {
	case a.deps.Inference == nil:
		return &Speaks{With: SourceScript, Reason: errNoServer.Message}
	case len(a.models(c.Persona())) == 0:
		return &Speaks{With: SourceScript, Reason: errNoModel.Message}
	}
	return &Speaks{With: SourceModel}
}

// models returns what may answer for a character.
func (a *Actor) models(p *persona.Persona) []string {
	return a.deps.Inference.Acceptable(a.cfg.Models, p.Model.Preferred, a.cfg.Labels)
}

// hears reports whether voices can be understood now.
func (d *ActorDeps) hears(labels []string) bool { return d.Hearing != nil && d.Hearing.Able(labels) }

// voiced reports whether there is a voice now.
func (d *ActorDeps) voiced(labels []string) bool { return d.Speaker != nil && d.Speaker.Able(labels) }
