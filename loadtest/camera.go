package loadtest

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
)

// videoMTU is how long the payload of a video packet may get without the mark.
const videoMTU = 1100

const (
	markMagic = "ESV1"
	markBytes = 19 // before base64
	// markText is how long a mark is on the wire. It is text so that nothing in
	// it looks like a start code.
	markText = len(markMagic) + (markBytes*8+5)/6
	// markNAL is a NAL unit type that decoders pass over (ITU-T H.264, table
	// 7-1: unspecified).
	markNAL = 30
)

// camera is a bot's camera: it turns the frames of its source into RTP.
type camera struct {
	cfg    *VideoConfig
	number uint32
	show   func(layer int, p *rtp.Packet) error
	h264   bool
	wanted atomic.Bool // the server asked for a key frame

	every     time.Duration
	start     uint32 // time stamp of the first frame
	frames    uint32
	encodings []encoding
}

// encoding is one of the layers that are sent.
type encoding struct {
	layer   int // in VideoConfig.Layers
	packet  rtp.Packet
	payload rtp.Payloader
}

func newCamera(cfg *Config, show func(layer int, p *rtp.Packet) error) *camera {
	rng := rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.Number)^0xca3e4a))
	c := &camera{
		cfg: cfg.Video, number: cfg.Number, show: show, start: rng.Uint32(),
		every: time.Second / 30, h264: cfg.Video.Codec == codecH264,
	}
	top := max(0, len(cfg.Video.Layers)-1)
	least := top
	if cfg.Video.Simulcast {
		least = 0
	}
	if cfg.Video.Reel != nil {
		c.every = reelEvery
	}
	for layer := least; layer <= top; layer++ {
		e := encoding{layer: layer, payload: &codecs.VP8Payloader{EnablePictureID: true}}
		e.packet.Version, e.packet.PayloadType = 2, vp8Payload
		e.packet.SequenceNumber = uint16(rng.Uint32())
		if c.h264 {
			e.payload, e.packet.PayloadType = &codecs.H264Payloader{}, h264Payload
		}
		c.encodings = append(c.encodings, e)
	}
	if top < len(cfg.Video.Layers) {
		if fps := cfg.Video.Layers[top].FPS; fps > 0 {
			c.every = time.Second / time.Duration(min(fps, 60))
		}
	}
	return c
}

// frame sends the next frame, of each layer that is sent.
func (c *camera) frame(now time.Time) {
	if c.cfg.Reel != nil {
		c.reel(now)
		return
	}
	want := c.wanted.Swap(false)
	for i := range c.encodings {
		c.encode(i, want, now)
	}
	c.frames++
}

func (c *camera) encode(i int, want bool, now time.Time) {
	e := &c.encodings[i]
	frame, _ := c.cfg.Source.Next(e.layer, want)
	payloads := e.payload.Payload(videoMTU, frame)
	if len(payloads) == 0 {
		return
	}
	count := len(payloads)
	if c.h264 {
		count++
	}
	mark := appendMark(nil, VideoMark{
		Bot: c.number, Frame: c.frames, Packets: uint16(count), Layer: uint8(e.layer), At: now,
	})
	if c.h264 {
		payloads = append(payloads, append([]byte{markNAL}, mark...))
	} else {
		payloads[count-1] = append(payloads[count-1], mark...)
	}
	p := &e.packet
	p.Timestamp = c.start + uint32(time.Duration(c.frames)*c.every*9/time.Duration(100*time.Microsecond))
	for j, payload := range payloads {
		p.SequenceNumber++
		p.Marker, p.Payload = j == count-1, payload
		_ = c.show(i, p) // closed: the run is about to end
	}
}

// appendMark appends m as text.
func appendMark(dst []byte, m VideoMark) []byte {
	var b [markBytes]byte
	binary.BigEndian.PutUint32(b[0:], m.Bot)
	binary.BigEndian.PutUint32(b[4:], m.Frame)
	binary.BigEndian.PutUint16(b[8:], m.Packets)
	b[10] = m.Layer
	binary.BigEndian.PutUint64(b[11:], uint64(m.At.UnixNano()))
	return base64.RawStdEncoding.AppendEncode(append(dst, markMagic...), b[:])
}

// readMark reads the mark at the end of a frame's last packet.
func readMark(payload []byte) (VideoMark, bool) {
	if len(payload) < markText {
		return VideoMark{}, false
	}
	text := payload[len(payload)-markText:]
	var b [markBytes]byte
	if string(text[:len(markMagic)]) != markMagic {
		return VideoMark{}, false
	}
	if n, err := base64.RawStdEncoding.Decode(b[:], text[len(markMagic):]); err != nil || n != markBytes {
		return VideoMark{}, false
	}
	return VideoMark{
		Bot:     binary.BigEndian.Uint32(b[0:]),
		Frame:   binary.BigEndian.Uint32(b[4:]),
		Packets: binary.BigEndian.Uint16(b[8:]),
		Layer:   b[10],
		At:      time.Unix(0, int64(binary.BigEndian.Uint64(b[11:]))),
	}, true
}

// videoCapability is what a camera of a pionLink sends.
func videoCapability(codec string) webrtc.RTPCodecCapability {
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}}
	if codec == codecH264 {
		return webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeH264, ClockRate: 90000, SDPFmtpLine: h264Format, RTCPFeedback: feedback,
		}
	}
	return webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: feedback}
}
