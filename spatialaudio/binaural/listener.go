package binaural

import "earshot/spatialaudio/kernel"

// Listener is what one listener heard last, to go on from. The zero Listener
// has heard nothing.
type Listener struct {
	last, next []part
}

// part is one voice in a mix.
type part struct {
	source   *Source
	filter   *kernel.Pair
	mirrored bool
	gain     float32
	met      bool // found in the next mix
}

// Drop takes a voice out at once: it does not fade out in the next mix, as a
// voice does that is no longer heard. Whoever may not be heard any more is
// dropped.
func (l *Listener) Drop(s *Source) {
	for i := range l.last {
		if l.last[i].source == s {
			l.last[i] = part{}
		}
	}
}

// Reset forgets all that was heard. It keeps its memory.
func (l *Listener) Reset() {
	clear(l.last)
	l.last = l.last[:0]
}

// before returns what l heard of a source, preferably at i, and marks it.
func (l *Listener) before(s *Source, i int) (part, bool) {
	if i >= len(l.last) || l.last[i].source != s {
		for i = range l.last {
			if l.last[i].source == s {
				break
			}
		}
	}
	if i >= len(l.last) || l.last[i].source != s || l.last[i].met {
		return part{}, false
	}
	l.last[i].met = true
	return l.last[i], true
}
