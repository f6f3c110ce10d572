package binaural

import (
	"slices"

	"earshot/spatialaudio/kernel"
)

// Listener is what one listener heard last, to go on from. The zero Listener
// has heard nothing.
type Listener struct {
	last, next []part
	faded      []*Source // that faded out in the last mix
}

// part is one voice in a mix.
type part struct {
	source   *Source
	filter   *kernel.Pair
	mirrored bool
	wall     uint8 // class
	met      bool  // found in the next mix
	gain     float32
	wet      *Wet
}

// Drop takes a voice out at once: it does not fade out in the next mix, as a
// voice does that is no longer heard. Whoever may not be heard any more is
// dropped. It reports whether the last mix had any of the voice: then whatever
// comes after the mix and remembers it, such as an encoder, has to forget.
func (l *Listener) Drop(s *Source) (had bool) {
	for i := range l.last {
		if l.last[i].source == s {
			l.last[i] = part{}
			had = true
		}
	}
	return had || slices.Contains(l.faded, s)
}

// Reset forgets all that was heard. It keeps its memory.
func (l *Listener) Reset() {
	clear(l.last)
	clear(l.faded)
	l.last, l.faded = l.last[:0], l.faded[:0]
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
