package persona

import (
	"strings"
	"testing"
)

// BenchmarkPrompt makes the prompt of a long conversation with the example
// persona.
func BenchmarkPrompt(b *testing.B) {
	c := mustCharacter(b, example(b))
	s := Scene{User: "Ada", Notes: []string{"Ada paid last time."}}
	for i := range 61 {
		s.Turns = append(s.Turns, Turn{Own: i%2 == 1, Speaker: "Ada", Text: strings.Repeat("about the cellar and Oake ", 4)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Prompt(s); err != nil {
			b.Fatal(err)
		}
	}
}
