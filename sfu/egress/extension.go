package egress

import "encoding/binary"

// Sizes of header extensions: RFC 8285, section 4.
const (
	extensionHead = 4  // profile and length
	numberSize    = 8  // the number alone, in the one-byte form
	oneByteMost   = 16 // bytes of an element in the one-byte form
	elementMost   = 255
)

// The two forms, as their profiles say.
const (
	oneByteForm = 0xbede
	twoByteForm = 0x1000
)

// described reports whether the header has a descriptor.
func (h *Header) described() bool { return h.DescriptorID != 0 && len(h.Descriptor) > 0 }

// extensionSize returns how many bytes writeExtensions writes.
func (h *Header) extensionSize() int {
	if !h.described() {
		if h.NumberID == 0 {
			return 0
		}
		return numberSize
	}
	head := 1
	if len(h.Descriptor) > oneByteMost {
		head = 2
	}
	n := head + len(h.Descriptor)
	if h.NumberID != 0 {
		n += head + 2
	}
	return extensionHead + (n+3)&^3
}

// writeExtensions writes the header extensions to dst, which has room for them,
// and returns their size. Both forms are used, the shorter where it can be:
// a=extmap-allow-mixed is for the owner to see to.
func (h *Header) writeExtensions(dst []byte) int {
	size := h.extensionSize()
	if size == 0 {
		return 0
	}
	two := h.described() && len(h.Descriptor) > oneByteMost
	form := uint16(oneByteForm)
	if two {
		form = twoByteForm
	}
	binary.BigEndian.PutUint16(dst, form)
	binary.BigEndian.PutUint16(dst[2:], uint16(size-extensionHead)/4)
	at := extensionHead
	if h.NumberID != 0 {
		at += putElementHead(dst[at:], h.NumberID, 2, two)
		binary.BigEndian.PutUint16(dst[at:], h.Number)
		at += 2
	}
	if h.described() {
		at += putElementHead(dst[at:], h.DescriptorID, len(h.Descriptor), two)
		at += copy(dst[at:], h.Descriptor)
	}
	clear(dst[at:size])
	return size
}

func putElementHead(dst []byte, id uint8, size int, two bool) int {
	if two {
		dst[0], dst[1] = id, byte(size)
		return 2
	}
	dst[0] = id<<4 | byte(size-1)
	return 1
}
