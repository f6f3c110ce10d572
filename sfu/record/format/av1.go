package format

// Types of OBUs: AV1 bitstream specification, section 6.2.2.
const obuSequenceHeader = 1

// av1Picture finds the sequence header of a key frame and makes the
// AV1CodecConfigurationRecord of "AV1 Codec ISO Media File Format Binding",
// section 2.3, which Matroska has too.
func av1Picture(unit []byte) (p Picture, ok bool) {
	p.Codec = AV1
	whole, payload := findOBU(unit, obuSequenceHeader)
	if payload == nil {
		return p, false
	}
	h := readSequence(payload)
	p.Width, p.Height = h.width, h.height
	second := byte(h.profile<<5) | byte(h.level&0x1f)
	third := h.tier << 7
	if h.profile == 0 {
		third |= 0x0c // 4:2:0, 8 bits: what WebRTC has
	}
	p.Private = append([]byte{0x81, second, third, 0}, whole...)
	return p, h.ok
}

// HasSequence reports whether an AV1 frame brings a sequence header, as key
// frames in RTP do.
func HasSequence(unit []byte) bool {
	_, payload := findOBU(unit, obuSequenceHeader)
	return payload != nil
}

// findOBU returns the first OBU of a kind, and what is in it.
func findOBU(b []byte, kind byte) (whole, payload []byte) {
	for len(b) > 1 {
		head := 1
		if b[0]&0x04 != 0 { // obu_extension_flag
			head = 2
		}
		if b[0]&0x02 == 0 || len(b) < head { // no obu_has_size_field
			return nil, nil
		}
		size, n := leb128(b[head:])
		if n == 0 || size > uint64(len(b)-head-n) {
			return nil, nil
		}
		end := head + n + int(size)
		if b[0]>>3&0x0f == kind {
			return b[:end], b[head+n : end]
		}
		b = b[end:]
	}
	return nil, nil
}

// leb128 reads section 4.10.5; 0 bytes used where it is broken.
func leb128(b []byte) (v uint64, used int) {
	for i := range min(8, len(b)) {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

type sequence struct {
	profile, level uint32
	tier           byte
	width, height  int
	ok             bool
}

// readSequence reads sequence_header_obu (section 5.5.1) as far as the size of
// the picture. Streams with timing info, which real-time encoders do not
// write, are not understood.
func readSequence(b []byte) (h sequence) {
	r := bitReader{b: b}
	h.profile = r.take(3)
	r.take(1)     // still_picture
	if r.flag() { // reduced_still_picture_header
		h.level = r.take(5)
	} else {
		if r.flag() { // timing_info_present_flag
			return h
		}
		delays := r.flag()
		for i := range r.take(5) + 1 {
			r.take(12)
			level, tier := r.take(5), uint32(0)
			if level > 7 {
				tier = r.take(1)
			}
			if delays && r.flag() {
				r.take(4)
			}
			if i == 0 {
				h.level, h.tier = level, byte(tier)
			}
		}
	}
	wide, high := int(r.take(4))+1, int(r.take(4))+1
	h.width, h.height = int(r.take(wide))+1, int(r.take(high))+1
	h.ok = !r.over
	return h
}
