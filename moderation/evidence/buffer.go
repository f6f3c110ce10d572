package evidence

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot"
)

// speaker is somebody in a world.
type speaker struct {
	world string
	who   earshot.ParticipantID
}

// buffer holds the rings of all speakers.
type buffer struct {
	cfg     Config
	key     atomic.Pointer[epoch]
	refused atomic.Uint64 // packets that found no place

	mu    sync.RWMutex
	rings map[speaker]*ring
	made  uint32
}

func newBuffer(cfg Config) *buffer { return &buffer{cfg: cfg, rings: map[speaker]*ring{}} }

func (b *buffer) put(s speaker, at time.Time, seq uint16, ts uint32, opus []byte) {
	if len(opus) == 0 || len(opus) > maxPacket {
		b.refused.Add(1)
		return
	}
	key := b.key.Load()
	if key == nil || at.Sub(key.born) >= b.cfg.Window {
		if key = b.rotate(at); key == nil {
			b.refused.Add(1)
			return
		}
	}
	b.mu.RLock()
	r := b.rings[s]
	b.mu.RUnlock()
	if r == nil {
		if r = b.begin(s, at); r == nil {
			b.refused.Add(1)
			return
		}
	}
	r.put(key, at, seq, ts, opus)
}

// rotate begins a key. A packet refers to the key it is under, so the old one
// goes with the last packet that has it.
func (b *buffer) rotate(now time.Time) *epoch {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := b.key.Load()
	if key != nil && now.Sub(key.born) < b.cfg.Window {
		return key // somebody was first
	}
	key, err := newEpoch(now)
	if err != nil {
		return nil // AES is not to be had: nothing is remembered in the clear
	}
	b.key.Store(key)
	return key
}

// begin makes a ring, in the place of one that nobody fills any more if there
// are as many as there may be.
func (b *buffer) begin(s speaker, now time.Time) *ring {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.rings[s]; r != nil {
		return r
	}
	if len(b.rings) >= b.cfg.MaxSpeakers {
		b.sweepLocked(now)
	}
	if len(b.rings) >= b.cfg.MaxSpeakers {
		return nil
	}
	b.made++
	r := newRing(b.made, b.cfg.Window, b.cfg.MaxBytes)
	b.rings[s] = r
	return r
}

func (b *buffer) snapshot(s speaker, from, to time.Time) []Packet {
	b.mu.RLock()
	r := b.rings[s]
	b.mu.RUnlock()
	if r == nil {
		return nil
	}
	return r.snapshot(from, to)
}

// forget drops all of a person.
func (b *buffer) forget(who earshot.ParticipantID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.rings {
		if s.who == who {
			delete(b.rings, s)
		}
	}
}

// sweep drops what is older than the window.
func (b *buffer) sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweepLocked(now)
}

func (b *buffer) sweepLocked(now time.Time) {
	for s, r := range b.rings {
		if r.idle(now) {
			delete(b.rings, s)
		}
	}
}

func (b *buffer) speakers() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.rings)
}
