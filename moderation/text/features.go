package text

import "math"

// Features of the model. Changing anything here, in letters.txt, lexicon.txt
// or the normaliser changes what the weights mean: raise featureVersion and
// train again.
const featureVersion = 1

// Kinds of features, mixed into the hash so that they fall apart.
const (
	featWord uint32 = 0x1E3779B1 * (iota*2 + 1) % 0xFFFFFFFB
	featPair
	featChars
	featMark
	featKind
	featKindPair
	featKindWord
	featTriple
	featNot
)

// Limits, in words: how far kinds pair with kinds and with words, and how far a
// not reaches.
const (
	kindWindow = 6
	wordWindow = 3
	notWindow  = 4
)

// mix joins hashes.
func mix(kind, a, b uint32) uint32 {
	h := kind ^ a*0x85EBCA6B
	h ^= h >> 15
	h = (h + b) * 0xC2B2AE35
	h ^= h >> 13
	return h * 0x27D4EB2F
}

// Features are the hashes of what a text has, in groups of one kind each:
// characters, words, kinds of words. Hashes may repeat. Valid until the
// Scratch is used again.
type Features [groups][]uint32

const groups = 3

// Value is what each feature of a group counts: a long text is not more
// abusive for being long, and many characters do not drown few words.
func (f *Features) Value(group int) float64 {
	n := len(f[group])
	if n == 0 {
		return 0
	}
	return shares[group] / math.Sqrt(float64(n))
}

var shares = [groups]float64{0.5, 0.5, 0.6}

// Features returns the features of text. plain leaves disguises as they are:
// for measuring what undoing them brings.
func (e *Extractor) Features(text string, s *Scratch, plain bool) Features {
	if plain {
		e.letters.plain(text, s)
	} else {
		e.letters.normalise(text, s)
	}
	return e.features(s)
}

// Extractor turns text into features. It never changes after NewExtractor.
type Extractor struct {
	letters *letters
	lexicon *lexicon
}

// NewExtractor builds the tables. It takes some ten milliseconds.
func NewExtractor() (*Extractor, error) {
	l, err := newLetters(lettersFile)
	if err != nil {
		return nil, err
	}
	x, err := newLexicon(lexiconFile, l)
	if err != nil {
		return nil, err
	}
	return &Extractor{letters: l, lexicon: x}, nil
}

// features reads s.out and s.words. The names of groups of people are one and
// the same word to the model, so that it cannot learn to think worse of one
// group than of another.
func (e *Extractor) features(s *Scratch) Features {
	for i := range s.words {
		w := &s.words[i]
		w.hash = hashCells(s.out[w.from:w.to])
		w.lex = e.lexicon.kind(w.hash)
		switch {
		case w.lex != 0 && w.lex == e.lexicon.group:
			w.hash = uint32(w.lex)
		case w.kind == letter:
			s.chars(w)
		}
	}
	chars := len(s.feats)
	e.wordFeatures(s)
	words := len(s.feats)
	e.kindFeatures(s)
	return Features{s.feats[:chars], s.feats[chars:words], s.feats[words:]}
}

// chars adds the character 3- and 4-grams of a word with its ends.
func (s *Scratch) chars(w *word) {
	n := w.to - w.from
	a, b := uint32('<'), uint32(0)
	for i := range n + 1 {
		c := uint32('>')
		if i < n {
			c = uint32(s.out[w.from+i].r)
		}
		if i > 0 {
			h := mix(featChars, a, b<<8^c)
			s.feats = append(s.feats, h)
			if i < n {
				d := uint32('>')
				if i+1 < n {
					d = uint32(s.out[w.from+i+1].r)
				}
				s.feats = append(s.feats, mix(featChars, h, d))
			}
			a = b
		}
		b = c
	}
}

// wordFeatures adds words, runs of two and three, marks, and words after a not.
func (e *Extractor) wordFeatures(s *Scratch) {
	before, last, negated := uint32(2), uint32(1), 0
	for i := range s.words {
		w := &s.words[i]
		if w.kind == punct {
			s.feats = append(s.feats, mix(featMark, w.hash, 0))
			continue
		}
		s.feats = append(s.feats, mix(featWord, w.hash, 0), mix(featPair, last, w.hash), mix(featTriple, before*31+last, w.hash))
		if negated > 0 {
			s.feats = append(s.feats, mix(featNot, w.hash, 0))
			negated--
		}
		if w.lex != 0 && w.lex == e.lexicon.not {
			negated = 3
		}
		before, last = last, w.hash
	}
}

// kindFeatures adds what the lexicon knows: kinds, pairs of kinds near each
// other with and without a not before, and words shortly after a kind.
func (e *Extractor) kindFeatures(s *Scratch) {
	var ring [kindWindow]struct {
		kind uint8
		at   int
	}
	at, seen, lastNot := 0, 0, -kindWindow
	for i := range s.words {
		w := &s.words[i]
		if w.kind == punct {
			continue
		}
		at++
		negated := uint32(0)
		if at-lastNot <= notWindow {
			negated = 1
		}
		for k := max(0, seen-kindWindow); k < seen; k++ {
			p := ring[k%kindWindow]
			if at-p.at <= wordWindow {
				s.feats = append(s.feats, mix(featKindWord, uint32(p.kind), w.hash))
			}
			if w.lex != 0 && at-p.at <= kindWindow {
				s.feats = append(s.feats, mix(featKindPair, uint32(p.kind)<<8|uint32(w.lex), negated))
			}
		}
		if w.lex == 0 {
			continue
		}
		s.feats = append(s.feats, mix(featKind, uint32(w.lex), negated))
		ring[seen%kindWindow].kind, ring[seen%kindWindow].at = w.lex, at
		seen++
		if w.lex == e.lexicon.not {
			lastNot = at
		}
	}
}
