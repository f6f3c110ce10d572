package persona

import "unicode/utf8"

// messageTokens is what a chat template adds around each message.
const messageTokens = 4

// EstimateTokens says about how many tokens a text is, without a tokenizer,
// rather too many than too few. The rule, in quarters of a token per rune,
// rounded up at the end: ASCII letters, digits and spaces 1, other ASCII 2,
// up to U+07FF (Latin with accents, Greek, Cyrillic, Hebrew, Arabic) 2, the
// rest of the basic plane (Chinese, Japanese, Korean, Thai) 4, beyond it
// (emoji) 8, and a byte that is not UTF-8 4.
func EstimateTokens(text string) int {
	quarters := 0
	for i := 0; i < len(text); {
		weight, size := runeTokens(text[i:])
		quarters += weight
		i += size
	}
	return (quarters + 3) / 4
}

// clipTokens returns the longest beginning of text, cut between runes, that
// EstimateTokens gives at most n.
func clipTokens(text string, n int) string {
	quarters := 0
	for i := 0; i < len(text); {
		weight, size := runeTokens(text[i:])
		quarters += weight
		if quarters > 4*n {
			return text[:i]
		}
		i += size
	}
	return text
}

// runeTokens returns the quarters of a token and the bytes of the first rune.
func runeTokens(text string) (quarters, size int) {
	r, size := utf8.DecodeRuneInString(text)
	switch {
	case r == utf8.RuneError && size == 1:
		return 4, size
	case r == ' ' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
		return 1, size
	case r < 0x800:
		return 2, size
	case r < 0x10000:
		return 4, size
	}
	return 8, size
}

// clipEnd returns the last n bytes of text, cut between runes.
func clipEnd(text string, n int) string {
	if len(text) <= n {
		return text
	}
	at := len(text) - n
	for at < len(text) && !utf8.RuneStart(text[at]) {
		at++
	}
	return text[at:]
}
