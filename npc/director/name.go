package director

import (
	"strings"
	"unicode"
)

// mention is how surely a name was said.
type mention uint8

const (
	notNamed   mention = iota
	likeNamed          // a word that a transcriber may have made of it
	namedInset         // the name, within what is said: perhaps about, not to
	named              // the name, where one is called: at the beginning or end
)

// titles are parts of names that call nobody in particular.
var titles = map[string]bool{
	"the": true, "of": true, "old": true, "young": true, "sir": true, "lady": true, "lord": true, "king": true, "queen": true,
	"captain": true, "master": true, "mistress": true, "doctor": true, "dr": true, "mr": true, "mrs": true, "von": true, "van": true,
	"and": true, "for": true, "der": true, "die": true, "das": true,
}

// callNames are the words by which somebody may be called: each word of their
// names that is long enough and no title; if there is none, the whole.
func callNames(names ...string) (calls []string) {
	for _, name := range names {
		for _, w := range wordsOf(name) {
			w = fold(w)
			if len(w) >= 2 && !titles[w] && !contains(calls, w) && (len(w) >= 3 || ideographicWord(w)) {
				calls = append(calls, w)
			}
		}
	}
	if len(calls) == 0 {
		for _, name := range names {
			if w := fold(strings.Join(wordsOf(name), "")); w != "" && !contains(calls, w) {
				calls = append(calls, w)
			}
		}
	}
	return calls
}

func contains(all []string, w string) bool {
	for _, have := range all {
		if have == w {
			return true
		}
	}
	return false
}

func ideographicWord(w string) bool {
	for _, r := range w {
		return ideographic(r)
	}
	return false
}

// mentioned looks for one of calls in what is said. Words of others' names are
// not taken for misheard ones of these.
func mentioned(said []string, calls, others []string, voice bool) (best mention) {
	for i, w := range said {
		w = fold(w)
		w = strings.TrimSuffix(w, "'s")
		for _, call := range calls {
			switch {
			case w == call || ideographicWord(call) && strings.Contains(w, call):
				if calling(said, i) {
					return named
				}
				best = max(best, namedInset)
			case voice && !contains(others, w) && misheard(w, call):
				best = max(best, likeNamed)
			}
		}
	}
	return best
}

// calling reports whether the word at i calls somebody rather than being about
// them: near the beginning or at the end, and no verb of theirs follows.
func calling(said []string, i int) bool {
	if i+1 < len(said) && aboutThem[said[i+1]] || i > 0 && beforeThem[said[i-1]] {
		return false
	}
	return i <= 2 || i == len(said)-1
}

var aboutThem = map[string]bool{
	"is": true, "was": true, "has": true, "had": true, "says": true, "said": true, "will": true, "would": true, "can": true, "could": true,
	"does": true, "did": true, "knows": true, "wants": true, "told": true, "and": true, "ist": true, "hat": true, "sagt": true, "war": true,
}

var beforeThem = map[string]bool{
	"about": true, "with": true, "from": true, "to": true, "for": true, "of": true, "by": true, "ask": true, "asked": true, "tell": true,
	"told": true, "is": true, "was": true, "and": true, "like": true, "von": true, "mit": true, "über": true,
}

// misheard reports whether a transcriber may have made w of a name: one edit
// for four letters or more, two for seven or more, with letters that sound
// alike counted as one.
func misheard(w, name string) bool {
	a, b := phonetic(w), phonetic(name)
	most := 0
	switch n := len(name); {
	case n >= 7:
		most = 2
	case n >= 4:
		most = 1
	}
	if len(a) == 0 || len(b) == 0 || len(w) < 3 || most == 0 && a != b {
		return false
	}
	return a[0] == b[0] && edits(a, b, most) <= most
}

// phonetic spells a word nearer to how it sounds.
func phonetic(w string) string {
	w = sounds.Replace(w)
	var b strings.Builder
	var last rune
	for _, r := range w {
		if r != last {
			b.WriteRune(r)
		}
		last = r
	}
	return b.String()
}

var sounds = strings.NewReplacer("ph", "f", "ck", "k", "c", "k", "q", "k", "th", "t", "ah", "a", "eh", "e", "y", "i", "z", "s", "w", "v", "'", "")

// edits is the Levenshtein distance, or more than most as soon as that is
// certain.
func edits(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most || len(a) > 32 || len(b) > 32 {
		return most + 1
	}
	var rows [2][33]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := range len(a) {
		old, now := &rows[i%2], &rows[(i+1)%2]
		now[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			now[j+1] = min(old[j]+cost, old[j+1]+1, now[j]+1)
		}
	}
	return rows[len(a)%2][len(b)]
}

// fold makes letters with accents plain and all small, so that José and Jose
// are one name.
func fold(w string) string {
	return strings.Map(func(r rune) rune {
		r = unicode.ToLower(r)
		if plain, ok := accents[r]; ok {
			return plain
		}
		if unicode.IsMark(r) {
			return -1
		}
		return r
	}, w)
}

var accents = func() map[rune]rune {
	m := map[rune]rune{}
	for plain, all := range map[rune]string{
		'a': "àáâãäåāăą", 'c': "çćč", 'e': "èéêëēęě", 'i': "ìíîïī", 'n': "ñńň", 'o': "òóôõöøō", 'u': "ùúûüūůű", 'y': "ýÿ", 's': "śšş", 'z': "źżž", 'l': "ł",
	} {
		for _, r := range all {
			m[r] = plain
		}
	}
	return m
}()
