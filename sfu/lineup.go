package sfu

import (
	"slices"

	"earshot/sfu/forward"
)

// lineup is what a session publishes and shows, as those read it who do not
// hold Session.mu. It is replaced and never changed: that of a LiveKit session
// grows with its offers.
type lineup struct {
	publications []*Publication
	voice, video []*slot
}

// extend adds to what the session publishes and shows. The session's lock of
// negotiations is held, or nobody else knows the session yet.
func (s *Session) extend(added *lineup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.voice = append(s.voice, added.voice...)
	s.video = append(s.video, added.video...)
	s.seats.Grow(len(s.voice))
	for _, sl := range added.voice {
		s.seats.Close(sl.index, sl.closed)
	}
	s.videos = append(s.videos, make([]*Publication, len(added.video))...)
	s.heights = append(s.heights, make([]int, len(added.video))...)
	next := &lineup{voice: slices.Clone(s.voice), video: slices.Clone(s.video)}
	if was := s.lineup.Load(); was != nil {
		next.publications = append(next.publications, was.publications...)
	}
	next.publications = append(next.publications, added.publications...)
	s.lineup.Store(next)
	if s.retired {
		for _, p := range added.publications {
			p.close()
		}
	}
}

// withdraw takes a publication that has ended out of what the session publishes.
func (s *Session) withdraw(p *Publication) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.lineup.Load()
	next := &lineup{voice: was.voice, video: was.video}
	for _, other := range was.publications {
		if other != p {
			next.publications = append(next.publications, other)
		}
	}
	s.lineup.Store(next)
}

// slots returns all slots, those of voice first.
func (s *Session) slots() []*slot {
	l := s.lineup.Load()
	return slices.Concat(l.voice, l.video)
}

// publicationOf returns what is published on a media line, or nil.
func (s *Session) publicationOf(mid string) *Publication {
	for _, p := range s.lineup.Load().publications {
		if p.mid == mid {
			return p
		}
	}
	return nil
}

// Publications returns what the session publishes at present, in the order in
// which it began.
func (s *Session) Publications() []*Publication {
	return slices.Clone(s.uplinked().lineup.Load().publications)
}

// Microphone returns the session's microphone, or nil where it was not offered
// or not granted.
func (s *Session) Microphone() *Publication { return s.publication(forward.Audio, SourceMicrophone) }

// Video returns the session's camera or screen, or nil where it was not
// offered or not granted.
func (s *Session) Video(source string) *Publication { return s.publication(forward.Video, source) }

// Audio returns what the session publishes of a source of sound, or nil.
func (s *Session) Audio(source string) *Publication { return s.publication(forward.Audio, source) }

func (s *Session) publication(kind forward.Kind, source string) *Publication {
	for _, p := range s.uplinked().lineup.Load().publications {
		if p.kind == kind && p.source == source {
			return p
		}
	}
	return nil
}
