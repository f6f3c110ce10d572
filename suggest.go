package earshot

import "strings"

// maxSuggested is the longest word that Closest corrects, in bytes.
const maxSuggested = 100

// Closest returns the word of known that word was probably meant to be, for
// errors that suggest it: the one with the fewest bytes to change, add or
// remove, if those are at most most. It reports false where none is so near.
// Case does not count; known is in lower case.
func Closest(word string, known []string, most int) (string, bool) {
	if len(word) > maxSuggested {
		return "", false
	}
	word = strings.ToLower(word)
	best, least := "", most+1
	for _, k := range known {
		if d := edits(word, k); d < least {
			best, least = k, d
		}
	}
	return best, least <= most
}

// edits is Levenshtein's distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
