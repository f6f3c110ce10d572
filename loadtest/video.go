package loadtest

import "time"

// Codecs of VideoConfig.
const (
	codecVP8  = "vp8"
	codecH264 = "h264"
)

// VideoConfig is a camera.
type VideoConfig struct {
	Codec string // "vp8" or "h264"; empty is vp8
	// Layers are from small to large. The last is sent, or with Simulcast, on
	// PathLean only, each under its RID.
	Layers    []Layer
	Simulcast bool
	Source    VideoSource
	// Reel is shown instead of Layers and Source.
	Reel Reel
}

// rids are the names of what is sent at once, none for one encoding.
func (v *VideoConfig) rids() (names []string) {
	for _, l := range v.Layers {
		if v.Simulcast {
			names = append(names, l.RID)
		}
	}
	return names
}

// Layer is one encoding of a camera.
type Layer struct {
	RID           string // names the layer where there are several: q, h, f
	Width, Height int
	FPS           int // 1 to 60; 0 is 30
	Kbps          int
}

// VideoSource gives the frames of a camera: a whole encoded frame, for VP8 as
// RFC 6386 has it, for H.264 as an access unit with start codes (Annex B).
// want asks for a key frame: the next one, or soon. The frame may be used
// until the next call. Calls are not made at the same time.
type VideoSource interface {
	Next(layer int, want bool) (frame []byte, key bool)
}

// VideoPacket is one video packet as a viewer got it.
type VideoPacket struct {
	Seq       uint16
	Timestamp uint32 // 90 kHz
	Bytes     int    // of payload
	First     bool   // the frame begins here
	Key       bool   // and is a key frame
	Last      bool   // the frame ends here (RTP marker)
	// Marked says that Mark holds what the camera's bot wrote behind the frame;
	// only the last packet of a frame has it.
	Marked bool
	Mark   VideoMark
}

// VideoMark is what a bot writes behind each of its video frames.
type VideoMark struct {
	Bot     uint32
	Frame   uint32    // frames sent in this layer before this one
	Packets uint16    // of this frame
	Layer   uint8     // place in VideoConfig.Layers
	At      time.Time // when the frame was sent
}
