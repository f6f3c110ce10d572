package gateway

import (
	"slices"
	"time"

	"earshot/moderation"
	"earshot/sfu"
)

// overheard is a voice that moderation judges.
type overheard struct {
	publication *sfu.Publication
	tap         *sfu.Tap
	ear         *moderation.Ear
}

func (o *overheard) close() {
	o.tap.Close()
	o.ear.Close()
}

// overhear begins to judge the voice of s, in worlds that do so.
func (in *Instance) overhear(s *session) {
	if s.media != nil {
		in.judge(s, s.media.Microphone())
	}
}

// judge begins to judge a voice of s, which nobody hears yet: clients of LiveKit
// publish after they came, and may do so again.
func (in *Instance) judge(s *session, p *sfu.Publication) {
	if in.g.pipeline == nil || p == nil || s.encrypted {
		return
	}
	ear := in.g.pipeline.Listen(moderation.Speaker{World: in.world, Instance: in.id, Who: s.participant, Name: s.called(), Aside: p.Source() == sfu.SourceScreenAudio})
	if ear == nil {
		return
	}
	one := overheard{publication: p, ear: ear}
	one.tap = in.g.deps.SFU.NewTap(func(p *sfu.Publication, seq uint16, timestamp uint32, opus []byte) {
		now := time.Now()
		_, talking := p.Level(now)
		ear.Put(now, moderation.Packet{Seq: seq, Timestamp: timestamp, Opus: opus}, talking)
	})
	one.tap.SetVoice([]*sfu.Publication{p})
	s.mu.Lock()
	ending := s.ending.Load() // then nobody closes it after us
	if !ending {
		s.judged = append(s.judged, one)
	}
	s.mu.Unlock()
	if ending {
		one.close()
	}
}

// stopJudging ends the judging of a voice that has ended; nil is all of them.
func (s *session) stopJudging(p *sfu.Publication) {
	var ended []overheard
	s.mu.Lock()
	s.judged = slices.DeleteFunc(s.judged, func(o overheard) bool {
		over := p == nil || o.publication == p
		if over {
			ended = append(ended, o)
		}
		return over
	})
	s.mu.Unlock()
	for i := range ended {
		ended[i].close()
	}
}
