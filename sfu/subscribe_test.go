package sfu

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
	"earshot/sfu/forward"
)

// A session that meets ever new talkers does not remember all of them, but
// always the one it hears.
func TestCountersAreBounded(t *testing.T) {
	s := &Session{
		seats: forward.NewSlots[*Publication](1), counters: make(map[earshot.TrackID]*atomic.Uint64),
		voice: []*slot{{}},
	}
	heard := &Publication{id: "tr_heard"}
	s.seats.Assign(time.Now(), []forward.Candidate[*Publication]{{Key: heard}})
	s.counter(heard.id).Add(7)
	for i := range 3 * maxCounters {
		s.counter(earshot.TrackID(fmt.Sprintf("tr_%d", i))).Add(1)
	}
	if len(s.counters) > maxCounters {
		t.Errorf("%d counters, want at most %d", len(s.counters), maxCounters)
	}
	if got := s.Packets(heard.id); got != 7 {
		t.Errorf("Packets = %d, want 7", got)
	}
}
