package desk

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot/sfu"
	"earshot/spatialaudio/binaural"
	"earshot/spatialaudio/jitter"
	"earshot/spatialaudio/loudness"
	"earshot/spatialaudio/opus"
	"earshot/spatialaudio/talker"
)

// How long what belongs to a voice is kept after it was last of use, in beats.
const (
	keepDecoder = 25   // 0.5 s: who comes back into a bed needs none for long
	keepTap     = 1500 // 30 s: whoever passes by again is heard at once
)

// voice is a talker whom somebody on the desk hears, or heard lately.
type voice struct {
	publication *sfu.Publication
	tap         *sfu.Tap
	decoders    decoders

	heard atomic.Int64 // the last beat in which it was in somebody's list

	// mu guards what follows. The tap's goroutine takes it, so it is never held
	// across a call of the tap.
	mu     sync.Mutex
	talker *talker.Talker
	spoken int64 // the last beat in which a packet came
	beat   int64

	// The desk's order lock guards source, and what it holds of this beat. Only
	// workers and the goroutine of the beat touch the rest, in turns.
	source  binaural.Source
	frame   *talker.Frame // what is said in this beat; nil for nothing
	age     time.Duration // of frame, when the beat was due: see delay
	wanted  int           // listeners who hear the voice by itself
	listed  int64         // the last beat in which there were any
	inBeds  bool          // it is in a bed
	talks   bool          // it asked for a decoder in the beat before
	decoded bool          // and got one
	surplus bool          // there are too many talkers: it has to do without
	rooms   chambers
}

func (d *Desk) newVoice(p *sfu.Publication) *voice {
	v := &voice{publication: p, decoders: decoders{d.pool}, spoken: -keepDecoder, listed: -keepDecoder}
	v.talker = talker.New(time.Now(), loudness.DefaultConfig(), v.decoders)
	v.tap = d.deps.SFU.NewTap(v.take)
	v.tap.SetVoice([]*sfu.Publication{p})
	return v
}

// take is called by the tap with each packet.
func (v *voice) take(_ *sfu.Publication, seq uint16, timestamp uint32, payload []byte) {
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.spoken = v.beat
	v.talker.Push(now, jitter.Packet{Sequence: seq, Timestamp: timestamp, Payload: payload})
}

// play takes the next 20 ms of what is said into the source. The desk's order
// lock is held for reading, and nobody else plays v.
func (v *voice) play(d *Desk, w *worker, beat int64, due time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.beat = beat
	open := v.publication.Active()
	if !open { // muted, or gone: what still waits is not for anybody
		v.talker.Flush()
	}
	v.talks = beat-v.heard.Load() < keepDecoder && beat-v.spoken < keepDecoder
	if v.talker.Listen(v.talks && !v.surplus) != nil {
		d.metrics.undecoded.Inc()
	}
	v.decoded = v.talks && !v.surplus
	frame, sounds := v.talker.Tick(due)
	if v.frame = nil; open && sounds {
		v.frame, v.age = frame, v.talker.Delay()
	}
	if v.frame != nil && beat-v.listed <= 1 { // who has just lost it hears it fade
		v.source.Analyse(w.mixer, frame)
	} else {
		v.source.Silence(w.mixer)
	}
	v.rooms.play(w, beat, open, v.frame)
}

// list notes that a listener hears the voice by itself in a beat.
func (v *voice) list(beat int64) {
	v.heard.Store(beat)
	v.listed = beat
	v.wanted++
}

// claim is what a voice has to say for itself where there are too few decoders.
func (v *voice) claim() int {
	claim := v.wanted
	switch {
	case !v.talks:
		return -1
	case v.inBeds:
		claim += 1 << 30
	case v.decoded: // it takes more than one listener less to lose it
		claim += 1 + claim/4
	}
	return claim
}

// flush forgets what was said and not yet heard. The desk's order lock is held.
func (v *voice) flush() {
	v.mu.Lock()
	v.talker.Flush()
	v.rooms.reset()
	v.mu.Unlock()
	v.frame = nil
	v.source.Reset()
}

// close ends the voice. No lock is held. Only the goroutine of the beat closes
// one that was played, whose frame it took away before, with the order lock held.
func (v *voice) close() {
	v.tap.Close()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.talker.Close()
}

// decoders lends those of the node's pool.
type decoders struct{ pool *opus.Pool }

// Take implements talker.Decoders.
func (d decoders) Take() (jitter.Decoder, error) {
	return d.pool.Decoder(opus.DecoderConfig{Channels: 1})
}

// Return implements talker.Decoders.
func (d decoders) Return(decoder jitter.Decoder) {
	if o, ok := decoder.(*opus.Decoder); ok {
		o.Close()
	}
}
