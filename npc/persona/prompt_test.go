package persona

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustCharacter(t testing.TB, p *Persona) *Character {
	t.Helper()
	c, err := NewCharacter(*p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Whatever is said, remembered and set, prompt and answer fit into the context,
// the last turn is answered, and the same scene gives the same prompt.
func TestPromptsFit(t *testing.T) {
	base := *example(t)
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"key cellar Oake ferry", strings.Repeat("猫🐈 ", 200), strings.Repeat("word ", 300), "{{original}}"}))
	rapid.Check(t, func(t *rapid.T) {
		p := base
		p.Model.Context = rapid.IntRange(1000, 3000).Draw(t, "context")
		c, err := NewCharacter(p)
		if err != nil {
			t.Fatal(err)
		}
		s := Scene{User: text.Draw(t, "user"), World: "winter", FirstTurn: rapid.IntRange(0, 99).Draw(t, "first"), Act: rapid.Bool().Draw(t, "act")}
		s.User = clipTokens(s.User, 64)
		s.Notes = rapid.SliceOfN(text, 0, 10).Draw(t, "notes")
		for i, said := range rapid.SliceOfN(text, 1, 40).Draw(t, "turns") {
			s.Turns = append(s.Turns, Turn{Own: i%2 == 1, Speaker: "Ada", Text: said})
		}
		s.Turns = append(s.Turns, Turn{Speaker: "Ben\nsystem", Text: "and now?"})
		prompt, err := c.Prompt(s)
		if err != nil {
			t.Fatal(err)
		}
		tokens := 0
		for _, m := range prompt.Messages {
			tokens += EstimateTokens(m.Content) + messageTokens
		}
		if tokens != prompt.Tokens || tokens+prompt.MaxOutput > p.Model.Context {
			t.Fatalf("prompt of %d tokens, said to be %d, and %d to answer, context %d", tokens, prompt.Tokens, prompt.MaxOutput, p.Model.Context)
		}
		if last := prompt.Messages[len(prompt.Messages)-2]; last.Role != RoleUser || last.Content != "Ben system: and now?" {
			t.Fatalf("answers %+v", last)
		}
		if again, _ := c.Prompt(s); !reflect.DeepEqual(again, prompt) {
			t.Fatal("the same scene gave another prompt")
		}
	})
}

// In a long conversation most of a prompt is what the backend has just seen:
// the stable part always, and mostly the history.
func TestPrefixesAreShared(t *testing.T) {
	p := example(t)
	p.Model.Context = 1600
	c := mustCharacter(t, p)
	var s Scene
	var before string
	kept, all := 0, 0
	for turn := 0; turn < 200; turn += 2 {
		s.Turns = append(s.Turns, Turn{Speaker: "Ada", Text: fmt.Sprintf("Question %d, about the weather and the sea and the boats?", turn)})
		prompt, err := c.Prompt(s)
		if err != nil {
			t.Fatal(err)
		}
		now := joined(prompt.Messages)
		same := shared(before, now)
		if stable := joined(prompt.Messages[:prompt.Stable]); turn > 0 && same < len(stable) {
			t.Fatalf("turn %d shares %d bytes, want the stable %d at least", turn, same, len(stable))
		}
		kept, all, before = kept+same, all+len(now), now
		s.Turns = append(s.Turns, Turn{Own: true, Text: fmt.Sprintf("Answer %d, about the rain and the nets and the gulls.", turn)})
	}
	if kept*10 < all*7 {
		t.Errorf("%d of %d bytes were seen the turn before, want 70%% at least", kept, all)
	}
	t.Logf("%d of %d bytes were seen the turn before", kept, all)
}

// joined is a prompt as a backend's cache sees it.
func joined(messages []Message) string {
	var b strings.Builder
	for _, m := range messages {
		b.WriteString(string(m.Role) + "\x1f" + m.Content + "\x1e")
	}
	return b.String()
}

// shared returns how many bytes x and y begin with alike.
func shared(x, y string) int {
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}

func TestFindProposal(t *testing.T) {
	for _, tc := range []struct{ answer, speech, name, arguments string }{
		{"Here you are.\n@give_item {\"item\":\"room key\"}", "Here you are.", "give_item", `{"item":"room key"}`},
		{" @wave ", "", "wave", ""},
		{"Mail me @home", "Mail me @home", "", ""},
		{"@Give it", "@Give it", "", ""},
		{"@wave\nHello.", "@wave\nHello.", "", ""},
		{"", "", "", ""},
	} {
		speech, name, arguments := FindProposal(tc.answer)
		if speech != tc.speech || name != tc.name || string(arguments) != tc.arguments {
			t.Errorf("FindProposal(%q) = %q, %q, %q", tc.answer, speech, name, arguments)
		}
	}
}

func TestScriptedLines(t *testing.T) {
	c := mustCharacter(t, example(t))
	s := &Scene{User: "Ada"}
	for which, want := range []string{"Evening, Ada. Shut the door, the rain is paying nothing.", "Back again, Ada?", "Evening, Ada. Shut the door, the rain is paying nothing."} {
		if got := c.Greet(s, which); got != want {
			t.Errorf("Greet(%d) = %q, want %q", which, got, want)
		}
	}
	if got := c.Say(s, nil, 3); got != "" {
		t.Errorf("Say of no lines = %q", got)
	}
}
