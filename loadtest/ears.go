package loadtest

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// ears is what a bot hears in its slots.
type ears struct {
	now  func() time.Time
	keep int

	mu      sync.Mutex
	packets []Received
	dropped int
	heard   map[uint32]int
}

func newEars(now func() time.Time, keep int) *ears {
	return &ears{now: now, keep: keep, heard: map[uint32]int{}}
}

// onTrack reads the slot that track belongs to until the connection closes.
func (b *Bot) onTrack(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	slot := b.slotOf(receiver)
	b.start(func() {
		buf := make([]byte, 1500)
		for {
			if _, _, err := receiver.Read(buf); err != nil {
				return
			}
		}
	})
	b.start(func() { b.ears.listen(slot, track) })
}

// slotOf returns which voice slot a receiver is: its place among the
// receive-only lines.
func (b *Bot) slotOf(receiver *webrtc.RTPReceiver) int {
	slot := 0
	for _, t := range b.pc.GetTransceivers() {
		if t.Receiver() == receiver {
			return slot
		}
		if t.Direction() == webrtc.RTPTransceiverDirectionRecvonly {
			slot++
		}
	}
	return -1
}

func (e *ears) listen(slot int, track *webrtc.TrackRemote) {
	buf := make([]byte, 1500)
	var header rtp.Header
	for {
		n, _, err := track.Read(buf)
		if err != nil {
			return
		}
		at := e.now()
		size, err := header.Unmarshal(buf[:n])
		if err != nil {
			continue
		}
		e.take(slot, at, &header, buf[size:n])
	}
}

func (e *ears) take(slot int, at time.Time, h *rtp.Header, payload []byte) {
	r := Received{Slot: slot, At: at, Seq: h.SequenceNumber, Timestamp: h.Timestamp, Marker: h.Marker}
	r.Frame, r.Voiced = ParseFrame(payload)
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.Voiced {
		e.heard[r.Frame.Bot]++
	}
	if len(e.packets) < e.keep {
		e.packets = append(e.packets, r)
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
