package format

// PictureOf returns what a file must say before a key frame can be decoded:
// the size of its picture and, for some codecs, headers out of it. It reports
// false where the frame is no key frame, or broken. An H.264 frame is an access
// unit of NAL units with their length in 4 bytes before each; an AV1 frame is
// OBUs with their sizes (low-overhead format).
func PictureOf(codec Codec, frame []byte) (p Picture, ok bool) {
	p.Codec = codec
	switch codec {
	case VP8:
		p.Width, p.Height, ok = vp8Picture(frame)
	case VP9:
		p.Width, p.Height, ok = vp9Picture(frame)
	case H264:
		p, ok = h264Picture(frame)
	case AV1:
		p, ok = av1Picture(frame)
	}
	return p, ok && p.Width > 0 && p.Height > 0
}

// vp8Picture reads RFC 6386, section 9.1.
func vp8Picture(b []byte) (width, height int, ok bool) {
	if len(b) < 10 || b[0]&1 != 0 || b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
		return 0, 0, false
	}
	return int(b[6]) | int(b[7]&0x3f)<<8, int(b[8]) | int(b[9]&0x3f)<<8, true
}

// vp9Picture reads uncompressed_header of the VP9 bitstream specification,
// section 6.2.
func vp9Picture(b []byte) (width, height int, ok bool) {
	r := bitReader{b: b}
	if r.take(2) != 2 {
		return 0, 0, false
	}
	profile := r.take(1) | r.take(1)<<1
	if profile == 3 {
		r.take(1)
	}
	if existing := r.flag(); existing || r.flag() { // show_existing_frame; frame_type: not a key frame
		return 0, 0, false
	}
	r.take(2) // show_frame, error_resilient_mode
	if r.take(24) != 0x498342 {
		return 0, 0, false
	}
	if profile >= 2 {
		r.take(1)
	}
	const rgb = 7
	if r.take(3) != rgb {
		r.take(1)
		if profile&1 == 1 {
			r.take(3)
		}
	} else if profile&1 == 1 {
		r.take(1)
	}
	width, height = int(r.take(16))+1, int(r.take(16))+1
	return width, height, !r.over
}

// Superframe returns frames that are shown at one time, such as the spatial
// layers of VP9, as one, with the index that decoders split it by (VP9
// bitstream specification, annex B). More than 8 do not fit.
func Superframe(dst []byte, frames [][]byte) []byte {
	largest := 0
	for _, f := range frames {
		dst = append(dst, f...)
		largest = max(largest, len(f))
	}
	if len(frames) < 2 || len(frames) > 8 {
		return dst
	}
	bytes := 1
	for largest>>(8*bytes) != 0 {
		bytes++
	}
	marker := 0xc0 | byte(bytes-1)<<3 | byte(len(frames)-1)
	dst = append(dst, marker)
	for _, f := range frames {
		for i := range bytes {
			dst = append(dst, byte(len(f)>>(8*i)))
		}
	}
	return append(dst, marker)
}
