package format

import "encoding/binary"

// NAL unit types of ITU-T H.264, table 7-1.
const (
	nalIDR = 5
	nalSPS = 7
	nalPPS = 8
)

// h264Picture finds the parameter sets of a key frame and makes the
// AVCDecoderConfigurationRecord of ISO/IEC 14496-15, section 5.3.3.
func h264Picture(unit []byte) (p Picture, ok bool) {
	p.Codec = H264
	var sps, pps []byte
	idr := false
	eachNAL(unit, func(nal []byte) {
		switch nal[0] & 0x1f {
		case nalIDR:
			idr = true
		case nalSPS:
			sps = nal
		case nalPPS:
			pps = nal
		}
	})
	if !idr || len(sps) < 4 || pps == nil || len(sps) > 1<<16-1 || len(pps) > 1<<16-1 {
		return p, false
	}
	b := []byte{1, sps[1], sps[2], sps[3], 0xff, 0xe1} // lengths of 4 bytes; one SPS
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(sps))), sps...)
	b = append(b, 1)
	p.Private = append(binary.BigEndian.AppendUint16(b, uint16(len(pps))), pps...)
	p.Width, p.Height, ok = spsSize(sps)
	return p, ok
}

// HasIDR reports whether an access unit, with lengths, is a key frame.
func HasIDR(unit []byte) (found bool) {
	eachNAL(unit, func(nal []byte) { found = found || nal[0]&0x1f == nalIDR })
	return found
}

// eachNAL calls f for each NAL unit of an access unit with lengths of 4 bytes.
func eachNAL(unit []byte, f func(nal []byte)) {
	for len(unit) > 4 {
		n := binary.BigEndian.Uint32(unit)
		if n == 0 || uint64(n) > uint64(len(unit)-4) {
			return
		}
		f(unit[4 : 4+n])
		unit = unit[4+n:]
	}
}

// AnnexB returns an access unit with start codes instead of lengths, as
// encoders and RTP payloaders have it.
func AnnexB(dst, unit []byte) []byte {
	eachNAL(unit, func(nal []byte) {
		dst = append(append(dst, 0, 0, 0, 1), nal...)
	})
	return dst
}

// spsSize reads the size of the picture out of a sequence parameter set:
// ITU-T H.264, section 7.3.2.1.1.
func spsSize(nal []byte) (width, height int, ok bool) {
	r := bitReader{b: unescape(nal[1:])}
	profile := r.take(8)
	r.take(16)
	r.golomb() // seq_parameter_set_id
	chroma := uint32(1)
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		if chroma = r.golomb(); chroma == 3 {
			r.take(1)
		}
		r.golomb()
		r.golomb()
		r.take(1)
		if r.flag() { // scaling matrices, which no browser sends
			return 0, 0, false
		}
	}
	r.golomb() // log2_max_frame_num_minus4
	switch r.golomb() {
	case 0:
		r.golomb()
	case 1:
		r.take(1)
		r.golomb()
		r.golomb()
		for n := r.golomb(); n > 0 && !r.over; n-- {
			r.golomb()
		}
	}
	r.golomb() // max_num_ref_frames
	r.take(1)
	across, down := r.golomb()+1, r.golomb()+1
	fields := uint32(1)
	if !r.flag() { // frame_mbs_only_flag
		fields = 2
		r.take(1)
	}
	r.take(1)
	var left, right, top, bottom uint32
	if r.flag() {
		left, right, top, bottom = r.golomb(), r.golomb(), r.golomb(), r.golomb()
	}
	if r.over || across > 1<<10 || down > 1<<10 {
		return 0, 0, false
	}
	unitX, unitY := uint32(1), fields
	if chroma == 1 || chroma == 2 {
		unitX = 2
	}
	if chroma == 1 {
		unitY = 2 * fields
	}
	width = int(across*16) - int(min(left+right, 1<<10)*unitX)
	height = int(down*16*fields) - int(min(top+bottom, 1<<10)*unitY)
	return width, height, width > 0 && height > 0
}

// unescape takes out the bytes that keep start codes away: section 7.4.1.
func unescape(b []byte) []byte {
	out := make([]byte, 0, len(b))
	zeros := 0
	for _, c := range b {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		if c == 0 {
			zeros++
		} else {
			zeros = 0
		}
		out = append(out, c)
	}
	return out
}
