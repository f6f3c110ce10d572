package persona

import (
	"strings"
	"testing"
)

func TestSubstitute(t *testing.T) {
	original := "OLD {{char}}"
	m := &Macros{Char: "Mara", User: "{{char}}", Original: &original, Variables: map[string]string{"inn": "Kettle"}, Seed: 7}
	for _, tc := range []struct{ text, want string }{
		{"", ""},
		{"plain < text { and {{ more", "plain < text { and {{ more"},
		{"{{char}} {{CHAR}} {{ Char }} <BOT> <char>", "Mara Mara Mara Mara Mara"},
		{"{{user}}<USER>", "{{char}}{{char}}"},
		{"{{original}}!", "OLD {{char}}!"},
		{"{{var:inn}} {{var: inn }} {{var:none}}.", "Kettle Kettle ."},
		{"a{{// hidden}}b{{comment: c}}d", "abd"},
		{"{{unknown}} {{}} {{{{char}}}}", "{{unknown}} {{}} {{Mara}}"},
		{"{{roll:1}} {{roll:d1}} {{roll:x}} {{roll:0}}", "1 1 {{roll:x}} {{roll:0}}"},
		{`{{random:a\,b}}`, "a,b"},
		{"{{pick::only}}", "only"},
		{"ünï {{char}} 猫", "ünï Mara 猫"},
	} {
		if got := m.Substitute(tc.text); got != tc.want {
			t.Errorf("Substitute(%q) = %q, want %q", tc.text, got, tc.want)
		}
	}
	none := &Macros{}
	if got := none.Substitute("{{original}}"); got != "{{original}}" {
		t.Errorf("without original: %q", got)
	}
}

func TestChanceIsDrawnFromTheSeed(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(600) {
		m := &Macros{Seed: seed}
		got := m.Substitute("{{random:a,b,c}}")
		if got != m.Substitute("{{random:a,b,c}}") {
			t.Fatal("the same seed drew twice")
		}
		seen[got]++
	}
	for _, choice := range []string{"a", "b", "c"} {
		if seen[choice] < 150 || seen[choice] > 250 {
			t.Errorf("of 600 draws %v, want about 200 each", seen)
		}
	}
}

// A text that multiplies itself by macros is stopped.
func TestSubstituteIsBounded(t *testing.T) {
	m := &Macros{Variables: map[string]string{"x": strings.Repeat("y", maxVariable)}}
	if got := len(m.Substitute(strings.Repeat("{{var:x}}", maxText/9))); got > maxSubstituted+maxVariable {
		t.Errorf("grew to %d bytes", got)
	}
}

func TestEstimateTokens(t *testing.T) {
	for _, tc := range []struct {
		text string
		want int
	}{
		{"", 0}, {"a", 1}, {"abcd", 1}, {"abcde", 2}, {"Hello, world.", 4}, {"Größe", 2}, {"привет", 3}, {"猫です", 3}, {"🐈", 2}, {"\xff\xff", 2},
	} {
		if got := EstimateTokens(tc.text); got != tc.want {
			t.Errorf("EstimateTokens(%q) = %d, want %d", tc.text, got, tc.want)
		}
	}
	for n := range 8 {
		if got := clipTokens("ab🐈猫 cd.", n); EstimateTokens(got) > n || !strings.HasPrefix("ab🐈猫 cd.", got) {
			t.Errorf("clipTokens to %d = %q", n, got)
		}
	}
}
