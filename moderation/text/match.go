package text

import "math"

// symbol is a letter of the squeezed text: equal neighbours are one symbol.
type symbol struct {
	code   uint8
	run    uint8
	tight  bool   // of a gap: punctuation without spaces
	joined bool   // of a word that was spelled
	first  bool   // of a word
	at, to uint16 // cells of s.out
}

// symbols squeezes s.out into s.syms.
func (s *Scratch) symbols() {
	s.syms = s.syms[:0]
	for _, w := range s.words {
		if w.kind != letter {
			continue
		}
		if n := len(s.syms); n > 0 {
			s.syms = append(s.syms, symbol{code: symGap, run: 1, tight: s.tight(int(s.syms[n-1].to), w.from), at: s.syms[n-1].to, to: uint16(w.from)})
		}
		for i := w.from; i < w.to; i++ {
			c := &s.out[i]
			code := symbolOf(c.r)
			if n := len(s.syms); i > w.from && s.syms[n-1].code == code && code != symOther {
				s.syms[n-1].to = uint16(i + 1)
				s.syms[n-1].run = uint8(min(int(s.syms[n-1].run)+int(c.run), 255))
				continue
			}
			s.syms = append(s.syms, symbol{code: code, run: c.run, at: uint16(i), to: uint16(i + 1), first: i == w.from, joined: w.joined})
		}
	}
}

// tight says whether two words are parted by one mark without spaces.
func (s *Scratch) tight(from, to int) bool {
	return to-from <= 3 && s.out[from].tight && s.out[to-1].tight
}

func symbolOf(r rune) uint8 {
	switch {
	case r >= 'a' && r <= 'z':
		return uint8(r - 'a')
	case r >= '0' && r <= '9':
		return uint8(26 + r - '0')
	case r == '*':
		return symStar
	}
	return symOther
}

// find fills s.found with the terms in s.out, in the order of the text. Of
// terms that begin at the same place only the longest counts; a term that an
// allowed phrase covers does not count.
func (ls *lists) find(s *Scratch) {
	s.symbols()
	for i := 0; i < len(s.syms); {
		if s.syms[i].code >= symGap {
			i++
			continue
		}
		t := &ls.inner
		if s.syms[i].first {
			t = &ls.words
		}
		e, end := ls.longest(t, s, i)
		if e == nil && s.syms[i].joined && !s.syms[i].first {
			e, end = ls.longest(&ls.words, s, i)
		}
		switch {
		case e == nil:
			i++
		case e.allowed:
			i = end
		default:
			i = s.addTerm(e, i, end)
		}
	}
}

// longest returns the longest entry that begins at symbol i, with the symbol
// after it. Marks inside a word are read as gaps and, second, as nothing.
func (ls *lists) longest(t *trie, s *Scratch, i int) (*entry, int) {
	if t.nodes[0].next[s.syms[i].code] == 0 { // most letters begin nothing
		return nil, 0
	}
	e, end, tight := ls.walk(t, s, i, false)
	if tight {
		if e2, end2, _ := ls.walk(t, s, i, true); e2 != nil && end2 > end {
			return e2, end2
		}
	}
	return e, end
}

// walk follows the trie from symbol i on. tight: it met a mark without spaces.
func (ls *lists) walk(t *trie, s *Scratch, i int, skip bool) (best *entry, end int, tight bool) {
	at, depth, skipped := uint16(0), 0, 0
	var path [64]uint16 // symbols the walk took
	for j := i; j < len(s.syms) && depth < len(path); j++ {
		sym := &s.syms[j]
		if sym.code == symOther {
			break
		}
		if sym.code == symGap && sym.tight && depth > 0 {
			tight = true
			if skip {
				skipped++
				continue // fu-ck
			}
		}
		next := t.nodes[at].next[sym.code]
		if gap := t.nodes[at].next[symGap]; next == 0 && gap != 0 && sym.joined && !sym.first && depth+1 < len(path) {
			path[depth] = noSymbol // k i l l y o u r s e l f: the gap of the term is not in the text
			depth++
			next = t.nodes[gap].next[sym.code]
		}
		at = next
		if at == 0 {
			break
		}
		path[depth] = uint16(j)
		depth++
		n := &t.nodes[at]
		for _, id := range t.ends[n.first : n.first+uint16(n.count)] {
			if e := &ls.entries[id]; e.fits(s.syms, path[:depth], skipped) {
				best, end = e, j+1
			}
		}
	}
	return best, end, tight
}

// noSymbol stands in a path for a gap of the term that the text does not have.
const noSymbol = math.MaxUint16

// fits says whether the symbols on path really spell e: repeats, word ends,
// and nothing skipped in what is short or mild.
func (e *entry) fits(syms []symbol, path []uint16, skipped int) bool {
	end := int(path[len(path)-1])
	begin := &syms[path[0]]
	whole := end+1 >= len(syms) || syms[end+1].code == symGap
	switch {
	case skipped > 0 && (e.severity < 2 || len(path) < 4 || !whole || skipped > 2):
		return false
	case begin.joined && syms[end].joined && len(path) >= 4: // f u c k y o u: no word ends to see
	case !begin.first && !e.inner, !whole && !e.open:
		return false
	}
	for k, want := range e.runs {
		if path[k] == noSymbol {
			continue
		}
		got := syms[path[k]].run
		long := got >= 3 || got == 2 && want == 1 && len(path) >= 5
		if got != want && !(long && got > want) && syms[path[k]].code != symStar && syms[path[k]].code != symGap {
			return false
		}
	}
	return true
}

// addTerm records a term, with all of the word it is a part of, and returns the
// symbol after it.
func (s *Scratch) addTerm(e *entry, i, end int) int {
	if e.open {
		for end < len(s.syms) && s.syms[end].code != symGap {
			end++
		}
	}
	if e.inner {
		for i > 0 && s.syms[i-1].code != symGap {
			i--
		}
	}
	s.found = append(s.found, Term{
		Name: e.name, Language: e.language, Category: e.category, Severity: e.severity,
		Start: int(s.out[s.syms[i].at].from), End: int(s.out[s.syms[end-1].to-1].to),
	})
	return end
}
