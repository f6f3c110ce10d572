package wire

import (
	"encoding/binary"

	"earshot"
)

// Version is of datagrams and messages together, in the first byte of each
// datagram and in Hello. Nodes of different versions refuse each other.
const Version = 1

// Sizes in bytes. A datagram is a head and records; a record is its kind, the
// length of its body and the body.
const (
	HeadBytes   = 9 // version, sequence number (32 bit), sender's clock in ms (32 bit)
	RecordBytes = 3 // kind, length (16 bit)
	// BatchBytes is how long a datagram grows by packing records together. One
	// record that is longer, of a video, has a datagram for itself.
	BatchBytes = 1200
	// MaxDatagram is the longest: what one QUIC packet of 1,350 bytes carries.
	MaxDatagram = 1310
)

// Kind says what a record is.
type Kind uint8

// The kinds of records. Others are passed over, so that a later version may
// add some.
const (
	KindNone    Kind = iota // struck out: what it held must not be sent any more
	KindMedia               // an RTP packet of a publication
	KindPose                // a whole pose
	KindRoot                // where somebody stands, for those who do not look
	KindMissing             // numbers of datagrams that did not come
	KindVisitor             // where somebody near a border stands: Pose with VisitorBytes
)

var (
	errShort   = earshot.Errorf(earshot.CodeInvalidArgument, "relay datagram is cut short, or longer than its records")
	errVersion = earshot.Errorf(earshot.CodeInvalidArgument, "relay datagram is not of version %d: run the same release on all nodes", Version)
	errRecord  = earshot.Errorf(earshot.CodeInvalidArgument, "relay record is malformed")
)

// Reader walks the records of a datagram. Bodies alias it.
type Reader struct {
	Seq  uint32 // of the datagram on its link, in one direction
	Time uint32 // the sender's clock, ms
	rest []byte
}

// ParseDatagram checks the frame of a whole datagram: head and lengths, not the bodies.
// The error is an *earshot.Error with code invalid_argument.
func ParseDatagram(datagram []byte) (Reader, error) {
	if len(datagram) < HeadBytes || len(datagram) > MaxDatagram {
		return Reader{}, errShort
	}
	if datagram[0] != Version {
		return Reader{}, errVersion
	}
	r := Reader{
		Seq: binary.BigEndian.Uint32(datagram[1:]), Time: binary.BigEndian.Uint32(datagram[5:]),
		rest: datagram[HeadBytes:],
	}
	for rest := r.rest; len(rest) > 0; {
		if len(rest) < RecordBytes {
			return Reader{}, errShort
		}
		end := RecordBytes + int(binary.BigEndian.Uint16(rest[1:]))
		if len(rest) < end {
			return Reader{}, errShort
		}
		rest = rest[end:]
	}
	return r, nil
}

// Next returns the next record, false after the last.
func (r *Reader) Next() (kind Kind, body []byte, ok bool) {
	if len(r.rest) == 0 {
		return 0, nil, false
	}
	end := RecordBytes + int(binary.BigEndian.Uint16(r.rest[1:]))
	kind, body = Kind(r.rest[0]), r.rest[RecordBytes:end:end]
	r.rest = r.rest[end:]
	return kind, body, true
}

// Batch is a datagram in the making. Begin it before the first record.
type Batch struct {
	buffer [MaxDatagram]byte
	len    int
	count  int
}

// Begin empties the batch.
func (b *Batch) Begin() { b.len, b.count = HeadBytes, 0 }

// Len returns how many records are in it.
func (b *Batch) Len() int { return b.count }

// Room returns where a record of up to size bytes may be appended, nil where it
// does not fit: then the batch has to leave first.
func (b *Batch) Room(size int) []byte {
	most := BatchBytes
	if b.count == 0 {
		most = MaxDatagram
	}
	if b.len+size > most {
		return nil
	}
	return b.buffer[b.len:b.len:most]
}

// Add takes a record that was appended to what Room returned.
func (b *Batch) Add(record []byte) {
	b.len += len(record)
	b.count++
}

// Seal numbers the datagram and returns it; it is good until Begin.
func (b *Batch) Seal(seq, clock uint32) []byte {
	b.buffer[0] = Version
	binary.BigEndian.PutUint32(b.buffer[1:], seq)
	binary.BigEndian.PutUint32(b.buffer[5:], clock)
	return b.buffer[:b.len]
}

// Strike empties the records of a track or person that must not be sent any
// more, also not again. It returns how many there were.
func (b *Batch) Strike(kind Kind, number uint16) (struck int) {
	for at := HeadBytes; at+RecordBytes <= b.len; {
		body := b.buffer[at+RecordBytes : b.len]
		size := int(binary.BigEndian.Uint16(b.buffer[at+1:]))
		if Kind(b.buffer[at]) == kind && size >= 2 && binary.BigEndian.Uint16(body) == number {
			b.buffer[at] = byte(KindNone)
			clear(body[:size])
			struck++
		}
		at += RecordBytes + size
	}
	return struck
}

// openRecord appends the head of a record whose length closeRecord fills in.
func openRecord(dst []byte, kind Kind) []byte { return append(dst, byte(kind), 0, 0) }

func closeRecord(dst []byte, start int) []byte {
	binary.BigEndian.PutUint16(dst[start+1:], uint16(len(dst)-start-RecordBytes))
	return dst
}
