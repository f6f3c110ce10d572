package forward

// NAL unit types of RFC 6184, section 5.2.
const (
	nalIDR   = 5
	nalSPS   = 7
	nalSTAPA = 24
	nalFUA   = 28
)

// h264KeyFrame looks for the parameter set or the slice that begins a key
// frame (RFC 6184, packetization mode 1).
func h264KeyFrame(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	if b[0]&0x1f == nalFUA {
		return b[1]&0x80 != 0 && b[1]&0x1f == nalIDR
	}
	for unit := range nalUnits(b) {
		if t := unit[0] & 0x1f; t == nalIDR || t == nalSPS {
			return true
		}
	}
	return false
}

// h264Height returns how high the picture is that a payload begins, in pixels:
// 0 where it brings no sequence parameter set that says so.
func h264Height(b []byte) int {
	for unit := range nalUnits(b) {
		if unit[0]&0x1f == nalSPS {
			return spsHeight(unit[1:])
		}
	}
	return 0
}

// nalUnits yields the NAL units that are whole in a payload: itself, or those of
// an aggregation (RFC 6184, section 5.7.1). None is empty.
func nalUnits(b []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		switch {
		case len(b) == 0 || b[0]&0x1f == nalFUA:
		case b[0]&0x1f != nalSTAPA:
			yield(b)
		default:
			for at := 1; at+2 < len(b); {
				end := at + 2 + int(b[at])<<8 + int(b[at+1])
				if unit := b[at+2 : min(max(end, at+2), len(b))]; len(unit) > 0 && !yield(unit) {
					return
				}
				at = end
			}
		}
	}
}

const (
	spsBytes   = 128 // of a parameter set that are read: browsers' have 10 to 60
	spsCycle   = 255 // pictures in the cycle of the picture order count, at most
	mostHeight = 16384
)

// spsHeight reads a sequence parameter set behind its NAL header (ITU-T H.264,
// section 7.3.2.1.1) up to the cropping of the picture. It returns 0 where that
// is not plain: with scaling lists, which no encoder here sends, and where the
// set is broken.
func spsHeight(sps []byte) int {
	var plain [spsBytes]byte
	r := bitReader{b: unescape(plain[:0], sps)}
	profile := r.read(8)
	r.read(16) // constraints, level
	r.golomb() // id
	chroma := uint32(1)
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		chroma = r.golomb()
		if chroma == 3 && r.flag() {
			chroma = 0 // three planes, each like one without colour
		}
		r.golomb() // bits of a sample
		r.golomb()
		r.flag()
		if r.flag() {
			return 0
		}
	}
	r.golomb() // frame numbers
	switch r.golomb() {
	case 0:
		r.golomb()
	case 1:
		r.flag()
		r.golomb()
		r.golomb()
		for range min(r.golomb(), spsCycle) {
			r.golomb()
		}
	}
	r.golomb() // reference frames
	r.flag()
	r.golomb() // width
	rows := r.golomb() + 1
	fields := uint32(2)
	if r.flag() {
		fields = 1
	} else {
		r.flag()
	}
	r.flag()
	cut := uint32(0)
	if r.flag() {
		r.golomb() // left
		r.golomb() // right
		cut = (r.golomb() + r.golomb()) * fields
		if chroma == 1 {
			cut *= 2
		}
	}
	if height := rows * 16 * fields; !r.bad && rows < mostHeight/16 && cut < height {
		return int(height - cut)
	}
	return 0
}

// golomb returns an Exp-Golomb code (section 9.1). Signed ones have the same
// length.
func (r *bitReader) golomb() uint32 {
	zeros := 0
	for !r.bad && !r.flag() {
		zeros++
	}
	if zeros > 16 { // nothing that is read here is so large
		r.bad = true
	}
	if r.bad {
		return 0
	}
	return 1<<zeros - 1 + r.read(zeros)
}

// unescape appends a NAL unit without the bytes that keep start codes out of it
// (section 7.4.1.1), as far as there is room.
func unescape(to, from []byte) []byte {
	zeros := 0
	for _, c := range from {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		if len(to) == cap(to) {
			break
		}
		if c == 0 {
			zeros++
		} else {
			zeros = 0
		}
		to = append(to, c)
	}
	return to
}
