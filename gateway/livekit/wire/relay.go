package wire

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Member says what a data packet carries: the number of the field.
type Member protowire.Number

// The members of a DataPacket that one participant may send to others.
const (
	MemberUser          Member = 2
	MemberDTMF          Member = 6
	MemberTranscription Member = 7
	MemberChat          Member = 9
	MemberRPCRequest    Member = 10
	MemberRPCAck        Member = 11
	MemberRPCResponse   Member = 12
	MemberStreamHeader  Member = 13
	MemberStreamChunk   Member = 14
	MemberStreamTrailer Member = 15
	MemberEncrypted     Member = 18
)

// maxDestinations bounds whom one packet names.
const maxDestinations = 256

// Envelope is what a relay has to know of a data packet. Bytes are those of the
// packet and good as long as they are.
type Envelope struct {
	Member       Member
	Body         []byte   // the member's message
	Topic        string   // of a user packet or the header of a stream
	Destinations []string // identities; none: everybody
	Sequence     uint32   // of a reliable packet
	rest         []byte   // other fields of the packet that are passed on
}

// OpenPacket reads the outside of a data packet. Packets that no client may
// send to others are refused: without a member, with one only servers send, or
// with two, of which receivers might take different ones.
func OpenPacket(packet []byte) (Envelope, error) {
	var e Envelope
	for len(packet) > 0 {
		num, typ, n := protowire.ConsumeTag(packet)
		if n < 0 {
			return Envelope{}, ErrMalformed
		}
		size := protowire.ConsumeFieldValue(num, typ, packet[n:])
		if size < 0 {
			return Envelope{}, ErrMalformed
		}
		if err := e.take(num, typ, packet[:n+size], packet[n:n+size]); err != nil {
			return Envelope{}, err
		}
		packet = packet[n+size:]
	}
	switch e.Member {
	case 0:
		return Envelope{}, ErrMalformed
	case MemberUser:
		return e, e.openUser()
	case MemberStreamHeader:
		var h StreamHeader
		if err := Unmarshal(e.Body, &h); err != nil {
			return Envelope{}, err
		}
		e.Topic = h.Topic
	}
	return e, nil
}

func (e *Envelope) take(num protowire.Number, typ protowire.Type, field, value []byte) error {
	switch num {
	case 1: // the kind, which is passed on
		e.rest = append(e.rest, field...)
	case 4, 17: // who sent it: the server says that
	case 5:
		text, err := content(value, typ)
		if err != nil || len(e.Destinations) == maxDestinations {
			return ErrMalformed
		}
		e.Destinations = append(e.Destinations, string(text))
	case 16:
		if typ != protowire.VarintType {
			return ErrMalformed
		}
		x, _ := protowire.ConsumeVarint(value)
		e.Sequence = uint32(x)
	case 2, 6, 7, 9, 10, 11, 12, 13, 14, 15, 18:
		body, err := content(value, typ)
		if err != nil || e.Member != 0 {
			return ErrMalformed
		}
		e.Member, e.Body = Member(num), body
	case 3: // speakers: the server says who talks
		return ErrMalformed
	}
	return nil // unknown to this version: not passed on, as it might be a member
}

// openUser takes from a user packet what older clients wrote inside of it: whom
// it is for and, which is left out, who sent it.
func (e *Envelope) openUser() error {
	inner, rest := e.Body, []byte(nil)
	for len(inner) > 0 {
		num, typ, n := protowire.ConsumeTag(inner)
		if n < 0 {
			return ErrMalformed
		}
		size := protowire.ConsumeFieldValue(num, typ, inner[n:])
		if size < 0 {
			return ErrMalformed
		}
		field, value := inner[:n+size], inner[n:n+size]
		inner = inner[n+size:]
		switch num {
		case 1, 5: // the sender
			continue
		case 3: // destinations by sid, of clients before identities: not known here
			return ErrMalformed
		case 4, 6:
			text, err := content(value, typ)
			if err != nil || len(e.Destinations) == maxDestinations {
				return ErrMalformed
			}
			if num == 6 {
				e.Destinations = append(e.Destinations, string(text))
				continue
			}
			e.Topic = string(text)
		}
		rest = append(rest, field...)
	}
	e.Body = rest
	return nil
}

// AppendPacket appends the packet to dst as it is passed on: from whom, and to
// nobody named, as it goes to each receiver alone. In a user packet it says so
// inside too, where older clients look.
func (e *Envelope) AppendPacket(dst []byte, identity, sid string) []byte {
	body := e.Body
	if e.Member == MemberUser {
		body = protowire.AppendString(protowire.AppendTag(slices.Clip(body), 1, protowire.BytesType), sid)
		body = protowire.AppendString(protowire.AppendTag(body, 5, protowire.BytesType), identity)
	}
	dst = append(dst, e.rest...)
	dst = protowire.AppendBytes(protowire.AppendTag(dst, protowire.Number(e.Member), protowire.BytesType), body)
	dst = protowire.AppendString(protowire.AppendTag(dst, 4, protowire.BytesType), identity)
	return protowire.AppendString(protowire.AppendTag(dst, 17, protowire.BytesType), sid)
}
