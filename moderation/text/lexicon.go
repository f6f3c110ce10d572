package text

import (
	_ "embed"
	"strings"

	"earshot"
)

//go:embed lexicon.txt
var lexiconFile string

// lexicon maps the hash of a word to its kind. Open addressing: the hot path
// asks it for every word.
type lexicon struct {
	keys  []uint32
	kinds []uint8
	not   uint8 // the kind that negates
	group uint8 // the kind of names for groups of people
}

// newLexicon reads the kinds of words.
func newLexicon(file string, l *letters) (*lexicon, error) {
	x := &lexicon{keys: make([]uint32, 4096), kinds: make([]uint8, 4096)}
	var s Scratch
	kind := uint8(0)
	for n, line := range strings.Split(file, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		name, words, ok := strings.Cut(line, ":")
		if kind++; !ok || kind > 31 {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "lexicon.txt:%d: want \"kind: words\", at most 31 kinds", n+1)
		}
		switch name {
		case "not":
			x.not = kind
		case "group":
			x.group = kind
		}
		for w := range strings.SplitSeq(words, ",") {
			l.normalise(w, &s)
			if len(s.words) != 1 {
				return nil, earshot.Errorf(earshot.CodeInvalidArgument, "lexicon.txt:%d: %q is not one word", n+1, w)
			}
			x.put(hashCells(s.out[s.words[0].from:s.words[0].to]), kind)
		}
	}
	return x, nil
}

// put sets the kind of a word; the first kind a word is given stays.
func (x *lexicon) put(h uint32, kind uint8) {
	for i := h & 4095; ; i = (i + 1) & 4095 {
		if x.kinds[i] == 0 {
			x.keys[i], x.kinds[i] = h, kind
			return
		}
		if x.keys[i] == h {
			return
		}
	}
}

func (x *lexicon) kind(h uint32) uint8 {
	for i := h & 4095; x.kinds[i] != 0; i = (i + 1) & 4095 {
		if x.keys[i] == h {
			return x.kinds[i]
		}
	}
	return 0
}

// hashCells hashes the runes of a word.
func hashCells(w []cell) uint32 {
	h := uint32(2166136261)
	for i := range w {
		h = (h ^ uint32(w[i].r)) * 16777619
	}
	return h
}
