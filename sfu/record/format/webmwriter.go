package format

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"time"
)

// Picture describes a video track.
type Picture struct {
	Codec         Codec
	Width, Height int    // pixels
	Private       []byte // what decoders need before the first frame; PrivateOf gives it
}

const (
	timeScale = 1_000_000 // nanoseconds of a unit of time: a millisecond
	trackOne  = 1

	clusterLength = 1000    // milliseconds, after which the next is begun
	clusterBytes  = 4 << 20 // or so many
	maxBlockTime  = math.MaxInt16
	maxFrame      = 8 << 20
	seekHeadSize  = 96 // bytes kept free for the table of contents
	cueEvery      = 500
	maxCues       = 200_000 // a day of two a second
)

// VideoWriter writes one video as WebM (VP8, VP9, AV1) or Matroska (H.264). A
// cluster, at most a second, is written as a whole: whatever ends the process,
// what is in the file plays. Close makes it quick to seek in.
//
// After an error of the underlying writer, which must then have written
// nothing, the cluster is kept and written with the next call.
type VideoWriter struct {
	w       io.WriteSeeker
	at      int64 // bytes written
	segment int64 // where the segment's elements begin
	seek    int64 // where the table of contents goes
	info    int64
	tracks  int64
	length  int64 // where the duration is
	size    int64 // where the height is; the width is ten bytes before it

	width, height int // of the largest picture

	blocks []byte // of the cluster that is being made
	start  int64  // its time, ms
	key    bool   // it begins with a key frame
	last   int64  // time of the newest frame, ms; -1 before the first
	cues   []cue
	raw    []byte // scratch
}

type cue struct{ time, cluster int64 }

// patch takes the place of what is in the file at some offset.
type patch struct {
	at   int64
	with []byte
}

var (
	errFrameSize = errors.New("format: a frame is empty or larger than 8 MiB")
	errFrameTime = errors.New("format: a frame comes before the one before it")
)

// NewVideoWriter writes the headers. began is when the file's time is 0.
func NewVideoWriter(w io.WriteSeeker, p Picture, title string, began time.Time) (*VideoWriter, error) {
	v := &VideoWriter{w: w, last: -1, width: p.Width, height: p.Height}
	return v, v.write(v.headers(p, title, began))
}

func (v *VideoWriter) headers(p Picture, title string, began time.Time) []byte {
	b := appendElement(nil, idEBML, appendDocType(nil, p.Codec))
	b = binary.BigEndian.AppendUint64(appendID(b, idSegment), unknownSize)
	v.segment = int64(len(b))
	v.seek = int64(len(b))
	b = appendVoid(b, seekHeadSize)

	v.info = int64(len(b))
	info := appendUint(nil, idTimeScale, timeScale)
	info = appendElement(info, idMuxingApp, []byte("Earshot"))
	info = appendElement(info, idWritingApp, []byte("Earshot"))
	info = appendElement(info, idTitle, []byte(title))
	info = appendUint64(info, idDateUTC, uint64(began.Sub(matroskaEpoch)))
	info = appendFloat(info, idDuration, 0)
	b = appendElement(b, idInfo, info)
	v.length = int64(len(b)) - 8

	v.tracks = int64(len(b))
	b = appendElement(b, idTracks, appendElement(nil, idTrackEntry, appendTrack(nil, p)))
	v.size = int64(len(b)) - 8 // the last element of the last
	return b
}

// Resize says that the picture has another size from here on. Players scale all
// of a file to the size that its headers give: Close writes the largest there.
func (v *VideoWriter) Resize(width, height int) {
	if width*height > v.width*v.height {
		v.width, v.height = width, height
	}
}

// matroskaEpoch is when DateUTC counts from: RFC 8794, section 7.6.
var matroskaEpoch = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

func appendDocType(b []byte, c Codec) []byte {
	kind := "webm"
	if c == H264 {
		kind = "matroska"
	}
	b = appendUint(b, idEBMLVersion, 1)
	b = appendUint(b, idEBMLReadVersion, 1)
	b = appendUint(b, idEBMLMaxID, 4)
	b = appendUint(b, idEBMLMaxSize, 8)
	b = appendElement(b, idDocType, []byte(kind))
	b = appendUint(b, idDocVersion, 4)
	return appendUint(b, idDocReadVersion, 2)
}

func appendTrack(b []byte, p Picture) []byte {
	b = appendUint(b, idTrackNumber, trackOne)
	b = appendUint(b, idTrackUID, trackOne)
	b = appendUint(b, idTrackType, 1) // video
	b = appendUint(b, idTrackLacing, 0)
	b = appendElement(b, idCodecID, []byte(matroskaCodecs[p.Codec]))
	if len(p.Private) > 0 {
		b = appendElement(b, idCodecPrivate, p.Private)
	}
	size := appendUint64(nil, idPixelWidth, uint64(p.Width))
	return appendElement(b, idVideo, appendUint64(size, idPixelHeight, uint64(p.Height)))
}

