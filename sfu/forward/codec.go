package forward

import "strings"

// Codec is one of the codecs that Earshot forwards.
type Codec uint8

// The codecs. NoCodec is the zero value.
const (
	NoCodec Codec = iota
	Opus
	VP8
	H264
	VP9
	AV1
	Codecs // how many there are, NoCodec included
)

// CodecOf returns the codec with a MIME type such as "video/VP8", or NoCodec.
func CodecOf(mime string) Codec {
	switch strings.ToLower(mime) {
	case "audio/opus":
		return Opus
	case "video/vp8":
		return VP8
	case "video/h264":
		return H264
	case "video/vp9":
		return VP9
	case "video/av1":
		return AV1
	}
	return NoCodec
}

// Kind returns how packets of the codec count time.
func (c Codec) Kind() Kind {
	if c == Opus {
		return Audio
	}
	return Video
}

// StartsKeyFrame reports whether a decoder can begin with a packet of the
// codec that has this payload. Every audio packet is such a one.
func (c Codec) StartsKeyFrame(payload []byte) bool {
	switch c {
	case Opus:
		return true
	case VP8:
		return vp8KeyFrame(payload)
	case H264:
		return h264KeyFrame(payload)
	case VP9:
		return vp9KeyFrame(payload)
	case AV1:
		return av1KeyFrame(payload)
	}
	return false
}

func vp9KeyFrame(b []byte) bool {
	var v VP9Header
	return v.Parse(b) && v.Start && !v.Inter && v.SID == 0
}

// av1KeyFrame reads the aggregation header alone (section 4.4 of the RTP
// payload format for AV1): N says that a coded video sequence begins, Z that
// the packet goes on with an OBU. A forwarder must not read OBUs.
func av1KeyFrame(b []byte) bool {
	return len(b) > 1 && b[0]&0x08 != 0 && b[0]&0x80 == 0
}

func vp8KeyFrame(b []byte) bool {
	var v VP8Header
	return v.Parse(b) && v.KeyFrame
}
