package library

import (
	"earshot"
	"earshot/npc/persona"
)

// Report is what is to be said about a persona file before it is published.
type Report struct {
	Problems earshot.Problems // none: it can be published
	Name     string           // "" where it cannot be read that far
	Tokens   int              // of the part of the prompt that is always there, estimated
	// Character is ready to speak; nil if there are problems.
	Character *persona.Character
}

// Check says what is wrong with a persona file, and how long the prompt it
// makes is.
func Check(yaml []byte) Report {
	p, err := persona.Parse("", yaml)
	if err != nil {
		return Report{Problems: problemsOf(err)}
	}
	c, err := persona.NewCharacter(*p)
	if err != nil {
		return Report{Problems: problemsOf(err), Name: p.Name}
	}
	prompt, err := c.Prompt(persona.Scene{User: "the visitor", Turns: []persona.Turn{{Text: "."}}})
	if err != nil {
		return Report{Problems: earshot.Problems{{Field: "model.context", Message: message(err)}}, Name: p.Name}
	}
	tokens := 0
	for _, m := range prompt.Messages[:prompt.Stable] {
		tokens += persona.EstimateTokens(m.Content)
	}
	return Report{Name: p.Name, Tokens: tokens, Character: c}
}
