package jitter

import "time"

// Limits of what is played.
const (
	warmUp  = 60 * millisecond  // decoded unheard when somebody begins to listen
	tooOld  = 200 * millisecond // behind its turn: not begun with any more
	fadeLen = 120               // samples over which a sound begins: 2.5 ms
	fallLen = 480               // over which it ends: 10 ms
)

// Tick writes the next 20 ms, FrameSamples samples from -1 to 1, to out, and
// reports whether they hold any sound. now is when the tick was due: ticks are
// 20 ms apart however late they are run. Where one or more were left out, what
// they would have played is left out too. It does not allocate; of decoders, see
// theirs.
func (b *Buffer) Tick(now time.Time, out []float32) bool {
	out = out[:FrameSamples]
	at := b.clock(now)
	if b.running && b.dec != nil && b.ticked != never && at-b.ticked >= 2*FrameSamples {
		b.skip(b.due(now))
	}
	b.ticked = at
	if b.dec == nil {
		b.pass(b.due(now))
		clear(out)
		return false
	}
	if b.running {
		if b.returning {
			b.comeBack(b.due(now))
		}
		if !b.speaking {
			b.speak(b.due(now))
		}
		if b.speaking {
			due := b.due(now)
			b.steer(due)
			b.delayed = due + b.delay.target - b.head + int64(b.sound.pending())
			b.fill(FrameSamples)
		}
	}
	n := b.sound.read(out)
	clear(out[n:])
	return n > 0
}

// due returns the timestamp whose turn it is.
func (b *Buffer) due(now time.Time) int64 {
	return b.clock(now) - b.delay.base - b.delay.target
}

// pass lets go by what nobody hears, but for what warms a decoder up.
func (b *Buffer) pass(due int64) {
	if !b.running {
		return
	}
	for f := b.queue.first(); f != nil && f.ts+f.length <= due-warmUp; f = b.queue.first() {
		b.heard = f.ts + f.length
		b.queue.drop()
	}
}

// skip goes on at what is due after ticks that were left out. Their sound played
// afterwards would leave the talker so much behind, and each time more: pitch
// periods, a few milliseconds a tick, are soon too slow to make up for that. In
// what is made of the ticks there is a gap at this place anyway.
func (b *Buffer) skip(due int64) {
	b.cut()
	for f := b.queue.first(); f != nil && f.ts+f.length <= due; f = b.queue.first() {
		b.heard = max(b.heard, f.ts+f.length)
		b.stats.Skipped++
		b.queue.drop()
	}
}

// comeBack decodes what has just gone by, so that what follows is decoded right.
func (b *Buffer) comeBack(due int64) {
	b.returning = false
	b.pass(due)
	for f := b.queue.first(); f != nil && f.ts+f.length <= due; f = b.queue.first() {
		b.decode(f)
		b.queue.drop()
		b.sound.r = b.sound.w
	}
}

// speak begins a spurt of talk where one is due: with the beginning of a frame, so
// that none has to be there before all of it is played.
func (b *Buffer) speak(due int64) {
	f := b.queue.first()
	for ; f != nil; f = b.queue.first() {
		if old := f.ts < b.heard || f.ts < due-tooOld; old {
			b.stats.Late++
		} else if !pauses(f.payload) {
			break
		}
		b.heard = max(b.heard, f.ts+f.length)
		b.queue.drop()
	}
	if f == nil || f.ts > due {
		return
	}
	b.speaking, b.head, b.seq = true, f.ts, f.seq-1
	b.held = 0
	b.concealed, b.rested = concealFor+fadeFor, restful // it fades in
}

// ahead decodes until n samples are pending, but only what has come.
func (b *Buffer) ahead(n int) {
	for b.speaking && b.sound.pending() < n {
		if f := b.next(); f == nil || f.ts != b.head {
			return
		}
		b.advance()
	}
}

// fill decodes or repairs until n samples are pending, or the sound ends.
func (b *Buffer) fill(n int) {
	for b.speaking && b.sound.pending() < n {
		b.advance()
	}
}

// fall ends the sound: what is pending is played, and what would follow fades
// out.
func (b *Buffer) fall() {
	room := b.sound.room()[:fallLen]
	if n, err := b.dec.Conceal(room); err != nil || n < fallLen {
		clear(room)
	}
	fade(room, b.gain(), 0)
	b.sound.advance(fallLen)
	b.end()
}

// end ends the sound with what is pending.
func (b *Buffer) end() {
	b.speaking = false
	b.stats.Paused++
}

// cut ends the sound within fallLen samples.
func (b *Buffer) cut() {
	switch {
	case !b.speaking:
	case b.sound.pending() < fallLen:
		b.fall()
	default:
		b.sound.w = b.sound.r + fallLen
		fade(b.sound.buf[b.sound.r:b.sound.w], 1, 0)
		b.end()
	}
}
