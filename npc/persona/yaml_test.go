package persona

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"earshot"
)

func TestBrokenFilesNameLineAndField(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"empty", "", "p.yaml: the file is empty"},
		{"not a mapping", "- 1\n", "p.yaml:1: want a mapping"},
		{"syntax", "version: 1\nname: [a\n", "p.yaml:"},
		{"tab", "version: 1\n\tname: x\n", "p.yaml:2: "},
		{"unknown", "version: 1\nname: x\nvoices: {}\n", `p.yaml:3: voices: there is no field "voices"`},
		{"unknown inside", "version: 1\nname: x\nvoice:\n  pitch: 2\n", `p.yaml:4: voice.pitch: there is no field "pitch"`},
		{"type", "version: 1\nname: x\nperception_range: far\n", "p.yaml:3: perception_range: cannot unmarshal"},
		{"type in a list", "version: 1\nname: x\ngoals:\n  - id: a\n  - id: b\n    repeatable: often\n", "p.yaml:6: goals[1].repeatable: cannot unmarshal"},
		{"twice", "version: 1\nname: x\nname: y\n", "p.yaml:3: name: mapping key \"name\" already defined at line 2"},
		{"no name", "version: 1\n", "p.yaml:1: name: must not be empty"},
		{"no version", "name: x\n", "p.yaml:1: version: must be 1, is 0"},
		{"alias", "version: 1\nname: &a x\nscenario: *a\n", "p.yaml:2: anchors and aliases"},
		{"second document", "version: 1\nname: x\n---\nname: y\n", "a second document"},
		{"goal", "version: 1\nname: x\ngoals:\n  - id: a\n    activation: {on: approach}\n    instruction: go\n  - id: b\n    activation:\n      on: says\n    instruction: ''\n", "p.yaml:10: goals[1].instruction: must not be empty"},
		{"trigger", "version: 1\nname: x\ngoals:\n  - id: a\n    activation:\n      on: whim\n    instruction: go\n", "p.yaml:6: goals[0].activation.on: must be approach"},
		{"safety", "version: 1\nname: x\nsafety: none\n", "p.yaml:3: safety: must be strict"},
		{"range", "version: 1\nname: x\nperception_range: -1\n", "p.yaml:3: perception_range: must be from 0"},
		{"not a number", "version: 1\nname: x\nperception_range: .nan\n", "p.yaml:3: perception_range"},
		{"expression", "version: 1\nname: x\nlorebook:\n  entries:\n    - keys: ['(?=x)']\n      regex: true\n      content: y\n", "p.yaml:5: lorebook.entries[0].keys: \"(?=x)\" is no RE2"},
		{"heavy expression", "version: 1\nname: x\nlorebook:\n  entries:\n    - keys: ['(abcdefgh){200}']\n      regex: true\n      content: y\n", "repeats too much"},
		{"no key", "version: 1\nname: x\nlorebook:\n  entries:\n    - content: y\n", "p.yaml:5: lorebook.entries[0].keys: none"},
		{"action", "version: 1\nname: x\nactions:\n  - name: Give It\n    description: d\n", "p.yaml:4: actions[0].name: \"Give It\" is no name"},
		{"kind", "version: 1\nname: x\nactions:\n  - name: a\n    description: d\n    kind: steal\n", "p.yaml:6: actions[0].kind: must be emote"},
		{"condition about two things", rules("requires:\n      - {within: 2, item: key}"), "p.yaml:7: actions[0].requires[0]: must be about one thing"},
		{"condition about nothing", rules("requires:\n      - {}"), "actions[0].requires[0]: must be about one thing"},
		{"variable without comparison", rules("requires:\n      - {variable: a}"), "variable needs equals, at_least or at_most"},
		{"comparison without variable", rules("requires:\n      - {within: 2, at_most: 2}"), "variable needs equals"},
		{"distance", rules("requires:\n      - {within: .inf}"), "requires[0].within: must be from 0"},
		{"number", rules("requires:\n      - {variable: a, at_least: .nan}"), "requires[0].at_least: must be from"},
		{"item from nowhere", rules("requires:\n      - {item_from: thing}"), "requires[0].item_from: \"thing\" must be a required parameter with an enum"},
		{"count from a text", rules("parameters:\n      - {name: n, type: string}\n    effects:\n      - {take: key, count_from: n}"), "effects[0].count_from: \"n\" must be an integer"},
		{"effect of two", rules("effects:\n      - {variable: a, set: b, add: 1}"), "effects[0]: variable needs one of set and add"},
		{"effect of nothing", rules("effects:\n      - {count: 1}"), "effects[0]: must be about one thing"},
		{"cooldown", rules("cooldown: {player: -1}"), "cooldown.player: must be from 0"},
		{"waypoint", rules("kind: move\n    parameters:\n      - {name: waypoint, type: string}"), "waypoint of a move must be a required string"},
		{"stock", "version: 1\nname: x\nstock:\n  key: -1\n", "p.yaml:4: stock.key: must be from 0"},
		{"variable", "version: 1\nname: x\nworlds:\n  plaza:\n    'a b': c\n", "worlds.plaza.a b"},
		{"card", "version: 1\nname: x\ncard: '{}'\n", "p.yaml:3: card: "},
	} {
		p, err := Parse("p.yaml", []byte(tc.text))
		var problems earshot.Problems
		if p != nil || !errors.As(err, &problems) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

// rules is a file with one action that has more.
func rules(more string) string {
	return "version: 1\nname: x\nactions:\n  - name: a\n    description: d\n    " + more + "\n"
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, err := Parse("p.yaml", []byte("version: 2\nname: ''\nsafety: x\nvoice: {speed: 9}\n"))
	var problems earshot.Problems
	if !errors.As(err, &problems) || len(problems) != 4 {
		t.Errorf("problems %v, want four", err)
	}
}

// Whatever texts a persona has, the file gives them back: the card above all,
// whose bytes are somebody else's.
func TestFilesRoundTrip(t *testing.T) {
	words := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("\n\r\t :#-|>'\"{}[]&*!%@`\ufeff\u2028\u0085\u00a0"))))
	rapid.Check(t, func(t *rapid.T) {
		valid := func(label string) string { return strings.ToValidUTF8(words.Draw(t, label), "") }
		p := Persona{Version: 1, Name: "x", Description: valid("description"), Greeting: valid("greeting")}
		text := strings.Replace(emptyCards[CardV3], `"extensions"`, `"x":`+string(encode(valid("card")))+","+"\r\n \t"+`"extensions"`, 1)
		p.Card = text
		file, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("x", file)
		if err != nil {
			t.Fatalf("%v of\n%q", err, file)
		}
		if again.Description != p.Description || again.Greeting != p.Greeting || again.Card != p.Card {
			t.Fatalf("read %+q, want %+q, in\n%q", []string{again.Description, again.Greeting, again.Card}, []string{p.Description, p.Greeting, p.Card}, file)
		}
	})
}
