package moderation

import (
	"sync"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// Limits of what is kept of a voice until it is transcribed. What comes on top
// is dropped and counted.
const (
	earPackets = 1600      // 16 s of 10 ms
	earBytes   = 512 << 10 // 16 s of 256 kbit/s
	earPacket  = 1500      // bytes
	earFor     = windowWhole + time.Second
	earLines   = 3 // transcripts that are context for the next
)

// Speaker is somebody whose voice is judged.
type Speaker struct {
	World    string
	Instance earshot.InstanceID
	Who      earshot.ParticipantID
	Name     string
	Age      policy.Age
	Language string // BCP 47, for the transcription and for statements; "" if not known
	Aside    bool   // what comes is beside their voice and not kept as evidence, which is of one voice
}

// Ear hears one speaker: see Pipeline.Listen. Its methods may be called from
// any goroutine and never wait. Those of a nil Ear do nothing.
type Ear struct {
	speaker Speaker
	voices  *voices
	feed    func(now time.Time, p Packet) // evidence; nil: none is kept

	mu     sync.Mutex
	ring   []heardPacket // grows to earPackets
	first  int
	count  int
	bytes  int // capacity of all buffers
	cut    cutter
	closed bool

	// Guarded by voices.mu.
	pending *clip
	judged  time.Time // when a window of it last went to be transcribed
	doubt   bool      // the last transcript was doubtful: listen to more at once
	said    []Line
}

type heardPacket struct {
	at   time.Time
	seq  uint16
	ts   uint32
	opus []byte
}

// clip is a window with its packets.
type clip struct {
	at      time.Time // when it was said
	packets []Packet
	whole   bool
}

// Put takes one packet and whether its sender was talking at the time, as the
// SFU's levels have it. The bytes are copied.
func (e *Ear) Put(now time.Time, p Packet, talking bool) {
	if e == nil {
		return
	}
	if !e.keep(now, p) {
		e.voices.dropped.Inc()
		return
	}
	e.voices.kept.Inc()
	if e.feed != nil {
		e.feed(now, p)
	}
	e.mu.Lock()
	w, ok := e.cut.packet(now, talking)
	e.mu.Unlock()
	if ok {
		e.voices.offer(e, w)
	}
}

// keep puts a packet into the ring.
func (e *Ear) keep(now time.Time, p Packet) bool {
	if len(p.Opus) == 0 || len(p.Opus) > earPacket {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.count > 0 && now.Sub(e.ring[e.first].at) > earFor {
		e.first, e.count = (e.first+1)%len(e.ring), e.count-1
	}
	if e.closed || e.count == earPackets {
		return false
	}
	if e.count == len(e.ring) {
		e.grow()
	}
	slot := &e.ring[(e.first+e.count)%len(e.ring)]
	if e.bytes > earBytes*3/4 && cap(slot.opus) > 4*len(p.Opus)+256 { // left by a far larger packet, and room is scarce
		e.bytes -= cap(slot.opus)
		slot.opus = nil
	}
	if grow := len(p.Opus) - cap(slot.opus); grow > 0 {
		if e.bytes+grow > earBytes && !e.reclaim(len(p.Opus)) {
			return false
		}
		e.bytes += len(p.Opus) - cap(slot.opus)
		slot.opus = make([]byte, 0, len(p.Opus))
	}
	slot.at, slot.seq, slot.ts, slot.opus = now, p.Seq, p.Timestamp, append(slot.opus[:0], p.Opus...)
	e.count++
	return true
}

// reclaim frees buffers that hold no packet now, and reports whether n more
// bytes fit then. Only who sends packets of very different sizes gets here.
func (e *Ear) reclaim(n int) bool {
	for i := e.count; i < len(e.ring); i++ {
		free := &e.ring[(e.first+i)%len(e.ring)]
		e.bytes -= cap(free.opus)
		free.opus = nil
	}
	return e.bytes+n <= earBytes
}

func (e *Ear) grow() {
	ring := make([]heardPacket, min(max(256, 2*len(e.ring)), earPackets))
	for i := range e.count {
		ring[i] = e.ring[(e.first+i)%len(e.ring)]
	}
	e.ring, e.first = ring, 0
}

// packets returns copies of what came from one time to another.
func (e *Ear) packets(from, to time.Time) (out []Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.count {
		k := &e.ring[(e.first+i)%len(e.ring)]
		if k.at.Before(from) || k.at.After(to) {
			continue
		}
		out = append(out, Packet{k.seq, k.ts, append([]byte(nil), k.opus...)})
	}
	return out
}

// tick ends a window of somebody who sends no packets any more.
func (e *Ear) tick(now time.Time) {
	e.mu.Lock()
	w, ok := e.cut.tick(now)
	e.mu.Unlock()
	if ok {
		e.voices.offer(e, w)
	}
}

// Close ends the hearing: the speaker left, or moved to another world. What
// was said before is still judged.
func (e *Ear) Close() {
	if e == nil {
		return
	}
	now := time.Now()
	e.mu.Lock()
	w, ok := e.cut.tick(now.Add(windowEnd))
	e.closed = true
	e.mu.Unlock()
	if ok {
		e.voices.offer(e, w)
	}
	e.voices.drop(e)
}
