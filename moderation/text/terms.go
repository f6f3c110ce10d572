package text

import (
	_ "embed"
	"strings"

	"earshot"
)

// The terms, per language. The file contains abusive language.
//
//go:embed terms.txt
var termsFile string

// Term is a listed term found in a text.
type Term struct {
	Name       string // as it is listed, normalised
	Language   string // en, de, fr, es; "" for all
	Category   Category
	Severity   Severity
	Start, End int // bytes of the original text
}

// entry is one line of the lists.
type entry struct {
	name     string
	language string
	category Category
	severity Severity
	runs     []uint8 // how often each letter of the squeezed form repeats
	open     bool    // anything may follow in the same word
	inner    bool    // may begin inside a word
	variant  bool    // with stars for letters
	allowed  bool    // not a term: shields what it covers
}

// The alphabet of the tries: letters, digits, the star and the gap.
const (
	symStar  = 36
	symGap   = 37
	symOther = 38 // in no term
	alphabet = 38
)

// node leads to the next by symbol; 0 leads nowhere.
type node struct {
	next  [alphabet]uint16
	first uint16 // of entries that end here, in trie.ends
	count uint8
}

// trie finds entries by their squeezed spelling (no letter twice in a row).
type trie struct {
	nodes []node
	ends  []uint16
	build [][]uint16 // entries per node while it grows
}

func (t *trie) add(syms []symbol, e uint16) {
	at := uint16(0)
	for _, s := range syms {
		next := t.nodes[at].next[s.code]
		if next == 0 {
			next = uint16(len(t.nodes))
			t.nodes = append(t.nodes, node{})
			t.build = append(t.build, nil)
			t.nodes[at].next[s.code] = next
		}
		at = next
	}
	t.build[at] = append(t.build[at], e)
}

func (t *trie) seal() {
	for i, es := range t.build {
		t.nodes[i].first, t.nodes[i].count = uint16(len(t.ends)), uint8(min(len(es), 255))
		t.ends = append(t.ends, es...)
	}
	t.build = nil
}

func newTrie() trie { return trie{nodes: make([]node, 1), build: make([][]uint16, 1)} }

// lists are all terms, ready to be found.
type lists struct {
	entries []entry
	words   trie // begin where a word begins
	inner   trie // begin anywhere
}

// newLists reads the lists. Lines are "[language category severity]", a term,
// or a comment; "[allow]" opens the list of harmless phrases. A star at the
// end of a term lets the word go on, one in front too lets it begin earlier.
func newLists(file string, l *letters) (*lists, error) {
	ls := &lists{words: newTrie(), inner: newTrie()}
	var s Scratch
	var head entry
	known := false
	for n, line := range strings.Split(file, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			var err error
			if head, err = heading(line); err != nil {
				return nil, earshot.Errorf(earshot.CodeInvalidArgument, "terms.txt:%d: %s", n+1, err.Error())
			}
			known = true
			continue
		}
		if !known {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "terms.txt:%d: a term before the first [language category severity]", n+1)
		}
		for part := range strings.SplitSeq(line, ",") {
			if err := ls.add(strings.TrimSpace(part), head, l, &s); err != nil {
				return nil, earshot.Errorf(earshot.CodeInvalidArgument, "terms.txt:%d: %s", n+1, err.Error())
			}
		}
	}
	ls.words.seal()
	ls.inner.seal()
	return ls, nil
}

func heading(line string) (entry, error) {
	f := strings.Fields(strings.Trim(line, "[]"))
	if len(f) == 1 && f[0] == "allow" {
		return entry{allowed: true}, nil
	}
	if len(f) == 3 && len(f[2]) == 1 && f[2][0] >= '1' && f[2][0] <= '3' {
		if c, ok := categoryByName(f[1]); ok {
			e := entry{language: f[0], category: c, severity: Severity(f[2][0] - '0')}
			if e.language == "all" {
				e.language = ""
			}
			return e, nil
		}
	}
	return entry{}, earshot.Errorf(earshot.CodeInvalidArgument, "want [language category severity 1-3] or [allow], got %q", line)
}

func (ls *lists) add(name string, e entry, l *letters, s *Scratch) error {
	if name == "" {
		return nil
	}
	e.inner = strings.HasPrefix(name, "*")
	e.open = strings.HasSuffix(name, "*")
	l.normalise(strings.Trim(name, "*"), s)
	s.symbols()
	if len(s.syms) == 0 || len(ls.entries) > 60000 {
		return earshot.Errorf(earshot.CodeInvalidArgument, "nothing is left of %q", name)
	}
	for _, sym := range s.syms {
		if sym.code >= alphabet {
			return earshot.Errorf(earshot.CodeInvalidArgument, "%q has a letter that is not Latin; see letters.txt", name)
		}
	}
	var spelling strings.Builder
	for _, c := range s.out {
		spelling.WriteRune(c.r)
	}
	e.name = spelling.String()
	ls.insert(s.syms, e)
	if !e.allowed && e.severity >= 2 {
		ls.addStarred(s.syms, e)
	}
	return nil
}

func (ls *lists) insert(syms []symbol, e entry) {
	e.runs = make([]uint8, len(syms))
	for i, s := range syms {
		e.runs[i] = s.run
	}
	ls.entries = append(ls.entries, e)
	id := uint16(len(ls.entries) - 1)
	ls.words.add(syms, id)
	if e.inner {
		ls.inner.add(syms, id)
	}
}

// addStarred lists a word of four to eight letters with a star for each of its
// vowels and for all but its first and last letter.
func (ls *lists) addStarred(syms []symbol, e entry) {
	if len(syms) < 3 || len(e.name) < 4 || len(e.name) > 8 || strings.Contains(e.name, " ") {
		return
	}
	e.variant, e.inner = true, false
	variant := make([]symbol, len(syms))
	for i := 1; i < len(syms)-1; i++ {
		if vowel(rune('a'+syms[i].code)) || syms[i].code == 'i'-'a' {
			copy(variant, syms)
			variant[i] = symbol{code: symStar, run: 1}
			ls.insert(variant, e)
		}
	}
	if len(syms) > 3 {
		ls.insert([]symbol{syms[0], {code: symStar, run: 1}, syms[len(syms)-1]}, e)
	}
}
