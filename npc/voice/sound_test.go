package voice

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"earshot"
)

// speechLike is noise that comes and goes in syllables of 200 ms, by level in
// dBov RMS, at 24 kHz.
func speechLike(d time.Duration, dBov float64) []float32 {
	random := rand.New(rand.NewPCG(1, 2))
	pcm := make([]float32, int(d.Seconds()*24000))
	amplitude := math.Pow(10, dBov/20)
	for i := range pcm {
		syllable := math.Abs(math.Sin(math.Pi * float64(i) / 4800))
		pcm[i] = float32(max(-1, min(1, amplitude*random.NormFloat64()*syllable*math.Sqrt2)))
	}
	return pcm
}

func silence(d time.Duration) []float32 { return make([]float32, int(d.Seconds()*24000)) }

func raw(parts ...[]float32) io.ReadCloser {
	var b []byte
	for _, s := range toInt16(nil, slices.Concat(parts...)) {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return io.NopCloser(bytes.NewReader(b))
}

// frames speaks to the end.
func frames(t *testing.T, source io.ReadCloser) (pcm []float32, levels []int8) {
	t.Helper()
	s := NewSound(t.Context(), source, Format{})
	defer s.Close()
	frame := make([]float32, FrameSamples)
	for {
		err := s.Next(frame)
		if errors.Is(err, io.EOF) {
			return pcm, levels
		}
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, frame...)
		levels = append(levels, levelOf(frame))
	}
}

// Quiet, ordinary and loud speech comes out equally loud, without clipping.
func TestVoicesAreLevel(t *testing.T) {
	for _, level := range []float64{-44, -30, -23, -12, -6} {
		pcm, levels := frames(t, raw(speechLike(3*time.Second, level)))
		got := 10 * math.Log10(power(pcm))
		if got < targetLevel-2.5 || got > targetLevel+2.5 {
			t.Errorf("speech of %v dBov comes out at %.1f, want about %v", level, got, targetLevel)
		}
		first := 10 * math.Log10(power(pcm[:FrameSamples*20]))
		if first < targetLevel-4 || first > targetLevel+4 {
			t.Errorf("speech of %v dBov begins at %.1f, want about %v", level, first, targetLevel)
		}
		if peak := slices.Max(pcm); peak >= 1 {
			t.Errorf("speech of %v dBov reaches %v", level, peak)
		}
		if loudest := slices.Max(levels); loudest < targetLevel-3 || loudest > targetLevel+12 {
			t.Errorf("speech of %v dBov has levels up to %d", level, loudest)
		}
	}
}

func TestEndsAreShort(t *testing.T) {
	second := time.Second
	for name, c := range map[string]struct {
		parts    [][]float32
		from, to time.Duration
	}{
		"silence around": {[][]float32{silence(second), speechLike(second, -23), silence(second)}, 1100 * time.Millisecond, 1220 * time.Millisecond},
		"none around":    {[][]float32{speechLike(second, -23)}, 960 * time.Millisecond, 1080 * time.Millisecond},
		"a pause":        {[][]float32{speechLike(second, -23), silence(second), speechLike(second, -23)}, 2960 * time.Millisecond, 3080 * time.Millisecond},
		"a long pause":   {[][]float32{speechLike(second, -23), silence(10 * second), speechLike(second, -23)}, 3900 * time.Millisecond, 4100 * time.Millisecond},
		"silence":        {[][]float32{silence(5 * second)}, 0, 0},
		"a click":        {[][]float32{speechLike(5*time.Millisecond, -10)}, 20 * time.Millisecond, 60 * time.Millisecond},
		"nothing":        {nil, 0, 0},
		"minutes":        {[][]float32{speechLike(125*second, -23)}, MaxUtterance - second, MaxUtterance + second},
	} {
		_, levels := frames(t, raw(c.parts...))
		if d := time.Duration(len(levels)) * FrameTime; d < c.from || d > c.to {
			t.Errorf("%s: %v of sound, want %v to %v", name, d, c.from, c.to)
		}
	}
}

