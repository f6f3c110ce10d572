package voice

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
)

// What is done to the ends of an utterance, and its limits.
const (
	leadFrames  = 2   // of silence kept before speech: 40 ms
	trailFrames = 6   // of silence kept after it: 120 ms
	pauseFrames = 100 // longest pause within: 2 s
	lookAhead   = 10  // frames of speech that are heard before the first goes out, to know how loud it is
	maxFrames   = 6000
	quietLevel  = -55.0 // dBov below which a frame is silence
	quietBelow  = 45.0  // dB below the loudest frame likewise
)

// MaxUtterance is where an utterance is cut off.
const MaxUtterance = maxFrames * FrameTime

// ErrClosed is what an utterance that was closed, or whose context ended, says.
var ErrClosed = errors.New("voice: the utterance was closed")

// Sound is an utterance as frames of samples at 48 kHz: of even loudness, with
// short silences around it. It reads its source only as frames are asked for.
type Sound struct {
	source   io.ReadCloser
	raw      Format
	in       *pcmReader // nil before the first frame
	resample *resampler
	loud     loudness

	chunk   []float32 // scratch: as read
	queue   []float32 // samples at 48 kHz: whole frames that were judged, then the rest
	judged  int       // frames in queue that were judged
	quiet   int       // of those, how many at the end are silence
	begun   bool      // speech has begun
	heard   int       // frames judged since then
	read    int       // frames read in all
	ended   bool
	closed  atomic.Bool
	closing sync.Once
	unwatch func() bool
}

// NewSound reads an utterance from source: a WAV file, or raw PCM of the given
// format; the zero Format is 24 kHz mono, which servers mean by "pcm". It
// closes source when it is closed itself or when ctx ends.
func NewSound(ctx context.Context, source io.ReadCloser, raw Format) *Sound {
	if raw == (Format{}) {
		raw = plainPCM
	}
	s := &Sound{source: source, raw: raw}
	s.unwatch = context.AfterFunc(ctx, s.shut)
	return s
}

// Next fills a frame of FrameSamples. It blocks while the source does. Errors
// are io.EOF at the end, ErrClosed, *earshot.Error about what the source sent,
// or the source's own.
func (s *Sound) Next(frame []float32) error {
	for {
		if s.closed.Load() {
			return ErrClosed
		}
		if s.ready() {
			s.pop(frame)
			return nil
		}
		if s.ended {
			return io.EOF
		}
		if err := s.fill(); err != nil {
			if s.closed.Load() {
				return ErrClosed
			}
			return err
		}
	}
}

// ready reports whether the frame at the front can go out.
func (s *Sound) ready() bool {
	if s.ended {
		return s.judged > 0
	}
	return s.begun && s.heard >= lookAhead && s.quiet < s.judged
}

func (s *Sound) pop(frame []float32) {
	copy(frame[:FrameSamples], s.queue)
	s.queue = s.queue[:copy(s.queue, s.queue[FrameSamples:])]
	s.judged--
	s.loud.even(frame[:FrameSamples])
}

// fill reads 20 ms from the source and judges what became whole frames.
func (s *Sound) fill() error {
	if s.in == nil {
		in, err := newPCMReader(s.source, s.raw)
		if err != nil {
			return err
		}
		s.in, s.resample = in, newResampler(in.format.Rate)
		s.chunk = make([]float32, in.format.Rate/50)
	}
	n, err := s.in.read(s.chunk)
	s.queue = s.resample.write(s.queue, s.chunk[:n])
	end := errors.Is(err, io.EOF) || s.read >= maxFrames
	if err != nil && !end {
		return err
	}
	if end {
		s.queue = s.resample.flush(s.queue)
		if rest := len(s.queue) % FrameSamples; rest > 0 {
			s.queue = append(s.queue, make([]float32, FrameSamples-rest)...)
		}
	}
	for (s.judged+1)*FrameSamples <= len(s.queue) {
		s.judge()
	}
	if end {
		s.finish()
	}
	return nil
}

// judge looks at the next frame of the queue: is it speech, or silence, and
// which of the silence to leave out?
func (s *Sound) judge() {
	frame := s.queue[s.judged*FrameSamples:][:FrameSamples]
	s.read++
	s.judged++
	s.loud.observe(frame)
	p := power(frame)
	silent := p < math.Pow(10, quietLevel/10) || p < s.loud.loudest*math.Pow(10, -quietBelow/10)
	switch {
	case !silent:
		s.begun, s.quiet = true, 0
	case !s.begun && s.judged > leadFrames:
		s.drop(0)
		return
	case s.begun && s.quiet >= pauseFrames:
		s.drop(s.judged - 1)
		return
	default:
		s.quiet++
	}
	if s.begun {
		s.heard++
	}
}

// drop takes frame i out of the queue.
func (s *Sound) drop(i int) {
	at := i * FrameSamples
	s.queue = s.queue[:at+copy(s.queue[at:], s.queue[at+FrameSamples:])]
	s.judged--
}

// finish shortens the silence at the end. An utterance of silence alone is none.
func (s *Sound) finish() {
	s.ended = true
	if !s.begun {
		s.judged, s.quiet = 0, 0
		return
	}
	for s.quiet > trailFrames {
		s.drop(s.judged - 1)
		s.quiet--
	}
}

// Close ends the sound at once: a Next that waits returns. It may be called
// more than once.
func (s *Sound) Close() {
	s.unwatch()
	s.shut()
}

func (s *Sound) shut() {
	s.closing.Do(func() {
		s.closed.Store(true)
		s.source.Close() // reading has ended either way
	})
}

// WAV reads the sound to its end and returns it as a WAV file at 48 kHz.
// Sound longer than limit, and none at all, are *earshot.Error.
func (s *Sound) WAV(limit time.Duration) ([]byte, error) {
	var pcm []int16
	frame := make([]float32, FrameSamples)
	for {
		switch err := s.Next(frame); {
		case errors.Is(err, io.EOF) && len(pcm) == 0:
			return nil, errSilent()
		case errors.Is(err, io.EOF):
			return WAV(pcm, Rate), nil
		case err != nil:
			return nil, err
		case time.Duration(len(pcm)/FrameSamples)*FrameTime >= limit:
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "that takes more than %v to say: try a shorter text", limit)
		}
		pcm = toInt16(pcm, frame)
	}
}

func errSilent() error {
	return earshot.Errorf(earshot.CodeUnavailable, "the speech server sent silence")
}
