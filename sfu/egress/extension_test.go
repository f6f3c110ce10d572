package egress

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pion/rtp"
)

// TestExtensions writes headers with a number, a descriptor, both or none, at
// the sizes where the form changes; pion reads them.
func TestExtensions(t *testing.T) {
	s := testContext(t).Stream(7, VideoWindow)
	buffer := make([]byte, 2000)
	for _, number := range []uint8{0, 5} {
		for _, size := range []int{0, 1, 3, 15, 16, 17, 18, 254, 255} {
			h := Header{Seq: 9, NumberID: number, Number: 0xabcd, DescriptorID: 12, Descriptor: bytes.Repeat([]byte{0xee}, size)}
			for i := range buffer {
				buffer[i] = 0xff // what was in the batch before
			}
			head := s.write(buffer, h)
			plain := buffer[:head+copy(buffer[head:], "video")]
			if head != headerSize+h.extensionSize() || head%4 != 0 {
				t.Errorf("number %d, %d bytes: the header has %d bytes, said were %d", number, size, head, headerSize+h.extensionSize())
			}
			var p rtp.Packet
			if err := p.Unmarshal(plain); err != nil {
				t.Errorf("number %d, %d bytes: %v", number, size, err)
				continue
			}
			if got := p.GetExtension(12); !bytes.Equal(got, h.Descriptor) {
				t.Errorf("number %d: the descriptor is %x, want %d bytes", number, got, size)
			}
			if got := p.GetExtension(5); (number != 0) != (len(got) == 2 && binary.BigEndian.Uint16(got) == 0xabcd) {
				t.Errorf("number %d, %d bytes: the number is %x", number, size, got)
			}
			if string(p.Payload) != "video" {
				t.Errorf("number %d, %d bytes: the payload is %q", number, size, p.Payload)
			}
		}
	}
}

// TestDescriptorIsSealed refuses the same number with another descriptor: it
// would be a second text under one nonce.
func TestDescriptorIsSealed(t *testing.T) {
	s := testContext(t).Stream(7, VideoWindow)
	buffer := make([]byte, 200)
	h := Header{Seq: 9, DescriptorID: 12, Descriptor: []byte{1, 2, 3}}
	first := s.seal(buffer, h, []byte("video"))
	h.Descriptor = []byte{1, 2, 3}
	if n := s.seal(buffer, h, []byte("video")); n != first {
		t.Errorf("the same packet once more has %d bytes, want %d", n, first)
	}
	h.Descriptor = []byte{1, 2, 4}
	if n := s.seal(buffer, h, []byte("video")); n != 0 {
		t.Error("another descriptor under the same number was sealed")
	}
}
