package persona

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"earshot"
)

var (
	idPattern       = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)
	actionPattern   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	variablePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)
	languagePattern = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$`)
)

// Validate returns all that is wrong with the persona, in the order of its
// fields; none means that it can be played.
func (p *Persona) Validate() earshot.Problems {
	var c checker
	c.that(p.Version == 1, "version", "must be 1, is %d", p.Version)
	c.that(strings.TrimSpace(p.Name) != "", "name", "must not be empty")
	c.label(p.Name, "name")
	c.label(p.Nickname, "nickname")
	c.text(p.Description, "description", maxText)
	c.text(p.Personality, "personality", maxText)
	c.text(p.Scenario, "scenario", maxText)
	c.text(p.Examples, "examples", maxText)
	c.text(p.System, "system_prompt", maxText)
	c.text(p.Reminder, "reminder", maxText)
	c.text(p.Greeting, "greeting", maxLine)
	c.lines(p.Greetings, "alternate_greetings")
	c.lines(p.Lines.Fallback, "lines.fallback")
	c.lines(p.Lines.Busy, "lines.busy")
	c.lines(p.Lines.Refused, "lines.refused")
	c.lines(p.Lines.Farewell, "lines.farewell")
	c.goals(p.Goals)
	c.actions(p.Actions)
	c.stock(p.Stock)
	c.voice(&p.Voice)
	c.list(len(p.Languages), "languages")
	for i, l := range p.Languages {
		c.that(languagePattern.MatchString(l), fmt.Sprintf("languages[%d]", i), "%.32q is no language tag like en or pt-BR", l)
	}
	c.between(p.Range, 0, 1000, "perception_range")
	c.that(slices.Contains([]Safety{"", SafetyStrict, SafetyStandard, SafetyMature}, p.Safety), "safety", "must be strict, standard or mature, is %.32q", p.Safety)
	c.variables(p.Variables, "variables")
	c.list(len(p.Worlds), "worlds")
	for _, world := range sortedKeys(p.Worlds) {
		c.variables(p.Worlds[world], "worlds."+world)
	}
	c.model(&p.Model)
	c.lore(&p.Lore)
	if p.Card != "" {
		_, err := ParseCard([]byte(p.Card))
		c.that(err == nil, "card", "%v", err)
	}
	return c.problems
}

// checker gathers problems.
type checker struct{ problems earshot.Problems }

func (c *checker) that(ok bool, field, format string, args ...any) {
	if !ok {
		c.problems = append(c.problems, earshot.Problem{Field: field, Message: fmt.Sprintf(format, args...)})
	}
}

func (c *checker) label(s, field string) {
	c.that(utf8.RuneCountInString(s) <= maxName, field, "is longer than %d characters", maxName)
	c.that(utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl), field, "must be one line of text")
}

func (c *checker) text(s, field string, limit int) {
	c.that(len(s) <= limit, field, "has %d bytes, at most %d are allowed", len(s), limit)
	c.that(utf8.ValidString(s), field, "is not UTF-8")
}

func (c *checker) list(n int, field string) {
	c.that(n <= maxList, field, "has %d items, at most %d are allowed", n, maxList)
}

func (c *checker) lines(lines []string, field string) {
	c.list(len(lines), field)
	for i, line := range lines {
		at := fmt.Sprintf("%s[%d]", field, i)
		c.that(strings.TrimSpace(line) != "", at, "must not be empty")
		c.text(line, at, maxLine)
	}
}

func (c *checker) between(v, low, high float64, field string) {
	c.that(v >= low && v <= high, field, "must be from %g to %g, is %g", low, high, v)
}

func (c *checker) goals(goals []Goal) {
	c.list(len(goals), "goals")
	seen := map[string]bool{}
	for i, g := range goals {
		at := fmt.Sprintf("goals[%d]", i)
		c.that(idPattern.MatchString(g.ID), at+".id", "%.64q is no id: lower-case letters, digits, _ and -", g.ID)
		c.that(!seen[g.ID], at+".id", "%.64q is there twice", g.ID)
		seen[g.ID] = true
		c.activation(&g.Activation, at+".activation")
		c.that(strings.TrimSpace(g.Instruction) != "", at+".instruction", "must not be empty")
		c.text(g.Instruction, at+".instruction", maxLine)
	}
}

func (c *checker) activation(a *Activation, at string) {
	switch a.On {
	case TriggerApproach, TriggerSays, TriggerEvent:
	default:
		c.that(false, at+".on", "must be approach, says or event, is %.32q", a.On)
	}
	c.that((a.On == TriggerSays) == (len(a.Phrases) > 0), at+".phrases", "belong to on: says, which needs them")
	c.that((a.On == TriggerEvent) == (a.Event != ""), at+".event", "belongs to on: event, which needs it")
	c.that(a.Event == "" || variablePattern.MatchString(a.Event), at+".event", "%.64q is no name", a.Event)
	c.list(len(a.Phrases), at+".phrases")
	for i, phrase := range a.Phrases {
		c.that(strings.TrimSpace(phrase) != "" && len(phrase) <= maxKey, fmt.Sprintf("%s.phrases[%d]", at, i), "must have 1 to %d bytes", maxKey)
	}
	c.variables(a.When, at+".when")
}

func (c *checker) actions(actions []Action) {
	c.list(len(actions), "actions")
	seen := map[string]bool{}
	for i, a := range actions {
		at := fmt.Sprintf("actions[%d]", i)
		c.that(actionPattern.MatchString(a.Name), at+".name", "%.64q is no name: lower-case letters, digits and _", a.Name)
		c.that(!seen[a.Name], at+".name", "%.64q is there twice", a.Name)
		seen[a.Name] = true
		c.that(strings.TrimSpace(a.Description) != "", at+".description", "must not be empty: the model decides by it")
		c.text(a.Description, at+".description", maxVariable)
		c.list(len(a.Parameters), at+".parameters")
		names := map[string]bool{}
		for j, p := range a.Parameters {
			at := fmt.Sprintf("%s.parameters[%d]", at, j)
			c.that(!names[p.Name], at+".name", "%.64q is there twice", p.Name)
			names[p.Name] = true
			c.parameter(&p, at)
		}
		c.rules(&a, at)
	}
}

func (c *checker) parameter(p *Parameter, at string) {
	number := p.Type == "number" || p.Type == "integer"
	c.that(actionPattern.MatchString(p.Name), at+".name", "%.64q is no name: lower-case letters, digits and _", p.Name)
	c.that(number || p.Type == "string" || p.Type == "boolean", at+".type", "must be string, number, integer or boolean, is %.32q", p.Type)
	c.text(p.Description, at+".description", maxVariable)
	c.that(len(p.Enum) == 0 || p.Type == "string", at+".enum", "belongs to type string")
	c.lines(p.Enum, at+".enum")
	c.that(p.MaxLength == 0 || p.Type == "string" && p.MaxLength > 0 && p.MaxLength <= maxVariable, at+".max_length", "belongs to type string, from 1 to %d", maxVariable)
	c.bound(p.Minimum, number, at+".minimum")
	c.bound(p.Maximum, number, at+".maximum")
	c.that(p.Minimum == nil || p.Maximum == nil || *p.Minimum <= *p.Maximum, at+".maximum", "is below the minimum")
}

func (c *checker) bound(v *float64, number bool, at string) {
	c.that(v == nil || number && !math.IsNaN(*v) && !math.IsInf(*v, 0), at, "belongs to type number or integer, and must be finite")
}

func (c *checker) voice(v *Voice) {
	c.label(v.Name, "voice.name")
	c.label(v.Model, "voice.model")
	c.that(v.Speed == 0 || v.Speed >= 0.25 && v.Speed <= 4, "voice.speed", "must be from 0.25 to 4, is %g", v.Speed)
	c.that(v.Language == "" || languagePattern.MatchString(v.Language), "voice.language", "%.32q is no language tag like en or pt-BR", v.Language)
}

func (c *checker) variables(all map[string]string, field string) {
	c.list(len(all), field)
	for _, name := range sortedKeys(all) {
		at := field + "." + name
		c.that(variablePattern.MatchString(name), at, "%.64q is no name: letters, digits, _, . and -", name)
		c.text(all[name], at, maxVariable)
	}
}

func (c *checker) model(m *Model) {
	c.list(len(m.Preferred), "model.preferred")
	for i, name := range m.Preferred {
		at := fmt.Sprintf("model.preferred[%d]", i)
		c.that(name != "", at, "must not be empty")
		c.label(name, at)
	}
	if m.Temperature != nil {
		c.between(*m.Temperature, 0, 2, "model.temperature")
	}
	if m.TopP != nil {
		c.that(*m.TopP > 0 && *m.TopP <= 1, "model.top_p", "must be above 0 and at most 1, is %g", *m.TopP)
	}
	size, output := orDefault(m.Context, DefaultContext), orDefault(m.MaxOutput, DefaultOutput)
	c.that(m.Context >= 0 && size >= 256 && size <= MaxContext, "model.context", "must be from 256 to %d tokens, is %d", MaxContext, m.Context)
	c.that(m.MaxOutput >= 0 && output <= size/2, "model.max_output", "must be at most half the context of %d tokens, is %d", size, m.MaxOutput)
}

func (c *checker) lore(l *Lorebook) {
	c.label(l.Name, "lorebook.name")
	c.that(l.ScanDepth >= 0 && l.ScanDepth <= maxList, "lorebook.scan_depth", "must be from 0 to %d messages, is %d", maxList, l.ScanDepth)
	c.that(l.TokenBudget >= 0 && l.TokenBudget <= MaxContext, "lorebook.token_budget", "must be from 0 to %d, is %d", MaxContext, l.TokenBudget)
	c.that(len(l.Entries) <= maxLore, "lorebook.entries", "are %d, at most %d are allowed", len(l.Entries), maxLore)
	for i, e := range l.Entries {
		at := fmt.Sprintf("lorebook.entries[%d]", i)
		c.text(e.Content, at+".content", maxContent)
		c.that(len(e.Keys) <= maxKeys && len(e.SecondaryKeys) <= maxKeys, at+".keys", "are more than %d", maxKeys)
		for _, key := range slices.Concat(e.Keys, e.SecondaryKeys) {
			c.that(e.Disabled || len(key) <= maxKey, at+".keys", "%.32q is longer than %d bytes", key, maxKey)
		}
		c.that(e.Disabled || e.matchable(), at+".keys", "none, and the entry is not constant: it would never be used")
	}
	_, problems := NewBook(*l)
	c.problems = append(c.problems, problems...)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
