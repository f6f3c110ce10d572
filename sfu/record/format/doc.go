// Package format is what a recording is made of: Ogg Opus for voices (RFC 3533,
// RFC 7845), WebM and Matroska for videos (RFC 9559), the pose log, and the
// manifest that holds them together. docs/recording.md is the specification.
//
// It owns the bytes, both ways: writers that leave a file playable after every
// call, and readers that take what a crash or a stranger left. It does not own
// files, clocks, queues or RTP: sfu/record writes with it, loadtest/replay
// reads. It is pure: bytes and positions come in, bytes and values go out.
// A writer or reader belongs to one goroutine; the functions are safe for
// concurrent use.
package format

import "strings"

// Codec is one of those that a track may have.
type Codec uint8

// The codecs. None is the zero value.
const (
	None Codec = iota
	Opus
	VP8
	VP9
	AV1
	H264
)

var codecNames = [...]string{"", "opus", "vp8", "vp9", "av1", "h264"}

// CodecOf returns the codec of a name such as "vp8", or None.
func CodecOf(name string) Codec {
	for c, n := range codecNames {
		if c > 0 && strings.EqualFold(n, name) {
			return Codec(c)
		}
	}
	return None
}

// String returns the codec's name, as it stands in a manifest.
func (c Codec) String() string {
	if int(c) < len(codecNames) {
		return codecNames[c]
	}
	return ""
}

// Rate is how many units of RTP time the codec counts in a second.
func (c Codec) Rate() int64 {
	if c == Opus {
		return OpusRate
	}
	return 90_000
}

// Extension returns how names of files with the codec end. H.264 has no place
// in WebM.
func (c Codec) Extension() string {
	switch c {
	case Opus:
		return ".ogg"
	case H264:
		return ".mkv"
	}
	return ".webm"
}
