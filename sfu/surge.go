package sfu

import (
	"time"

	"earshot/sfu/forward"

	"github.com/pion/rtcp"
)

// hears takes transport-wide feedback, and answers at once where the link passes
// a fraction of what is sent all of a sudden: until the next tick a good part of
// its queue would fill. The next packet of each voice brings what was lost
// because it was full.
func (s *Session) hears(f *rtcp.TransportLayerCC, now time.Time) {
	before, _ := s.downlink.surged()
	s.downlink.feedback(f, now)
	s.protection.fed.Store(true)
	if after, _ := s.downlink.surged(); !after.Equal(before) {
		s.protection.surges.Add(1)
		s.begin(func() { s.adapt(time.Now()) })
	}
}

// held reports whether no video is to be sent for now: what was sent before a
// surge still waits in front of the link, with the voices behind it. What is
// shown ends at once, instead of with the first key frame of a smaller layer. mu
// is held.
func (s *Session) held(now time.Time) bool {
	at, queue := s.downlink.surged()
	return !at.IsZero() && now.Sub(at) < queue
}

// hold sends nothing of a video for now.
func (s *Session) hold(i int, p *Publication) {
	s.video[i].aim(p, forward.NoTarget)
}

func (d *downlink) surged() (at time.Time, queue time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rate.Surged()
}
