package desk

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot/sfu"
	"earshot/spatialaudio/binaural"
	"earshot/spatialaudio/jitter"
	"earshot/spatialaudio/opus"
)

// How long what belongs to a talker is kept after it was last of use, in beats.
const (
	keepDecoder = 100  // 2 s
	keepTap     = 1500 // 30 s: whoever passes by again is heard at once
)

// talker is a voice that somebody on the desk hears, or heard lately.
type talker struct {
	publication *sfu.Publication
	tap         *sfu.Tap

	heard atomic.Int64 // the last beat in which it was in somebody's list

	// mu guards what follows. The tap's goroutine takes it, so it is never held
	// across a call of the tap.
	mu      sync.Mutex
	buffer  *jitter.Buffer
	decoder *opus.Decoder // lent to buffer; nil while nothing is said
	spoken  int64         // the last beat in which a packet came
	beat    int64

	// The desk's order lock guards source, and what it holds of this beat.
	source binaural.Source
	sounds bool
}

func (d *Desk) newTalker(p *sfu.Publication) *talker {
	t := &talker{publication: p, buffer: jitter.New(time.Now()), spoken: -keepDecoder}
	t.tap = d.deps.SFU.NewTap(t.take)
	t.tap.SetVoice([]*sfu.Publication{p})
	return t
}

// take is called by the tap with each packet.
func (t *talker) take(_ *sfu.Publication, seq uint16, timestamp uint32, payload []byte) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spoken = t.beat
	t.buffer.Push(now, jitter.Packet{Sequence: seq, Timestamp: timestamp, Payload: payload})
}

// play takes the next 20 ms of what is said out of the buffer into the source.
// The desk's order lock is held for reading, and nobody else plays t.
func (t *talker) play(d *Desk, w *worker, beat int64, due time.Time) {
	t.sounds = t.next(d, w, beat, due)
	if t.sounds {
		t.source.Analyse(w.mixer, &w.frame)
	} else {
		t.source.Silence(w.mixer)
	}
}

func (t *talker) next(d *Desk, w *worker, beat int64, due time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.beat = beat
	if !t.publication.Active() { // muted, or gone: what still waits is not for anybody
		t.buffer.Flush()
		t.buffer.Tick(due, w.frame[:])
		return false
	}
	t.lend(d, beat)
	return t.buffer.Tick(due, w.frame[:])
}

// lend gives the buffer a decoder while the talker is heard and says something,
// and takes it back after. mu is held.
func (t *talker) lend(d *Desk, beat int64) {
	wanted := beat-t.heard.Load() < keepDecoder && beat-t.spoken < keepDecoder
	switch {
	case wanted && t.decoder == nil:
		decoder, err := d.pool.Decoder(opus.DecoderConfig{Channels: 1})
		if err != nil {
			d.metrics.undecoded.Inc()
			return
		}
		t.decoder = decoder
		t.buffer.Attach(decoder)
	case !wanted && t.decoder != nil:
		t.unlend()
	}
}

// unlend gives the decoder back. mu is held.
func (t *talker) unlend() {
	if t.decoder == nil {
		return
	}
	t.buffer.Detach()
	t.decoder.Close()
	t.decoder = nil
}

// flush forgets what was said and not yet heard. The desk's order lock is held.
func (t *talker) flush() {
	t.mu.Lock()
	t.buffer.Flush()
	t.mu.Unlock()
	t.source.Reset()
	t.sounds = false
}

// close ends the talker. No lock is held.
func (t *talker) close() {
	t.tap.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unlend()
}
