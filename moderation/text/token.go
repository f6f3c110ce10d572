package text

// tokenise cuts s.in into words, marks and emoji. Signs that stand for letters
// become letters here where their neighbours make that plain; digits wait
// until the whole word is known (see finishWord).
func tokenise(s *Scratch) {
	gap := uint8(0)
	for i := 0; i < len(s.in); {
		c := s.in[i]
		switch {
		case c.class == space:
			gap = 1
			if c.wide {
				gap = 2
			}
			i++
			continue
		case c.class == emoji:
			s.addEmoji(c, gap)
			i++
		case wordCell(s.in, i, false):
			i = s.addWord(i, gap)
		default:
			i = s.addMark(i, gap)
		}
		gap = 0
	}
}

// addEmoji adds one emoji; a row of the same one counts once.
func (s *Scratch) addEmoji(c cell, gap uint8) {
	if n := len(s.tokens); n > 0 && s.tokens[n-1].kind == emoji && s.mid[s.tokens[n-1].from].r == c.r {
		s.mid[len(s.mid)-1].to = c.to
		return
	}
	s.mid = append(s.mid, c)
	s.tokens = append(s.tokens, token{from: len(s.mid) - 1, to: len(s.mid), kind: emoji, gap: gap})
}

// addMark adds the punctuation mark at i; a row of the same one counts once.
func (s *Scratch) addMark(i int, gap uint8) int {
	c := s.in[i]
	for i++; i < len(s.in) && s.in[i].r == c.r && !wordCell(s.in, i, false); i++ {
		c.to = s.in[i].to
	}
	s.mid = append(s.mid, c)
	s.tokens = append(s.tokens, token{from: len(s.mid) - 1, to: len(s.mid), kind: punct, gap: gap})
	return i
}

// addWord adds the word that begins at i. An apostrophe inside a word goes
// ("don't" is "dont"), unless it cuts off a French article ("l'idiot").
func (s *Scratch) addWord(i int, gap uint8) int {
	from := len(s.mid)
	for i < len(s.in) {
		c := s.in[i]
		if len(s.mid) > from && apostrophe(c.r) && i+1 < len(s.in) && alphanumeric(s.in[i+1]) {
			if elided(s.mid[from:]) {
				i++
				break
			}
			i++
			continue
		}
		if !wordCell(s.in, i, len(s.mid) > from) {
			break
		}
		if c.class == punct && c.r != '*' {
			c.r, c.class = leetSign(c.r), letter
		}
		s.mid = append(s.mid, c)
		i++
	}
	s.tokens = append(s.tokens, token{from: from, to: len(s.mid), kind: letter, gap: gap})
	return i
}

// wordCell says whether in[i] belongs to a word. inside: the cell before
// belongs to it already.
func wordCell(in []cell, i int, inside bool) bool {
	c := in[i]
	if alphanumeric(c) {
		return true
	}
	if c.class != punct {
		return false
	}
	next := i+1 < len(in) && in[i+1].class == letter
	switch c.r {
	case '*': // f*ck, f**k
		if !inside {
			return false
		}
		for i < len(in) && in[i].r == '*' {
			i++
		}
		return i < len(in) && alphanumeric(in[i])
	case '$':
		return next || inside
	case '@':
		if inside {
			return next || i == 0 || !alphanumericAt(in, i+1)
		}
		return next && afterAt(in[i+1:])
	case '!', '|':
		return inside && next && in[i-1].class == letter && (i < 3 || !alphanumericAt(in, i-3))
	case '€':
		return inside && next
	}
	return false
}

func alphanumeric(c cell) bool { return c.class == letter || c.class == digit }

func alphanumericAt(in []cell, i int) bool { return i >= 0 && i < len(in) && alphanumeric(in[i]) }

func apostrophe(r rune) bool {
	return r == '\'' || r == '’' || r == '‘' || r == '`' || r == '´' || r == 'ʼ' || r == '＇'
}

// leetSign returns the letter that a sign stands for inside a word.
func leetSign(r rune) rune {
	switch r {
	case '$':
		return 's'
	case '@':
		return 'a'
	case '€':
		return 'e'
	}
	return 'i' // ! and |
}

// elided says whether a word is a French article or pronoun before an apostrophe.
func elided(w []cell) bool {
	switch len(w) {
	case 1:
		switch w[0].r {
		case 'l', 'd', 'j', 't', 's', 'n', 'm', 'c':
			return true
		}
	case 2:
		return w[0].r == 'q' && w[1].r == 'u'
	}
	return false
}

// afterAt lists what makes a leading @ the letter a; anything else is a
// mention of somebody.
func afterAt(rest []cell) bool {
	for _, w := range [...]string{"ss", "sses", "sshole", "ssholes", "sshat", "rse", "rsehole", "nal", "nus"} {
		if begins(rest, w) && !alphanumericAt(rest, len(w)) {
			return true
		}
	}
	return false
}

func begins(cells []cell, w string) bool {
	if len(cells) < len(w) {
		return false
	}
	for i := range len(w) {
		if cells[i].r != rune(w[i]) && !(w[i] == 's' && (cells[i].r == '$' || cells[i].r == '5')) {
			return false
		}
	}
	return true
}
