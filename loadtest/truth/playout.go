package truth

import (
	"math"
	"time"
)

// estimate says how long a receiver should hold back the packets of a slot, from
// the delays so far, after R. Ramjee et al., "Adaptive playout mechanisms for
// packetized audio applications in wide-area networks", 1994, algorithm 1: mean
// plus four mean deviations, here with a memory of 64 packets.
type estimate struct {
	packets   float64 // at most memory
	mean, dev float64 // ms
}

func (e *estimate) add(took float64) {
	if e.packets == 0 {
		e.mean, e.dev = took, firstDev
	}
	e.packets = min(e.packets+1, memory)
	e.mean += (took - e.mean) / e.packets
	e.dev += (math.Abs(took-e.mean) - e.dev) / max(4, e.packets)
}

// limit is how late a packet may be that is still played, ms.
func (e *estimate) limit() float64 { return e.mean + e.hold() }

// hold is how long a packet is held back beyond the mean, ms.
func (e *estimate) hold() float64 { return min(mostHold, max(leastHold, 4*e.dev)) }

// playout is a receiver that plays a talker. It holds packets back as the
// estimate says when a talkspurt begins, and within it less once that says less,
// by hurry: else one who does not pause would be heard as late for ever as when a
// network was at its worst. A frame that is missing or comes too late is
// concealed. NetEq stretches sound and so conceals less, and hurries more, by a
// pitch period every 60 ms: the figures are on the strict side. What a talker says while they have lost the slot for less
// than half a second is a gap, too, but not concealed: a client fades them out.
type playout struct {
	limit float64 // of this talkspurt, ms
	tick  uint32
	into  uint16
	run   int // frames concealed in a row up to tick
}

const (
	memory    = 64.0
	firstDev  = 10.0 // ms
	leastHold = 20.0 // ms beyond the mean
	mostHold  = 1000.0
	hurry     = 1.0 // ms of a frame of 20 that are left out
)

// played is what became of the frames up to one packet.
type played struct {
	frames, concealed, runs int64
	delay                   float64 // from mouth to ear without the codec, ms; of one frame
}

// frame takes a packet that took so many ms.
func (q *playout) frame(p *Packet, took float64, stays bool, e *estimate, f *Figures) (r played) {
	e.add(took)
	ahead := int32(p.Tick - q.tick)
	switch {
	case p.Into == 0:
		q.flush(f)
		q.tick, q.into = p.Tick, 0
		return r
	case q.into > 0 && ahead <= 0 && ahead > -stayFrames:
		if took <= q.limit { // in time after all
			r.concealed--
			r.frames, r.delay = 0, q.limit
		}
		f.Concealed += r.concealed
		return r
	case stays && q.goesOn(p):
		q.limit = max(q.limit-hurry, min(q.limit, e.limit()))
		r.frames = int64(ahead)
		r.runs += q.conceal(int(ahead) - 1)
		r.concealed = int64(ahead) - 1
	default:
		q.flush(f)
		if q.goesOn(p) && ahead > 1 {
			f.Gap.Add(float64(ahead-1) * frameMs)
		}
		q.limit = e.limit()
		r.frames = 1
	}
	if took > q.limit {
		r.runs += q.conceal(1)
		r.concealed++
	} else {
		q.flush(f)
	}
	q.tick, q.into = p.Tick, p.Into
	r.delay = q.limit
	f.Frames += r.frames
	f.Concealed += r.concealed
	return r
}

// goesOn reports whether p is of the talkspurt that the last frame was of.
func (q *playout) goesOn(p *Packet) bool {
	ahead := int32(p.Tick - q.tick)
	return q.into > 0 && ahead > 0 && ahead <= stayFrames && int32(p.Into)-int32(q.into) == ahead
}

// conceal adds n frames to the run and returns how many runs that begins.
func (q *playout) conceal(n int) int64 {
	if n <= 0 {
		return 0
	}
	begins := q.run == 0
	q.run += n
	if begins {
		return 1
	}
	return 0
}

// flush ends the run.
func (q *playout) flush(f *Figures) {
	if q.run > 0 {
		f.Gap.Add(float64(q.run) * frameMs)
		q.run = 0
	}
}

// opinion gathers what a MOS is made of.
type opinion struct {
	began             time.Time
	frames, concealed int64
	runs, packets     int64
	delay             float64 // sum over packets
}

const (
	opinionEvery  = 10 * time.Second
	opinionFrames = 50 // with less speech there is no opinion
)

func (o *opinion) add(r played) {
	o.frames += r.frames
	o.concealed += r.concealed
	o.runs += r.runs
	if r.delay > 0 {
		o.packets++
		o.delay += r.delay
	}
}

// tick forms an opinion every ten seconds.
func (o *opinion) tick(now time.Time, f *Figures) {
	if o.began.IsZero() {
		o.began = now
	}
	if now.Sub(o.began) >= opinionEvery {
		o.close(f)
		o.began = now
	}
}

func (o *opinion) close(f *Figures) {
	if o.frames < opinionFrames || o.packets == 0 {
		return
	}
	lost := max(0, o.concealed)
	f.MOS.Add(MOS(float64(lost)/float64(o.frames), burstRatio(lost, o.frames, o.runs), o.delay/float64(o.packets)+CodecDelayMs))
	*o = opinion{began: o.began}
}
