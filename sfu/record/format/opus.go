package format

// OpusRate is how many samples a second Opus counts in RTP and in Ogg,
// whatever it was made from: RFC 7587, section 4.1.
const OpusRate = 48_000

const (
	maxOpusPacket = 61_440 // bytes; a page cannot hold more of one packet: 255 * 255 less a few
	maxOpusLength = 5760   // samples of a packet, 120 ms: RFC 6716, section 3.2.5
)

// OpusSamples returns how long an Opus packet is, in samples of 48 kHz; 0 for
// what cannot be one (RFC 6716, section 3.4).
func OpusSamples(packet []byte) int {
	if len(packet) == 0 || len(packet) > maxOpusPacket {
		return 0
	}
	frames := 1
	switch packet[0] & 3 {
	case 1:
		if len(packet)%2 == 0 { // two frames of one length
			return 0
		}
		frames = 2
	case 2:
		frames = 2
	case 3:
		if len(packet) < 2 {
			return 0
		}
		frames = int(packet[1] & 63)
	}
	if n := frames * opusFrame(packet[0]); n <= maxOpusLength {
		return n
	}
	return 0
}

// opusFrame is how long each frame is by the first byte: RFC 6716, section 3.1.
func opusFrame(toc byte) int {
	switch config := toc >> 3; {
	case config < 12: // SILK
		return [4]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid
		return [2]int{480, 960}[config&1]
	default: // CELT
		return 120 << (config & 3)
	}
}

// Silence in full-band CELT of one channel: packets that decode to nothing,
// which the encoder itself makes of digital silence. Of 120 ms, 20 ms and
// 2.5 ms.
var (
	silence120 = []byte{0xfb, 6, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe}
	silence20  = []byte{0xf8, 0xff, 0xfe}
	silence2   = []byte{0xe0, 0xff, 0xfe}
)

// fillers are what takes the place of what was not there, longest first.
var fillers = [...]struct {
	packet  []byte
	samples int64
}{{silence120, 5760}, {silence20, 960}, {silence2, 120}}

// concealed is how many frames of a gap decoders are asked to conceal before
// it is filled with silence: what a lost packet or two are worth.
const concealed = 3

// IsFiller reports whether a packet of a file holds no sound of its own: a
// writer put it there for time that passed without any.
func IsFiller(packet []byte) bool {
	if len(packet) == 1 {
		return true
	}
	for _, f := range fillers {
		if string(f.packet) == string(packet) {
			return true
		}
	}
	return false
}
