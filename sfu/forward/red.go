package forward

// Limits of redundant audio data (RFC 2198) as it is read and written here.
const (
	maxREDBlocks = 16        // earlier frames in a packet that are read
	redHeader    = 4         // bytes before an earlier frame's data: F, block PT, offset, length
	maxREDOffset = 1<<14 - 1 // samples by which an earlier frame may be older
	maxREDLength = 1<<10 - 1 // bytes of an earlier frame
)

// RED is a packet of redundant audio data (RFC 2198), read: a frame and some
// that were sent before it. All point into the bytes that were parsed.
type RED struct {
	Primary []byte
	blocks  [maxREDBlocks]REDBlock
	n       int
}

// REDBlock is an earlier frame.
type REDBlock struct {
	Offset  uint32 // samples by which it is older than the packet's timestamp
	Payload []byte
}

// Earlier returns the earlier frames in the order of the packet, the oldest first.
func (r *RED) Earlier() []REDBlock { return r.blocks[:r.n] }

// Parse reads a payload all of whose blocks have the payload type pt. It
// reports false, and leaves r unspecified, where it is not such a one, or has
// more than sixteen earlier frames.
func (r *RED) Parse(b []byte, pt uint8) bool {
	r.n = 0
	at := 0
	var sizes [maxREDBlocks]int
	for {
		if len(b) <= at || b[at]&0x7f != pt {
			return false
		}
		if b[at]&0x80 == 0 { // the primary's header is one byte, and the last
			at++
			break
		}
		if r.n == maxREDBlocks || len(b) < at+redHeader {
			return false
		}
		r.blocks[r.n].Offset = uint32(b[at+1])<<6 | uint32(b[at+2]>>2)
		sizes[r.n] = int(b[at+2]&3)<<8 | int(b[at+3])
		r.n++
		at += redHeader
	}
	for i := range r.n {
		if len(b) < at+sizes[i] {
			return false
		}
		r.blocks[i].Payload = b[at : at+sizes[i]]
		at += sizes[i]
	}
	r.Primary = b[at:]
	return true
}

// appendREDHeader appends the header of an earlier frame.
func appendREDHeader(dst []byte, pt uint8, offset uint32, size int) []byte {
	return append(dst, 0x80|pt, byte(offset>>6), byte(offset<<2)|byte(size>>8), byte(size))
}
