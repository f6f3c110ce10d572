package jitter

import (
	"math"
	"time"
)

// Limits of time, in samples.
const (
	second    = 1000 * millisecond
	longBreak = 3 * second // without a packet: what was measured before counts no more
	wild      = 2 * second // a delay that no network has
	wildInRow = 3          // packets after which the stream is taken to have begun anew
	strays    = 1 * second // for which packets of the stream before are dropped
	never     = math.MinInt64 / 2
	memory    = 8 // frames that were missed are remembered
)

var nothingMissed = func() (m [memory]int64) {
	for i := range m {
		m[i] = never
	}
	return m
}()

// Decoder is a decoder of mono at 48 kHz; *opus.Decoder is one. Counts are in
// samples. None of it may keep what it is given.
type Decoder interface {
	Decode(packet []byte, pcm []float32) (int, error)
	// Recover fills pcm with the frame before the packet.
	Recover(following []byte, pcm []float32) (int, error)
	// Conceal fills pcm with what may have followed.
	Conceal(pcm []float32) (int, error)
	// Reset forgets what was decoded.
	Reset()
}

// Buffer holds what is between one talker's packets and their sound.
type Buffer struct {
	dec   Decoder // nil while nobody listens
	sound sound
	queue queue
	delay delays
	stats Stats

	// The stream as it comes in.
	epoch       time.Time // sample 0 of our clock
	ssrc        uint32
	running     bool  // there is a stream, and so a timeline
	newest      int64 // timestamp, unwrapped
	arrived     int64 // when the last packet came
	wild        int   // packets in a row with an impossible delay
	formerSSRC  uint32
	formerUntil int64 // until when packets of the former SSRC are strays

	// The sound as it goes out.
	speaking  bool  // there is a playhead: sound.pending before head
	returning bool  // somebody began to listen
	pausing   bool  // the last packet announced a pause
	head      int64 // timestamp of what is decoded next
	heard     int64 // timestamp after the last real sound
	seq       uint16
	frame     int64         // length of the last frame
	concealed int64         // samples in a row; see gain
	slack     int64         // how long after its target head is needed
	held      int64         // samples made up while head is waited for
	missed    [memory]int64 // timestamps of frames that were made up, the last ones
	misses    int
	delayed   int64 // how late the last tick began
	ticked    int64 // when the last tick was due
	rested    int   // ticks since the sound was stretched
	blocks    [maxBlocks]block
}

// New returns a Buffer to which nobody listens. Times given to it are not
// before now.
func New(now time.Time) *Buffer {
	return &Buffer{epoch: now, delay: newDelays(), heard: never, ticked: never, formerUntil: never, frame: FrameSamples, missed: nothingMissed}
}

// Target returns how long a packet is waited for, and Delay how late the sound
// is that is played: both from when it could have come at the earliest.
func (b *Buffer) Target() time.Duration { return span(b.delay.target) }

// Delay returns how late the first sample of the last tick was played; where
// there was silence, the target.
func (b *Buffer) Delay() time.Duration {
	if !b.speaking {
		return b.Target()
	}
	return span(b.delayed)
}

// Stats returns the counts.
func (b *Buffer) Stats() Stats { return b.stats }

// Push takes a packet that came at now.
func (b *Buffer) Push(now time.Time, p Packet) {
	b.stats.Received++
	primary, blocks, ok := p.Payload, 0, true
	if p.RED {
		primary, blocks, ok = redundant(p.Payload, &b.blocks)
	}
	length := duration(primary)
	if !ok || length == 0 || len(primary) > maxPayload {
		b.stats.Malformed++
		return
	}
	at := b.clock(now)
	ts, ok := b.unwrap(at, p)
	if !ok {
		return
	}
	b.arrived = at
	for i, e := range b.blocks[:blocks] {
		if n := duration(e.payload); n > 0 && e.offset > 0 {
			b.keep(at, frame{ts: ts - e.offset, length: n, seq: p.Sequence - uint16(blocks-i), redundant: true, payload: e.payload})
		}
	}
	b.keep(at, frame{ts: ts, length: length, seq: p.Sequence, payload: primary})
}

