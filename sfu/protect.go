package sfu

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot/sfu/forward"
)

// protection is how much the voices of one session are repeated. Its slots have
// one way to the listener in common, and so one decision.
type protection struct {
	depth  atomic.Int32  // earlier frames in each packet
	surges atomic.Uint32 // of the downlink, each of which lost voice too
	fed    atomic.Bool   // there is feedback, so that a surge would be seen

	// mu is taken with a slot's mutex held.
	mu    sync.Mutex
	state forward.Protection
}

// observe takes what a report says of a slot.
func (p *protection) observe(expected, lost int, now, congested time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Observe(expected, lost, now)
	p.depth.Store(int32(p.state.Depth(now, congested)))
}

// protect returns the payload type and payload with which a frame of voice
// leaves: together with earlier ones where the listener takes that and loses
// packets, else as it is. mu is held.
func (s *slot) protect(stamp forward.Stamp, pt uint8, payload []byte) (uint8, []byte) {
	red := s.session.offer.Load().repairs.red
	if s.kind != forward.Audio || red == 0 || s.source.bed() {
		return pt, payload
	}
	state := &s.session.protection
	depth := int(state.depth.Load())
	if depth == 0 && !state.fed.Load() {
		s.forget()
		return pt, payload
	}
	depth = max(depth, s.rescue(state.surges.Load()))
	if s.earlier == nil { // once: most listeners lose nothing, and give no feedback
		s.earlier = new(forward.Redundancy)
	}
	packed, ok := s.earlier.Pack(s.rewriter.Epoch(), stamp, pt, payload, depth)
	if !ok {
		return pt, payload
	}
	s.session.sfu.metrics.redundant.Inc()
	return red, packed
}

// rescue returns how many earlier frames a packet carries because of a surge: the
// second after it all that may have been lost, once there is room in the queue
// again, the sixth as many, since the second may have found it full, and the tenth
// what those before may have missed. mu is held.
func (s *slot) rescue(surges uint32) int {
	if surges != s.surges {
		s.surges, s.rescued = surges, 0
	}
	s.rescued = min(s.rescued+1, 100)
	switch {
	case s.surges == 0:
	case s.rescued == 2, s.rescued == 6:
		return forward.MaxRescue
	case s.rescued == 10:
		return forward.MaxRescue / 2
	}
	return 0
}

// forget drops the earlier frames of voice: what was said before must not be
// heard after. mu is held.
func (s *slot) forget() {
	if s.earlier != nil {
		s.earlier.Forget()
	}
}
