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

// Frame identifies one voice frame of a bot. It travels in the payload of the
// RTP packet, in place of the sound or in the padding behind it, so that a
// receiver can tell which source frame it got and when that was sent.
type Frame struct {
	Bot  uint32
	Tick uint32 // media time in frames since the bot began; runs on in pauses
	Sent uint32 // frames sent before this one, comfort noise not counted
	Into uint16 // frames since the talkspurt began, from 1; 0 in a pause
	At   time.Time
	Late time.Duration // At less the time it was due; whole microseconds
}

// AppendFrame appends the payload of f, size bytes long (at least the header,
// 29 bytes), to dst. A decoder hears noise in it.
func AppendFrame(dst []byte, f Frame, size int) []byte {
	dst = f.append(append(dst, tocMono20))
	for n := frameHeaderBytes; n < size; n++ {
		dst = append(dst, byte(n))
	}
	return dst
}

// Sound is recorded Opus: frame i, from 0, is one packet with one frame of
// FrameDuration in it (RFC 6716, code 0).
type Sound interface {
	AppendFrame(dst []byte, i int) []byte
}

// padded is the second byte of an Opus packet of code 3 with one frame and
// padding, which any decoder passes over (RFC 6716 section 3.2.5).
const padded = 0x41

// appendSound appends the frame of s that f's tick falls on, with f in the
// padding of the packet: what is sent can be played and told apart.
func appendSound(dst []byte, f Frame, s Sound) []byte {
	start := len(dst)
	dst = s.AppendFrame(append(dst, 0, 0), int(f.Tick))
	if len(dst) == start+2 {
		dst = append(dst, tocMono20) // an empty packet is silence
	}
	// The table of contents gives way to those of code 3 and the length of
	// the padding.
	dst[start], dst[start+1], dst[start+2] = dst[start+2]|3, padded, frameHeaderBytes-1
	return f.append(dst)
}

// append appends the header without the table of contents.
func (f *Frame) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, frameMagic)
	dst = binary.BigEndian.AppendUint32(dst, f.Bot)
	dst = binary.BigEndian.AppendUint32(dst, f.Tick)
	dst = binary.BigEndian.AppendUint32(dst, f.Sent)
	dst = binary.BigEndian.AppendUint16(dst, f.Into)
	dst = binary.BigEndian.AppendUint64(dst, uint64(f.At.UnixNano()))
	return binary.BigEndian.AppendUint32(dst, uint32(f.Late.Microseconds()))
}

// ParseFrame reads the payload of a voice packet. It reports false where the
// packet is not a bot's, such as the silence a server sends after a talkspurt.
func ParseFrame(b []byte) (Frame, bool) {
	const header = frameHeaderBytes - 1
	switch {
	case len(b) < frameHeaderBytes:
		return Frame{}, false
	case b[0] == tocMono20:
		b = b[1:]
	case b[0]&3 == 3 && b[1] == padded && b[2] == header && len(b) >= 3+header:
		b = b[len(b)-header:]
	default:
		return Frame{}, false
	}
	if binary.BigEndian.Uint16(b) != frameMagic {
		return Frame{}, false
	}
	return Frame{
		Bot:  binary.BigEndian.Uint32(b[2:]),
		Tick: binary.BigEndian.Uint32(b[6:]),
		Sent: binary.BigEndian.Uint32(b[10:]),
		Into: binary.BigEndian.Uint16(b[14:]),
		At:   time.Unix(0, int64(binary.BigEndian.Uint64(b[16:]))),
		Late: time.Duration(binary.BigEndian.Uint32(b[24:])) * time.Microsecond,
	}, true
}
