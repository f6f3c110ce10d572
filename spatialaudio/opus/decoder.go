package opus

import (
	"slices"
	"sync"

	"earshot"
)

// DecoderConfig says what to decode into. Packets of one and of two channels
// fit both: they are mixed down, or doubled.
type DecoderConfig struct {
	Channels int // 1 or 2
	// Rate is 8000, 12000, 16000, 24000 or 48000 samples a second; 0 is 48000.
	// A lower rate costs less than resampling afterwards.
	Rate int
}

// Validate returns an *earshot.Error that names the first field that cannot be.
func (c *DecoderConfig) Validate() error {
	if c.Channels != 1 && c.Channels != 2 {
		return errChannels(c.Channels)
	}
	if c.Rate == 0 || slices.Contains(rates[:], c.Rate) {
		return nil
	}
	return earshot.Errorf(earshot.CodeInvalidArgument, "rate: %d is none of %v", c.Rate, rates)
}

// rates are those that Opus is decoded to: RFC 6716, section 2.
var rates = [...]int{8000, 12000, 16000, 24000, 48000}

// Decoder turns Opus packets into samples. After an error it goes on with the
// next packet.
type Decoder struct {
	pool *Pool
	cfg  DecoderConfig
	dec  decoding // nil after Close
	open bool     // counts in the pool
}

// Decoder returns a decoder that knows nothing of what was decoded before.
// Errors are *earshot.Error: resource_exhausted where Pool.MaxDecoders are in
// use.
func (p *Pool) Decoder(cfg DecoderConfig) (*Decoder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Rate == 0 {
		cfg.Rate = Rate
	}
	if err := p.takeOne(&p.openDecoders, p.MaxDecoders, "decoders"); err != nil {
		return nil, err
	}
	d := &Decoder{pool: p, cfg: cfg, open: true}
	if kept, ok := p.decoders(cfg).Get().(decoding); ok {
		kept.reset()
		d.dec = kept
		return d, nil
	}
	if err := d.renew(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// renew replaces the implementation.
func (d *Decoder) renew() error {
	dec, err := d.pool.implementation().newDecoder(d.cfg)
	if err != nil {
		return earshot.Errorf(earshot.CodeInternal, "set up an Opus decoder: %v", err)
	}
	d.dec = dec
	return nil
}

// MaxSamples returns how many samples, of all channels together, one packet
// can hold at most: 120 ms.
func (d *Decoder) MaxSamples() int { return d.cfg.Rate / 1000 * maxDuration * d.cfg.Channels }

// Decode writes what a packet holds to pcm, interleaved, from -1 to 1, and
// returns how many samples a channel that is. pcm should have room for
// MaxSamples. It does not allocate. Errors are *earshot.Error:
// invalid_argument for what is no Opus packet.
func (d *Decoder) Decode(packet []byte, pcm []float32) (int, error) {
	if len(packet) == 0 || len(packet) > MaxReceived {
		return 0, earshot.Errorf(earshot.CodeInvalidArgument, "an Opus packet of %d bytes, want 1 to %d", len(packet), MaxReceived)
	}
	return d.do(decoding.decode, packet, pcm)
}

// Conceal fills pcm with what a lost packet may have sounded like: it goes on
// for a moment with what was there and fades out. The length must be a
// multiple of 2.5 ms, at most MaxSamples.
func (d *Decoder) Conceal(pcm []float32) (int, error) {
	if len(pcm) > d.MaxSamples() {
		return 0, earshot.Errorf(earshot.CodeInvalidArgument, "%d samples to conceal, more than %d", len(pcm), d.MaxSamples())
	}
	return d.do(conceal, nil, pcm)
}

// conceal has the shape of the other two.
func conceal(dec decoding, _ []byte, pcm []float32) (int, error) { return dec.conceal(pcm) }

// Recover fills pcm with the frame that was lost just before a packet, from
// the copy of it that the packet carries (EncoderConfig.Loss), or conceals it
// where there is none. Decode the packet itself afterwards. The length is as
// for Conceal.
func (d *Decoder) Recover(following []byte, pcm []float32) (int, error) {
	if len(following) == 0 || len(following) > MaxReceived || len(pcm) > d.MaxSamples() {
		return d.Conceal(pcm)
	}
	return d.do(decoding.recover, following, pcm)
}

func (d *Decoder) do(f func(decoding, []byte, []float32) (int, error), packet []byte, pcm []float32) (n int, err error) {
	if d.dec == nil {
		return 0, errClosed("decoder")
	}
	before := d.dec
	d.dec = nil // should the call panic
	n, err = d.guarded(f, before, packet, pcm)
	if d.dec == nil {
		if failed := d.renew(); failed != nil {
			return 0, failed
		}
	}
	return n, err
}

func (d *Decoder) guarded(f func(decoding, []byte, []float32) (int, error), dec decoding, packet []byte, pcm []float32) (n int, err error) {
	defer d.pool.guard(&err)
	n, err = f(dec, packet, pcm)
	d.dec = dec
	if err != nil {
		return 0, errPacket(err)
	}
	return n, nil
}

// Reset makes the decoder forget what it decoded, as if it were new.
func (d *Decoder) Reset() {
	if d.dec != nil {
		d.dec.reset()
	}
}

// Close gives the decoder's memory back. It may be called more than once.
func (d *Decoder) Close() {
	if d.dec != nil {
		d.pool.decoders(d.cfg).Put(d.dec)
		d.dec = nil
	}
	if d.open {
		d.open = false
		d.pool.openDecoders.Add(-1)
	}
}

// decoders returns where decoders of a kind are kept.
func (p *Pool) decoders(cfg DecoderConfig) *sync.Pool {
	return &p.kept[cfg.Channels-1][slices.Index(rates[:], cfg.Rate)]
}
