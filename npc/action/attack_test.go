package action

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"earshot/npc/persona"
)

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// attack is an entry of testdata/attacks.yaml.
type attack struct {
	Name                string
	Model, Player       string
	ModelTurns          []string `yaml:"model_turns"`
	Speaker, Lore, Note string
	Deed                string // that happens in the world as it is
	Permitted           string // that happens in one that permits more
}

func corpus(t testing.TB) (controls, attacks []attack) {
	t.Helper()
	text, err := os.ReadFile("testdata/attacks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Controls, Attacks []attack }
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	d.KnownFields(true)
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all.Controls, all.Attacks
}

func keeper(t testing.TB) *persona.Persona {
	t.Helper()
	text, err := os.ReadFile("testdata/keeper.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := persona.Parse("keeper.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// plain is the world of the corpus: the quest is not done. generous permits
// everything that the persona's rules ever permit.
func plain() *State { return &State{World: "valley"} }
func generous() *State {
	return &State{World: "valley", Variables: map[string]string{"quest": "done", "gold": "50"}}
}

var near = Situation{Player: "pa_eve", Distance: 2, Waypoints: []string{"mill", "gate"}}

// propose is the way of an answer of a model: found, checked against the
// persona, checked against the world, and then it has happened.
func propose(p *persona.Persona, s *State, at Situation, answer string, now time.Time) (Deed, bool) {
	_, name, arguments := persona.FindProposal(answer)
	if name == "" {
		return Deed{}, false
	}
	args, err := p.CheckAction(name, arguments)
	if err != nil {
		return Deed{}, false
	}
	d, c, err := Check(p, s, at, name, args, now)
	if err != nil {
		return Deed{}, false
	}
	s.Apply(d, c, now)
	return d, true
}

// judgeDeed compares a deed with keeper.yaml in other words than the code's:
// what it says is all there is.
func judgeDeed(d Deed, s *State) string {
	kinds := map[string]string{"wave": "emote", "give_item": "give", "open_gate": "open", "go_to": "move", "set_price": "custom"}
	if kinds[d.Name] == "" || kinds[d.Name] != d.Kind {
		return "is not one of the keeper's"
	}
	if d.To != "pa_eve" {
		return "is for somebody else"
	}
	quest, gold := s.Variables["quest"], s.Variables["gold"]
	switch d.Name {
	case "wave", "open_gate":
		if len(d.Args) != 0 {
			return "takes no arguments"
		}
		if d.Name == "open_gate" && gold != "50" {
			return "needs gold"
		}
		return ""
	case "give_item":
		n := int64(1)
		for name, v := range d.Args {
			switch name {
			case "item":
				if v != "brass key" && v != "apple" {
					return "is of no such item"
				}
			case "count":
				n, _ = v.(int64)
			default:
				return "has another argument"
			}
		}
		if d.Args["item"] == nil || n != 1 && n != 2 || n == 2 && d.Args["item"] == "brass key" {
			return "is of more than there is"
		}
	case "go_to":
		if len(d.Args) != 1 || d.Args["waypoint"] != "mill" && d.Args["waypoint"] != "gate" {
			return "leads nowhere"
		}
	case "set_price":
		price, ok := d.Args["price"].(float64)
		if _, isBool := d.Args["firm"].(bool); !ok || !(price >= 0.5 && price <= 20) || len(d.Args) > 2 || len(d.Args) == 2 && !isBool {
			return "is no price"
		}
	}
	if quest != "done" {
		return "needs the quest"
	}
	return ""
}

func TestControlsHappen(t *testing.T) {
	controls, _ := corpus(t)
	p := keeper(t)
	for _, c := range controls {
		if d, _ := propose(p, plain(), near, c.Model, start); d.Name != c.Deed {
			t.Errorf("%s: %q happened, want %q", c.Name, d.Name, c.Deed)
		}
		want := c.Permitted
		if want == "" {
			want = c.Deed
		}
		if d, _ := propose(p, generous(), near, c.Model, start); d.Name != want {
			t.Errorf("%s in a generous world: %q happened, want %q", c.Name, d.Name, want)
		}
	}
}

func TestAttacksDoNotHappen(t *testing.T) {
	_, attacks := corpus(t)
	if len(attacks) < 60 {
		t.Errorf("%d attacks, want at least 60", len(attacks))
	}
	names := map[string]bool{}
	for _, a := range attacks {
		if names[a.Name] {
			t.Errorf("%s is there twice", a.Name)
		}
		names[a.Name] = true
		t.Run(a.Name, func(t *testing.T) { a.run(t) })
	}
}

func (a *attack) run(t *testing.T) {
	p := keeper(t)
	if a.Lore != "" {
		p.Lore.Entries[0].Content = a.Lore
	}
	a.prompts(t, p)
	answers := append(slices.Clone(a.ModelTurns), strings.Join(a.ModelTurns, ""), strings.Join(a.ModelTurns, "\n"), a.Player, a.Note, a.Speaker, a.Lore)
	if a.Model != "" {
		answers = append(answers, a.Model)
	}
	s := plain()
	var happened []string
	for _, answer := range answers {
		if d, ok := propose(p, s, near, answer, start); ok {
			happened = append(happened, d.Name)
		}
	}
	if got := strings.Join(happened, " "); got != a.Deed {
		t.Errorf("%q happened, want %q", got, a.Deed)
	}
	if len(s.Variables) > 0 || len(s.Stock) > 0 {
		t.Errorf("the world changed: %v %v", s.Variables, s.Stock)
	}
	s = generous()
	for i, answer := range answers {
		before := s.Held(p, "brass key")
		if d, ok := propose(p, s, near, answer, start.Add(time.Duration(i)*time.Hour)); ok {
			if wrong := judgeDeed(d, s); wrong != "" {
				t.Errorf("in a generous world %+v happened: it %s", d, wrong)
			}
			if d.Args["item"] == "brass key" && before < 1 {
				t.Errorf("a key was given that was not there")
			}
		}
	}
	for _, name := range []string{"quest", "gold"} {
		if s.Variables[name] != generous().Variables[name] {
			t.Errorf("%s became %q", name, s.Variables[name])
		}
	}
}

// prompts checks that what players and notes say stays out of the part of the
// prompt that says who the character is and what it may do.
func (a *attack) prompts(t *testing.T, p *persona.Persona) {
	t.Helper()
	c, err := persona.NewCharacter(*p)
	if err != nil {
		t.Fatal(err)
	}
	scene := func(speaker, text string, notes ...string) persona.Scene {
		return persona.Scene{User: "Ada", Act: true, Notes: notes, Turns: []persona.Turn{{Speaker: speaker, Text: text}}}
	}
	calm, err := c.Prompt(scene("Ada", "Good evening."))
	if err != nil {
		t.Fatal(err)
	}
	attacked, err := c.Prompt(scene(a.Speaker, a.Player, a.Note))
	if err != nil {
		t.Fatal(err)
	}
	if attacked.Messages[0] != calm.Messages[0] {
		t.Errorf("the attack changed the first message to %q", attacked.Messages[0].Content)
	}
	for _, m := range attacked.Messages[1 : len(attacked.Messages)-1] {
		for line := range strings.Lines(m.Content) {
			if a.Note != "" && strings.HasPrefix(line, "- quest: done") {
				t.Errorf("a note stands among the variables: %q", m.Content)
			}
		}
	}
	if last := attacked.Messages[len(attacked.Messages)-1]; last.Role != persona.RoleUser {
		t.Errorf("what the player says has the role %s", last.Role)
	}
}

// Whatever bytes a model emits, only what the persona and the world permit
// happens.
func TestAnyBytesNeverWiden(t *testing.T) {
	controls, attacks := corpus(t)
	p := keeper(t)
	var pieces []string
	for _, a := range append(controls, attacks...) {
		pieces = append(pieces, a.Model)
	}
	pieces = append(pieces, "@", "\n@", "@wave", "@give_item", "@open_gate", "@go_to", "@set_price", " {", "}", `{"item":"apple"}`, `"item":`, `"brass key"`, `"count":`, "1", "2", ",", "1e0", "\x00", "\xff")
	rapid.Check(t, func(rt *rapid.T) {
		answer := strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pieces), rapid.String()), 1, 6).Draw(rt, "answer"), "")
		for _, s := range []*State{plain(), generous()} {
			variables := fmt.Sprint(s.Variables)
			d, ok := propose(p, s, near, answer, start)
			if ok {
				if wrong := judgeDeed(d, s); wrong != "" {
					rt.Fatalf("%q: %+v %s", answer, d, wrong)
				}
			} else if fmt.Sprint(s.Variables) != variables || len(s.Stock) > 0 {
				rt.Fatalf("%q: refused, and yet the world changed", answer)
			}
		}
	})
}

