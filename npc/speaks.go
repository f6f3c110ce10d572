package npc

// now says what the actor would answer with.
func (a *Actor) now() *Speaks {
	switch {
	case a.deps.Inference == nil:
		return &Speaks{With: SourceScript, Reason: "no model server is configured"}
	case len(a.models(a.cfg.Character.Persona().Model.Preferred)) == 0:
		return &Speaks{With: SourceScript, Reason: "no model server within this world's policy answers"}
	}
	return &Speaks{With: SourceModel}
}

// models returns what may answer, best first: the configured ones, else those
// that the persona prefers, else every chat model that is known.
func (a *Actor) models(preferred []string) []string {
	known := a.deps.Inference.ChatModels(a.cfg.Labels)
	if len(known) == 0 {
		return nil
	}
	if len(a.cfg.Models) > 0 {
		return a.cfg.Models
	}
	if len(preferred) > 0 {
		return preferred
	}
	return known
}
