package persona

import (
	"encoding/binary"
	"hash/fnv"
	"strconv"
	"strings"
)

// maxSubstituted bounds what macros can make of a text, in bytes.
const maxSubstituted = 256 << 10

// Macros are what {{...}} in a persona's texts stands for:
//
//	{{char}}, <char>, <bot>      the character
//	{{user}}, <user>             who is spoken to
//	{{original}}                 the prompt that a card's own one replaces
//	{{var:name}}                 a variable; nothing if there is none
//	{{random:a,b}}, {{pick:a,b}} one of them
//	{{roll:6}}, {{roll:d6}}      a number from 1 to 6
//	{{// note}}, {{comment: x}}  nothing
//
// Names are not case-sensitive; what is not in the list stays as it is. What
// is put in is not searched again, so a player called {{original}} is only
// called that. Chance is drawn from Seed and the place in the text, so that a
// prompt does not change from turn to turn.
type Macros struct {
	Char, User string
	Original   *string // nil: {{original}} stays as it is
	Variables  map[string]string
	Seed       uint64
}

// Substitute replaces the macros in text.
func (m *Macros) Substitute(text string) string {
	if !strings.ContainsAny(text, "{<") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text) && b.Len() < maxSubstituted; {
		next := strings.IndexAny(text[i:], "{<")
		if next < 0 {
			b.WriteString(text[i:])
			break
		}
		b.WriteString(text[i : i+next])
		i += next
		value, size := m.at(text[i:], i)
		b.WriteString(value)
		i += size
	}
	return b.String()
}

// at returns what the macro at the beginning of text stands for and how long
// it is; where there is none, the first byte as it is.
func (m *Macros) at(text string, place int) (value string, size int) {
	if body, ok := strings.CutPrefix(text, "{{"); ok {
		if end := strings.Index(body[:min(len(body), maxLine)], "}}"); end >= 0 {
			if value, ok := m.value(body[:end], place); ok {
				return value, end + 4
			}
		}
		return text[:1], 1
	}
	for name, value := range map[string]string{"<char>": m.Char, "<bot>": m.Char, "<user>": m.User} {
		if len(text) >= len(name) && strings.EqualFold(text[:len(name)], name) {
			return value, len(name)
		}
	}
	return text[:1], 1
}

func (m *Macros) value(body string, place int) (string, bool) {
	if strings.HasPrefix(body, "//") {
		return "", true
	}
	name, argument, _ := strings.Cut(body, ":")
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "char":
		return m.Char, true
	case "user":
		return m.User, true
	case "original":
		if m.Original != nil {
			return *m.Original, true
		}
	case "var":
		return m.Variables[strings.TrimSpace(argument)], true
	case "comment":
		return "", true
	case "random", "pick":
		return m.pick(argument, place), true
	case "roll":
		return m.roll(argument, place)
	}
	return "", false
}

// pick chooses from a,b,c or :a::b::c; a comma is written \,.
func (m *Macros) pick(argument string, place int) string {
	var choices []string
	if rest, ok := strings.CutPrefix(argument, ":"); ok {
		choices = strings.Split(rest, "::")
	} else {
		choices = strings.Split(strings.ReplaceAll(argument, `\,`, "\x00"), ",")
	}
	chosen := choices[m.draw(place)%uint64(len(choices))]
	return strings.ReplaceAll(chosen, "\x00", ",")
}

func (m *Macros) roll(argument string, place int) (string, bool) {
	sides, err := strconv.ParseUint(strings.TrimLeft(strings.TrimSpace(argument), "dD"), 10, 31)
	if err != nil || sides == 0 {
		return "", false
	}
	return strconv.FormatUint(1+m.draw(place)%sides, 10), true
}

func (m *Macros) draw(place int) uint64 {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, m.Seed), uint64(place)))
	v := h.Sum64()
	return v ^ v>>32 // FNV's low bits alone mix little
}
