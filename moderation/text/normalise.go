package text

import "unicode/utf8"

// Normalise returns text as the term lists and the model read it: lower case,
// look-alikes and leet undone, accents and everything invisible gone, spaced
// letters joined, long repeats cut, punctuation and emoji as words of their
// own, one space between words. At most MaxBytes are read. Normalising
// the result again changes nothing.
func (m *Model) Normalise(text string, s *Scratch) string {
	m.letters.normalise(text, s)
	n := 0
	for _, c := range s.out {
		n += utf8.RuneLen(c.r)
	}
	b := make([]byte, 0, n)
	for _, c := range s.out {
		b = utf8.AppendRune(b, c.r)
	}
	return string(b)
}

// normalise fills s.out and s.words.
func (l *letters) normalise(text string, s *Scratch) {
	s.reset()
	l.decode(cut(text), s)
	tokenise(s)
	for i := 0; i < len(s.tokens); {
		i = s.emit(i)
	}
}

// plain fills s.out and s.words without undoing any disguise: lower case and
// splitting at what is no letter. It exists to measure what normalise brings.
func (l *letters) plain(text string, s *Scratch) {
	s.reset()
	text = cut(text)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		f := l.form(r)
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		c := cell{r: r, from: uint16(i), to: uint16(i + size), class: f.class, run: 1}
		i += size
		n := len(s.tokens)
		if f.class == space || f.class == dropped {
			s.tokens = append(s.tokens, token{from: len(s.mid), to: len(s.mid), kind: space})
			continue
		}
		if n == 0 || s.tokens[n-1].kind != letter || !alphanumeric(c) {
			kind := f.class
			if kind == digit {
				kind = letter
			}
			s.tokens = append(s.tokens, token{from: len(s.mid), kind: kind})
			n++
		}
		s.mid = append(s.mid, c)
		s.tokens[n-1].to = len(s.mid)
	}
	for _, t := range s.tokens {
		if t.from < t.to {
			s.gap(t.gap)
			start := len(s.out)
			s.out = append(s.out, s.mid[t.from:t.to]...)
			s.words = append(s.words, word{from: start, to: len(s.out), kind: t.kind})
		}
	}
}

// cut returns what is read of a text: MaxBytes, without half a rune at the end.
func cut(text string) string {
	if len(text) <= MaxBytes {
		return text
	}
	n := MaxBytes
	for n > MaxBytes-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// emit writes the token at i, or the word that single letters from i on spell,
// to s.out, and returns the next token.
func (s *Scratch) emit(i int) int {
	t := s.tokens[i]
	if t.kind != letter {
		s.gap(t.gap)
		s.out = append(s.out, s.mid[t.from:t.to]...)
		s.words = append(s.words, word{from: len(s.out) - 1, to: len(s.out), kind: t.kind})
		return i + 1
	}
	if end, step, split := s.spelled(i); end > i {
		s.spell(i, end, step, split)
		return end
	}
	s.gap(t.gap)
	start := len(s.out)
	s.out = append(s.out, s.mid[t.from:t.to]...)
	s.finishWord(start, starred(s.out[start:]))
	return i + 1
}

// gap writes the space between two tokens.
func (s *Scratch) gap(width uint8) {
	if len(s.out) > 0 {
		at := s.out[len(s.out)-1].to
		s.out = append(s.out, cell{r: ' ', from: at, to: at, class: space, run: 1, tight: width == 0})
	}
}

// spelled finds a row of at least three single letters, all parted by the same
// one mark or emoji or by nothing but spaces, from token i on. It returns the
// token after the row (0: there is none), the step between letters in tokens,
// and whether wider gaps part words in it ("k i l l  a l l").
func (s *Scratch) spelled(i int) (end, step int, split bool) {
	if !s.single(i) || i+1 >= len(s.tokens) {
		return 0, 0, false
	}
	step = 1
	if !s.single(i + 1) {
		step = 2
	}
	sep := s.tokens[i+1]
	count, letters := 1, s.letterAt(i)
	narrow, wide, shortest, length := false, false, 1<<30, 1
	j := i
	for {
		next := j + step
		if next >= len(s.tokens) || !s.single(next) {
			break
		}
		if step == 2 && (s.tokens[j+1].kind == letter || s.mid[s.tokens[j+1].from].r != s.mid[sep.from].r) {
			break
		}
		if step == 1 && s.tokens[next].gap > 1 {
			wide = true
			shortest, length = min(shortest, length), 0
		} else {
			narrow = true
		}
		j = next
		length++
		count++
		letters += s.letterAt(j)
	}
	if count < 3 || letters < 2 {
		return 0, 0, false
	}
	return j + 1, step, wide && narrow && min(shortest, length) >= 2
}

// single says whether token i is one letter or digit.
func (s *Scratch) single(i int) bool {
	t := s.tokens[i]
	return t.kind == letter && t.to-t.from == 1 && s.mid[t.from].r != masked
}

func (s *Scratch) letterAt(i int) int {
	if s.mid[s.tokens[i].from].class == letter {
		return 1
	}
	return 0
}

// spell writes the single letters of tokens [i, end) as one word, or as several
// when wider gaps part them.
func (s *Scratch) spell(i, end, step int, split bool) {
	s.gap(s.tokens[i].gap)
	start := len(s.out)
	for ; i < end; i += step {
		t := s.tokens[i]
		if split && t.gap > 1 && len(s.out) > start {
			s.finishWord(start, true)
			s.gap(t.gap)
			start = len(s.out)
		}
		if n := len(s.out); n > start {
			s.out[n-1].to = s.mid[t.from].from // a mask covers what parts the letters
		}
		s.out = append(s.out, s.mid[t.from])
	}
	s.finishWord(start, true)
}

// starred says whether a word is single letters with stars between (f*u*c*k).
func starred(w []cell) bool {
	if len(w) < 5 || len(w)%2 == 0 {
		return false
	}
	for i, c := range w {
		if (c.r == '*') != (i%2 == 1) {
			return false
		}
	}
	return true
}
