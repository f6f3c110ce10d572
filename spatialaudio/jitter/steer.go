package jitter

// When the playhead is moved within speech. A frame is needed at the tick that
// plays its first sample, and ticks are 20 ms apart: how long it can be waited
// for changes in steps of 20 ms only, and samples that are pending at a tick
// before it is decoded delay the sound without any use.
const (
	tooEarly  = 2 * millisecond               // a frame is needed before its target
	tooLate   = FrameSamples + 10*millisecond // a tick earlier would still be well after it
	wasteful  = 5 * millisecond               // pending without use
	secure    = 5 * millisecond               // after the target: what is pending may go
	urgent    = 40 * millisecond
	desperate = 120 * millisecond
	restful   = 5 // ticks between two changes that are not urgent
)

// steer moves the playhead towards where frames are needed just after they were
// waited for as long as the target says.
func (b *Buffer) steer(due int64) {
	pending := int64(b.sound.pending())
	useless := pending % FrameSamples
	slack := due + pending - useless - b.head // after the target, when head is needed
	b.rested++
	b.slack = slack
	switch {
	case slack < -tooEarly && b.rest(-slack):
		b.ahead(overlap)
		if b.sound.pending() >= overlap {
			by := b.sound.stretch(-1, int(max(FrameSamples-useless, 2*shortestLag)), hurry(-slack))
			b.stats.Inserted += b.moved(by)
		}
	case slack >= tooLate:
		useless += slack / FrameSamples * FrameSamples
		fallthrough
	case useless > wasteful && slack > secure:
		if !b.rest(useless) {
			return
		}
		b.ahead(longestLag + FrameSamples)
		if b.sound.pending() >= longestLag+FrameSamples {
			b.stats.Removed += b.moved(b.sound.stretch(1, int(useless), hurry(useless)))
		}
	}
}

// rest reports whether the sound has been left alone for long enough to be
// stretched again.
func (b *Buffer) rest(distance int64) bool { return b.rested > restful || distance > urgent }

func (b *Buffer) moved(by int) uint64 {
	if by > 0 {
		b.rested = 0
	}
	return uint64(by)
}

// hurry returns how alike places must be when the playhead is so far off.
func hurry(distance int64) float32 {
	switch {
	case distance > desperate:
		return similarNot
	case distance > urgent:
		return similarFast
	}
	return similar
}
