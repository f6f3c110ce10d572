package sfu

import (
	"slices"
	"sync"

	"earshot"
	"earshot/sfu/forward"
)

// maxTapped is how many publications a tap hears at once.
const maxTapped = 8

// Tap is a listener inside the server: the ears of an NPC. It gets Opus packets
// as they came, with the sequence numbers and timestamps of their source: lost,
// late and doubled ones are not repaired.
//
// Methods may be called from any goroutine, but not from handle.
type Tap struct {
	handle func(p *Publication, seq uint16, timestamp uint32, opus []byte)

	// mu guards what follows and is held across a call of handle, so that with
	// a change done no packet that it forbids is being handled any more. It is
	// taken before a Publication's.
	mu     sync.Mutex
	heard  []*Publication
	denied map[earshot.ParticipantID]struct{}
	closed bool
}

var _ outlet = (*Tap)(nil)

// NewTap returns a tap that hears nobody yet. handle is called on the
// goroutine that reads a publication, never twice at once. It must not block,
// nor wait for a lock that is held around a call of the tap's methods; opus is
// good during the call.
func (s *SFU) NewTap(handle func(p *Publication, seq uint16, timestamp uint32, opus []byte)) *Tap {
	return &Tap{
		handle: handle,
		heard:  make([]*Publication, 0, maxTapped),
		denied: make(map[earshot.ParticipantID]struct{}),
	}
}

// SetVoice says which publications the tap hears from now on: of the first
// eight of the list those that are voices and not denied. When it returns,
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
		}
	}
}

// admits reports whether to begin to hear p. mu is held.
func (t *Tap) admits(p *Publication) bool {
	if t.closed || p == nil || p.kind != forward.Audio || slices.Contains(t.heard, p) {
		return false
	}
	_, denied := t.denied[p.participant]
	return !denied
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
		if p.participant == other {
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
	t.heard = slices.DeleteFunc(t.heard, func(o *Publication) bool { return o == p })
}

// forward calls handle, if p is still what the tap hears.
func (t *Tap) forward(p *Publication, packet *forward.Packet, codec forward.Codec) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if codec == forward.Opus && len(packet.Payload) > 0 && p.open.Load() && slices.Contains(t.heard, p) {
		t.handle(p, packet.Seq, packet.Timestamp, packet.Payload)
	}
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
