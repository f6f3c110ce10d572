package persona

import (
	"cmp"
	"fmt"
	"slices"

	"earshot"
)

// Book is a lorebook made ready for looking things up. It is immutable.
type Book struct {
	depth, budget int
	recursive     bool
	entries       []loreEntry
}

type loreEntry struct {
	decorated
	tokens          int
	keys, secondary matcher
	also, never     matcher // @@additional_keys, @@exclude_keys
	constant        bool
	order, priority int
}

// Chosen is an entry that goes into the prompt.
type Chosen struct {
	Index    int    // in Lorebook.Entries
	Content  string // without decorators
	Constant bool
	Tokens   int // by EstimateTokens
}

// NewBook compiles a lorebook. An entry with an expression that RE2 does not
// take, or that is too large, is left out and reported; the others work.
func NewBook(l Lorebook) (*Book, earshot.Problems) {
	b := &Book{depth: orDefault(l.ScanDepth, DefaultScanDepth), budget: orDefault(l.TokenBudget, DefaultLoreBudget), recursive: l.Recursive}
	var problems earshot.Problems
	left := maxPatterns
	for i, e := range l.Entries[:min(len(l.Entries), maxLore)] {
		entry, problem := newLoreEntry(e, &left)
		if problem != "" {
			problems = append(problems, earshot.Problem{Field: fmt.Sprintf("lorebook.entries[%d].keys", i), Message: problem})
			entry.off = true
		}
		b.entries = append(b.entries, entry)
	}
	return b, problems
}

func orDefault(v, otherwise int) int {
	if v > 0 {
		return v
	}
	return otherwise
}

func newLoreEntry(e Entry, left *int) (loreEntry, string) {
	entry := loreEntry{decorated: undecorate(e.Content), constant: e.Constant, order: e.Order, priority: e.priority()}
	entry.tokens = EstimateTokens(entry.content)
	entry.off = e.Disabled || entry.off || entry.content == ""
	entry.also = newMatcher(entry.additional, e.CaseSensitive)
	entry.never = newMatcher(entry.exclude, e.CaseSensitive)
	if e.Disabled {
		return entry, ""
	}
	if !e.Regex {
		entry.keys = newMatcher(e.Keys, e.CaseSensitive)
		entry.secondary = newMatcher(e.SecondaryKeys, e.CaseSensitive)
		return entry, ""
	}
	for _, key := range e.Keys {
		re, size, problem := compilePattern(key, e.CaseSensitive)
		if problem == "" && size > *left {
			problem = "does not fit: all expressions of a lorebook have 4000 steps at most"
		}
		if problem != "" {
			return entry, fmt.Sprintf("%.64q %s", key, problem)
		}
		*left -= size
		entry.keys.patterns = append(entry.keys.patterns, re)
	}
	return entry, ""
}

// Select returns the entries to insert, in the order of insertion: constant
// ones, and those whose keys are in the newest messages. messages are oldest
// first. budget bounds the tokens together with the lorebook's own budget;
// negative: only the lorebook's. Over budget constant entries stay before
// others, then those with the higher priority, then those inserted earlier: what
// players say cannot push out what is always true. Equal input gives equal
// output.
func (b *Book) Select(messages []string, budget int) []Chosen {
	if budget < 0 || budget > b.budget {
		budget = b.budget
	}
	return b.within(b.matches(messages), budget)
}

// matches returns the indexes of what matches, budget aside.
func (b *Book) matches(messages []string) []int {
	texts := b.texts(messages)
	taken := make([]bool, len(b.entries))
	var all, fresh []int
	for i := range b.entries {
		if b.entries[i].matches(texts, b.depth) {
			taken[i] = true
			fresh = append(fresh, i)
		}
	}
	all = append(all, fresh...)
	for round := 0; b.recursive && round < maxRounds && len(fresh) > 0; round++ {
		fresh = b.triggered(fresh, taken)
		all = append(all, fresh...)
	}
	return all
}

// texts are the messages any entry looks at, newest first.
func (b *Book) texts(messages []string) []scanned {
	deepest := b.depth
	for i := range b.entries {
		deepest = max(deepest, b.entries[i].scanDepth)
	}
	var newest []string
	for i := len(messages) - 1; i >= 0 && len(newest) < min(deepest, maxList); i-- {
		newest = append(newest, messages[i])
	}
	return scanAll(newest)
}

// triggered returns the entries that the contents of others bring in.
func (b *Book) triggered(by []int, taken []bool) (fresh []int) {
	contents := make([]string, len(by))
	for n, i := range by {
		contents[n] = b.entries[i].content
	}
	texts := scanAll(contents)
	for i := range b.entries {
		if !taken[i] && b.entries[i].matches(texts, len(texts)) {
			taken[i] = true
			fresh = append(fresh, i)
		}
	}
	return fresh
}

func (e *loreEntry) matches(texts []scanned, depth int) bool {
	if e.off {
		return false
	}
	if e.constant || e.always {
		return true
	}
	if e.scanDepth > 0 {
		depth = e.scanDepth
	}
	texts = texts[:min(depth, len(texts))]
	return anyFound(&e.keys, texts) &&
		(e.secondary.empty() || anyFound(&e.secondary, texts)) &&
		(e.also.empty() || anyFound(&e.also, texts)) &&
		!anyFound(&e.never, texts)
}

func (m *matcher) empty() bool { return len(m.keys) == 0 && len(m.patterns) == 0 }

func anyFound(m *matcher, texts []scanned) bool {
	if m.empty() {
		return false
	}
	return slices.ContainsFunc(texts, m.found)
}

// within discards the lowest until the rest fits, then sorts for insertion. An
// entry larger than the whole budget goes first: keeping it would help nobody.
func (b *Book) within(indexes []int, budget int) []Chosen {
	slices.SortFunc(indexes, func(i, j int) int {
		x, y := &b.entries[i], &b.entries[j]
		return cmp.Or(yesFirst(x.constant, y.constant), cmp.Compare(y.priority, x.priority), cmp.Compare(x.order, y.order), cmp.Compare(i, j))
	})
	var kept []int
	whole := budget
	for _, i := range indexes {
		e := &b.entries[i]
		if e.tokens > whole {
			continue
		}
		if e.tokens > budget {
			break
		}
		budget -= e.tokens
		kept = append(kept, i)
	}
	slices.SortFunc(kept, func(i, j int) int {
		return cmp.Or(cmp.Compare(b.entries[i].order, b.entries[j].order), cmp.Compare(i, j))
	})
	chosen := make([]Chosen, len(kept))
	for n, i := range kept {
		chosen[n] = Chosen{Index: i, Content: b.entries[i].content, Constant: b.entries[i].constant, Tokens: b.entries[i].tokens}
	}
	return chosen
}

func yesFirst(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	}
	return 1
}
