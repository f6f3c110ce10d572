package egress

import "encoding/binary"

// Sizes of an SRTP packet as it is sent here: no CSRC (RFC 3550, section 5.1),
// extensions as in extension.go, a tag of 16 bytes (RFC 7714, section 13.1).
const (
	headerSize = 12
	tagSize    = 16
	// Overhead is what an RTP payload grows by at most, without a descriptor.
	Overhead = headerSize + numberSize + tagSize
)

// How many of its last packets a Stream remembers. Outside of it nothing is
// sent any more, so for video it is more than the cache that repairs it.
const (
	VoiceWindow = 64
	VideoWindow = 1024
)

// maxIndex is the last packet index under one key: RFC 3711, section 9.2.
const maxIndex = 1<<48 - 1

// Header is what of an RTP header differs from packet to packet.
type Header struct {
	Timestamp   uint32
	Seq         uint16
	PayloadType uint8
	Marker      bool
	// Number goes into the header extension NumberID, 1 to 14; 0 is none. It
	// is the number of transport-wide feedback.
	Number   uint16
	NumberID uint8
	// Descriptor goes into the header extension DescriptorID, 1 to 14, unless
	// it is empty; at most 255 bytes.
	Descriptor   []byte
	DescriptorID uint8
}

// Stream seals the packets of one SSRC. There must be one for an SSRC and
// context at most. See the package comment for what it refuses.
type Stream struct {
	context *Context
	ssrc    uint32
	started bool
	newest  int64    // index of the newest packet: 65536 * rollover counter + sequence number
	sealed  []uint64 // by index: of the tag of what was sealed, 0 where nothing was
	nonce   [saltSize]byte
}

// Stream returns the sender of an SSRC that remembers its last window packets,
// a power of two.
func (c *Context) Stream(ssrc uint32, window int) *Stream {
	return &Stream{context: c, ssrc: ssrc, sealed: make([]uint64, window)}
}

// SSRC returns whose sender it is.
func (s *Stream) SSRC() uint32 { return s.ssrc }

// seal writes the SRTP packet to dst, which has room for it and no byte of the
// payload, and returns its size; 0 where the packet is refused. Then dst holds nothing of it either.
func (s *Stream) seal(dst []byte, h Header, payload []byte) int {
	index, ok := s.admit(h.Seq)
	if !ok {
		return 0
	}
	head := s.write(dst, h)
	setNonce(&s.nonce, &s.context.salt, s.ssrc, index)
	n := head + len(s.context.aead.Seal(dst[head:head], s.nonce[:], payload, dst[:head]))
	if !s.remember(index, dst[n-tagSize:n]) {
		clear(dst[:n])
		return 0
	}
	return n
}

// write writes the header of a packet and returns its size.
func (s *Stream) write(dst []byte, h Header) (head int) {
	dst[0] = 2 << 6
	dst[1] = h.PayloadType & 0x7f
	if h.Marker {
		dst[1] |= 0x80
	}
	binary.BigEndian.PutUint16(dst[2:], h.Seq)
	binary.BigEndian.PutUint32(dst[4:], h.Timestamp)
	binary.BigEndian.PutUint32(dst[8:], s.ssrc)
	head = headerSize
	if n := h.writeExtensions(dst[head:]); n > 0 {
		dst[0] |= 1 << 4
		head += n
	}
	return head
}

// admit returns the index of a packet, the one nearest to the newest (RFC 3711,
// section 3.3.1), and whether it may be sealed: what was sealed under it, if
// anything, is remembered.
func (s *Stream) admit(seq uint16) (index int64, ok bool) {
	if !s.started {
		s.started, s.newest = true, int64(seq)-1 // so that it is the next
	}
	index = s.newest + int64(int16(seq-uint16(s.newest)))
	if index < 0 || index > maxIndex || s.newest-index >= int64(len(s.sealed)) {
		return 0, false
	}
	mask := int64(len(s.sealed) - 1)
	if index > s.newest {
		for forget := max(s.newest+1, index-mask); forget <= index; forget++ {
			s.sealed[forget&mask] = 0
		}
		s.newest = index
	}
	return index, true
}

// remember reports whether a packet that was sealed under an index may leave: it
// is the first, or the same as the first. Under one nonce the tag is a universal
// hash of header and ciphertext (NIST SP 800-38D), keyed by what nobody outside
// knows, so half of it tells any two packets apart.
func (s *Stream) remember(index int64, tag []byte) bool {
	hash := max(binary.BigEndian.Uint64(tag), 1)
	was := &s.sealed[index&int64(len(s.sealed)-1)]
	if *was == 0 {
		*was = hash
	}
	return *was == hash
}

// setNonce is RFC 7714, section 8.1.
func setNonce(nonce, salt *[saltSize]byte, ssrc uint32, index int64) {
	clear(nonce[:2])
	binary.BigEndian.PutUint32(nonce[2:], ssrc)
	binary.BigEndian.PutUint32(nonce[6:], uint32(index>>16))
	binary.BigEndian.PutUint16(nonce[10:], uint16(index))
	for i, b := range salt {
		nonce[i] ^= b
	}
}
