package forward

import (
	"encoding/binary"
	"errors"
)

// Sizes of RFC 3550, section 5.1.
const (
	headerSize    = 12
	extHeaderSize = 4
)

// Profiles of RFC 8285, sections 4.2 and 4.3.
const (
	profileOneByte     = 0xBEDE
	profileTwoByte     = 0x1000 // the low four bits are free to the application
	profileTwoByteMask = 0xFFF0
)

var errMalformed = errors.New("forward: malformed RTP packet")

// Packet is a view of one RTP packet (RFC 3550). Payload points into the bytes
// that were parsed: it is good as long as they are.
type Packet struct {
	SSRC        uint32
	Timestamp   uint32
	Seq         uint16
	PayloadType uint8
	Marker      bool
	Padding     uint8  // bytes of padding that followed the payload
	Layer       uint8  // of a publication that has several; Parse sets 0
	Payload     []byte // without padding; empty in a padding-only packet
	Ends        bool   // its source lets what sounds die away by itself; Parse sets false

	Place      Place      // of a video: Layout.Locate sets it
	Dependency Dependency // the same
	profile    uint16
	extensions []byte
}

// Parse reads b into p without copying. It returns an error, and leaves p
// unspecified, where b is not a whole RTP version 2 packet.
func (p *Packet) Parse(b []byte) error {
	if len(b) < headerSize || b[0]>>6 != 2 {
		return errMalformed
	}
	p.Layer, p.Ends = 0, false
	p.Marker = b[1]&0x80 != 0
	p.PayloadType = b[1] & 0x7f
	p.Seq = binary.BigEndian.Uint16(b[2:])
	p.Timestamp = binary.BigEndian.Uint32(b[4:])
	p.SSRC = binary.BigEndian.Uint32(b[8:])

	at := headerSize + 4*int(b[0]&0x0f)
	if len(b) < at {
		return errMalformed
	}
	p.profile, p.extensions = 0, nil
	if b[0]&0x10 != 0 {
		if len(b) < at+extHeaderSize {
			return errMalformed
		}
		p.profile = binary.BigEndian.Uint16(b[at:])
		size := 4 * int(binary.BigEndian.Uint16(b[at+2:]))
		at += extHeaderSize
		if len(b) < at+size {
			return errMalformed
		}
		p.extensions = b[at : at+size]
		at += size
	}
	return p.setPayload(b[at:], b[0]&0x20 != 0)
}

func (p *Packet) setPayload(b []byte, padded bool) error {
	p.Payload, p.Padding = b, 0
	if !padded {
		return nil
	}
	if len(b) == 0 {
		return errMalformed
	}
	n := int(b[len(b)-1])
	if n == 0 || n > len(b) {
		return errMalformed
	}
	p.Payload, p.Padding = b[:len(b)-n], uint8(n)
	return nil
}

// Tiny reports whether a packet of video carries hardly anything, and is
// neither the rest of a frame nor padding.
func (p *Packet) Tiny() bool {
	return !p.Marker && p.Padding == 0 && len(p.Payload) < TinyPayload
}

// Extension returns the header extension element with the given id in either
// form of RFC 8285, or nil. An element of the two-byte form may be empty: it
// is returned as an empty slice that is not nil.
func (p *Packet) Extension(id uint8) []byte {
	switch {
	case id == 0 || p.extensions == nil:
		return nil
	case p.profile == profileOneByte:
		return oneByteExtension(p.extensions, id)
	case p.profile&profileTwoByteMask == profileTwoByte:
		return twoByteExtension(p.extensions, id)
	}
	return nil
}

func oneByteExtension(b []byte, id uint8) []byte {
	for i := 0; i < len(b); {
		if b[i] == 0 { // padding
			i++
			continue
		}
		found, size := b[i]>>4, int(b[i]&0x0f)+1
		i++
		if found == 15 || i+size > len(b) { // id 15 ends the list: RFC 8285, section 4.2
			return nil
		}
		if found == id {
			return b[i : i+size]
		}
		i += size
	}
	return nil
}

func twoByteExtension(b []byte, id uint8) []byte {
	for i := 0; i < len(b); {
		if b[i] == 0 { // padding
			i++
			continue
		}
		if i+2 > len(b) {
			return nil
		}
		found, size := b[i], int(b[i+1])
		i += 2
		if i+size > len(b) {
			return nil
		}
		if found == id {
			return b[i : i+size]
		}
		i += size
	}
	return nil
}

// AudioLevel returns what the extension of RFC 6464 with the given id says:
// the level in dBov (0 to -127) and the voice activity bit.
func (p *Packet) AudioLevel(id uint8) (dBov int, voice, ok bool) {
	ext := p.Extension(id)
	if len(ext) < 1 {
		return 0, false, false
	}
	return -int(ext[0] & 0x7f), ext[0]&0x80 != 0, true
}
