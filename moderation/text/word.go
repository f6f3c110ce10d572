package text

import "math"

// word is a token of the normalised text.
type word struct {
	from, to int // cells of s.out
	kind     class
	joined   bool   // put together from single letters
	hash     uint32 // of its runes
	lex      uint8  // its class in the lexicon, 0: none
}

// finishWord undoes what can be judged only with the whole word, s.out[start:],
// and records it.
func (s *Scratch) finishWord(start int, joined bool) {
	w := s.out[start:]
	if joined {
		w = withoutStars(w)
	}
	if !plainLetters(w) {
		unmaskAlike(w)
		unmaskDigits(w)
		w = cutRepeats(w)
	}
	s.out = s.out[:start+len(w)]
	s.words = append(s.words, word{from: start, to: len(s.out), kind: letter, joined: joined})
}

// plainLetters says whether there is nothing to undo: Latin letters only, none
// three times in a row. Most words are like that.
func plainLetters(w []cell) bool {
	row := 0
	for i := range w {
		if w[i].r < 'a' || w[i].r > 'z' {
			return false
		}
		if row++; i > 0 && w[i].r != w[i-1].r {
			row = 1
		}
		if row > 2 {
			return false
		}
	}
	return true
}

func withoutStars(w []cell) []cell {
	n := 0
	for _, c := range w {
		if c.r == '*' && n > 0 {
			w[n-1].to = c.to
			continue
		}
		w[n] = c
		n++
	}
	return w[:n]
}

// unmaskAlike takes letters of other scripts for the Latin ones they look like
// when the word is Latin otherwise or looks Latin as a whole.
func unmaskAlike(w []cell) {
	alike, faint, latin, other := 0, 0, 0, 0
	for _, c := range w {
		switch {
		case c.alike&resembling != 0:
			faint++
		case c.alike != 0:
			alike++
		case c.r < 0x80 && c.class == letter:
			latin++
		case c.class == letter:
			other++
		}
	}
	if alike+faint == 0 || latin == 0 && (other+faint > 0 || alike < 2) {
		return
	}
	for i := range w {
		if w[i].alike != 0 {
			w[i].r, w[i].alike = rune(w[i].alike&^resembling), 0
		}
	}
}

// unmaskDigits reads digits as letters in a word that has Latin ones, except in
// figures with a unit (5pm, 100k, 2nd).
func unmaskDigits(w []cell) {
	digits, letters := 0, 0
	for _, c := range w {
		switch {
		case c.class == digit:
			digits++
		case c.r < 0x80 && c.class == letter:
			letters++
		}
	}
	if digits == 0 || letters == 0 || quantity(w) {
		return
	}
	for i := range w {
		if w[i].class != digit {
			continue
		}
		if r := leetDigit(w, i); r != 0 {
			w[i].r, w[i].class = r, letter
		}
	}
}

// leetDigit returns the letter that digit i of a word stands for, 0 for none.
func leetDigit(w []cell, i int) rune {
	switch w[i].r {
	case '0':
		return 'o'
	case '1': // an i, but an l before a vowel and beside another
		if i+1 < len(w) && vowel(w[i+1].r) || i+1 < len(w) && w[i+1].r == '1' || i > 0 && (w[i-1].r == 'l' || w[i-1].r == 'i') {
			return 'l'
		}
		return 'i'
	case '3':
		return 'e'
	case '4':
		return 'a'
	case '5':
		return 's'
	case '6', '9':
		return 'g'
	case '7':
		return 't'
	case '8':
		if i == 0 {
			return 'b'
		}
	}
	return 0
}

func vowel(r rune) bool {
	switch r {
	case 'a', 'e', 'o', 'u', '0', '3', '4':
		return true
	}
	return false
}

// quantity says whether a word is digits followed by a unit or an ordinal ending.
func quantity(w []cell) bool {
	n := 0
	for n < len(w) && w[n].class == digit {
		n++
	}
	if n == 0 || len(w)-n > 3 {
		return false
	}
	var unit [3]byte
	for i, c := range w[n:] {
		if c.class != letter || c.r >= 0x80 {
			return false
		}
		unit[i] = byte(c.r)
	}
	switch string(unit[:len(w)-n]) {
	case "st", "nd", "rd", "th", "pm", "am", "d", "k", "x", "m", "s", "h", "v", "p", "c", "g", "t", "b", "e", "er", "kg", "km", "cm",
		"mm", "gb", "mb", "tb", "ms", "hz", "ghz", "mhz", "fps", "min", "hr", "hrs", "yo", "yr", "yrs", "mph", "kmh", "bn", "px", "ft", "lb", "lbs", "oz":
		return true
	}
	return false
}

// cutRepeats leaves one of three or more of the same letter in a row and
// remembers how many there were; of a word of one letter only, it leaves two.
func cutRepeats(w []cell) []cell {
	n := 0
	for i := 0; i < len(w); {
		j := i + 1
		for j < len(w) && w[j].r == w[i].r {
			j++
		}
		count := j - i
		if count < 3 || w[i].class != letter {
			n += copy(w[n:], w[i:j])
			i = j
			continue
		}
		c := w[i]
		c.to, c.run = w[j-1].to, uint8(min(count, math.MaxUint8))
		w[n] = c
		n++
		if count == len(w) {
			c.run--
			w[0].run, w[n] = 1, c
			n++
		}
		i = j
	}
	return w[:n]
}
