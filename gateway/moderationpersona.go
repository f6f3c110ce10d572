package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/moderation"
	"earshot/npc/persona"
)

// vetAtStart bounds what judging a persona file may take before the pipeline
// runs: only tier 0 answers then.
const vetAtStart = 100 * time.Millisecond

// vet has moderation judge what a persona says of its character. The error is
// earshot.Problems where something is held: it names no field, because the
// decision is about what is said, wherever that stands. A file that cannot be
// read is for others to refuse.
func (g *Gateway) vet(ctx context.Context, world, id, by string, yaml []byte) error {
	if g.pipeline == nil {
		return nil
	}
	p, err := persona.Parse("", yaml)
	if err != nil {
		return nil
	}
	if !g.ready.Load() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, vetAtStart)
		defer cancel()
	}
	held, err := g.pipeline.Describe(ctx, moderation.Description{World: world, Name: id, Designer: by, Texts: textsOf(p)})
	if err != nil {
		return err
	}
	var problems earshot.Problems
	for _, h := range held {
		problems = append(problems, earshot.Problem{Message: heldWords(&h)})
	}
	return problems.AsError()
}

// heldWords says to a designer what is held and what comes next.
func heldWords(h *moderation.HeldPart) string {
	what := fmt.Sprintf("moderation holds what begins with %q", opening(h.Text))
	if h.Category != "" {
		what += ": it may be " + strings.ReplaceAll(string(h.Category), "_", " ")
	}
	switch {
	case h.Found:
		return what + ". A moderator looked at it and it stays so: change it (" + h.Incident + ")"
	case h.Incident == "":
		return what + ". Too much waits for moderators: publish it again in a while"
	}
	return what + ". Change it, or publish it again when a moderator has released it (" + h.Incident + ")"
}

// opening is the beginning of a text, for somebody to find it by.
func opening(text string) string {
	const most = 60
	line, _, _ := strings.Cut(text, "\n")
	runes := []rune(line)
	if len(runes) <= most {
		return line
	}
	return string(runes[:most]) + "…"
}

// textsOf is all that a persona says of its character or has it say.
func textsOf(p *persona.Persona) []string {
	lines := func(list ...[]string) string { return strings.Join(slices.Concat(list...), "\n") }
	all := []string{
		lines([]string{p.Name, p.Nickname}), p.Description, p.Personality, p.Scenario, p.Examples, p.System, p.Reminder,
		lines([]string{p.Greeting}, p.Greetings), lines(p.Lines.Fallback, p.Lines.Busy, p.Lines.Refused, p.Lines.Farewell),
	}
	var goals, actions, variables []string
	for _, goal := range p.Goals {
		goals = append(goals, goal.Instruction)
	}
	for _, a := range p.Actions {
		actions = append(actions, a.Description)
		for _, parameter := range a.Parameters {
			actions = append(actions, parameter.Description)
			actions = append(actions, parameter.Enum...)
		}
	}
	add := func(values map[string]string) {
		for _, v := range values {
			variables = append(variables, v)
		}
	}
	add(p.Variables)
	for _, values := range p.Worlds {
		add(values)
	}
	slices.Sort(variables) // maps have no order, and parts are known by what they say
	all = append(all, lines(goals), lines(actions), lines(variables))
	for i := range p.Lore.Entries {
		all = append(all, p.Lore.Entries[i].Content)
	}
	return all
}

// retryPersonas publishes files that were held, away from the caller.
func (g *Gateway) retryPersonas(world string) {
	g.work.Go(func() {
		ctx, cancel := g.brief()
		defer cancel()
		if err := g.cast.retry(ctx, world); err != nil {
			g.log.Warn("the persona files of a world cannot be published", "world", world, "err", err)
		}
	})
}
