package sfu

import (
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/sfu/forward"
)

// maxTapped is how many publications a tap hears at once.
const maxTapped = 8

// Tap is a listener inside the server: the ears of an NPC or of moderation, or a
// recording. It gets packets as they came, with the sequence numbers and
// timestamps of their source: lost, late and doubled ones are not repaired. It
// keeps nothing back: who cannot follow drops and counts in handle.
//
// Methods may be called from any goroutine, but not from handle.
type Tap struct {
	handle func(p *Publication, packet *TapPacket)
	video  bool // takes videos too

	// mu guards what follows and is held across a call of handle, so that with
	// a change done no packet that it forbids is being handled any more. It is
	// taken before a Publication's.
	mu     sync.Mutex
	heard  []*Publication
	watch  map[*Publication]*forward.Highest // of each video that is heard
	packet TapPacket                         // scratch of forward
	denied map[earshot.ParticipantID]struct{}
	deaf   deafness
	closed bool
}

var _ outlet = (*Tap)(nil)

// NewTap returns a tap that hears nobody yet. handle is called on the
// goroutine that reads a publication, never twice at once. It must not block,
// nor wait for a lock that is held around a call of the tap's methods; opus is
// good during the call.
func (s *SFU) NewTap(handle func(p *Publication, seq uint16, timestamp uint32, opus []byte)) *Tap {
	return newTap(func(p *Publication, packet *TapPacket) {
		handle(p, packet.Seq, packet.Timestamp, packet.Payload)
	})
}

func newTap(handle func(p *Publication, packet *TapPacket)) *Tap {
	return &Tap{
		handle: handle,
		heard:  make([]*Publication, 0, maxTapped),
		watch:  make(map[*Publication]*forward.Highest),
		denied: make(map[earshot.ParticipantID]struct{}),
	}
}

// SetVoice says which publications the tap hears from now on: of the first
// eight of the list those that are voices, or with NewMediaTap also videos, and
// neither encrypted nor denied. When it returns,
// handle is not called for others any more. A publication that ends leaves by
// itself.
func (t *Tap) SetVoice(wanted []*Publication) {
	wanted = wanted[:min(len(wanted), maxTapped)]
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range slices.Backward(t.heard) {
		if !slices.Contains(wanted, p) {
			t.drop(p)
		}
	}
	for _, p := range wanted {
		if t.admits(p) && p.subscribe(t) {
			t.heard = append(t.heard, p)
			if p.kind == forward.Video {
				t.watch[p] = &forward.Highest{}
			}
		}
	}
}

// admits reports whether to begin to hear p. mu is held.
func (t *Tap) admits(p *Publication) bool {
	if t.closed || p == nil || p.kind != forward.Audio && !t.video || p.encrypted || slices.Contains(t.heard, p) {
		return false
	}
	return !t.bars(p)
}

// bars reports whether p may not be heard here. mu is held.
func (t *Tap) bars(p *Publication) bool {
	return p.bars(func(id earshot.ParticipantID) bool {
		_, denied := t.denied[id]
		return denied || p.kind == forward.Audio && t.deaf.to(id)
	})
}

// Deny says whether a participant may be heard by this tap at all. When
// Deny(other, true) returns, handle is not called for other's publications
// until other is allowed again and in the list of a SetVoice after that.
func (t *Tap) Deny(other earshot.ParticipantID, on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !on {
		delete(t.denied, other)
		return
	}
	t.denied[other] = struct{}{}
	for _, p := range slices.Backward(t.heard) {
		if p.of(other) {
			t.drop(p)
		}
	}
}

// Close ends the tap. When it returns, handle is not called any more. It may
// be called more than once.
func (t *Tap) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, p := range slices.Backward(t.heard) {
		t.drop(p)
	}
}

// drop stops hearing p. mu is held.
func (t *Tap) drop(p *Publication) {
	p.unsubscribe(t)
	delete(t.watch, p)
	t.heard = slices.DeleteFunc(t.heard, func(o *Publication) bool { return o == p })
}

// forward calls handle, if p is still what the tap hears.
func (t *Tap) forward(p *Publication, packet *forward.Packet, codec forward.Codec, starts bool, now time.Time) {
	if want := t.take(p, packet, codec, starts, now); want >= 0 {
		p.wantKeyFrame(want, now)
	}
}

// take returns the layer that needs a key frame, -1 for none.
func (t *Tap) take(p *Publication, packet *forward.Packet, codec forward.Codec, starts bool, now time.Time) (want int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	want = -1
	if len(packet.Payload) == 0 && !t.video || !p.open.Load() || !slices.Contains(t.heard, p) || (codec != forward.Opus) != (p.kind == forward.Video) {
		return want
	}
	if p.kind == forward.Video {
		p.wish.note(forward.MaxLayers-1, now)
		var of bool
		if of, want = t.watch[p].Take(int(packet.Layer), starts, now); !of {
			return want
		}
	}
	t.packet = TapPacket{
		Codec: codecNames[codec], At: now, Layer: packet.Layer, Seq: packet.Seq, Timestamp: packet.Timestamp,
		Marker: packet.Marker, Payload: packet.Payload,
	}
	t.handle(p, &t.packet)
	t.packet.Payload = nil
	return want
}

// interrupt waits for a call of handle that is going on: p was just muted.
func (t *Tap) interrupt(*Publication) {
	t.mu.Lock()
	defer t.mu.Unlock()
}

// release implements outlet.
func (t *Tap) release(p *Publication) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(p)
}
