package format

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// VideoReader reads the first video track of a WebM or Matroska file from the
// front, also of one that breaks off: what is whole of it is read. Frames in
// lacing are refused: no writer of video uses it.
type VideoReader struct {
	r       *bufio.Reader
	picture Picture
	length  float64 // in units of the time scale; 0 where the file does not say
	scale   uint64  // nanoseconds
	track   uint64
	cluster int64
	frame   []byte
}

const (
	maxHeader  = 1 << 20 // bytes of an element that is read as a whole and is no frame
	maxEntries = 64      // tracks
)

var errNotMatroska = errors.New("format: not a WebM or Matroska file with a video")

// NewVideoReader reads as far as the first cluster.
func NewVideoReader(r io.Reader) (*VideoReader, error) {
	v := &VideoReader{r: bufio.NewReader(r), scale: timeScale}
	id, size, err := v.element()
	if err != nil || id != idEBML || size > maxHeader {
		return nil, errNotMatroska
	}
	if err := v.skip(size); err != nil {
		return nil, errNotMatroska
	}
	for {
		id, size, err := v.element()
		if err != nil {
			return nil, errNotMatroska
		}
		switch id {
		case idSegment: // its elements follow
			continue
		case idInfo, idTracks:
			body, err := v.body(size)
			if err != nil {
				return nil, err
			}
			if id == idInfo {
				v.readInfo(body)
			} else {
				v.readTracks(body)
			}
		case idCluster:
			if v.track == 0 || v.scale == 0 {
				return nil, errNotMatroska
			}
			return v, nil
		default:
			if err := v.skip(size); err != nil {
				return nil, errNotMatroska
			}
		}
	}
}

// Picture returns what the file says of its video.
func (v *VideoReader) Picture() Picture { return v.picture }

// Length returns how long the file says it is, in milliseconds; 0 where it was
// not finished.
func (v *VideoReader) Length() int64 {
	ms := v.length * float64(v.scale) / timeScale
	if !(ms > 0 && ms < math.MaxInt64/2) {
		return 0
	}
	return int64(ms)
}

// Next returns the next frame and its time in milliseconds. The frame is good
// until the following Next. At the end, or where the file breaks off, the
// error is io.EOF.
func (v *VideoReader) Next() (frame []byte, ms int64, key bool, err error) {
	for {
		id, size, err := v.element()
		if err != nil {
			return nil, 0, false, ended(err)
		}
		switch id {
		case idSegment, idCluster:
		case idTimestamp:
			body, err := v.body(size)
			if err != nil {
				return nil, 0, false, ended(err)
			}
			v.cluster = int64(uintOf(body) & math.MaxInt64)
		case idSimpleBlock:
			frame, ms, key, err := v.block(size)
			if err != nil || frame != nil {
				return frame, ms, key, ended(err)
			}
		default:
			if err := v.skip(size); err != nil {
				return nil, 0, false, ended(err)
			}
		}
	}
}

// block reads a frame; none of another track.
func (v *VideoReader) block(size uint64) (frame []byte, ms int64, key bool, err error) {
	if size < 4 || size > maxFrame+4 {
		return nil, 0, false, errFrameSize
	}
	if uint64(cap(v.frame)) < size {
		v.frame = make([]byte, size)
	}
	b := v.frame[:size]
	if _, err := io.ReadFull(v.r, b); err != nil {
		return nil, 0, false, err
	}
	if b[0] != 0x80|byte(v.track) { // tracks above 127 are none of ours
		return nil, 0, false, nil
	}
	if b[3]&0x06 != 0 {
		return nil, 0, false, errors.New("format: a video with lacing")
	}
	units := v.cluster + int64(int16(binary.BigEndian.Uint16(b[1:])))
	ns := float64(units) * float64(v.scale)
	if units < 0 || ns > math.MaxInt64/2 {
		return nil, 0, false, errors.New("format: a frame out of all time")
	}
	return b[4:], int64(ns / timeScale), b[3]&0x80 != 0, nil
}

