package sfu

import (
	"slices"

	"earshot"
)

// NewBed publishes a sound in which several participants are heard at once: a
// bed of a crowd, for as many listeners as get it. Whose sound it holds is said
// by Publication.SetCarried, of nobody's at first. Its packets are never sent
// again, neither as redundancy nor as repairs: they may hold somebody who has
// been forbidden since.
func (s *SFU) NewBed() *Source {
	return s.newMixture(SourceBed)
}

// Interrupt separates what was written from what will be, because somebody in it
// may not be heard any more. When it returns, nothing that was written before is
// on its way to anybody.
func (s *Source) Interrupt() { s.publication.interrupt() }

// SetCarried says whose sound is in a bed from now on, besides what Participant
// says. To be denied one of them (Session.Deny, DenyVoice) is to be denied the
// bed, and none of them hears it. When SetCarried returns, nothing of the bed is
// written to any session that may not have it as it will be: so it comes before
// the first packet that holds a newcomer, and after the last that holds one who
// is left out. who is not changed afterwards. Calls for one bed do not overlap.
func (p *Publication) SetCarried(who []earshot.ParticipantID) {
	before := p.carries()
	p.carried.Store(&who)
	if !slices.ContainsFunc(who, func(id earshot.ParticipantID) bool { return !slices.Contains(before, id) }) {
		return
	}
	for _, sl := range p.outlets.Load().slots {
		sl.session.reconsider(p)
	}
	for _, t := range p.outlets.Load().taps {
		t.reconsider(p)
	}
}

// Carried returns whose sound is in a bed, besides what Participant says. It is
// not to be changed.
func (p *Publication) Carried() []earshot.ParticipantID { return p.carries() }

// Audience appends whose voice and video slots show it at this moment.
func (p *Publication) Audience(dst []earshot.ParticipantID) []earshot.ParticipantID {
	for _, sl := range p.outlets.Load().slots {
		dst = append(dst, sl.session.participant)
	}
	return dst
}

// bed reports whether it is one, with others than its publisher in it.
func (p *Publication) bed() bool { return p.source == SourceBed }

// carries returns who besides the publisher is in it.
func (p *Publication) carries() []earshot.ParticipantID {
	if who := p.carried.Load(); who != nil {
		return *who
	}
	return nil
}

// of reports whether somebody's sound or picture is in it.
func (p *Publication) of(id earshot.ParticipantID) bool {
	return p.participant == id || slices.Contains(p.carries(), id)
}

// bars reports whether refuse holds for anybody whose sound or picture is in it.
func (p *Publication) bars(refuse func(earshot.ParticipantID) bool) bool {
	return refuse(p.participant) || slices.ContainsFunc(p.carries(), refuse)
}

// reconsider takes a bed out of its slot if its new mix may not be heard here.
func (s *Session) reconsider(p *Publication) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.admits(p, p.kind) {
		s.evict(p)
	}
}

// recheck looks once more at the beds in slots, after they are among the bed's
// outlets: whoever changed the mix before that did not find this session there.
// mu is held.
func (s *Session) recheck() {
	for i := range s.voice {
		if p := s.occupant(i); p != nil && p.bed() && !s.admits(p, p.kind) {
			s.evict(p)
		}
	}
}

// reconsider is Session.reconsider for a tap.
func (t *Tap) reconsider(p *Publication) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(t.heard, p) && t.bars(p) {
		t.drop(p)
	}
}
