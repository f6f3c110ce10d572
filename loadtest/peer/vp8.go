package peer

import (
	"encoding/binary"
	"time"
)

// A packet of our video: the VP8 payload descriptor (RFC 7741 section 4.2),
// then, at the start of a frame, the frame tag and for key frames the start
// code and the size (RFC 6386 section 9.1), which is all that a server looks
// at, then zeros up to markAt, the mark, and filling. A decoder would not make
// a picture of it; no server decodes.
const (
	descriptorBytes = 4  // X, I and a picture id of 15 bits
	markAt          = 10 // after the descriptor
	markBytes       = 24
	maxVideoPayload = 1100
	minVideoPayload = descriptorBytes + markAt + markBytes

	videoWidth, videoHeight = 640, 360
)

const markMagic = 0x45535650

// mark says what a video packet is. Picture ids and sequence numbers are the
// server's to rewrite, so it has its own.
type mark struct {
	Bot    uint32
	Frame  uint32
	Packet uint16 // of the frame, from 0
	Last   bool
	At     time.Time
}

// appendVideo appends the payload of one packet to dst, size bytes long.
func appendVideo(dst []byte, m mark, key bool, size int) []byte {
	start := len(dst)
	first := byte(0x80) // X
	if m.Packet == 0 {
		first |= 0x10 // S: a partition begins, and it is number 0
	}
	dst = append(dst, first, 0x80)                                          // I
	dst = binary.BigEndian.AppendUint16(dst, 0x8000|uint16(m.Frame&0x7fff)) // M
	var head [markAt]byte
	if m.Packet == 0 {
		head[0] = 0x10 // show_frame; inverse_key_frame is 0 in key frames
		if !key {
			head[0] |= 1
		} else {
			copy(head[3:], []byte{0x9d, 0x01, 0x2a})
			binary.LittleEndian.PutUint16(head[6:], videoWidth)
			binary.LittleEndian.PutUint16(head[8:], videoHeight)
		}
	}
	dst = append(dst, head[:]...)
	dst = binary.BigEndian.AppendUint32(dst, markMagic)
	dst = binary.BigEndian.AppendUint32(dst, m.Bot)
	dst = binary.BigEndian.AppendUint32(dst, m.Frame)
	packet := m.Packet &^ 0x8000
	if m.Last {
		packet |= 0x8000
	}
	dst = binary.BigEndian.AppendUint16(dst, packet)
	dst = append(dst, 0, 0)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.At.UnixNano()))
	for n := len(dst) - start; n < size; n++ {
		dst = append(dst, byte(n))
	}
	return dst
}

// parseVideo reads the mark of a packet, whatever descriptor the server gave
// it. It reports false for what is not ours, such as padding.
func parseVideo(b []byte) (mark, bool) {
	n := descriptor(b)
	if n < 0 || len(b) < n+markAt+markBytes {
		return mark{}, false
	}
	b = b[n+markAt:]
	if binary.BigEndian.Uint32(b) != markMagic {
		return mark{}, false
	}
	packet := binary.BigEndian.Uint16(b[12:])
	return mark{
		Bot: binary.BigEndian.Uint32(b[4:]), Frame: binary.BigEndian.Uint32(b[8:]),
		Packet: packet &^ 0x8000, Last: packet&0x8000 != 0,
		At: time.Unix(0, int64(binary.BigEndian.Uint64(b[16:]))),
	}, true
}

// descriptor returns the length of a VP8 payload descriptor, -1 of what is none.
func descriptor(b []byte) int {
	switch {
	case len(b) < 1:
		return -1
	case b[0]&0x80 == 0:
		return 1
	case len(b) < 2:
		return -1
	}
	n := 2
	if b[1]&0x80 != 0 { // I
		if len(b) < 3 {
			return -1
		}
		if n++; b[2]&0x80 != 0 { // M
			n++
		}
	}
	if b[1]&0x40 != 0 { // L
		n++
	}
	if b[1]&0x30 != 0 { // T or K
		n++
	}
	return n
}
