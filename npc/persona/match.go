package persona

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"
)

// matcher finds the keys of one entry.
type matcher struct {
	sensitive bool
	keys      []string // folded unless sensitive
	patterns  []*regexp.Regexp
}

func newMatcher(keys []string, sensitive bool) matcher {
	m := matcher{sensitive: sensitive}
	for _, key := range keys {
		if key = strings.TrimSpace(key); key == "" {
			continue
		}
		if !sensitive {
			key = strings.ToLower(key)
		}
		m.keys = append(m.keys, key)
	}
	return m
}

func (m *matcher) found(text scanned) bool {
	in := text.folded
	if m.sensitive {
		in = text.plain
	}
	for _, key := range m.keys {
		if containsKey(in, key) {
			return true
		}
	}
	for _, pattern := range m.patterns {
		if pattern.MatchString(text.plain) {
			return true
		}
	}
	return false
}

// scanned is a text that keys are looked for in, folded once.
type scanned struct{ plain, folded string }

// scanAll takes the ends of texts until maxScanAll is reached.
func scanAll(texts []string) []scanned {
	var all []scanned
	for left := maxScanAll; len(texts) > 0 && left > 0; texts = texts[1:] {
		text := clipEnd(texts[0], min(maxScan, left))
		left -= len(text)
		all = append(all, scanned{text, strings.ToLower(text)})
	}
	return all
}

// containsKey reports whether a word of text begins with key, so that "dragon"
// is found in "Dragons" and "art" not in "start". A key of up to three letters
// must be the whole word: "cat" is not in "category". In scripts that put no
// spaces between words, any place will do.
func containsKey(text, key string) bool {
	if key == "" {
		return false
	}
	first, _ := utf8.DecodeRuneInString(key)
	last, _ := utf8.DecodeLastRuneInString(key)
	whole := utf8.RuneCountInString(key) <= 3
	for at := 0; ; {
		i := strings.Index(text[at:], key)
		if i < 0 {
			return false
		}
		i += at
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(key):])
		if !(glued(first) && glued(before)) && !(whole && glued(last) && glued(after)) {
			return true
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		at = i + size
	}
}

// glued reports whether r is part of a word that spaces end.
func glued(r rune) bool {
	if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
		return false
	}
	return !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// compilePattern compiles a key that is a regular expression: RE2 syntax, or
// /RE2/flags with the flags i, m, s, g and u as cards from JavaScript have it.
// size is how many instructions it has; problem says why it is refused.
func compilePattern(key string, sensitive bool) (re *regexp.Regexp, size int, problem string) {
	if len(key) > maxKey {
		return nil, 0, "is longer than 256 bytes"
	}
	flags := ""
	if !sensitive {
		flags = "i"
	}
	if end := strings.LastIndexByte(key, '/'); end > 0 && key[0] == '/' && strings.Trim(key[end+1:], "imsgu") == "" {
		flags = strings.NewReplacer("g", "", "u", "").Replace(key[end+1:])
		key = key[1:end]
	}
	if flags != "" {
		key = "(?" + flags + ":" + key + ")"
	}
	tree, err := syntax.Parse(key, syntax.Perl)
	if err != nil {
		return nil, 0, "is no RE2 expression: " + err.Error()
	}
	if size = instructions(tree); size > maxPattern {
		return nil, size, "repeats too much: more than 1000 steps"
	}
	if re, err = regexp.Compile(key); err != nil {
		return nil, size, "is no RE2 expression: " + err.Error()
	}
	return re, size, ""
}

// instructions says about how large the program of an expression gets when its
// counted repeats are unrolled.
func instructions(tree *syntax.Regexp) int {
	size := 1 + len(tree.Rune)/8
	if tree.Op == syntax.OpLiteral {
		size = 1 + len(tree.Rune)
	}
	for _, sub := range tree.Sub {
		size = min(size+instructions(sub), maxPatterns)
	}
	if tree.Op == syntax.OpRepeat {
		size *= max(tree.Min, tree.Max, 1)
	}
	return min(size, maxPatterns)
}
