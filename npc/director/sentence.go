package director

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// abbreviations are words after which a full stop ends no sentence.
var abbreviations = map[string]bool{
	"mr": true, "mrs": true, "ms": true, "dr": true, "prof": true, "st": true, "sr": true, "jr": true, "capt": true,
	"sgt": true, "lt": true, "gen": true, "col": true, "rev": true, "hon": true, "mt": true, "vs": true, "approx": true,
	"e.g": true, "i.e": true, "cf": true, "nr": true, "z.b": true, "bzw": true, "ca": true, "hr": true, "fr": true,
	"sra": true, "mme": true, "mlle": true,
}

func terminal(r rune) bool { return wide(r) || r == '.' || r == '!' || r == '?' || r == '…' }

// wide are the full stops of scripts that put no space after them.
func wide(r rune) bool { return r == '。' || r == '！' || r == '？' || r == '｡' || r == '।' }

func closer(r rune) bool { return strings.ContainsRune(`"'”’»)]」』`, r) }

// terminal looks at a run of full stops and what closes behind it, and decides
// whether the sentence ends there.
func (s *Splitter) terminal(raw []byte) int {
	n, first := 0, rune(0)
	onlyStops, wideEnd := true, false
	for n < len(raw) {
		if !utf8.FullRune(raw[n:]) && !s.eof {
			return need
		}
		r, size := utf8.DecodeRune(raw[n:])
		if !terminal(r) {
			break
		}
		if first == 0 {
			first = r
		}
		onlyStops = onlyStops && (r == '.' || r == '…')
		wideEnd = wideEnd || wide(r)
		n += size
	}
	stops := n
	for n < len(raw) {
		if !utf8.FullRune(raw[n:]) && !s.eof {
			return need
		}
		r, size := utf8.DecodeRune(raw[n:])
		if !closer(r) {
			break
		}
		n += size
	}
	if n > 64 { // no such punctuation: it is noise
		s.put(raw[:stops])
		return stops
	}
	if n == len(raw) && !s.eof {
		return need
	}
	end, wait := s.ends(raw[n:], first, stops, onlyStops, wideEnd, n > stops)
	if wait {
		return need
	}
	s.put(raw[:n])
	if end {
		s.sentence()
	}
	return n
}

// put adds runes that belong together, which is why the sentence is not cut
// between them.
func (s *Splitter) put(run []byte) {
	s.cur = append(s.cur, run...)
	s.runes += utf8.RuneCount(run)
	if s.runes > s.max+64 {
		s.cut()
	}
}

// ends decides by what follows the full stop. wait: that is not known yet.
func (s *Splitter) ends(after []byte, first rune, stops int, onlyStops, wideEnd, closed bool) (end, wait bool) {
	if wideEnd || len(after) == 0 {
		return true, false
	}
	r, _ := utf8.DecodeRune(after)
	if !unicode.IsSpace(r) {
		return r == '*' || r == '\n', false // 3.5, example.org, "..."
	}
	word := lastWord(s.cur)
	one := first == '.' && stops == 1
	if one && s.abbreviated(word) {
		return false, false
	}
	next, known := s.nextRune(after)
	if !known {
		// A question or a cry ends whatever follows, unless what is quoted so
		// is part of a longer sentence.
		return !onlyStops && !closed, onlyStops || closed
	}
	switch {
	case next == '\n' || next == 0:
		return true, false
	case one && strings.EqualFold(word, "no") && unicode.IsDigit(next):
		return false, false
	case onlyStops || closed:
		return !unicode.IsLower(next), false
	}
	return true, false
}

// abbreviated reports whether a full stop after word does not end a sentence:
// a known abbreviation, an initial, the number of a list.
func (s *Splitter) abbreviated(word string) bool {
	if abbreviations[strings.ToLower(word)] {
		return true
	}
	r, size := utf8.DecodeRuneInString(word)
	if size == len(word) && unicode.IsUpper(r) && r != 'I' && !ideographic(r) {
		return true
	}
	return len(word) <= 2 && len(word) == len(strings.TrimSpace(string(s.cur))) && strings.Trim(word, "0123456789") == "" && word != ""
}

func ideographic(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// maxGapBytes bounds the white space that is looked through for what follows a
// full stop.
const maxGapBytes = 64

// nextRune returns the first rune after white space, '\n' if a line ends
// first, 0 at the end of the answer.
func (s *Splitter) nextRune(after []byte) (next rune, known bool) {
	for skipped := 0; len(after) > 0; {
		if skipped > maxGapBytes {
			return '\n', true // as good as a new line
		}
		if !utf8.FullRune(after) && !s.eof {
			return 0, false
		}
		r, size := utf8.DecodeRune(after)
		if r == '\n' || !unicode.IsSpace(r) {
			return r, true
		}
		after = after[size:]
		skipped += size
	}
	return 0, s.eof
}

func lastWord(text []byte) string {
	at := strings.LastIndexFunc(string(text), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`("'“„«[`, r) })
	if at < 0 {
		return string(text)
	}
	_, size := utf8.DecodeRune(text[at:])
	return string(text[at+size:])
}
