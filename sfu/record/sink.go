package record

import (
	"time"

	"earshot/sfu/record/format"
)

// sink is the file of a track. Positions are in units of the track's RTP
// clock since the recording began. After an error the same may be tried again.
type sink interface {
	// write adds what begins at pos, and returns where it ends.
	write(pos int64, key bool, data []byte) (end int64, err error)
	// flush leaves nothing that a crash would cost.
	flush() error
	// finish writes what a player likes at the end.
	finish() error
	// length is how long the file plays, in milliseconds.
	length() int64
}

var (
	_ sink = (*voiceSink)(nil)
	_ sink = (*videoSink)(nil)
)

// voiceSink is an Ogg Opus file.
type voiceSink struct {
	o     *format.OpusWriter
	first int64 // where it begins
}

func newVoiceSink(f *trackFile, first int64, opus []byte, serial uint32, tags []string) (*voiceSink, error) {
	channels := 1
	if opus[0]&4 != 0 {
		channels = 2
	}
	o, err := format.NewOpusWriter(f, channels, serial, tags)
	return &voiceSink{o, first}, err
}

func (v *voiceSink) write(pos int64, _ bool, data []byte) (int64, error) {
	err := v.o.WriteAt(pos-v.first, data)
	return v.first + v.o.Length(), err
}

func (v *voiceSink) flush() error { return v.o.Flush() }

func (v *voiceSink) finish() error { return v.o.Close() }

func (v *voiceSink) length() int64 { return v.o.Length() * 1000 / format.OpusRate }

// videoSink is a WebM or Matroska file.
type videoSink struct {
	v     *format.VideoWriter
	first int64
	rate  int64
}

func newVideoSink(f *trackFile, first int64, p format.Picture, title string, began time.Time) (*videoSink, error) {
	v, err := format.NewVideoWriter(f, p, title, began)
	return &videoSink{v, first, p.Codec.Rate()}, err
}

func (v *videoSink) write(pos int64, key bool, data []byte) (int64, error) {
	ms := max((pos-v.first)*1000/v.rate, v.v.Length())
	return pos, v.v.Write(ms, key, data)
}

func (v *videoSink) flush() error { return v.v.Flush() }

func (v *videoSink) finish() error { return v.v.Close() }

func (v *videoSink) length() int64 { return max(0, v.v.Length()) }
