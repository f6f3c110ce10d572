package opus

import (
	"errors"
	"slices"

	"earshot"
)

// Application is what an encoder is used for.
type Application uint8

// The applications.
const (
	// Voice is for speech of one person: SILK below about 40 kbit/s mono, so
	// that FEC and DTX can be used.
	Voice Application = iota
	// LowDelay is CELT alone: about five times cheaper, keeps the phase between
	// two channels, knows neither FEC nor DTX.
	LowDelay
	applications
)

// EncoderConfig says how to encode.
type EncoderConfig struct {
	Channels    int // 1 or 2
	Application Application
	Bitrate     int // bit/s on average, 6,000 to 510,000
	Complexity  int // 0 (cheapest) to 10
	// Loss is how much loss to expect, in percent. Above 0, Voice sends with
	// each frame a coarse copy of the one before (FEC), for Decoder.Recover.
	Loss int
	// DTX makes packets of at most 2 bytes of silence, which need not be sent.
	DTX bool
}

// Validate returns an *earshot.Error that names the first field that cannot be.
func (c *EncoderConfig) Validate() error {
	if c.Channels != 1 && c.Channels != 2 {
		return errChannels(c.Channels)
	}
	for _, f := range []struct {
		name            string
		value, min, max int
	}{
		{"application", int(c.Application), 0, int(applications) - 1},
		{"bitrate", c.Bitrate, 6000, 510000},
		{"complexity", c.Complexity, 0, 10},
		{"loss", c.Loss, 0, 100},
	} {
		if f.value < f.min || f.value > f.max {
			return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %d is not between %d and %d", f.name, f.value, f.min, f.max)
		}
	}
	return nil
}

// Encoder makes Opus packets of 20 ms frames at 48 kHz.
type Encoder struct {
	pool *Pool
	cfg  EncoderConfig
	enc  encoding // nil after Close
	open bool     // counts in the pool
}

// Encoder returns a new encoder. Errors are *earshot.Error: resource_exhausted
// where Pool.MaxEncoders are in use.
func (p *Pool) Encoder(cfg EncoderConfig) (*Encoder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := p.takeOne(&p.openEncoders, p.MaxEncoders, "encoders"); err != nil {
		return nil, err
	}
	e := &Encoder{pool: p, cfg: cfg, open: true}
	if err := e.setUp(); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// setUp makes the implementation.
func (e *Encoder) setUp() error {
	enc, err := e.pool.implementation().newEncoder(e.cfg)
	if err != nil {
		return earshot.Errorf(earshot.CodeInternal, "set up an Opus encoder: %v", err)
	}
	e.enc = enc
	return nil
}

// Encode appends the packet of one frame to dst and returns it. pcm is 960
// samples a channel, interleaved, from -1 to 1. It allocates only where dst
// has less than MaxPacket bytes to spare. Errors are *earshot.Error.
func (e *Encoder) Encode(dst []byte, pcm []float32) ([]byte, error) {
	return encode(e, dst, pcm, encoding.encode)
}

// EncodeInt16 is Encode for samples of 16 bits.
func (e *Encoder) EncodeInt16(dst []byte, pcm []int16) ([]byte, error) {
	return encode(e, dst, pcm, encoding.encodeInt16)
}

func encode[S float32 | int16](e *Encoder, dst []byte, pcm []S, f func(encoding, []S, []byte) (int, error)) (packet []byte, err error) {
	if e.enc == nil {
		return dst, errClosed("encoder")
	}
	if want := FrameSamples * e.cfg.Channels; len(pcm) != want {
		return dst, earshot.Errorf(earshot.CodeInvalidArgument, "a frame of %d samples, want %d", len(pcm), want)
	}
	dst = slices.Grow(dst, MaxPacket)
	n, err := guarded(e, pcm, dst[len(dst):len(dst)+MaxPacket], f)
	if err != nil {
		if e.enc == nil { // it panicked
			err = errors.Join(err, e.setUp())
		}
		return dst, err
	}
	return dst[:len(dst)+n], nil
}

func guarded[S float32 | int16](e *Encoder, pcm []S, packet []byte, f func(encoding, []S, []byte) (int, error)) (n int, err error) {
	enc := e.enc
	e.enc = nil // should the call panic
	defer e.pool.guard(&err)
	n, err = f(enc, pcm, packet)
	e.enc = enc
	if err != nil {
		err = earshot.Errorf(earshot.CodeInternal, "encode Opus: %v", err)
	}
	return n, err
}

// Lookahead returns by how many samples a channel the decoded sound is later
// than what was encoded.
func (e *Encoder) Lookahead() int {
	if e.enc == nil {
		return 0
	}
	return e.enc.lookahead()
}

// Close ends the encoder. It may be called more than once.
func (e *Encoder) Close() {
	e.enc = nil
	if e.open {
		e.open = false
		e.pool.openEncoders.Add(-1)
	}
}
