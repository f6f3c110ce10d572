package sfu

import (
	"time"

	"github.com/pion/rtcp"
)

// What happens by itself, and how often.
const (
	tickInterval   = 50 * time.Millisecond
	reportEvery    = 100 // ticks: 5 s between sender reports, as RFC 3550, section 6.2
	keyFramesEvery = 10  // ticks
	judgeEvery     = 20  // ticks: 1 s, of which forward.Strikes speaks
)

func (s *SFU) tick(n int, now time.Time) {
	s.adapter.tick(now)
	s.mu.Lock()
	sessions := s.snapshot()
	s.mu.Unlock()
	s.tails(sessions, now)
	for _, session := range sessions {
		session.adapt(now)
		if n%keyFramesEvery == 0 {
			session.dueKeyFrames(now)
		}
		if n%judgeEvery == 0 {
			session.judge(now)
		}
		if n%reportEvery == 0 {
			session.report(now)
		}
	}
}

// tails ends the talkspurts that are due.
func (s *SFU) tails(sessions []*Session, now time.Time) {
	burst := s.burst()
	for _, session := range sessions {
		for _, sl := range session.lineup.Load().voice {
			sl.tail(now, &burst)
		}
	}
	burst.Send()
}

// dueKeyFrames asks again for key frames that did not come.
func (s *Session) dueKeyFrames(now time.Time) {
	for _, p := range s.lineup.Load().publications {
		p.dueKeyFrames(now)
	}
}

// report sends the sender reports of the slots that were in use.
func (s *Session) report(now time.Time) {
	var reports []rtcp.Packet
	for _, sl := range s.slots() {
		if r := sl.report(now); r != nil {
			reports = append(reports, r)
		}
	}
	if len(reports) == 0 {
		return
	}
	if err := s.pc.WriteRTCP(reports); err != nil {
		s.log.Debug("sender reports", "error", err)
	}
}

// ntp returns a time as RFC 5905, section 6, has it in 64 bits.
func ntp(t time.Time) uint64 {
	const since1900 = 2208988800
	seconds := uint64(t.Unix() + since1900)
	return seconds<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
