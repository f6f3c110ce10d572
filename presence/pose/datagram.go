package pose

import (
	"encoding/binary"

	"earshot"
)

// Sizes of the datagram layout, in bytes.
const (
	MaxDatagram = 1200
	HeaderBytes = 8
	BlockBytes  = 5 // before the payload
	MaxPayload  = 255

	// Version is in the high four bits of the first byte; the low four are
	// flags, sent as 0 and ignored on receipt.
	Version = 1

	// MaxIndex is the largest participant index a block can name.
	MaxIndex = 1<<12 - 1
)

// Kind says what a block's payload refers to.
type Kind uint8

// The kinds of the layout. Only KindSnapshot is sent and understood so far.
const (
	KindDelta    Kind = iota // against the current intermediate pose
	KindInter                // intermediate pose, against a snapshot
	KindSnapshot             // stands alone
	KindRoot                 // root only
)

// Profile says which joints a payload has.
type Profile uint8

// ProfileVR3 is root, head and two hands.
const ProfileVR3 Profile = 0

// The reasons a datagram or snapshot is refused: bytes not written by this
// format. They are *earshot.Error values with code invalid_argument.
var (
	errShort    = earshot.Errorf(earshot.CodeInvalidArgument, "pose datagram is cut short")
	errLong     = earshot.Errorf(earshot.CodeInvalidArgument, "pose datagram has more than %d bytes, or bytes after its last block", MaxDatagram)
	errVersion  = earshot.Errorf(earshot.CodeInvalidArgument, "pose datagram is not of version %d", Version)
	errSnapshot = earshot.Errorf(earshot.CodeInvalidArgument, "pose snapshot has a length that does not fit its tracked hands, or padding that is not zero")
)

// Block is one pose in a datagram.
type Block struct {
	Index   uint16 // of the participant, 0-4095; 0 and ignored on the way up
	Kind    Kind
	Profile Profile
	Ref     uint8  // ids of the reference poses, 4+4 bits; 0 for now
	Age     uint8  // ms between capture and the datagram's time; 255 means 255 or more
	Payload []byte // at most MaxPayload bytes
}

// Known reports whether this package can decode the payload.
func (b *Block) Known() bool { return b.Kind == KindSnapshot && b.Profile == ProfileVR3 }

// Pose decodes the payload. ok is false for a block that is not Known.
func (b *Block) Pose() (p earshot.Pose, ok bool) {
	if !b.Known() {
		return p, false
	}
	p, err := DecodeSnapshot(b.Payload)
	return p, err == nil
}

// Reader walks the blocks of a datagram. Payloads alias the datagram.
type Reader struct {
	Seq  uint16
	Time uint32 // ms: the server clock on the way down, the sender's own on the way up
	Len  int    // blocks not yet read

	rest []byte
}

// Open checks a whole datagram: its frame, and every snapshot this package
// knows. After it Next and Block.Pose cannot meet malformed bytes. The error
// is an *earshot.Error with code invalid_argument.
func Open(datagram []byte) (Reader, error) {
	if len(datagram) < HeaderBytes {
		return Reader{}, errShort
	}
	if len(datagram) > MaxDatagram {
		return Reader{}, errLong
	}
	if datagram[0]>>4 != Version {
		return Reader{}, errVersion
	}
	r := Reader{
		Seq:  binary.BigEndian.Uint16(datagram[1:]),
		Time: binary.BigEndian.Uint32(datagram[3:]),
		Len:  int(datagram[7]),
		rest: datagram[HeaderBytes:],
	}
	if err := r.check(); err != nil {
		return Reader{}, err
	}
	return r, nil
}

// Next returns the next block, false after the last.
func (r *Reader) Next() (Block, bool) {
	if r.Len == 0 {
		return Block{}, false
	}
	head := binary.BigEndian.Uint16(r.rest)
	end := BlockBytes + int(r.rest[2])
	b := Block{
		Index:   head >> 4,
		Kind:    Kind(head >> 2 & 3),
		Profile: Profile(head & 3),
		Ref:     r.rest[3],
		Age:     r.rest[4],
		Payload: r.rest[BlockBytes:end:end],
	}
	r.rest = r.rest[end:]
	r.Len--
	return b, true
}

func (r Reader) check() error {
	for r.Len > 0 {
		if len(r.rest) < BlockBytes || len(r.rest) < BlockBytes+int(r.rest[2]) {
			return errShort
		}
		if b, _ := r.Next(); b.Known() && !validSnapshot(b.Payload) {
			return errSnapshot
		}
	}
	if len(r.rest) > 0 {
		return errLong
	}
	return nil
}