// A source that sends as it makes the sound: the first frame comes long before
// the end, and nothing is asked for before it is needed.
func TestSoundIsStreamed(t *testing.T) {
	r, w := io.Pipe()
	b, err := io.ReadAll(raw(speechLike(500*time.Millisecond, -23)))
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { // half a second of a sentence that goes on
		_, err := w.Write(b)
		for err == nil {
			_, err = w.Write(make([]byte, 10))
		}
		written <- err
	}()
	u, err := Begin(t.Context(), r, Format{}, pcmCodecs)
	if err != nil {
		t.Fatal(err)
	}
	f, err := u.Next()
	if err != nil || len(f.Opus) == 0 || f.Level < -60 {
		t.Errorf("the first frame: %d bytes at %d dBov, %v", len(f.Opus), f.Level, err)
	}
	u.Close()
	if _, err := u.Next(); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v, want %v", err, ErrClosed)
	}
	if err := <-written; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the source after Close: %v, want it closed", err)
	}
}

// Whoever waits for a source that hangs is freed by Close and by the context.
func TestCancelEndsAWait(t *testing.T) {
	for name, end := range map[string]func(u *Utterance, cancel func()){
		"close":   func(u *Utterance, _ func()) { u.Close() },
		"context": func(_ *Utterance, cancel func()) { cancel() },
	} {
		r, w := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		b, _ := io.ReadAll(raw(speechLike(500*time.Millisecond, -23)))
		go w.Write(b)
		u, err := Begin(ctx, r, Format{}, pcmCodecs)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() {
			for {
				if _, err := u.Next(); err != nil {
					ended <- err
					return
				}
			}
		}()
		end(u, cancel)
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v, want %v", name, err, ErrClosed)
		}
		u.Close()
		cancel()
	}
}

// What fails before the first sound is found out by Begin, and closed.
func TestBeginFindsOut(t *testing.T) {
	broken := errors.New("connection lost")
	for name, c := range map[string]struct {
		source io.Reader
		want   func(error) bool
	}{
		"an error":  {bytes.NewReader([]byte(`{"error":"no"}`)), func(err error) bool { return earshot.CodeOf(err) == earshot.CodeInvalidArgument }},
		"silence":   {raw(silence(time.Second)), func(err error) bool { return earshot.CodeOf(err) == earshot.CodeUnavailable }},
		"nothing":   {bytes.NewReader(nil), func(err error) bool { return earshot.CodeOf(err) == earshot.CodeUnavailable }},
		"cut short": {io.MultiReader(bytes.NewReader(make([]byte, 100)), failing{broken}), func(err error) bool { return errors.Is(err, broken) }},
	} {
		source := &closeNoted{Reader: c.source}
		if _, err := Begin(t.Context(), source, Format{}, pcmCodecs); !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
		if !source.closed {
			t.Errorf("%s: the source was left open", name)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type closeNoted struct {
	io.Reader
	closed bool
}

func (c *closeNoted) Close() error { c.closed = true; return nil }

func TestPreview(t *testing.T) {
	s := NewSound(t.Context(), raw(speechLike(time.Second, -40)), Format{})
	defer s.Close()
	wav, err := s.WAV(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	pcm, rate, err := readAll(bytes.NewReader(wav), Format{})
	if err != nil || rate != Rate || len(pcm) < Rate*9/10 {
		t.Errorf("%d samples at %d Hz, %v", len(pcm), rate, err)
	}
	long := NewSound(t.Context(), raw(speechLike(3*time.Second, -23)), Format{})
	defer long.Close()
	if _, err := long.WAV(time.Second); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
		t.Errorf("3 s of at most 1: %v", err)
	}
}

// BenchmarkSpeak is all but the codec and the synthesis for 20 ms of speech.
func BenchmarkSpeak(b *testing.B) {
	pcm, err := io.ReadAll(raw(speechLike(10*time.Second, -30)))
	if err != nil {
		b.Fatal(err)
	}
	frame, n := make([]float32, FrameSamples), 0
	for b.Loop() {
		s := NewSound(b.Context(), io.NopCloser(bytes.NewReader(pcm)), Format{})
		for s.Next(frame) == nil {
			n++
		}
		s.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/frame")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/20e6*100, "%core")
}
