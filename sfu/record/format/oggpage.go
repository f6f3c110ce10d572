package format

import (
	"encoding/binary"
	"io"
)

// Pages of RFC 3533, section 6.
const (
	pageHeader   = 27
	pageSegments = 255
	pageMagic    = "OggS"

	pageContinued = 1
	pageFirst     = 2
	pageLast      = 4
)

// page is one page that is being made. Packets in it are whole: those of Opus
// are small.
type page struct {
	serial, number uint32
	kind           byte
	position       uint64 // granule: samples at the end of the last packet
	lacing         []byte
	body           []byte
	raw            []byte // scratch
}

// fits reports whether a packet of so many bytes has room.
func (p *page) fits(bytes int) bool { return len(p.lacing)+bytes/255+1 <= pageSegments }

func (p *page) add(packet []byte, position uint64) {
	n := len(packet)
	for ; n >= 255; n -= 255 {
		p.lacing = append(p.lacing, 255)
	}
	p.lacing = append(p.lacing, byte(n))
	p.body = append(p.body, packet...)
	p.position = position
}

// write writes the page and begins the next. Where w fails the page stays as
// it was and may be written again.
func (p *page) write(w io.Writer) error {
	b := append(p.raw[:0], pageMagic...)
	b = append(b, 0, p.kind)
	b = binary.LittleEndian.AppendUint64(b, p.position)
	b = binary.LittleEndian.AppendUint32(b, p.serial)
	b = binary.LittleEndian.AppendUint32(b, p.number)
	b = append(b, 0, 0, 0, 0, byte(len(p.lacing)))
	b = append(append(b, p.lacing...), p.body...)
	binary.LittleEndian.PutUint32(b[22:], oggSum(b))
	p.raw = b
	if _, err := w.Write(b); err != nil {
		return err
	}
	p.number++
	p.kind, p.lacing, p.body = 0, p.lacing[:0], p.body[:0]
	return nil
}

// oggTable is for the polynomial 0x04c11db7, most significant bit first:
// hash/crc32 has only the reflected kind.
var oggTable = func() (table [256]uint32) {
	for i := range table {
		sum := uint32(i) << 24
		for range 8 {
			top := sum >> 31
			sum = sum<<1 ^ top*0x04c11db7
		}
		table[i] = sum
	}
	return table
}()

// oggSum is the checksum of a page whose own field holds zeros.
func oggSum(b []byte) (sum uint32) {
	for _, c := range b {
		sum = sum<<8 ^ oggTable[byte(sum>>24)^c]
	}
	return sum
}
