package pose

import "encoding/binary"

// Packer appends blocks to a buffer as one datagram after another. The zero
// Packer is ready; the buffer keeps its capacity over Reset.
type Packer struct {
	buf   []byte
	start int // of the open datagram
	open  bool
}

// Reset forgets all datagrams. Slices returned by End before it will be
// overwritten.
func (p *Packer) Reset() { p.buf, p.start, p.open = p.buf[:0], 0, false }

// Begin opens a datagram. time is in ms of the clock that its direction uses.
func (p *Packer) Begin(seq uint16, time uint32) {
	p.start, p.open = len(p.buf), true
	p.buf = append(p.buf, Version<<4)
	p.buf = binary.BigEndian.AppendUint16(p.buf, seq)
	p.buf = binary.BigEndian.AppendUint32(p.buf, time)
	p.buf = append(p.buf, 0)
}

// Fits reports whether a block with so many bytes of payload still fits into
// the open datagram.
func (p *Packer) Fits(payload int) bool {
	return p.open && payload <= MaxPayload &&
		len(p.buf)-p.start+BlockBytes+payload <= MaxDatagram && p.buf[p.start+7] < 255
}

// Add appends b to the open datagram, or does nothing and returns false where
// it does not fit: then End, Begin with the next sequence number, and Add.
func (p *Packer) Add(b Block) bool {
	if !p.Fits(len(b.Payload)) {
		return false
	}
	p.buf = binary.BigEndian.AppendUint16(p.buf,
		(b.Index&MaxIndex)<<4|uint16(b.Kind&3)<<2|uint16(b.Profile&3))
	p.buf = append(p.buf, byte(len(b.Payload)), b.Ref, b.Age)
	p.buf = append(p.buf, b.Payload...)
	p.buf[p.start+7]++
	return true
}

// End closes the open datagram and returns it. It is valid until Reset. Where
// none is open, it returns nil.
func (p *Packer) End() []byte {
	if !p.open {
		return nil
	}
	p.open = false
	return p.buf[p.start:len(p.buf):len(p.buf)]
}
