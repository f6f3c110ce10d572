package jitter

// How long is made up what did not come.
const (
	concealFor = 60 * millisecond
	fadeFor    = 20 * millisecond // afterwards
	grain      = 120              // samples: what is concealed is a multiple of 2.5 ms
)

// next returns the oldest frame whose turn is not over, or nil.
func (b *Buffer) next() *frame {
	f := b.queue.first()
	for ; f != nil && f.ts < b.head; f = b.queue.first() {
		b.stats.Late++
		b.queue.drop()
	}
	return f
}

// advance makes the sound of the frame at head, or ends the spurt.
func (b *Buffer) advance() {
	f := b.next()
	switch {
	case f == nil && b.pausing:
		b.fall()
	case f == nil && b.slack < FrameSamples:
		b.hold()
	case f == nil:
		b.miss()
		b.conceal(b.frame)
	case f.ts == b.head:
		b.play(f)
	case b.held > 0:
		b.release(f.ts)
	case b.gain() <= 0:
		b.end()
	case f.seq == b.seq+1, b.pausing:
		b.fall() // nothing is missing: speak goes on at f
	case f.ts-b.head <= f.length && repairs(f.payload):
		b.recover(f)
	default:
		b.miss()
		b.conceal(min(f.ts-b.head, b.frame))
	}
}

// hold makes up a frame without going on, because head may only be late: nothing
// later has come yet.
func (b *Buffer) hold() {
	before := b.head
	b.conceal(b.frame)
	b.held += b.head - before
	b.slack += b.head - before
	b.head = before
}

// release goes on over what was made up, because what was waited for is lost:
// the next frame is at ts.
func (b *Buffer) release(ts int64) {
	b.miss()
	b.head += min(b.held, ts-b.head)
	b.held = 0
}

// miss takes note of the frame at head as one that did not come in time.
func (b *Buffer) miss() {
	b.missed[b.misses%memory] = b.head
	b.misses++
}

// play decodes the frame at head.
func (b *Buffer) play(f *frame) {
	b.stats.Inserted += uint64(b.held)
	b.held = 0
	n := b.decode(f)
	b.queue.drop()
	if n == 0 {
		b.conceal(f.length)
		return
	}
	b.head = f.ts + int64(n)
	b.rise(n)
}

// rise fades the last n samples in where what was before them had faded out.
func (b *Buffer) rise(n int) {
	if g := b.gain(); g < 1 {
		fade(b.sound.buf[b.sound.w-n:][:min(n, fadeLen)], g, 1)
	}
	b.concealed = 0
}

// gain returns how loud concealment still is.
func (b *Buffer) gain() float32 {
	return min(1-float32(b.concealed-concealFor)/fadeFor, 1)
}

// decode appends a frame's samples and returns how many, 0 where it is broken.
func (b *Buffer) decode(f *frame) int {
	n, err := b.dec.Decode(f.payload, b.sound.room())
	if err != nil || n <= 0 {
		b.stats.Broken++
		return 0
	}
	b.sound.advance(n)
	b.stats.Decoded++
	if f.redundant {
		b.stats.Redundant++
	}
	b.heard, b.seq, b.pausing = f.ts+int64(n), f.seq, pauses(f.payload)
	b.frame = min(f.length, FrameSamples)
	return n
}

// recover makes the frame before f from what f says of it.
func (b *Buffer) recover(f *frame) {
	b.miss()
	missing := f.ts - b.head
	n, err := b.dec.Recover(f.payload, b.sound.room()[:whole(missing)])
	if err != nil || n < int(missing) {
		b.conceal(missing)
		return
	}
	b.sound.advance(int(missing))
	b.stats.Recovered++
	b.head, b.seq = f.ts, f.seq-1
	b.rise(int(missing))
}

// conceal makes up n samples, or ends the spurt where that has been enough.
func (b *Buffer) conceal(n int64) {
	if b.gain() <= 0 {
		b.end()
		return
	}
	n = min(n, concealFor+fadeFor-b.concealed)
	room := b.sound.room()[:whole(n)]
	if made, err := b.dec.Conceal(room); err != nil || made < len(room) {
		clear(room)
	}
	room = room[:n]
	before := b.gain()
	b.concealed += n
	over := min(max(b.concealed-concealFor, 0), n) // samples of these that fade
	if over > 0 {
		fade(room[n-over:], before, b.gain())
	}
	b.sound.advance(int(n))
	b.stats.Concealed += uint64(n)
	b.head += n
}

// whole rounds up to what a decoder can conceal.
func whole(n int64) int64 { return (n + grain - 1) / grain * grain }
