package persona

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"earshot"
)

// bookFields and entryFields are the members of a card's lorebook and of its
// entries. A value is what the format wants there.
var bookFields = []struct {
	name string
	of   func(*Lorebook) any
}{
	{"name", func(l *Lorebook) any { return l.Name }},
	{"scan_depth", func(l *Lorebook) any { return l.ScanDepth }},
	{"token_budget", func(l *Lorebook) any { return l.TokenBudget }},
	{"recursive_scanning", func(l *Lorebook) any { return l.Recursive }},
}

var entryFields = []struct {
	name string
	of   func(*Entry) any
}{
	{"name", func(e *Entry) any { return e.Name }},
	{"keys", func(e *Entry) any { return list(e.Keys) }},
	{"content", func(e *Entry) any { return e.Content }},
	{"enabled", func(e *Entry) any { return !e.Disabled }},
	{"insertion_order", func(e *Entry) any { return e.Order }},
	{"priority", func(e *Entry) any { return e.Priority }},
	{"case_sensitive", func(e *Entry) any { return e.CaseSensitive }},
	{"use_regex", func(e *Entry) any { return e.Regex }},
	{"constant", func(e *Entry) any { return e.Constant }},
	{"secondary_keys", func(e *Entry) any { return list(e.SecondaryKeys) }},
	{"selective", func(e *Entry) any { return len(e.SecondaryKeys) > 0 }},
}

const (
	emptyBook  = `{"extensions":{},"entries":[]}`
	emptyEntry = `{"keys":[],"content":"","extensions":{},"enabled":true,"insertion_order":0,"use_regex":false}`
)

// list makes an empty list of none.
func list(all []string) []string { return append([]string{}, all...) }

func readBook(text []byte) (l Lorebook, err error) {
	if _, ok := members(text); !ok {
		return l, earshot.Errorf(earshot.CodeInvalidArgument, "card: data.character_book: is no object")
	}
	r := reader{text: text, where: "data.character_book"}
	r.into(&l.Name, "name")
	l.ScanDepth = max(0, min(r.number("scan_depth"), maxList))
	l.TokenBudget = max(0, min(r.number("token_budget"), MaxContext))
	r.into(&l.Recursive, "recursive_scanning")
	if r.err != nil {
		return l, r.err
	}
	raw, _ := lookup(text, "entries")
	list, _ := elements(raw)
	if len(list) > maxLore {
		return l, earshot.Errorf(earshot.CodeResourceExhausted, "card: lorebook of %d entries, at most %d are read", len(list), maxLore)
	}
	for i, text := range list {
		e, err := readEntry(text, fmt.Sprintf("data.character_book.entries[%d]", i))
		if err != nil {
			return l, err
		}
		l.Entries = append(l.Entries, e)
	}
	return l, nil
}

func readEntry(text []byte, where string) (e Entry, err error) {
	enabled, selective := true, false
	var secondary []string
	r := reader{text: text, where: where}
	r.into(&e.Name, "name")
	r.into(&e.Keys, "keys")
	r.into(&e.Content, "content")
	r.into(&enabled, "enabled")
	r.into(&selective, "selective")
	r.into(&secondary, "secondary_keys")
	r.into(&e.CaseSensitive, "case_sensitive")
	r.into(&e.Regex, "use_regex")
	r.into(&e.Constant, "constant")
	e.Order = r.number("insertion_order")
	if raw, ok := lookup(text, "priority"); ok && string(raw) != "null" {
		priority := r.number("priority")
		e.Priority = &priority
	}
	e.Disabled = !enabled
	if selective {
		e.SecondaryKeys = secondary
	}
	return e, r.err
}

// reader reads members of one object and keeps the first error.
type reader struct {
	text  []byte
	where string
	err   error
}

func (r *reader) into(v any, name string) {
	raw, ok := lookup(r.text, name)
	if !ok || string(raw) == "null" || r.err != nil {
		return
	}
	if err := json.Unmarshal(raw, v); err != nil {
		r.err = earshot.Errorf(earshot.CodeInvalidArgument, "card: %s.%s: %s", r.where, name, typeError(err))
	}
}

// number reads what may be written 1.0, and holds it within 32 bits.
func (r *reader) number(name string) int {
	var v float64
	r.into(&v, name)
	return int(max(math.MinInt32, min(math.MaxInt32, v)))
}

