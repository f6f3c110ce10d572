package replay

import (
	"io/fs"
	"time"

	"earshot/loadtest"
	"earshot/sfu/record/format"
)

// unknownLevel is what a voice counts as before the log says how loud it is:
// speech at an arm's length.
const unknownLevel = 30 // -dBov

// voice gives a bot the packets of its participant's microphone.
type voice struct {
	o      *person
	tracks []*format.Track // still to come
	file   fs.File
	r      *format.OpusReader
	offset time.Duration // of the file in the recording

	opus  []byte // the next packet; nil where there is none
	at    time.Duration
	end   time.Duration // of the packet before
	quiet bool          // something was not sent since
}

func newVoice(o *person) *voice { return &voice{o: o, tracks: o.voices, quiet: true} }

// Next implements loadtest.Player.
func (v *voice) Next(due time.Time, dst []loadtest.Played) []loadtest.Played {
	from := due.Sub(v.o.p.zero)
	until := from + loadtest.FrameDuration
	level, talking := v.o.loud()
	if level == 0 && !talking {
		level = unknownLevel
	}
	for {
		if v.opus == nil && !v.read() || v.at >= until {
			return dst
		}
		opus := v.opus
		v.opus = nil
		if v.at < from { // before the bot came
			v.quiet = true
			continue
		}
		after := uint32((v.at - from) * format.OpusRate / time.Second)
		dst = append(dst, loadtest.Played{Opus: opus, After: after, Level: level, Voice: talking, Start: v.quiet || v.at > v.end})
		v.quiet = false
		v.end = v.at + length(opus)
		v.o.p.voice.Add(1)
	}
}

func length(opus []byte) time.Duration {
	return time.Duration(format.OpusSamples(opus)) * time.Second / format.OpusRate
}

// read finds the next packet that was really sent.
func (v *voice) read() bool {
	for {
		if v.r == nil && !v.open() {
			return false
		}
		packet, sample, err := v.r.Next()
		if err != nil { // the end, or a file that is broken from here on
			v.file.Close()
			v.r = nil
			continue
		}
		if format.IsFiller(packet) || sample < 0 {
			continue
		}
		// A copy: a frame may have several packets, and they are sent later.
		v.opus = append([]byte(nil), packet...)
		v.at = v.offset + time.Duration(sample)*time.Second/format.OpusRate
		return true
	}
}

// open opens the next file.
func (v *voice) open() bool {
	for len(v.tracks) > 0 {
		t := v.tracks[0]
		v.tracks = v.tracks[1:]
		f, err := v.o.p.cfg.Files.Open(t.File)
		if err != nil {
			continue
		}
		r, err := format.NewOpusReader(f)
		if err != nil {
			f.Close()
			continue
		}
		v.file, v.r, v.offset = f, r, time.Duration(t.OffsetMS)*time.Millisecond
		return true
	}
	return false
}
