package persona

import (
	"slices"
	"strings"

	"earshot"
)

// turnStep is in how large steps old turns are left out of a full context: the
// history then begins at the same turn for several answers, and the backend's
// prefix cache holds.
const turnStep = 8

// Prompt makes the chat messages for an answer to the last turn:
//
//	system     who the character is, constant lore, actions, examples
//	turns      the history, others' with their name in front
//	system     what is known now: goals, variables, lore that came up, notes
//	user       the last turn
//	system     the reminder, if the persona has one
//
// What changes least comes first, so that backends find most of it in their
// prefix cache. All of it and the answer fit into the persona's context, by
// EstimateTokens. Where it is short, in this order: old turns go (in steps of
// 8), then notes, the least relevant first, then the examples, and the last
// turn is cut. Lore has at most a quarter of the context besides its own
// budget. If even the persona itself does not fit, the error is
// resource_exhausted. Equal scenes give equal prompts.
//
// Turns are never searched for macros. Speakers and notes are put on one line.
func (c *Character) Prompt(s Scene) (Prompt, error) {
	if len(s.Turns) == 0 || s.Turns[len(s.Turns)-1].Own {
		return Prompt{}, earshot.Errorf(earshot.CodeInvalidArgument, "%s has nothing to answer: the last turn must be somebody else's", c.persona.Name)
	}
	m := c.macros(&s)
	size := orDefault(c.persona.Model.Context, DefaultContext)
	p := Prompt{Stable: 1, MaxOutput: orDefault(c.persona.Model.MaxOutput, DefaultOutput)}
	p.Lore = c.book.Select(c.heard(s.Turns), size/4)
	d := draft{room: size - p.MaxOutput}
	if err := c.frame(&d, &p, m, &s); err != nil {
		return Prompt{}, err
	}
	d.last(&p, s.Turns[len(s.Turns)-1])
	c.now(&d, &p, m, &s)
	d.fill(&p, &s)
	p.Messages = d.messages()
	p.Tokens = size - p.MaxOutput - d.room
	return p, nil
}

// draft is a prompt in the making. room is how many tokens are left.
type draft struct {
	room                     int
	system, now, end, answer string
	history                  []Message
}

func (d *draft) take(content string) {
	if content != "" {
		d.room -= EstimateTokens(content) + messageTokens
	}
}

func (d *draft) messages() []Message {
	all := append([]Message{{RoleSystem, d.system}}, d.history...)
	if d.now != "" {
		all = append(all, Message{RoleSystem, d.now})
	}
	all = append(all, Message{RoleUser, d.answer})
	if d.end != "" {
		all = append(all, Message{RoleSystem, d.end})
	}
	return all
}

// minLast are the tokens kept free for the turn to answer, whatever it says.
const minLast = 48

// frame lays down what every answer needs: the stable part and the reminder.
func (c *Character) frame(d *draft, p *Prompt, m *Macros, s *Scene) error {
	constant := slices.DeleteFunc(slices.Clone(p.Lore), func(e Chosen) bool { return !e.Constant })
	whole := d.room
	d.end = m.Substitute(strings.TrimSpace(c.persona.Reminder))
	d.take(d.end)
	d.system = c.system(m, constant, s.Act, true)
	if EstimateTokens(d.system)+messageTokens > d.room-minLast {
		p.Dropped.Examples = c.persona.Examples != ""
		d.system = c.system(m, constant, s.Act, false)
	}
	d.take(d.system)
	if d.room < minLast {
		return earshot.Errorf(earshot.CodeResourceExhausted, "%s needs about %d tokens before anybody speaks, the context leaves %d: shorten it or raise model.context", c.persona.Name, whole-d.room+minLast, whole)
	}
	return nil
}

// last lays down the turn to answer, cut if it takes more than half of what is
// left.
func (d *draft) last(p *Prompt, t Turn) {
	text := t.message().Content
	d.answer = clipTokens(text, max(d.room/2, minLast)-messageTokens)
	p.Dropped.Clipped = len(d.answer) < len(text)
	d.take(d.answer)
}

// now gathers what is true at this moment, within half of what is left.
func (c *Character) now(d *draft, p *Prompt, m *Macros, s *Scene) {
	var b sections
	for _, g := range c.persona.Goals {
		if slices.Contains(s.Goals, g.ID) {
			b.add("", m.Substitute(g.Instruction))
		}
	}
	b.add("The world now", variableLines(m.Variables))
	for _, e := range p.Lore {
		if !e.Constant {
			b.add("", m.Substitute(e.Content))
		}
	}
	budget := d.room/2 - messageTokens
	d.now = clipTokens(b.String(), max(budget, 0))
	notes := 0
	for _, note := range s.Notes {
		longer := d.now + noteLine(d.now, notes, m, note)
		if EstimateTokens(longer) > budget {
			break
		}
		d.now, notes = longer, notes+1
	}
	p.Dropped.Notes = len(s.Notes) - notes
	d.take(d.now)
}

func noteLine(before string, n int, m *Macros, note string) string {
	line := "\n- " + oneLine(note)
	switch {
	case n > 0:
		return line
	case before == "":
		return "## What " + m.Char + " remembers" + line
	}
	return "\n\n## What " + m.Char + " remembers" + line
}

func variableLines(variables map[string]string) string {
	var lines []string
	for _, name := range sortedKeys(variables) {
		lines = append(lines, "- "+oneLine(name)+": "+oneLine(variables[name]))
	}
	return strings.Join(lines, "\n")
}

// fill takes as many of the newest turns as there is room for.
func (d *draft) fill(p *Prompt, s *Scene) {
	old := s.Turns[:len(s.Turns)-1]
	first, room := len(old), d.room
	for first > 0 {
		cost := EstimateTokens(old[first-1].message().Content) + messageTokens
		if cost > room {
			break
		}
		room -= cost
		first--
	}
	first += toStep(s.FirstTurn+first, len(old)-first)
	p.Dropped.Turns = first
	for _, t := range old[first:] {
		m := t.message()
		d.history = append(d.history, m)
		d.take(m.Content)
		if m.Content == "" {
			d.room -= messageTokens
		}
	}
}

// toStep returns how many more turns to leave out so that the history begins
// at a multiple of turnStep, or 0 where that would cost half of the n that fit.
// At the beginning of the conversation there is nothing to leave out.
func toStep(first, n int) int {
	if more := (turnStep - first%turnStep) % turnStep; more <= n/2 {
		return more
	}
	return 0
}

// maxSpeaker bounds a display name in the prompt, in tokens.
const maxSpeaker = 16

func (t Turn) message() Message {
	text := strings.TrimSpace(strings.ToValidUTF8(t.Text, ""))
	if t.Own {
		return Message{RoleAssistant, text}
	}
	if name := clipTokens(oneLine(t.Speaker), maxSpeaker); name != "" {
		return Message{RoleUser, name + ": " + text}
	}
	return Message{RoleUser, text}
}

// heard are the texts that lore keys are looked for in: the character's own
// words included.
func (c *Character) heard(turns []Turn) []string {
	texts := make([]string, len(turns))
	for i, t := range turns {
		texts[i] = t.Text
	}
	return texts
}
