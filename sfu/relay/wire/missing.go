package wire

import "encoding/binary"

// AppendMissing appends the record that asks for datagrams again. Of more than
// MaxAsked the first are asked for.
func AppendMissing(dst []byte, seqs []uint32) []byte {
	start := len(dst)
	dst = openRecord(dst, KindMissing)
	for _, seq := range seqs[:min(len(seqs), MaxAsked)] {
		dst = binary.BigEndian.AppendUint32(dst, seq)
	}
	return closeRecord(dst, start)
}

// ParseMissing appends the numbers in the body of such a record to dst.
func ParseMissing(dst []uint32, b []byte) ([]uint32, error) {
	if len(b)%4 != 0 || len(b) > 4*MaxAsked {
		return dst, errRecord
	}
	for ; len(b) > 0; b = b[4:] {
		dst = append(dst, binary.BigEndian.Uint32(b))
	}
	return dst, nil
}

// MissingSize returns the bytes of the record that asks for n datagrams.
func MissingSize(n int) int { return RecordBytes + 4*min(n, MaxAsked) }
