package npc

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot"
)

// Limits of what an actor keeps of voices.
const (
	maxEars      = 8                // talkers
	maxClip      = 30 * time.Second // of each
	maxRing      = 1536             // packets of each: 30 s of 20 ms and some
	maxRingBytes = 512 << 10        // of each: 30 s of Opus at 136 kbit/s
	maxPacket    = 1500             // bytes
	stale        = 3 * time.Second  // without a packet: an open microphone sends some even of silence
)

// ears keep the newest packets of each talker until somebody knows whether
// they were words. Packets come on the media server's goroutines, so there is
// one mutex, held for a copy.
type ears struct {
	deaf atomic.Bool // nothing understands voices now

	mu      sync.Mutex
	rings   map[earshot.ParticipantID]*ring
	refused uint64
}

func newEars(hears bool) *ears {
	e := &ears{rings: map[earshot.ParticipantID]*ring{}}
	e.deaf.Store(!hears)
	return e
}

// put keeps a copy of a packet.
func (e *ears) put(now time.Time, from earshot.ParticipantID, seq uint16, ts uint32, opus []byte) {
	if e.deaf.Load() || len(opus) == 0 || len(opus) > maxPacket {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.rings[from]
	if r == nil {
		if r = e.vacancy(now); r == nil {
			e.refused++
			return
		}
		e.rings[from] = r
	}
	r.put(now, seq, ts, opus)
}

// vacancy returns a ring for a new talker, if need be that of somebody who is
// not audible any more, nil if there is none. The caller holds mu.
func (e *ears) vacancy(now time.Time) *ring {
	if len(e.rings) < maxEars {
		return &ring{}
	}
	for id, r := range e.rings {
		if now.Sub(r.newest) > stale {
			delete(e.rings, id)
			r.reset()
			return r
		}
	}
	return nil
}

// clip returns a copy of what somebody said from one time to another.
func (e *ears) clip(from earshot.ParticipantID, begin, end time.Time) []Packet {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.rings[from]
	if r == nil {
		return nil
	}
	return r.clip(begin, end)
}

func (e *ears) lose(id earshot.ParticipantID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.rings, id)
}

func (e *ears) dropped() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.refused
}

// ring is the newest packets of one talker. Once it has grown to what the
// talker needs it allocates nothing.
type ring struct {
	packets []kept // used as a ring of len(packets)
	first   int    // oldest
	count   int
	bytes   []byte // what packets point into, used as a ring too
	next    int    // where the next packet goes in bytes
	newest  time.Time
}

type kept struct {
	at       time.Time
	seq      uint16
	ts       uint32
	off, len int
}

func (r *ring) reset() { r.first, r.count, r.next, r.newest = 0, 0, 0, time.Time{} }

func (r *ring) put(now time.Time, seq uint16, ts uint32, opus []byte) {
	r.newest = now
	for r.count > 0 && now.Sub(r.packets[r.first].at) > maxClip {
		r.drop()
	}
	r.makeRoom(len(opus))
	at := (r.first + r.count) % len(r.packets)
	r.packets[at] = kept{at: now, seq: seq, ts: ts, off: r.next, len: len(opus)}
	copy(r.bytes[r.next:], opus)
	r.next += len(opus)
	r.count++
}

func (r *ring) drop() { r.first, r.count = (r.first+1)%len(r.packets), r.count-1 }

// makeRoom grows the ring while it may, and then drops the oldest.
func (r *ring) makeRoom(n int) {
	if r.count == len(r.packets) {
		if r.count >= maxRing {
			r.drop()
		} else {
			r.grow(min(max(64, 2*len(r.packets)), maxRing), len(r.bytes))
		}
	}
	for !r.fits(n) {
		if r.count > 0 && len(r.bytes) >= maxRingBytes {
			r.drop()
			continue
		}
		if len(r.bytes) < maxRingBytes {
			r.grow(len(r.packets), min(max(8<<10, 2*len(r.bytes)), maxRingBytes))
		}
	}
}

// fits finds n bytes that no packet uses, and moves next there.
func (r *ring) fits(n int) bool {
	if r.count == 0 {
		r.next = 0
		return n <= len(r.bytes)
	}
	oldest := r.packets[r.first].off
	if r.next > oldest { // free: from next to the end, and before oldest
		if r.next+n <= len(r.bytes) {
			return true
		}
		if n < oldest {
			r.next = 0
			return true
		}
		return false
	}
	return r.next+n < oldest // never equal: that would look empty
}

// grow lays the packets out anew.
func (r *ring) grow(packets, bytes int) {
	old := *r
	r.packets, r.bytes, r.first, r.next = make([]kept, packets), make([]byte, bytes), 0, 0
	for i := range old.count {
		k := old.packets[(old.first+i)%len(old.packets)]
		copy(r.bytes[r.next:], old.bytes[k.off:k.off+k.len])
		k.off = r.next
		r.next += k.len
		r.packets[i] = k
	}
}

func (r *ring) clip(begin, end time.Time) (clip []Packet) {
	for i := range r.count {
		k := r.packets[(r.first+i)%len(r.packets)]
		if k.at.Before(begin) || k.at.After(end) {
			continue
		}
		opus := append([]byte(nil), r.bytes[k.off:k.off+k.len]...)
		clip = append(clip, Packet{Seq: k.seq, Timestamp: k.ts, Opus: opus})
	}
	return clip
}
