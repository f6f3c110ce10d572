package sfu

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/sfu/forward"
)

// VoiceCandidate is one who may be heard, with the listener's audibility in dB
// and what Publication.Level says of their talking.
type VoiceCandidate struct {
	Publication *Publication
	ScoreDB     float32
	Talking     bool
}

// SlotState is what is in a slot.
type SlotState struct {
	Slot        int
	MID         string
	Publication *Publication // nil is empty
	ScoreDB     float32      // voice only, at the last SetVoice
	Packets     uint64       // of this track to this session since it joined
	Reception   Reception
	Paused      bool // video only: nothing is sent, because the downlink carries too little
}

// Reception is how a listener gets a slot, by its own reports: what is lost on
// a publisher's way to here does not count.
type Reception = forward.Reception

// SetVoice says who may be heard from now on and puts the most audible into
// the voice slots. One who is not in the list is not heard any more when
// SetVoice returns. It reports whether slots changed since SetVoice or SetVideo
// last did, by Deny or the end of a publication too.
func (s *Session) SetVoice(now time.Time, wanted []VoiceCandidate) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ranked = s.ranked[:0]
	for _, w := range wanted {
		if s.admits(w.Publication, forward.Audio) {
			s.ranked = append(s.ranked, forward.Candidate[*Publication]{
				Key: w.Publication, ScoreDB: w.ScoreDB, Talking: w.Talking,
			})
		}
	}
	emptied := s.takeEmptied()
	if s.pins() {
		return s.seatPinned(s.ranked) || emptied
	}
	if !s.seats.Assign(now, s.ranked) {
		return emptied
	}
	for i, sl := range s.voice {
		s.settle(sl, s.occupant(i))
	}
	s.recheck()
	return true
}

// takeEmptied reports whether slots were emptied of which nobody was told. mu is held.
func (s *Session) takeEmptied() bool {
	emptied := s.emptied
	s.emptied = false
	return emptied
}

// SetVideo says which videos to show, the most important first, and puts as
// many as there are slots for into them. It reports what SetVoice does.
func (s *Session) SetVideo(wanted []*Publication) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pins() {
		changed := s.showPinned(wanted)
		return s.takeEmptied() || changed
	}
	room := 0
	for _, sl := range s.video {
		if !sl.closed {
			room++
		}
	}
	chosen := make([]*Publication, 0, room)
	for _, p := range wanted {
		if len(chosen) < room && s.admits(p, forward.Video) && !slices.Contains(chosen, p) {
			chosen = append(chosen, p)
		}
	}
	s.ranking = chosen
	emptied, changed := s.takeEmptied(), false
	for i, p := range s.videos {
		if p != nil && !slices.Contains(chosen, p) {
			s.videos[i], changed = nil, true
		}
	}
	for _, p := range chosen {
		if !slices.Contains(s.videos, p) {
			s.videos[s.freeVideo()], changed = p, true
		}
	}
	if changed {
		s.settleVideo()
	}
	return changed || emptied
}

// freeVideo returns an open video slot that shows nothing; there is one. mu is
// held.
func (s *Session) freeVideo() int {
	for i, sl := range s.video {
		if s.videos[i] == nil && !sl.closed {
			return i
		}
	}
	return -1
}

// Deny says whether a participant may be heard and seen by this session at
// all. When Deny(other, true) returns, no packet of other's publications, nor of
// a bed with other in it, is written to this session, repairs included, until it
// is allowed again.
func (s *Session) Deny(other earshot.ParticipantID, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !on {
		delete(s.denied, other)
		return
	}
	s.denied[other] = struct{}{}
	for i := range s.voice {
		if p := s.occupant(i); p != nil && p.of(other) {
			s.evict(p)
		}
	}
	for _, p := range s.videos {
		if p != nil && p.Participant() == other {
			s.evict(p)
		}
	}
}

// release takes a publication that ended out of its slots.
func (s *Session) release(p *Publication) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.evict(p)
}

// releaseAll empties all slots.
func (s *Session) releaseAll() {
	s.SetVoice(time.Now(), nil)
	s.SetVideo(nil)
}

// evict empties the slot of a publication at once. mu is held.
func (s *Session) evict(p *Publication) {
	if s.vacate(p) {
		s.emptied = true
		for i, sl := range s.voice {
			s.settle(sl, s.occupant(i))
		}
	}
	if i := slices.Index(s.videos, p); i >= 0 {
		s.videos[i], s.emptied = nil, true
		s.settleVideo()
	}
}

