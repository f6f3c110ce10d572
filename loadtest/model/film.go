package model

import (
	_ "embed"
	"math"
	"math/rand/v2"
	"strings"

	"earshot"
)

// filmFile holds one short film, a square that wanders over a plain, encoded
// for each codec and width; README.md says how. After a header of 4 bytes (the
// letters ESF1) come the encodings: codec (v or h) and frames/second of the
// source, a byte each, width and number of frames, 16 bits each, then each
// frame as its length, 16 bits, and its bytes. The first of an encoding is a
// key frame, each other needs all before it.
//
//go:embed film.bin
var filmFile string

const filmMagic = "ESF1"

// Codecs of a Film.
const (
	VP8  = "vp8"
	H264 = "h264"
)

// FilmLayer is one encoding of a camera.
type FilmLayer struct {
	Width int // pixels: 320, 640 or 1280; heights are 9/16 of it
	FPS   int // how often Next will be called in a second, 1 to 60
	Kbps  int // kbit/s to fill
}

// Film is a camera without a camera: the frames of a real encoder, which any
// decoder can show, filled up to the rate of a camera with bytes that decoders
// pass over (behind the last partition of VP8; in an SEI message of H.264). It
// plays at whatever rate it is asked, slower or faster. Not safe for
// concurrent use.
type Film struct {
	h264   bool
	layers []filmLayer
	rng    *rand.Rand
	buf    []byte
}

type filmLayer struct {
	frames []string
	at     int     // next frame
	mean   float64 // bytes of a frame
	debt   float64 // bytes above the mean not yet saved
}

const (
	keySize  = 5.0  // a key frame in mean frames
	paying   = 1.0  // of a mean frame's bytes, at most this share is saved to pay
	repay    = 0.1  // of the debt that each frame pays back
	unlike   = 0.25 // standard deviation of the logarithm of frame sizes
	seiLeast = 4 + 2 + 1 + 16 + 1
)

// NewFilm returns a film that begins with key frames. The error is
// invalid_argument where there is no film of that codec or width.
func NewFilm(codec string, layers []FilmLayer, seed uint64) (*Film, error) {
	if codec != VP8 && codec != H264 {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "there is no film in codec %.16q: use %s or %s", codec, VP8, H264)
	}
	f := &Film{h264: codec == H264, rng: seeded(seed, 0xf117)}
	for _, l := range layers {
		frames := recorded(codec[0], l.Width)
		if frames == nil {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "there is no film %d pixels wide: use 320, 640 or 1280", l.Width)
		}
		if l.FPS < 1 || l.FPS > 60 || l.Kbps < 1 || l.Kbps > 100_000 {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "film at %d/s of %d kbit/s: use 1 to 60 and 1 to 100000", l.FPS, l.Kbps)
		}
		f.layers = append(f.layers, filmLayer{frames: frames, mean: float64(l.Kbps) * 125 / float64(l.FPS)})
	}
	return f, nil
}

// recorded returns the frames of one encoding, nil if there is none.
func recorded(codec byte, width int) []string {
	for rest := filmFile[len(filmMagic):]; rest != ""; {
		is := rest[0] == codec && word(rest[2:]) == width
		n := word(rest[4:])
		rest = rest[6:]
		frames := make([]string, n)
		for i := range frames {
			size := word(rest)
			frames[i], rest = rest[2:2+size], rest[2+size:]
		}
		if is {
			return frames
		}
	}
	return nil
}

func word(s string) int { return int(s[0])<<8 | int(s[1]) }

// Next returns the next frame of a layer, by its place in NewFilm's list: a
// key frame if want, and every now and then by itself. An H.264 frame is an
// access unit with start codes (Annex B). It may be used until the next call.
func (f *Film) Next(layer int, want bool) (frame []byte, key bool) {
	l := &f.layers[layer]
	if want || l.at >= len(l.frames) {
		l.at = 0
	}
	core, key := l.frames[l.at], l.at == 0
	l.at++
	f.buf = f.fill(f.buf[:0], core, f.size(l, key))
	l.debt += float64(len(f.buf)) - l.mean
	return f.buf, key
}

// size returns how large a frame should be: sizes vary about the mean, and
// what a key frame takes more is saved afterwards, as encoders do.
func (f *Film) size(l *filmLayer, key bool) int {
	if key {
		return int(keySize * l.mean)
	}
	varied := l.mean * math.Exp(unlike*f.rng.NormFloat64()-unlike*unlike/2)
	return int(varied - max(-paying*l.mean, min(paying*l.mean, repay*l.debt)))
}

// fill appends core, with as much that means nothing as makes it so large.
func (f *Film) fill(dst []byte, core string, size int) []byte {
	spare := size - len(core)
	if !f.h264 {
		dst = append(dst, core...)
		return pad(dst, spare)
	}
	if spare < seiLeast {
		return append(dst, core...)
	}
	at := slice(core)
	dst = append(dst, core[:at]...)
	dst = appendSEI(dst, spare)
	return append(dst, core[at:]...)
}

// appendSEI appends a NAL unit of exactly size bytes, or one less, start code
// included: a message that belongs to nobody (ITU-T H.264, D.1.6, user data
// unregistered).
func appendSEI(dst []byte, size int) []byte {
	body := size - 4 - 2 - 1 - 1 // start code, header and type, least length, stop bit
	body -= (body + 1) / 256     // the length takes a byte more for each 255
	dst = append(dst, 0, 0, 0, 1, 6, 5)
	for n := body; ; n -= 255 {
		dst = append(dst, byte(min(n, 255)))
		if n < 255 {
			break
		}
	}
	dst = append(dst, "earshot film pad"...)
	return append(pad(dst, body-16), 0x80)
}

// pad appends n bytes, none if n is negative, that make no start code.
func pad(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, 0x55)
	}
	return dst
}

// slice returns where the first slice of an access unit begins, its start code
// included.
func slice(unit string) int {
	for at := 0; ; {
		i := strings.Index(unit[at:], "\x00\x00\x01")
		if i < 0 || at+i+3 >= len(unit) {
			return 0
		}
		nal := unit[at+i+3] & 0x1f
		if nal == 1 || nal == 5 {
			if at+i > 0 && unit[at+i-1] == 0 {
				return at + i - 1
			}
			return at + i
		}
		at += i + 3
	}
}
