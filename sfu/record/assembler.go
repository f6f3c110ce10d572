package record

import (
	"time"

	"earshot/sfu/record/format"

	"github.com/pion/rtp/codecs"
)

// maxPicture is how large a picture may get before it is thrown away.
const maxPicture = 4 << 20 // bytes

// picture is one frame of video, as files have it.
type picture struct {
	data      []byte // good until the next push
	timestamp uint32
	since     time.Duration // when its first packet came
	key       bool
}

// assembler makes pictures of the packets of one video, which come in order.
// After a loss it makes none until a key frame: what is in a file decodes
// without a flaw. It is pure.
type assembler struct {
	codec   format.Codec
	waits   bool // for a key frame
	broken  bool // the picture that is being made lacks something
	open    bool
	current picture
	frames  [][]byte // VP9: layers of the picture

	vp8  codecs.VP8Packet
	vp9  codecs.VP9Packet
	h264 codecs.H264Packet
	av1  codecs.AV1Depacketizer
}

func newAssembler(codec format.Codec) *assembler {
	return &assembler{codec: codec, waits: true, h264: codecs.H264Packet{IsAVC: true}}
}

// lose notes that something is missing before the next packet.
func (a *assembler) lose() { a.waits, a.broken = true, true }

// push takes a packet and returns the picture that it completes.
func (a *assembler) push(p *Packet) (picture, bool) {
	if len(p.Payload) == 0 { // padding
		return picture{}, false
	}
	if !a.open || p.Timestamp != a.current.timestamp {
		a.begin(p)
	}
	if !a.broken && !a.take(p.Payload) {
		a.broken = true
	}
	if !p.Marker {
		return picture{}, false
	}
	a.open = false
	return a.finish()
}

// begin starts a picture. One that was not completed is given up.
func (a *assembler) begin(p *Packet) {
	if a.open {
		a.waits = true
	}
	a.open, a.broken = true, false
	a.current = picture{data: a.current.data[:0], timestamp: p.Timestamp, since: p.since}
	a.frames = a.frames[:0]
	if a.codec == format.H264 {
		a.h264 = codecs.H264Packet{IsAVC: true}
	}
	a.broken = !a.begins(p.Payload)
}

// begins reports whether a picture begins with the payload.
func (a *assembler) begins(payload []byte) bool {
	switch a.codec {
	case format.VP8:
		return a.vp8.IsPartitionHead(payload) && payload[0]&0x07 == 0
	case format.VP9:
		return a.vp9.IsPartitionHead(payload)
	case format.H264:
		const fragment = 28
		return payload[0]&0x1f != fragment || len(payload) > 1 && payload[1]&0x80 != 0
	case format.AV1:
		return a.av1.IsPartitionHead(payload)
	}
	return false
}

// take adds what is in a payload and reports whether it could be read.
func (a *assembler) take(payload []byte) bool {
	if len(a.current.data) > maxPicture {
		return false
	}
	switch a.codec {
	case format.VP8:
		body, err := a.vp8.Unmarshal(payload)
		a.current.data = append(a.current.data, body...)
		return err == nil
	case format.VP9:
		return a.takeVP9(payload)
	case format.H264:
		body, err := a.h264.Unmarshal(payload)
		a.current.data = append(a.current.data, body...)
		return err == nil
	case format.AV1:
		body, err := a.av1.Unmarshal(payload)
		a.current.data = append(a.current.data, body...)
		return err == nil
	}
	return false
}

// takeVP9 keeps the layers of a picture apart, for the index behind them.
func (a *assembler) takeVP9(payload []byte) bool {
	var h codecs.VP9Packet
	body, err := h.Unmarshal(payload)
	if err != nil {
		return false
	}
	if h.B {
		a.frames = append(a.frames, nil)
	}
	n := len(a.frames)
	if n == 0 || n > 8 {
		return false
	}
	a.frames[n-1] = append(a.frames[n-1], body...)
	return true
}

// finish returns the picture, if it is whole and can be decoded.
func (a *assembler) finish() (picture, bool) {
	p := &a.current
	if a.codec == format.VP9 {
		p.data = format.Superframe(p.data[:0], a.frames)
	}
	if a.broken || len(p.data) == 0 {
		a.waits = true
		return picture{}, false
	}
	p.key = a.isKey(p.data)
	if a.waits && !p.key {
		return picture{}, false
	}
	a.waits = false
	return *p, true
}

// isKey reports whether a decoder can begin with a picture.
func (a *assembler) isKey(data []byte) bool {
	_, key := format.PictureOf(a.codec, data)
	return key
}