// unwrap returns the timestamp of a packet without its wrapping round, and
// whether the packet counts.
func (b *Buffer) unwrap(at int64, p Packet) (ts int64, ok bool) {
	switch {
	case !b.running:
		b.begin(at, p)
	case p.SSRC != b.ssrc:
		if p.SSRC == b.formerSSRC && at < b.formerUntil {
			b.stats.Late++
			return 0, false
		}
		b.formerSSRC, b.formerUntil = b.ssrc, at+strays
		b.restart()
		b.begin(at, p)
	case at-b.arrived > longBreak:
		b.restart()
		b.begin(at, p)
	}
	ts = b.newest + int64(int32(p.Timestamp-uint32(b.newest)))
	if delay := at - ts - b.delay.base; b.delay.n > 0 && (delay > wild || delay < -wild) {
		if b.wild++; b.wild < wildInRow {
			return 0, false
		}
		b.restart()
		b.begin(at, p)
		ts = b.newest
	}
	b.wild = 0
	b.newest = max(b.newest, ts)
	return ts, true
}

// begin takes a packet as the first of a timeline. Nothing before it is played,
// whether it comes late or in a redundant block: it may be from before the talker
// was allowed to speak.
func (b *Buffer) begin(at int64, p Packet) {
	b.running, b.ssrc, b.arrived, b.wild = true, p.SSRC, at, 0
	b.newest = int64(p.Timestamp) + 1<<32
	b.heard = b.newest
}

// restart ends a timeline. What was going on fades out.
func (b *Buffer) restart() {
	b.stats.Restarts++
	b.cut()
	if b.dec != nil {
		b.dec.Reset()
	}
	b.queue.clear()
	b.delay.restart()
	b.running, b.pausing, b.missed = false, false, nothingMissed
}

// keep puts a frame that came at a time into the queue, unless it is late or there
// already. The delay of a frame is that of its first copy, in whatever packet.
func (b *Buffer) keep(at int64, f frame) {
	if f.ts < b.heard || b.speaking && f.ts < b.head {
		b.tooLate(at, f)
		return
	}
	place, found := b.queue.find(f.ts)
	switch {
	case !found:
		b.delay.add(at - f.ts)
		if b.queue.put(place, f) {
			b.stats.Overflowed++
		}
	case f.redundant:
	case b.queue.at(place).redundant: // the same, and now its number is known
		b.queue.at(place).seq, b.queue.at(place).redundant = f.seq, false
	default:
		b.stats.Duplicate++
	}
}

// tooLate takes note of a frame whose turn is over: if it was missed, of its
// delay, so that such ones are waited for.
func (b *Buffer) tooLate(at int64, f frame) {
	for i, ts := range b.missed {
		if ts == f.ts {
			b.missed[i] = never
			b.stats.Late++
			b.delay.add(at - f.ts)
			return
		}
	}
	if !f.redundant {
		b.stats.Duplicate++
	}
}

// Attach lends the Buffer a decoder, since somebody listens now. The next Tick
// goes on in the middle of a word where there is one. The decoder is reset.
func (b *Buffer) Attach(d Decoder) {
	if b.sound.buf == nil {
		b.sound.buf = make([]float32, soundSize)
	}
	b.sound.clear()
	d.Reset()
	b.dec, b.returning, b.speaking = d, true, false
}

// Detach gives the decoder back, or nil, since nobody listens any more. Ticks go
// on, cost next to nothing, and give silence.
func (b *Buffer) Detach() Decoder {
	d := b.dec
	b.dec, b.speaking = nil, false
	b.sound.clear()
	return d
}

// Flush forgets all sound that has not been played, packets and samples, at
// once: after an order that a talker may not be heard, the next Tick holds
// nothing of what they said, but for a ramp of 2.5 ms from the last sample to
// zero. The caller pushes no packets while the order is in force; of the first
// one after it, redundant blocks do not count, since they are older.
func (b *Buffer) Flush() {
	if !b.running {
		return // at most the ramp of the last order is left
	}
	b.queue.clear()
	if b.dec != nil {
		b.sound.level()
		b.dec.Reset()
	}
	b.delay.restart()
	b.speaking, b.pausing, b.running, b.missed = false, false, false, nothingMissed
}

// clock counts samples since the epoch.
func (b *Buffer) clock(now time.Time) int64 {
	return int64(now.Sub(b.epoch)) * 6 / 125000
}

func span(samples int64) time.Duration { return time.Duration(samples * 125000 / 6) }
