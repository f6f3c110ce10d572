package pose

// bitWriter appends big-endian bit fields, most significant bit first.
type bitWriter struct {
	dst  []byte
	acc  uint64
	held uint
}

// put appends the low bits of v, at most 32 of them.
func (w *bitWriter) put(v uint32, bits uint) {
	w.acc = w.acc<<bits | uint64(v)
	w.held += bits
	for w.held >= 8 {
		w.held -= 8
		w.dst = append(w.dst, byte(w.acc>>w.held))
	}
}

// finish pads the last byte with zero bits.
func (w *bitWriter) finish() []byte {
	if w.held > 0 {
		w.put(0, 8-w.held)
	}
	return w.dst
}

// bitReader reads what bitWriter wrote. The caller has checked the length.
type bitReader struct {
	src  []byte
	acc  uint64
	held uint
}

func (r *bitReader) take(bits uint) uint32 {
	for r.held < bits {
		r.acc = r.acc<<8 | uint64(r.src[0])
		r.src = r.src[1:]
		r.held += 8
	}
	r.held -= bits
	return uint32(r.acc>>r.held) & (1<<bits - 1)
}
