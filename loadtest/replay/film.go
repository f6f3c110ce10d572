package replay

import (
	"io/fs"
	"time"

	"earshot/sfu/record/format"
)

// film gives a bot the pictures of its participant's camera. A recording
// cannot make a key frame when one is asked for: the last is sent once more,
// and what follows until the next decodes with flaws, as after a loss.
type film struct {
	o      *person
	tracks []*format.Track
	file   fs.File
	r      *format.VideoReader
	offset time.Duration
	codec  format.Codec

	frame []byte // the next; nil where there is none
	at    time.Duration
	isKey bool
	key   []byte // the last key frame
	shown time.Duration
	began bool // with a key frame
}

func newFilm(o *person) *film { return &film{o: o, tracks: o.films} }

// Next implements loadtest.Reel.
func (f *film) Next(now time.Time, want bool) (frame []byte, ms int64, ok bool) {
	at := now.Sub(f.o.p.zero)
	if want && f.began && f.key != nil {
		f.o.p.frames.Add(1)
		return f.key, f.time(f.shown + time.Millisecond), true
	}
	for {
		if f.frame == nil && !f.read() || f.at > at {
			return nil, 0, false
		}
		frame, f.frame = f.frame, nil
		if f.isKey {
			f.key = append(f.key[:0], frame...)
		}
		if at-f.at > lead && !f.isKey { // before the bot came: hurry to where it is
			f.began = false
			continue
		}
		if f.began = f.began || f.isKey; !f.began {
			continue
		}
		f.o.p.frames.Add(1)
		return frame, f.time(f.at), true
	}
}

// time is when a picture is shown, never before the one before it.
func (f *film) time(at time.Duration) int64 {
	f.shown = max(f.shown, at)
	return f.shown.Milliseconds()
}

func (f *film) read() bool {
	for {
		if f.r == nil && !f.open() {
			return false
		}
		frame, ms, key, err := f.r.Next()
		if err != nil {
			f.file.Close()
			f.r = nil
			continue
		}
		f.frame = frame
		if f.codec == format.H264 {
			f.frame = format.AnnexB(nil, frame)
		}
		f.at, f.isKey = f.offset+time.Duration(ms)*time.Millisecond, key
		return true
	}
}

// open opens the next file that has the codec of the first: a camera has one.
func (f *film) open() bool {
	for len(f.tracks) > 0 {
		t := f.tracks[0]
		f.tracks = f.tracks[1:]
		file, err := f.o.p.cfg.Files.Open(t.File)
		if err != nil {
			continue
		}
		r, err := format.NewVideoReader(file)
		if err != nil || r.Picture().Codec != format.CodecOf(f.o.films[0].Codec) {
			file.Close()
			continue
		}
		f.file, f.r, f.offset, f.codec = file, r, time.Duration(t.OffsetMS)*time.Millisecond, r.Picture().Codec
		return true
	}
	return false
}
