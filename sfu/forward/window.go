package forward

// windowSize is how many sequence numbers a Window remembers: over twenty
// seconds of voice, a quarter of it of video.
const windowSize = 1024

// Window remembers which of the last 1,024 sequence numbers there were. The
// zero Window has seen none.
type Window struct {
	started bool
	newest  uint16
	bits    [windowSize / 64]uint64
}

// Add notes a sequence number and reports whether it is new: not there yet,
// and not so old that this is not known.
func (w *Window) Add(seq uint16) bool {
	if !w.started {
		w.started, w.newest = true, seq
		w.set(seq)
		return true
	}
	ahead := int16(seq - w.newest)
	switch {
	case ahead > 0:
		if int(ahead) >= windowSize {
			clear(w.bits[:])
		} else {
			for s := w.newest + 1; s != seq; s++ {
				w.bits[s%windowSize/64] &^= 1 << (s % 64)
			}
		}
		w.newest = seq
	case int(ahead) <= -windowSize || w.Has(seq):
		return false
	}
	w.set(seq)
	return true
}

// Has reports whether a sequence number was added. It is false for what is too
// old to be known.
func (w *Window) Has(seq uint16) bool {
	age := w.newest - seq
	return w.started && age < windowSize && w.bits[seq%windowSize/64]&(1<<(seq%64)) != 0
}

// Missing returns how many numbers after one up to another were not added. ok
// is false where that is not known any more.
func (w *Window) Missing(after, to uint16) (n int, ok bool) {
	if !w.started || int16(w.newest-to) < 0 || w.newest-after > windowSize || int16(to-after) < 0 {
		return 0, false
	}
	for s := after; s != to; {
		s++
		if !w.Has(s) {
			n++
		}
	}
	return n, true
}

func (w *Window) set(seq uint16) { w.bits[seq%windowSize/64] |= 1 << (seq % 64) }
