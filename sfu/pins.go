package sfu

import (
	"slices"

	"earshot/sfu/forward"
)

// openSlot says what a slot is for from now on: for nothing, for the one
// publication where the session's lines are pinned, else for any. What it shows
// and may not any more ends before it returns. mu is held.
func (s *Session) openSlot(sl *slot, open bool, only *Publication) {
	if !open || !s.pins() {
		only = nil
	}
	if sl.closed == !open && sl.pin == only {
		return
	}
	sl.closed, sl.pin = !open, only
	keeps := open && (!s.pins() || only != nil)
	if sl.kind == forward.Video {
		if p := s.videos[sl.index]; p != nil && !(keeps && (only == nil || p == only)) {
			s.videos[sl.index], s.emptied = nil, true
		}
		s.settle(sl, s.videos[sl.index])
		return
	}
	if s.pins() {
		if sl.pinned != only {
			sl.pinned, s.emptied = nil, s.emptied || sl.pinned != nil
		}
	} else {
		if s.occupant(sl.index) != nil && !open {
			s.emptied = true
		}
		s.seats.Close(sl.index, !open)
	}
	s.settle(sl, s.occupant(sl.index))
}

// pins reports whether each slot is for one publication.
func (s *Session) pins() bool { return s.livekit != nil && s.livekit.pinned }

// seatPinned puts each candidate into the slot that is for it, and reports
// whether anything changed. mu is held.
func (s *Session) seatPinned(ranked []forward.Candidate[*Publication]) (changed bool) {
	for _, sl := range s.voice {
		p := sl.pin
		if p != nil && !slices.ContainsFunc(ranked, func(c forward.Candidate[*Publication]) bool { return c.Key == p }) {
			p = nil
		}
		if sl.pinned != p {
			sl.pinned, changed = p, true
			s.settle(sl, p)
		}
	}
	return changed
}

// showPinned is seatPinned for videos. mu is held.
func (s *Session) showPinned(wanted []*Publication) (changed bool) {
	s.ranking = s.ranking[:0]
	for _, p := range wanted {
		if s.admits(p, forward.Video) && !slices.Contains(s.ranking, p) &&
			slices.ContainsFunc(s.video, func(sl *slot) bool { return sl.pin == p }) {
			s.ranking = append(s.ranking, p)
		}
	}
	for i, sl := range s.video {
		p := sl.pin
		if !slices.Contains(s.ranking, p) {
			p = nil
		}
		if s.videos[i] != p {
			s.videos[i], changed = p, true
		}
	}
	if changed {
		s.settleVideo()
	}
	return changed
}
