package sfu

import (
	"strings"
	"time"

	"earshot/sfu/forward"
)

// TapPacket is one packet as a tap gets it.
type TapPacket struct {
	Codec     string // opus, vp8, h264, …
	At        time.Time
	Layer     uint8 // of a video in several; each has its own numbers and times
	Marker    bool
	Seq       uint16
	Timestamp uint32
	Payload   []byte // good during the call; empty in padding, which has a number too
}

// codecNames are the names of the codecs: MIME types without the kind.
var codecNames = func() (names [forward.Codecs]string) {
	for _, mime := range []string{"audio/opus", "video/vp8", "video/vp9", "video/av1", "video/h264"} {
		_, names[forward.CodecOf(mime)], _ = strings.Cut(mime, "/")
	}
	names[forward.NoCodec] = ""
	return names
}()

// NewMediaTap returns a tap that takes videos as well as voices: of a video
// in layers the highest that comes, beginning and changing with a key frame,
// which it asks the publisher for. A publisher is told that all layers are
// wanted. handle is called as that of NewTap is.
func (s *SFU) NewMediaTap(handle func(p *Publication, packet *TapPacket)) *Tap {
	t := newTap(handle)
	t.video = true
	return t
}

// WantKeyFrame asks the publisher of a video that the tap gets for a key frame,
// where what came before cannot be decoded. Many wishes become few requests.
func (t *Tap) WantKeyFrame(p *Publication) {
	t.mu.Lock()
	layer := -1
	if h := t.watch[p]; h != nil && p.open.Load() {
		layer = max(0, h.Current())
	}
	t.mu.Unlock()
	p.wantKeyFrame(layer, time.Now())
}

// Refresh says that the videos of the tap are still wanted, also where nothing
// comes of them, and asks for the key frame of one that has not begun. It is to
// be called about once a second.
func (t *Tap) Refresh(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.heard {
		if h := t.watch[p]; h != nil && p.open.Load() {
			p.wish.note(forward.MaxLayers-1, now)
			if h.Current() < 0 {
				p.wantKeyFrames(now)
			}
		}
	}
}
