package format

// bitReader reads bits, the most significant first. Beyond the end it reads
// zeros and says so.
type bitReader struct {
	b    []byte
	at   int // bits
	over bool
}

func (r *bitReader) take(n int) (v uint32) {
	for range n {
		v <<= 1
		if r.at>>3 >= len(r.b) {
			r.over = true
			continue
		}
		v |= uint32(r.b[r.at>>3]>>(7-r.at&7)) & 1
		r.at++
	}
	return v
}

func (r *bitReader) flag() bool { return r.take(1) == 1 }

// golomb reads ue(v) of ITU-T H.264, section 9.1.
func (r *bitReader) golomb() uint32 {
	zeros := 0
	for !r.flag() {
		if zeros++; zeros > 31 || r.over {
			r.over = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.take(zeros)
}
