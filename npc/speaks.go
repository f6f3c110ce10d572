package npc

import (
	"slices"

	"earshot/npc/persona"
)

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

// maxModels bounds the models that a request names.
const maxModels = 8

// models returns what may answer, best first: the configured ones, else those
// that the persona prefers and after them every other chat model there is, so
// that a smaller one stands in. It returns none where nobody would answer.
func (a *Actor) models(p *persona.Persona) []string {
	known := a.deps.Inference.ChatModels(a.cfg.Labels)
	all := a.cfg.Models
	if len(all) == 0 {
		all = slices.Clone(p.Model.Preferred)
		for _, m := range known {
			if !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
		// The ones that nobody has would only take the places of those.
		all = slices.DeleteFunc(all, func(m string) bool { return len(all) > maxModels && !slices.Contains(known, m) })
	}
	if !slices.ContainsFunc(all, func(m string) bool { return slices.Contains(known, m) }) {
		return nil
	}
	return all[:min(len(all), maxModels)]
}
