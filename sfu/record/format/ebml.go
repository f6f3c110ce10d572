package format

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Elements of EBML (RFC 8794) and Matroska (RFC 9559) that are written or read.
const (
	idEBML            = 0x1A45DFA3
	idEBMLVersion     = 0x4286
	idEBMLReadVersion = 0x42F7
	idEBMLMaxID       = 0x42F2
	idEBMLMaxSize     = 0x42F3
	idDocType         = 0x4282
	idDocVersion      = 0x4287
	idDocReadVersion  = 0x4285
	idVoid            = 0xEC

	idSegment      = 0x18538067
	idSeekHead     = 0x114D9B74
	idSeek         = 0x4DBB
	idSeekID       = 0x53AB
	idSeekPosition = 0x53AC

	idInfo          = 0x1549A966
	idTimeScale     = 0x2AD7B1
	idDuration      = 0x4489
	idDateUTC       = 0x4461
	idMuxingApp     = 0x4D80
	idWritingApp    = 0x5741
	idTitle         = 0x7BA9
	idTracks        = 0x1654AE6B
	idTrackEntry    = 0xAE
	idTrackNumber   = 0xD7
	idTrackUID      = 0x73C5
	idTrackType     = 0x83
	idTrackLacing   = 0x9C
	idCodecID       = 0x86
	idCodecPrivate  = 0x63A2
	idVideo         = 0xE0
	idPixelWidth    = 0xB0
	idPixelHeight   = 0xBA
	idCluster       = 0x1F43B675
	idTimestamp     = 0xE7
	idSimpleBlock   = 0xA3
	idCues          = 0x1C53BB6B
	idCuePoint      = 0xBB
	idCueTime       = 0xB3
	idCuePositions  = 0xB7
	idCueTrack      = 0xF7
	idCueClusterPos = 0xF1
)

const (
	unknownSize = 0x01FF_FFFF_FFFF_FFFF // the size of an element that is not finished
	longSize    = 0x0100_0000_0000_0000 // marks a size of 8 bytes
)

// appendID appends an element id, which brings its own length.
func appendID(b []byte, id uint32) []byte {
	for shift := 24; shift >= 0; shift -= 8 {
		if id>>shift != 0 {
			b = append(b, byte(id>>shift))
		}
	}
	return b
}

// appendSize appends a size in as few bytes as hold it.
func appendSize(b []byte, n uint64) []byte {
	for length := 1; length < 8; length++ {
		if n < 1<<(7*length)-1 { // all ones are unknown
			n |= 1 << (7 * length)
			for ; length > 0; length-- {
				b = append(b, byte(n>>(8*(length-1))))
			}
			return b
		}
	}
	return binary.BigEndian.AppendUint64(b, n|longSize)
}

func appendElement(b []byte, id uint32, body []byte) []byte {
	return append(appendSize(appendID(b, id), uint64(len(body))), body...)
}

func appendUint(b []byte, id uint32, n uint64) []byte {
	length := max(1, (bits.Len64(n)+7)/8)
	b = appendSize(appendID(b, id), uint64(length))
	for ; length > 0; length-- {
		b = append(b, byte(n>>(8*(length-1))))
	}
	return b
}

// appendUint64 appends a number in 8 bytes, so that another can take its place.
func appendUint64(b []byte, id uint32, n uint64) []byte {
	return binary.BigEndian.AppendUint64(appendSize(appendID(b, id), 8), n)
}

func appendFloat(b []byte, id uint32, f float64) []byte {
	return appendUint64(b, id, math.Float64bits(f))
}

// appendVoid appends an element of exactly size bytes (at least 2) that
// readers pass over.
func appendVoid(b []byte, size int) []byte {
	b = append(b, idVoid)
	if size < 10 {
		b = append(b, 0x80|byte(size-2))
		return append(b, make([]byte, size-2)...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(size-9)|longSize)
	return append(b, make([]byte, size-9)...)
}
