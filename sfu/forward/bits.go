package forward

// bitReader reads numbers of any width, the highest bit first.
type bitReader struct {
	b   []byte
	at  int
	bad bool // something was read past the end
}

// read returns the next n bits, at most 32; 0 past the end.
func (r *bitReader) read(n int) uint32 {
	if r.at+n > 8*len(r.b) {
		r.bad = true
		return 0
	}
	var v uint32
	for range n {
		v = v<<1 | uint32(r.b[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v
}

func (r *bitReader) flag() bool { return r.read(1) != 0 }

// nonSymmetric is ns(n) of the AV1 specification: a number below n.
func (r *bitReader) nonSymmetric(n int) int {
	w := 0
	for x := n; x != 0; x >>= 1 {
		w++
	}
	m := 1<<w - n
	v := int(r.read(w - 1))
	if v < m {
		return v
	}
	return v<<1 - m + int(r.read(1))
}

// putBits writes the lowest n bits of v at a bit of b.
func putBits(b []byte, at, n int, v uint32) {
	for i := range n {
		mask := byte(0x80) >> (at % 8)
		if v>>(n-1-i)&1 != 0 {
			b[at/8] |= mask
		} else {
			b[at/8] &^= mask
		}
		at++
	}
}

// insertBits makes room for n bits, of 0, at a bit of b, which has bytes for
// them behind its end. It returns b with those that are used.
func insertBits(b []byte, at, n int) []byte {
	end := 8 * len(b)
	b = b[:len(b)+(n+7)/8]
	for from := end - 1; from >= at; from-- {
		putBits(b, from+n, 1, uint32(b[from/8]>>(7-from%8)&1))
	}
	putBits(b, at, n, 0)
	for to := end + n; to < 8*len(b); to++ {
		putBits(b, to, 1, 0)
	}
	return b
}