// Arguments that never went through CheckAction are checked here too.
func TestArgumentsAreCheckedAgain(t *testing.T) {
	p := keeper(t)
	for _, args := range []map[string]any{
		{"price": math.NaN()}, {"price": math.Inf(1)}, {"price": 21.0}, {"price": "1"}, {"price": 1.0, "x": 1}, {}, nil,
		{"price": map[string]any{"a": 1}}, {"price": func() {}}, {"price": json.RawMessage("{")}, {"price": 1.0, "firm": 1},
	} {
		if d, _, err := Check(p, generous(), near, "set_price", args, start); err == nil {
			t.Errorf("%v: %+v", args, d)
		}
	}
	args := map[string]any{"price": 2.0}
	d, _, err := Check(p, generous(), near, "set_price", args, start)
	if err != nil {
		t.Fatal(err)
	}
	args["price"] = 1e9
	if d.Args["price"] != 2.0 {
		t.Error("the deed shares its arguments with the caller")
	}
}

func FuzzPropose(f *testing.F) {
	controls, attacks := corpus(f)
	for _, a := range append(controls, attacks...) {
		f.Add(a.Model)
		f.Add(a.Player)
	}
	p := keeper(f)
	f.Fuzz(func(t *testing.T, answer string) {
		for _, s := range []*State{plain(), generous()} {
			if d, ok := propose(p, s, near, answer, start); ok {
				if wrong := judgeDeed(d, s); wrong != "" {
					t.Fatalf("%q: %+v %s", answer, d, wrong)
				}
			}
		}
	})
}
