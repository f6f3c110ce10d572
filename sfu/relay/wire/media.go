package wire

import "encoding/binary"

// Sizes of a media record, in bytes.
const (
	mediaBytes    = 15 // before descriptor and payload
	MaxDescriptor = 255
	MaxPayload    = 1200
	// MediaOverhead is what a packet grows by at most, but for its descriptor.
	MediaOverhead = RecordBytes + mediaBytes + 1
)

// Flags of a media record.
const (
	flagMarker = 1 << iota
	flagLevel
	flagVoice
	flagDescriptor
)

// Media is an RTP packet of a publication on its way to another node: of its
// header what the node there has to know, without what differs for each
// listener.
type Media struct {
	Number    uint16 // of the publication on this link, given by the receiving node
	Codec     uint8  // of sfu/forward, 1 to 15
	Layer     uint8  // encoding of a video, 0 to 15
	Marker    bool
	HasLevel  bool
	Voice     bool // the voice activity bit of RFC 6464
	Level     int8 // dBov, 0 to -127
	Padding   uint8
	Seq       uint16
	Timestamp uint32
	SSRC      uint32
	// Descriptor is AV1's dependency descriptor, empty for none. It and Payload
	// alias what was parsed.
	Descriptor []byte
	Payload    []byte
}

// Size returns the bytes of the record, at most.
func (m *Media) Size() int { return MediaOverhead + len(m.Descriptor) + len(m.Payload) }

// Fits reports whether the packet can be sent at all.
func (m *Media) Fits() bool {
	return len(m.Payload) <= MaxPayload && len(m.Descriptor) <= MaxDescriptor && m.Codec < 16 && m.Layer < 16 &&
		HeadBytes+m.Size() <= MaxDatagram
}

// Append appends the record to dst.
func (m *Media) Append(dst []byte) []byte {
	start := len(dst)
	dst = openRecord(dst, KindMedia)
	var flags, level byte
	if m.Marker {
		flags |= flagMarker
	}
	if m.HasLevel {
		flags |= flagLevel
		level = byte(-m.Level)
	}
	if m.Voice {
		flags |= flagVoice
	}
	if len(m.Descriptor) > 0 {
		flags |= flagDescriptor
	}
	dst = binary.BigEndian.AppendUint16(dst, m.Number)
	dst = append(dst, flags, m.Codec<<4|m.Layer&15, level|m.highPadding())
	dst = binary.BigEndian.AppendUint16(dst, m.Seq)
	dst = binary.BigEndian.AppendUint32(dst, m.Timestamp)
	dst = binary.BigEndian.AppendUint32(dst, m.SSRC)
	if len(m.Descriptor) > 0 {
		dst = append(append(dst, byte(len(m.Descriptor))), m.Descriptor...)
	}
	if len(m.Payload) == 0 { // padding alone: its length, for the bandwidth it took
		dst = append(dst, m.Padding)
		return closeRecord(dst, start)
	}
	return closeRecord(append(dst, m.Payload...), start)
}

// highPadding marks a packet of padding alone by the bit that no level has.
func (m *Media) highPadding() byte {
	if len(m.Payload) == 0 {
		return 0x80
	}
	return 0
}

// Parse reads the body of a media record into m, without copying.
func (m *Media) Parse(b []byte) error {
	if len(b) < mediaBytes {
		return errRecord
	}
	flags := b[2]
	*m = Media{
		Number: binary.BigEndian.Uint16(b), Codec: b[3] >> 4, Layer: b[3] & 15,
		Marker: flags&flagMarker != 0, HasLevel: flags&flagLevel != 0, Voice: flags&flagVoice != 0,
		Seq: binary.BigEndian.Uint16(b[5:]), Timestamp: binary.BigEndian.Uint32(b[7:]), SSRC: binary.BigEndian.Uint32(b[11:]),
	}
	if m.HasLevel {
		m.Level = -int8(b[4] & 0x7f)
	}
	rest := b[mediaBytes:]
	if flags&flagDescriptor != 0 {
		if len(rest) < 2 || rest[0] == 0 || len(rest) < 1+int(rest[0]) {
			return errRecord
		}
		m.Descriptor, rest = rest[1:1+int(rest[0])], rest[1+int(rest[0]):]
	}
	if b[4]&0x80 != 0 {
		if len(rest) != 1 {
			return errRecord
		}
		m.Padding = rest[0]
		return nil
	}
	if len(rest) == 0 || len(rest) > MaxPayload {
		return errRecord
	}
	m.Payload = rest
	return nil
}
