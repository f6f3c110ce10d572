package scenario

import (
	"fmt"
	"strings"

	"earshot"
)

// suggest returns what to say after "there is no X": the nearest of what there
// is, if one is near, and else all of them.
func suggest(word string, known []string) string {
	if best, near := earshot.Closest(word, known, max(1, (len(word)+1)/3)); near {
		return fmt.Sprintf("did you mean %s?", best)
	}
	return "there are " + list(known)
}

// list is a, b and c.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
