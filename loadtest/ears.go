package loadtest

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtp"
)

// ears is what a bot hears in its slots.
type ears struct {
	keep int
	tell func(slot int, at time.Time, r *Received) // Config.Hear
	raw  func(slot int, h *rtp.Header, opus []byte)
	one  Received // what tell is given; take is called by one goroutine at a time

	mu      sync.Mutex
	packets []Received
	dropped int
	heard   map[uint32]int
}

func newEars(cfg *Config) *ears {
	return &ears{keep: cfg.KeepVoice, tell: cfg.Hear, raw: cfg.Sounds, heard: map[uint32]int{}}
}

func (e *ears) take(slot int, at time.Time, h *rtp.Header, payload []byte) {
	e.one = Received{Slot: slot, At: at, Seq: h.SequenceNumber, Timestamp: h.Timestamp, Marker: h.Marker}
	e.one.Frame, e.one.Voiced = ParseFrame(payload)
	e.note(&e.one)
	if e.raw != nil {
		e.raw(slot, h, payload)
	}
	if e.tell != nil {
		e.tell(slot, at, &e.one)
	}
}

func (e *ears) note(r *Received) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.Voiced {
		e.heard[r.Frame.Bot]++
	}
	if len(e.packets) < e.keep {
		e.packets = append(e.packets, *r)
	} else {
		e.dropped++
	}
}

func (e *ears) log() ([]Received, int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.packets), e.dropped
}

func (e *ears) byBot() map[uint32]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.heard)
}
