package sfu

import (
	"sync/atomic"
	"time"

	"earshot/sfu/forward"
)

// Transit is how the packets of one kind travel between a client and here, both
// ways. What loss repair brought still counts as lost on the way down, where the
// listener's own reports say so, and not on the way up.
type Transit struct {
	Expected, Lost uint64        // packets since the session began; both may stand still
	Jitter         time.Duration // on the way down, of the worst slot; 0 where unknown
	RoundTrip      time.Duration // by the same; 0 where unknown
}

// reportFresh is how long jitter and round trip count that a listener reported.
const reportFresh = 15 * time.Second

// Transit returns how voices and videos travel, and whether a video that should
// be shown is not because the downlink carries too little.
func (s *Session) Transit(now time.Time) (voice, video Transit, paused bool) {
	lines, up := s.lineup.Load(), s.uplinked()
	up.arrived[forward.Audio].add(&voice)
	up.arrived[forward.Video].add(&video)
	for _, sl := range lines.voice {
		voice.join(sl.reception(), now)
	}
	for _, sl := range lines.video {
		video.join(sl.reception(), now)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sl := range s.video {
		paused = paused || sl.paused
	}
	return voice, video, paused
}

// join adds what a listener reported of a slot.
func (t *Transit) join(r Reception, now time.Time) {
	t.Expected += r.Expected
	t.Lost += r.Lost
	if now.Sub(r.At) < reportFresh {
		t.Jitter, t.RoundTrip = max(t.Jitter, r.Jitter), max(t.RoundTrip, r.RoundTrip)
	}
}

// arrivals count what came of a publisher.
type arrivals struct {
	expected, came atomic.Uint64 // packets
}

func (a *arrivals) add(t *Transit) {
	expected, came := a.expected.Load(), a.came.Load()
	t.Expected += expected
	if came < expected { // else some came twice
		t.Lost += expected - came
	}
}

// maxGap is how far a sequence number may jump before it is that of another
// stream, or of one that begins anew.
const maxGap = 1000

// journey counts the packets of one encoding into arrivals. Only the goroutine
// that reads the encoding has it.
type journey struct {
	to      *arrivals
	ssrc    uint32
	highest uint16
	began   bool
}

// take notes a packet.
func (j *journey) take(packet *forward.Packet) {
	if j.to == nil {
		return
	}
	j.to.came.Add(1)
	step := packet.Seq - j.highest
	switch {
	case !j.began || packet.SSRC != j.ssrc || step > maxGap && step < -maxGap&0xffff:
		j.began, j.ssrc, j.highest = true, packet.SSRC, packet.Seq
		j.to.expected.Add(1)
	case step != 0 && step <= maxGap:
		j.highest = packet.Seq
		j.to.expected.Add(uint64(step))
	}
}
