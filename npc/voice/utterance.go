package voice

import (
	"context"
	"errors"
	"io"
	"sync"
)

// Utterance is a sentence as Opus frames, made as they are asked for.
type Utterance struct {
	sound *Sound

	// mu guards what follows: a Next that goes on while Close comes.
	mu    sync.Mutex
	enc   Encoder
	pcm   [FrameSamples]float32
	first *Frame // read by Begin, not handed out yet
}

// Begin starts to speak what source sends (NewSound) and waits for the first
// frame, so that a source that fails at once is found out while another can
// still be asked. It closes source where it fails, and otherwise when the
// utterance is closed or ctx ends.
func Begin(ctx context.Context, source io.ReadCloser, raw Format, codecs Codecs) (*Utterance, error) {
	enc, err := codecs.Encoder()
	if err != nil {
		source.Close() // nothing of it was read
		return nil, err
	}
	u := &Utterance{sound: NewSound(ctx, source, raw), enc: enc}
	first, err := u.Next()
	if errors.Is(err, io.EOF) {
		err = errSilent()
	}
	if err != nil {
		u.Close()
		return nil, err
	}
	u.first = &first
	return u, nil
}

// Next returns the next 20 ms, which the caller may keep. Errors are those of
// Sound.Next and of the encoder.
func (u *Utterance) Next() (Frame, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if f := u.first; f != nil && !u.sound.closed.Load() {
		u.first = nil
		return *f, nil
	}
	if err := u.sound.Next(u.pcm[:]); err != nil {
		return Frame{}, err
	}
	packet, err := u.enc.Encode(nil, u.pcm[:])
	if err != nil {
		return Frame{}, err
	}
	return Frame{Opus: packet, Level: levelOf(u.pcm[:])}, nil
}

// Close ends the utterance at once: a Next that waits returns ErrClosed. It may
// be called more than once and from another goroutine.
func (u *Utterance) Close() {
	u.sound.Close()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.enc.Close()
}
