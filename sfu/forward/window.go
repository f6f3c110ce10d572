package forward

// windowSize is how many sequence numbers a Window remembers: over twenty
// seconds of voice, a quarter of it of video.
const windowSize = 1024

// Window remembers which of the last 1,024 sequence numbers there were. The
// zero Window has seen none.
//
// As long as none is missing it only counts: the bits of a run are set when it
// breaks off. There is a Window for each slot, and what is not touched for each
// packet need not be in the processor's cache.
type Window struct {
	started bool
	newest  uint16
	run     uint16 // how many up to newest there were without a gap, at most windowSize; not in bits
	bits    [windowSize / 64]uint64
}

// Add notes a sequence number and reports whether it is new: not there yet,
// and not so old that this is not known.
func (w *Window) Add(seq uint16) bool {
	if !w.started {
		w.started, w.newest, w.run = true, seq, 1
		return true
	}
	ahead := int16(seq - w.newest)
	switch {
	case ahead == 1:
		w.run = min(w.run+1, windowSize)
		w.newest = seq
	case ahead > 0:
		w.settle()
		if int(ahead) >= windowSize {
			clear(w.bits[:])
		} else {
			for s := w.newest + 1; s != seq; s++ {
				w.bits[s%windowSize/64] &^= 1 << (s % 64)
			}
		}
		w.newest, w.run = seq, 1
	case int(ahead) <= -windowSize || w.Has(seq):
		return false
	default:
		w.bits[seq%windowSize/64] |= 1 << (seq % 64)
	}
	return true
}

// settle puts the run into the bits.
func (w *Window) settle() {
	for ; w.run > 0; w.run-- {
		seq := w.newest - (w.run - 1)
		w.bits[seq%windowSize/64] |= 1 << (seq % 64)
	}
}

// Has reports whether a sequence number was added. It is false for what is too
// old to be known.
func (w *Window) Has(seq uint16) bool {
	age := w.newest - seq
	return w.started && age < windowSize && (age < w.run || w.bits[seq%windowSize/64]&(1<<(seq%64)) != 0)
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
