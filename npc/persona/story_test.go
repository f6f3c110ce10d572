package persona

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// story is one character and what has been said to it.
type story struct {
	persona *Persona
	scene   Scene
}

// Commands of the stories in testdata/stories:
//
//	persona          a persona file; the scene starts anew
//	scene            lines "user NAME", "var NAME VALUE", "goal ID", "note TEXT", "act"
//	lore [budget=n]  messages, oldest first, one a line: which entries they bring in
//	hear             lines "NAME: text", the character's own as "me: text": what is said next
//	prompt           the prompt for an answer to the last turn
//	sizes            the same without its words
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		var s *story
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "persona":
				p, err := Parse("story", []byte(d.Input))
				if err != nil {
					return err.Error()
				}
				s = &story{persona: p}
				return ""
			case "scene":
				s.set(t, d)
				return ""
			case "lore":
				return s.lore(t, d)
			case "hear":
				s.hear(d)
				return ""
			case "prompt", "sizes":
				return s.prompt(t, d.Cmd == "sizes")
			}
			d.Fatalf(t, "unknown command %q", d.Cmd)
			return ""
		})
	})
}

func (s *story) set(t *testing.T, d *datadriven.TestData) {
	s.scene.Goals, s.scene.Notes = nil, nil
	for line := range strings.Lines(d.Input) {
		what, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch what {
		case "user":
			s.scene.User = rest
		case "world":
			s.scene.World = rest
		case "goal":
			s.scene.Goals = append(s.scene.Goals, rest)
		case "note":
			s.scene.Notes = append(s.scene.Notes, rest)
		case "act":
			s.scene.Act = true
		default:
			d.Fatalf(t, "unknown line %q", line)
		}
	}
}

func (s *story) lore(t *testing.T, d *datadriven.TestData) string {
	budget := -1
	d.MaybeScanArgs(t, "budget", &budget)
	book, _ := NewBook(s.persona.Lore)
	var b strings.Builder
	for _, c := range book.Select(strings.Split(d.Input, "\n"), budget) {
		fmt.Fprintf(&b, "%d %s (%d tokens)\n", c.Index, c.Content, c.Tokens)
	}
	return orNothing(b.String())
}

func orNothing(s string) string {
	if s == "" {
		return "nothing\n"
	}
	return s
}

func (s *story) hear(d *datadriven.TestData) {
	for line := range strings.Lines(d.Input) {
		speaker, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
		s.scene.Turns = append(s.scene.Turns, Turn{Own: speaker == "me", Speaker: speaker, Text: text})
	}
}

func (s *story) prompt(t *testing.T, sizes bool) string {
	c, err := NewCharacter(*s.persona)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Prompt(s.scene)
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	for _, m := range p.Messages {
		if sizes {
			fmt.Fprintf(&b, "%s %d\n", m.Role, EstimateTokens(m.Content))
		} else {
			fmt.Fprintf(&b, "[%s]\n%s\n", m.Role, strings.ReplaceAll(m.Content, "\n\n", "\n.\n"))
		}
	}
	fmt.Fprintf(&b, "tokens %d stable %d output %d dropped %+v\n", p.Tokens, p.Stable, p.MaxOutput, p.Dropped)
	return b.String()
}
