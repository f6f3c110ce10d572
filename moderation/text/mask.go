package text

import "strings"

// maxMasking is how often Model.Mask looks again for terms that a mask may
// have laid bare. Once is enough for anything but made-up text.
const maxMasking = 4

// Mask returns text with what the terms cover replaced, one ◼ for each visible
// character. Terms that lie outside text or before the one before are skipped.
func Mask(text string, terms []Term) string {
	if len(terms) == 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	done := 0
	for _, t := range terms {
		if t.Start < 0 || t.End > len(text) || t.End <= t.Start || t.End <= done {
			continue
		}
		start := max(t.Start, done)
		b.WriteString(text[done:start])
		for _, r := range text[start:t.End] {
			if classOf(r) != dropped {
				b.WriteRune(masked)
			}
		}
		done = t.End
	}
	b.WriteString(text[done:])
	return b.String()
}

// Mask returns what may be delivered of text: the part that was read, with
// every listed term masked, so that nothing listed is found in it again. Where
// masking lays bare ever new terms, all of it is masked.
func (m *Model) Mask(text string, s *Scratch) string {
	text = cut(text)
	for range maxMasking {
		r := m.Score(text, s)
		if len(r.Terms) == 0 {
			return text
		}
		text = Mask(text, r.Terms)
	}
	if len(m.Score(text, s).Terms) == 0 {
		return text
	}
	return Mask(text, []Term{{End: len(text)}})
}
