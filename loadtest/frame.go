package loadtest

import (
	"encoding/binary"
	"time"
)

// FrameDuration is how much sound one voice packet carries.
const FrameDuration = 20 * time.Millisecond

// SamplesPerFrame is FrameDuration on the RTP clock of Opus (RFC 7587: 48 kHz).
const SamplesPerFrame = 960

// DefaultFrameBytes is the size of a voice frame: 32 kbit/s, which is what
// browsers send for one voice.
const DefaultFrameBytes = 80

// tocMono20 is the first byte of an Opus packet with one 20 ms mono frame,
// full band, CELT (RFC 6716 section 3.1: configuration 31, code 0).
const tocMono20 = 0xf8

const (
	frameMagic       = 0x4553
	frameHeaderBytes = 29
)

// Frame identifies one voice frame of a bot. It travels as the payload of the
// RTP packet, after a valid Opus table-of-contents byte, so that a receiver
// can tell which source frame it got and when that was sent.
type Frame struct {
	Bot  uint32
	Tick uint32 // media time in frames since the bot began; runs on in pauses
	Sent uint32 // frames sent before this one, comfort noise not counted
	Into uint16 // frames since the talkspurt began, from 1; 0 in a pause
	At   time.Time
	Late time.Duration // At less the time it was due; whole microseconds
}

// AppendFrame appends the payload of f, size bytes long (at least the header,
// 29 bytes), to dst.
func AppendFrame(dst []byte, f Frame, size int) []byte {
	dst = append(dst, tocMono20)
	dst = binary.BigEndian.AppendUint16(dst, frameMagic)
	dst = binary.BigEndian.AppendUint32(dst, f.Bot)
	dst = binary.BigEndian.AppendUint32(dst, f.Tick)
	dst = binary.BigEndian.AppendUint32(dst, f.Sent)
	dst = binary.BigEndian.AppendUint16(dst, f.Into)
	dst = binary.BigEndian.AppendUint64(dst, uint64(f.At.UnixNano()))
	dst = binary.BigEndian.AppendUint32(dst, uint32(f.Late.Microseconds()))
	for n := frameHeaderBytes; n < size; n++ {
		dst = append(dst, byte(n))
	}
	return dst
}

// ParseFrame reads the payload of a voice packet. It reports false where the
// packet is not a bot's, such as the silence a server sends after a talkspurt.
func ParseFrame(b []byte) (Frame, bool) {
	if len(b) < frameHeaderBytes || b[0] != tocMono20 || binary.BigEndian.Uint16(b[1:]) != frameMagic {
		return Frame{}, false
	}
	return Frame{
		Bot:  binary.BigEndian.Uint32(b[3:]),
		Tick: binary.BigEndian.Uint32(b[7:]),
		Sent: binary.BigEndian.Uint32(b[11:]),
		Into: binary.BigEndian.Uint16(b[15:]),
		At:   time.Unix(0, int64(binary.BigEndian.Uint64(b[17:]))),
		Late: time.Duration(binary.BigEndian.Uint32(b[25:])) * time.Microsecond,
	}, true
}