// vacate takes a publication out of the voice slots and reports whether it was
// in one. mu is held.
func (s *Session) vacate(p *Publication) (was bool) {
	if !s.pins() {
		return s.seats.Release(p)
	}
	for _, sl := range s.voice {
		if sl.pinned == p {
			sl.pinned, was = nil, true
		}
	}
	return was
}

// admits reports whether a publication may be in a slot. mu is held.
func (s *Session) admits(p *Publication, kind forward.Kind) bool {
	if s.retired || p == nil || p.kind != kind || p.encrypted && !s.encrypted {
		return false
	}
	return !p.bars(func(id earshot.ParticipantID) bool {
		_, denied := s.denied[id]
		return denied || id == s.participant || kind == forward.Audio && s.deaf.to(id)
	})
}

func (s *Session) occupant(i int) *Publication {
	if s.pins() {
		return s.voice[i].pinned
	}
	p, _, ok := s.seats.At(i)
	if !ok {
		return nil
	}
	return p
}

func (s *Session) settleVideo() {
	for i, sl := range s.video {
		s.settle(sl, s.videos[i])
	}
}

// settle makes a slot show p. mu is held.
func (s *Session) settle(sl *slot, p *Publication) {
	if sl.shows(p) {
		return
	}
	if p == nil {
		sl.assign(nil, nil)
		return
	}
	sl.assign(p, s.counter(p.id))
}

// maxCounters bounds how many tracks a session keeps a counter of.
const maxCounters = 4096

// counter returns the counter of packets of a track. mu is held.
func (s *Session) counter(track earshot.TrackID) *atomic.Uint64 {
	c := s.counters[track]
	if c == nil {
		if len(s.counters) >= maxCounters { // a long session: most of them have left
			maps.DeleteFunc(s.counters, func(id earshot.TrackID, _ *atomic.Uint64) bool { return !s.showing(id) })
		}
		c = new(atomic.Uint64)
		s.counters[track] = c
	}
	return c
}

// showing reports whether a track is in a slot. mu is held.
func (s *Session) showing(track earshot.TrackID) bool {
	for i := range s.voice {
		if p := s.occupant(i); p != nil && p.id == track {
			return true
		}
	}
	return slices.ContainsFunc(s.videos, func(p *Publication) bool { return p != nil && p.id == track })
}

// Packets returns how many packets of a track were sent to this session since
// it joined, repairs included.
func (s *Session) Packets(track earshot.TrackID) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.packets(track)
}

func (s *Session) packets(track earshot.TrackID) uint64 {
	if c := s.counters[track]; c != nil {
		return c.Load()
	}
	return 0
}

// Voice appends what is in each voice slot to dst[:0].
func (s *Session) Voice(dst []SlotState) []SlotState {
	s.mu.Lock()
	defer s.mu.Unlock()
	dst = dst[:0]
	for i, sl := range s.voice {
		state := SlotState{Slot: i, MID: sl.mid, Reception: sl.reception()}
		if p := s.occupant(i); p != nil {
			_, score, _ := s.seats.At(i)
			state.Publication, state.ScoreDB, state.Packets = p, score, s.packets(p.id)
		}
		dst = append(dst, state)
	}
	return dst
}

// VideoState appends what is in each video slot to dst[:0].
func (s *Session) VideoState(dst []SlotState) []SlotState {
	s.mu.Lock()
	defer s.mu.Unlock()
	dst = dst[:0]
	for i, sl := range s.video {
		state := SlotState{Slot: i, MID: sl.mid, Publication: s.videos[i], Reception: sl.reception(), Paused: sl.paused}
		if state.Publication != nil {
			state.Packets = s.packets(state.Publication.id)
		}
		dst = append(dst, state)
	}
	return dst
}

// VoiceSlots returns how many voice slots there are.
func (s *Session) VoiceSlots() int { return len(s.lineup.Load().voice) }

// VoiceMIDs returns the media line of each voice slot, in order.
func (s *Session) VoiceMIDs() []string { return mids(s.lineup.Load().voice) }

// VideoMIDs returns the media line of each video slot, in order.
func (s *Session) VideoMIDs() []string { return mids(s.lineup.Load().video) }

func mids(slots []*slot) []string {
	out := make([]string, len(slots))
	for i, s := range slots {
		out[i] = s.mid
	}
	return out
}
