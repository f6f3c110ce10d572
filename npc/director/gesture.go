package director

import (
	"slices"
	"strings"
	"unicode"
)

// The gestures a character makes of its own accord, where it has no words.
const (
	GestureLost     = "shrug"      // no answer in time, and no line for that
	GestureBusy     = "raise_hand" // too many at once
	GestureRefused  = "shake_head" // what it would have said was withheld
	GestureFarewell = "wave"
)

// gestures are the verbs of stage directions that a body can show, without
// their endings.
var gestures = map[string]string{
	"wav": "wave", "nod": "nod", "nodd": "nod", "bow": "bow", "curtsi": "bow", "curtsy": "bow", "shrug": "shrug", "shrugg": "shrug",
	"smil": "smile", "grin": "smile", "grinn": "smile", "laugh": "laugh", "chuckl": "laugh", "giggl": "laugh", "point": "point",
	"clap": "clap", "clapp": "clap", "applaud": "clap", "sigh": "sigh", "frown": "frown", "scowl": "frown", "wink": "wink",
	"salut": "salute", "cheer": "cheer", "beckon": "beckon",
}

// gestureOf returns the gesture that a stage direction comes to, "" for none:
// the words of a model never name a gesture outside of the list.
func gestureOf(direction string) string {
	words := strings.FieldsFunc(strings.ToLower(direction), func(r rune) bool { return !unicode.IsLetter(r) })
	for i, w := range words {
		for _, ending := range []string{"", "s", "e", "es", "d", "ed", "ing"} {
			if stem, ok := strings.CutSuffix(w, ending); ok && gestures[stem] != "" {
				return gestures[stem]
			}
		}
		if at := slices.Index(words[i:], "head"); at > 0 && strings.HasPrefix(w, "shak") {
			return GestureRefused
		}
		if at := slices.Index(words[i:], "hand"); at > 0 && strings.HasPrefix(w, "rais") {
			return GestureBusy
		}
	}
	return ""
}

// thirdPerson reports whether a stage direction may begin with word: "sighs".
func thirdPerson(word string) bool {
	return len(word) > 3 && strings.HasSuffix(word, "s") && strings.ToLower(word) == word
}
