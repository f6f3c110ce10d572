package persona

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"earshot"
)

// cardField joins a field of a persona to a member of a card. What a card has
// no place for is in data.extensions.earshot.
type cardField struct {
	path []string
	of   func(*Persona) any // a pointer to the field
}

// own is where the fields that only Earshot knows are in a card.
var own = []string{"data", "extensions", "earshot"}

var cardFields = []cardField{
	{[]string{"data", "name"}, func(p *Persona) any { return &p.Name }},
	{[]string{"data", "description"}, func(p *Persona) any { return &p.Description }},
	{[]string{"data", "personality"}, func(p *Persona) any { return &p.Personality }},
	{[]string{"data", "scenario"}, func(p *Persona) any { return &p.Scenario }},
	{[]string{"data", "first_mes"}, func(p *Persona) any { return &p.Greeting }},
	{[]string{"data", "mes_example"}, func(p *Persona) any { return &p.Examples }},
	{[]string{"data", "system_prompt"}, func(p *Persona) any { return &p.System }},
	{[]string{"data", "post_history_instructions"}, func(p *Persona) any { return &p.Reminder }},
	{[]string{"data", "alternate_greetings"}, func(p *Persona) any { return &p.Greetings }},
	{append(own, "lines"), func(p *Persona) any { return &p.Lines }},
	{append(own, "goals"), func(p *Persona) any { return &p.Goals }},
	{append(own, "actions"), func(p *Persona) any { return &p.Actions }},
	{append(own, "stock"), func(p *Persona) any { return &p.Stock }},
	{append(own, "voice"), func(p *Persona) any { return &p.Voice }},
	{append(own, "languages"), func(p *Persona) any { return &p.Languages }},
	{append(own, "perception_range"), func(p *Persona) any { return &p.Range }},
	{append(own, "safety"), func(p *Persona) any { return &p.Safety }},
	{append(own, "variables"), func(p *Persona) any { return &p.Variables }},
	{append(own, "worlds"), func(p *Persona) any { return &p.Worlds }},
	{append(own, "model"), func(p *Persona) any { return &p.Model }},
}

// fieldsOf adds the nickname, which V2 has no place for.
func fieldsOf(v CardVersion) []cardField {
	path := []string{"data", "nickname"}
	if v == CardV2 {
		path = append(own, "nickname")
	}
	return append(slices.Clone(cardFields), cardField{path, func(p *Persona) any { return &p.Nickname }})
}

// Persona returns what the card says. warnings tell of lorebook entries that
// can never match, or not here (a regular expression that RE2 lacks): they are
// disabled in the persona and stay as they are in the card. The persona may
// still break limits: Validate it. Members of a type that the format does not
// allow are an error that names them; null counts as absent.
func (c *Card) Persona() (p Persona, warnings earshot.Problems, err error) {
	p.Version, p.Card = 1, string(c.text)
	for _, f := range fieldsOf(c.version) {
		if err := read(c.text, f.of(&p), f.path...); err != nil {
			return Persona{}, nil, err
		}
	}
	p.Name = strings.TrimSpace(p.Name)
	if book, ok := lookup(c.text, "data", "character_book"); ok && string(book) != "null" {
		if p.Lore, err = readBook(book); err != nil {
			return Persona{}, nil, err
		}
		warnings = p.Lore.disableBroken()
	}
	return p, warnings, nil
}

// read decodes the member at path into v; an absent one or null leaves v.
func read(text []byte, v any, path ...string) error {
	raw, ok := lookup(text, path...)
	if !ok || string(raw) == "null" {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return earshot.Errorf(earshot.CodeInvalidArgument, "card: %s: %s", strings.Join(path, "."), typeError(err))
	}
	return nil
}

func typeError(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return "is a " + wrong.Value + ", want " + strings.TrimPrefix(wrong.Type.String(), "persona.")
	}
	return err.Error()
}

// Export returns the persona as a card of that version. It starts from the
// card the persona came from, and replaces only members whose value differs
// from what that card said: the rest is byte-equal, order and white space
// included. What only Earshot knows goes to data.extensions.earshot.
func (p *Persona) Export(v CardVersion) (*Card, error) {
	text := p.Card
	if text == "" {
		text = emptyCards[v]
	}
	card, err := ParseCard([]byte(text))
	if err != nil {
		return nil, err
	}
	old, _, err := card.Persona()
	if err != nil {
		return nil, err
	}
	oldFields, out := fieldsOf(card.version), card.as(v)
	for i, f := range fieldsOf(v) {
		if value := f.of(p); !same(value, oldFields[i].of(&old)) || !slices.Equal(f.path, oldFields[i].path) && !empty(encode(value)) {
			out = set(out, plain(value), f.path...)
			out = mirror(out, plain(value), f.path)
		}
	}
	return ParseCard(exportBook(out, &p.Lore, &old.Lore))
}

// mirror keeps the copies of version 1 fields, which some programs leave at
// the top of newer cards, equal to those in data.
func mirror(text, value []byte, path []string) []byte {
	if _, ok := lookup(text, path[1]); ok && len(path) == 2 {
		return set(text, value, path[1])
	}
	return text
}

// same compares as JSON does; an empty list is the same as none.
func same(x, y any) bool { return bytes.Equal(plain(x), plain(y)) }

// plain encodes a value, an empty list as [].
func plain(v any) []byte {
	text := encode(v)
	if _, isList := v.(*[]string); isList && string(text) == "null" {
		return []byte("[]")
	}
	if string(text) == "[]" || string(text) == "{}" {
		if _, isList := v.(*[]string); !isList {
			return []byte("null")
		}
	}
	return text
}

func empty(text []byte) bool { return string(text) == `""` }
