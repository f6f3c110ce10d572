// Package talker is all that the mixers of a world need of one talker: packets
// go in, and at every tick 20 ms of levelled mono sound come out, once for all
// who listen.
//
// A Talker owns the talker's jitter buffer, gate and leveller, and says when a
// decoder is needed: it takes one while somebody listens and gives it back when
// nobody does. It does not own the decoders (Decoders, a bounded pool of
// spatialaudio/opus), nor who may hear whom: gateway decides that before
// gateway/desk, its caller, mixes.
//
// A Talker belongs to one goroutine at a time.
package talker

import (
	"time"

	"earshot/spatialaudio/jitter"
	"earshot/spatialaudio/loudness"
)

// Decoders lends decoders of mono at 48 kHz.
type Decoders interface {
	// Take returns a decoder, or an error where all are in use.
	Take() (jitter.Decoder, error)
	// Return takes one back. Nothing of what it decoded reaches who takes it next.
	Return(jitter.Decoder)
}

// Frame is a tick of sound: 20 ms, mono, from -1 to 1.
type Frame = [jitter.FrameSamples]float32

// Talker makes one talker's sound.
type Talker struct {
	decoders Decoders
	buffer   *jitter.Buffer
	voice    *loudness.Voice
	heard    bool
	frame    Frame
}

// New returns a Talker to whom nobody listens. Times given to it are not before
// now; cfg is valid.
func New(now time.Time, cfg loudness.Config, decoders Decoders) *Talker {
	return &Talker{decoders: decoders, buffer: jitter.New(now), voice: loudness.NewVoice(cfg)}
}

// Push takes a packet that came at now. It does not decode.
func (t *Talker) Push(now time.Time, p jitter.Packet) { t.buffer.Push(now, p) }

// Listen says whether anybody listens. Where nobody does, the talker costs next
// to nothing; where somebody does again, the next tick has their sound as if it
// had never been away. The error is that of Decoders.Take: then nobody hears
// this talker, and the caller may ask again at a later tick.
func (t *Talker) Listen(heard bool) error {
	if heard == t.heard {
		return nil
	}
	if !heard {
		t.heard = false
		t.decoders.Return(t.buffer.Detach())
		t.voice.Rest()
		return nil
	}
	d, err := t.decoders.Take()
	if err != nil {
		return err
	}
	t.heard = true
	t.buffer.Attach(d)
	return nil
}

// Tick returns the talker's next 20 ms, and whether they hold any sound; else
// they are all 0. They are good until the next call. now is when the tick was
// due. It does not allocate.
func (t *Talker) Tick(now time.Time) (*Frame, bool) {
	if !t.buffer.Tick(now, t.frame[:]) {
		t.voice.Rest()
		return &t.frame, false
	}
	return &t.frame, t.voice.Process(t.frame[:])
}

// Flush forgets, at once, what was said and has not been played: see
// jitter.Buffer.Flush. It belongs to every order after which the talker may not
// be heard by anybody, and to it belongs that the mixers forget, too.
func (t *Talker) Flush() {
	t.buffer.Flush()
	clear(t.frame[:])
}

// GainDB returns by how much the talker is made louder or less loud now. Added
// to the level at which they arrive, it makes talkers comparable: who shouts is
// no more audible than who speaks.
func (t *Talker) GainDB() float64 { return t.voice.GainDB() }

// Stats returns the counts of the jitter buffer, Delay how late it plays.
func (t *Talker) Stats() jitter.Stats { return t.buffer.Stats() }

// Delay returns how late the talker's sound is played: see jitter.Buffer.Delay.
func (t *Talker) Delay() time.Duration { return t.buffer.Delay() }

// Close gives the decoder back. No other method is called afterwards.
func (t *Talker) Close() {
	if t.heard {
		_ = t.Listen(false) // which cannot fail
	}
}