// disableBroken switches off entries that cannot match and says which. What is
// over the limits of Validate is left for it to complain about.
func (l *Lorebook) disableBroken() (warnings earshot.Problems) {
	_, problems := NewBook(*l)
	broken := map[string]string{}
	for _, p := range problems {
		broken[p.Field] = p.Message
	}
	for i := range l.Entries {
		field, e := fmt.Sprintf("lorebook.entries[%d].keys", i), &l.Entries[i]
		message, isBroken := broken[field]
		if !isBroken && !e.matchable() {
			message, isBroken = "none, and the entry is not constant", true
		}
		if isBroken && !e.Disabled {
			e.Disabled = true
			warnings = append(warnings, earshot.Problem{Field: field, Message: message + "; the entry is disabled"})
		}
	}
	return warnings
}

// matchable reports whether something could bring the entry in.
func (e *Entry) matchable() bool {
	return e.Constant || undecorate(e.Content).always || slices.ContainsFunc(e.Keys, func(k string) bool { return strings.TrimSpace(k) != "" })
}

// exportBook writes into a card's text how the lorebook differs from old, the
// one that the text says.
func exportBook(text []byte, l, old *Lorebook) []byte {
	path := []string{"data", "character_book"}
	book, ok := lookup(text, path...)
	if _, isObject := members(book); !ok || !isObject {
		book = []byte(emptyBook)
	}
	before := string(book)
	for _, f := range bookFields {
		if now := encode(f.of(l)); string(now) != string(encode(f.of(old))) {
			book = set(book, now, f.name)
		}
	}
	raw, _ := lookup(book, "entries")
	list, _ := elements(raw)
	if entries := exportEntries(l.Entries, old.Entries, list); !sameEntries(l.Entries, old.Entries) {
		book = set(book, join([]byte("["), []byte(strings.Join(entries, ",")), []byte("]")), "entries")
	}
	if string(book) == before {
		return text
	}
	return set(text, book, path...)
}

func sameEntries(x, y []Entry) bool {
	return slices.EqualFunc(x, y, func(a, b Entry) bool { return a.key() == b.key() })
}

// key is equal for entries that say the same.
func (e *Entry) key() string {
	var b strings.Builder
	for _, f := range entryFields {
		b.Write(encode(f.of(e)))
		b.WriteByte(0)
	}
	return b.String()
}

// exportEntries returns the text of each entry: of one that is unchanged as it
// was, of one that was edited (the same keys or the same content as an old
// one, or its place in a list of the same length) with only that changed.
func exportEntries(entries, old []Entry, texts [][]byte) []string {
	used, from := make([]bool, len(old)), make([]int, len(entries))
	claim := func(equal func(i, j int) bool) {
		for i := range entries {
			for j := 0; j < len(old) && from[i] < 0; j++ {
				if !used[j] && equal(i, j) {
					from[i], used[j] = j, true
				}
			}
		}
	}
	for i := range from {
		from[i] = -1
	}
	keys, oldKeys := entryKeys(entries), entryKeys(old)
	claim(func(i, j int) bool { return keys[i] == oldKeys[j] })
	claim(func(i, j int) bool {
		return len(old[j].Keys) > 0 && slices.Equal(entries[i].Keys, old[j].Keys) || entries[i].Content == old[j].Content
	})
	claim(func(i, j int) bool { return i == j && len(entries) == len(old) })
	out := make([]string, len(entries))
	fresh, _ := readEntry([]byte(emptyEntry), "")
	for i := range entries {
		if j := from[i]; j >= 0 {
			out[i] = exportEntry(texts[j], &entries[i], &old[j])
		} else {
			out[i] = exportEntry([]byte(emptyEntry), &entries[i], &fresh)
		}
	}
	return out
}

func entryKeys(entries []Entry) []string {
	keys := make([]string, len(entries))
	for i := range entries {
		keys[i] = entries[i].key()
	}
	return keys
}

func exportEntry(text []byte, e, old *Entry) string {
	for _, f := range entryFields {
		if now := encode(f.of(e)); string(now) != string(encode(f.of(old))) {
			text = set(text, now, f.name)
		}
	}
	return string(text)
}
