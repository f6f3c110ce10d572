package director

import (
	"slices"
	"strings"
	"unicode"
)

// Sounding is what words sound like to somebody who waits for their turn.
type Sounding uint8

// The soundings.
const (
	Finished    Sounding = iota
	Unfinished           // more is likely to come
	Backchannel          // "mhm": said while somebody else goes on talking
	Nothing              // no words
)

// Sound judges what was said, by its last words only: a wrong guess costs the
// speaker a wait of MaxEndpoint at most.
func Sound(text string) Sounding {
	words := wordsOf(text)
	switch {
	case len(words) == 0:
		return Nothing
	case backchannel(words):
		return Backchannel
	case unfinished(text, words[len(words)-1]):
		return Unfinished
	}
	return Finished
}

// wordsOf returns the words in lower case without marks. What transcribers
// write for noises, "[music]" and "(coughs)", is no word.
func wordsOf(text string) []string {
	depth := 0
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '[' || r == '(' || r == '♪' && depth == 0:
			depth++
			return ' '
		case r == ']' || r == ')' || r == '♪':
			depth = max(depth-1, 0)
			return ' '
		case depth > 0:
			return ' '
		}
		return unicode.ToLower(r)
	}, text)
	return strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '\''
	})
}

var backchannels = []string{
	"mhm", "mm", "mmm", "hm", "hmm", "uh", "huh", "uhuh", "ah", "aha", "oh", "ooh", "yeah", "yep", "yup", "ok", "okay", "right", "sure",
	"wow", "haha", "hehe", "heh", "lol", "ja", "genau", "stimmt", "ach", "aha", "oui", "ouais", "vale", "claro", "да", "ага", "угу",
}

// backchannel reports whether all words only say "I listen". "Yes" and "no"
// are not among them: they may answer a question.
func backchannel(words []string) bool {
	if len(words) > 4 {
		return false
	}
	for i, w := range words {
		pair := i > 0 && (words[i-1] == "i" && (w == "see" || w == "know") || words[i-1] == "uh" && w == "huh")
		lead := w == "i" && i+1 < len(words) && (words[i+1] == "see" || words[i+1] == "know")
		if !slices.Contains(backchannels, w) && !pair && !lead {
			return false
		}
	}
	return true
}

// hanging are last words after which a sentence goes on, in the languages that
// the packaged speech models know best.
var hanging = []string{
	"and", "or", "but", "so", "because", "if", "when", "while", "that", "which", "who", "the", "a", "an", "my", "your", "his", "her", "our",
	"their", "to", "of", "in", "on", "at", "with", "for", "from", "by", "about", "into", "than", "as", "is", "are", "was", "were", "am",
	"i'm", "it's", "um", "uh", "er", "erm", "like", "well", "very", "can", "could", "would", "will", "should", "do", "does", "did",
	"und", "oder", "aber", "weil", "wenn", "dass", "der", "die", "das", "ein", "eine", "einen", "zu", "mit", "für", "von", "äh", "ähm", "also",
	"et", "ou", "mais", "que", "le", "la", "les", "un", "une", "de", "du", "des", "à", "avec", "pour", "euh",
	"y", "o", "pero", "porque", "el", "los", "las", "con", "para", "eh",
}

// unfinished reports whether a text breaks off: with a comma, a dash, dots, or
// a word that needs another one. A full stop behind such a word does not help:
// transcribers put one wherever somebody pauses; a question mark does, "what
// are you like?" is heard from the melody.
func unfinished(text, last string) bool {
	text = strings.TrimRightFunc(text, unicode.IsSpace)
	for _, mark := range []string{",", ";", ":", "-", "–", "—", "...", "…", "、", "，"} {
		if strings.HasSuffix(text, mark) {
			return true
		}
	}
	if strings.HasSuffix(text, "?") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, "？") || strings.HasSuffix(text, "！") {
		return false
	}
	return slices.Contains(hanging, last)
}