// element reads the head of an element. The size may be unknownSize.
func (v *VideoReader) element() (id uint32, size uint64, err error) {
	n, err := v.number(4, true)
	if err != nil {
		return 0, 0, err
	}
	size, err = v.number(8, false)
	return uint32(n), size, err
}

// number reads an EBML number of at most so many bytes: an id keeps its
// marker, a size loses it.
func (v *VideoReader) number(most int, keep bool) (uint64, error) {
	first, err := v.r.ReadByte()
	if err != nil {
		return 0, err
	}
	length := 1
	for mask := byte(0x80); first&mask == 0; mask >>= 1 {
		if length++; length > most {
			return 0, errors.New("format: a broken element")
		}
	}
	n := uint64(first)
	if !keep {
		n &= 0xff >> length
	}
	ones := !keep && n == 0xff>>length
	for range length - 1 {
		b, err := v.r.ReadByte()
		if err != nil {
			return 0, err
		}
		n = n<<8 | uint64(b)
		ones = ones && b == 0xff
	}
	if ones {
		return unknownSize, nil
	}
	return n, nil
}

func (v *VideoReader) body(size uint64) ([]byte, error) {
	if size > maxHeader {
		return nil, fmt.Errorf("format: an element of %d bytes where at most %d are", size, maxHeader)
	}
	b := make([]byte, size)
	_, err := io.ReadFull(v.r, b)
	return b, err
}

func (v *VideoReader) skip(size uint64) error {
	if size == unknownSize {
		return errors.New("format: an element without an end")
	}
	_, err := io.CopyN(io.Discard, v.r, int64(size))
	return err
}

func (v *VideoReader) readInfo(b []byte) {
	walk(b, func(id uint32, body []byte) {
		switch id {
		case idTimeScale:
			v.scale = uintOf(body)
		case idDuration:
			v.length = floatOf(body)
		}
	})
}

func (v *VideoReader) readTracks(b []byte) {
	entries := 0
	walk(b, func(id uint32, body []byte) {
		if entries++; id == idTrackEntry && v.track == 0 && entries <= maxEntries {
			v.readTrack(body)
		}
	})
}

func (v *VideoReader) readTrack(b []byte) {
	var number, kind uint64
	var p Picture
	walk(b, func(id uint32, body []byte) {
		switch id {
		case idTrackNumber:
			number = uintOf(body)
		case idTrackType:
			kind = uintOf(body)
		case idCodecID:
			for codec, name := range matroskaCodecs {
				if name == string(body) {
					p.Codec = codec
				}
			}
		case idCodecPrivate:
			p.Private = body
		case idVideo:
			walk(body, func(id uint32, body []byte) {
				switch n := int(min(uintOf(body), 1<<16)); id {
				case idPixelWidth:
					p.Width = n
				case idPixelHeight:
					p.Height = n
				}
			})
		}
	})
	if kind == 1 && number > 0 && number < 127 {
		v.track, v.picture = number, p
	}
}

// walk calls f for each element in b that is whole.
func walk(b []byte, f func(id uint32, body []byte)) {
	for len(b) > 0 {
		id, n := numberOf(b, 4, true)
		if n == 0 {
			return
		}
		size, m := numberOf(b[n:], 8, false)
		if m == 0 || size > uint64(len(b)-n-m) {
			return
		}
		f(uint32(id), b[n+m:n+m+int(size)])
		b = b[n+m+int(size):]
	}
}

// numberOf is VideoReader.number of bytes; 0 bytes used where it is broken.
func numberOf(b []byte, most int, keep bool) (n uint64, used int) {
	if len(b) == 0 {
		return 0, 0
	}
	length := 1
	for mask := byte(0x80); b[0]&mask == 0; mask >>= 1 {
		if length++; length > most {
			return 0, 0
		}
	}
	if length > len(b) {
		return 0, 0
	}
	n = uint64(b[0])
	if !keep {
		n &= 0xff >> length
	}
	for _, c := range b[1:length] {
		n = n<<8 | uint64(c)
	}
	return n, length
}

func uintOf(b []byte) (n uint64) {
	if len(b) > 8 {
		return 0
	}
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

func floatOf(b []byte) float64 {
	switch len(b) {
	case 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case 8:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	return 0
}
