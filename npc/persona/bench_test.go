package persona

import (
	"strings"
	"testing"
)

// BenchmarkPrompt makes the prompt of a long conversation with the example
// persona, and its hash chain.
func BenchmarkPrompt(b *testing.B) {
	c := mustCharacter(b, example(b))
	s := Scene{User: "Ada", Notes: []string{"Ada paid last time."}}
	for i := range 61 {
		s.Turns = append(s.Turns, Turn{Own: i%2 == 1, Speaker: "Ada", Text: strings.Repeat("about the cellar and Oake ", 4)})
	}
	var hashes []uint64
	b.ReportAllocs()
	for b.Loop() {
		p, err := c.Prompt(s)
		if err != nil {
			b.Fatal(err)
		}
		hashes = PrefixHashes(hashes[:0], 1, p.Messages)
	}
}