var matroskaCodecs = map[Codec]string{
	VP8: "V_VP8", VP9: "V_VP9", AV1: "V_AV1", H264: "V_MPEG4/ISO/AVC",
}

// Write adds a frame at so many milliseconds, which never go back.
func (v *VideoWriter) Write(ms int64, key bool, frame []byte) error {
	if len(frame) == 0 || len(frame) > maxFrame {
		return errFrameSize
	}
	if ms < v.last || ms < 0 {
		return errFrameTime
	}
	if n := len(v.blocks); n > 0 && (key && ms-v.start >= cueEvery || ms-v.start >= clusterLength ||
		ms-v.start > maxBlockTime || n+len(frame) > clusterBytes) {
		if err := v.Flush(); err != nil {
			return err
		}
	}
	if len(v.blocks) == 0 {
		v.start, v.key = ms, key
	}
	flags := byte(0)
	if key {
		flags = 0x80
	}
	offset := uint16(ms - v.start)
	v.blocks = appendSize(appendID(v.blocks, idSimpleBlock), uint64(len(frame)+4))
	v.blocks = append(v.blocks, 0x80|trackOne, byte(offset>>8), byte(offset), flags)
	v.blocks = append(v.blocks, frame...)
	v.last = ms
	return nil
}

// Flush writes what there is of the cluster.
func (v *VideoWriter) Flush() error {
	if len(v.blocks) == 0 {
		return nil
	}
	head := appendUint(nil, idTimestamp, uint64(v.start))
	b := appendSize(appendID(v.raw[:0], idCluster), uint64(len(head)+len(v.blocks)))
	b = append(append(b, head...), v.blocks...)
	v.raw = b
	at := v.at - v.segment
	if err := v.write(b); err != nil {
		return err
	}
	if n := len(v.cues); v.key && n < maxCues && (n == 0 || v.start-v.cues[n-1].time >= cueEvery) {
		v.cues = append(v.cues, cue{v.start, at})
	}
	v.blocks = v.blocks[:0]
	return nil
}

// Length returns the time of the newest frame in milliseconds, -1 before the
// first.
func (v *VideoWriter) Length() int64 { return v.last }

// Close writes the rest, an index, and where that and the end are. It does not
// close the underlying writer.
func (v *VideoWriter) Close() error {
	if err := v.Flush(); err != nil {
		return err
	}
	index := v.at - v.segment
	if err := v.write(v.index()); err != nil {
		return err
	}
	end := v.at
	seek := appendElement(nil, idSeekHead, appendSeeks(nil, []seek{
		{idInfo, v.info - v.segment}, {idTracks, v.tracks - v.segment}, {idCues, index},
	}))
	seek = appendVoid(seek, seekHeadSize-len(seek))
	patches := []patch{
		{v.seek, seek},
		{v.length, binary.BigEndian.AppendUint64(nil, math.Float64bits(float64(max(v.last, 0))))},
		{v.segment - 8, binary.BigEndian.AppendUint64(nil, uint64(end-v.segment)|longSize)},
	}
	if v.size > 0 { // FinishVideo knows nothing better than what is there
		patches = append(patches, patch{v.size - 10, binary.BigEndian.AppendUint64(nil, uint64(v.width))},
			patch{v.size, binary.BigEndian.AppendUint64(nil, uint64(v.height))})
	}
	for _, patch := range patches {
		if _, err := v.w.Seek(patch.at, io.SeekStart); err != nil {
			return err
		}
		if _, err := v.w.Write(patch.with); err != nil {
			return err
		}
	}
	_, err := v.w.Seek(end, io.SeekStart)
	return err
}

type seek struct {
	id uint32
	at int64
}

func appendSeeks(b []byte, list []seek) []byte {
	for _, s := range list {
		one := appendElement(nil, idSeekID, appendID(nil, s.id))
		b = appendElement(b, idSeek, appendUint64(one, idSeekPosition, uint64(s.at)))
	}
	return b
}

func (v *VideoWriter) index() []byte {
	var all []byte
	for _, c := range v.cues {
		where := appendUint(appendUint(nil, idCueTrack, trackOne), idCueClusterPos, uint64(c.cluster))
		point := appendElement(appendUint(nil, idCueTime, uint64(c.time)), idCuePositions, where)
		all = appendElement(all, idCuePoint, point)
	}
	if len(all) == 0 {
		return appendVoid(nil, 2)
	}
	return appendElement(nil, idCues, all)
}

func (v *VideoWriter) write(b []byte) error {
	if _, err := v.w.Write(b); err != nil {
		return err
	}
	v.at += int64(len(b))
	return nil
}
