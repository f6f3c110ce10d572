package sfu

import (
	"context"
	"fmt"
	"slices"

	"earshot/sfu/forward"

	"github.com/pion/webrtc/v4"
)

// turnover is what an offer changes of what a session publishes.
type turnover struct {
	began []*Publication // in the order of their lines
	lines []SendLine     // of began
	ended []*Publication
}

// follow puts an offer in force that was checked against the one before, and
// answers it. The lock of negotiations is held.
//
// What ends, ends first. What begins is closed until the handler opens it, and
// slots show nothing before their line is named, so that at no moment of an
// exchange anything leaves that was not allowed before and after.
func (s *Session) follow(ctx context.Context, next *offer) (string, error) {
	before := s.offer.Load()
	change := s.turnOver(before, next)
	for _, p := range change.ended {
		p.close()
		s.withdraw(p)
		s.livekit.handler.OnUnpublication(p)
	}
	s.offer.Store(next)
	added, err := s.addLines(next, change)
	if err != nil {
		return "", fmt.Errorf("sfu: new lines: %w", err)
	}
	s.extend(added)
	s.fitLimits()
	for i, p := range change.began {
		s.livekit.handler.OnPublication(p, change.lines[i])
	}
	names := s.nameLines(next)
	restarted := before.ufrag != next.ufrag
	if restarted {
		s.generation++
	}
	answer, err := s.answerLocked(ctx, next.credentials)
	if err == nil {
		err = s.verify()
	}
	if err != nil {
		return "", err
	}
	if restarted && s.generation > 1 {
		s.adrift.Store(true) // checks of the last generation are not valid any more
	}
	for _, sl := range append(added.voice, added.video...) {
		s.begin(sl.readRTCP)
	}
	return next.present(answer, names), nil
}

// turnOver asks the handler about the lines that begin to publish and makes
// their publications. A line that may not is for nothing from then on.
func (s *Session) turnOver(before, next *offer) *turnover {
	change := &turnover{ended: s.Publications()}
	for i := range next.lines {
		l := &next.lines[i]
		if was := s.publicationOf(l.mid); was != nil && i < len(before.lines) && l.continues(&before.lines[i]) {
			change.ended = slices.DeleteFunc(change.ended, func(p *Publication) bool { return p == was })
			l.livekit.encodes = before.lines[i].livekit.encodes
			continue
		}
		if !l.role.publishes() {
			continue
		}
		sent := SendLine{MID: l.mid, Video: l.kind == "video", Stream: l.livekit.stream, Track: l.livekit.track, Layers: l.rids}
		terms := s.livekit.handler.OnSendLine(sent)
		if !terms.fit(sent.Video) {
			l.role = roleNone
			continue
		}
		l.livekit.encodes = terms.Stereo
		p := newPublication(s, l)
		p.source = terms.Source
		p.open.Store(false)
		change.began, change.lines = append(change.began, p), append(change.lines, sent)
	}
	return change
}

// fit reports whether terms name a source of a kind.
func (t SendTerms) fit(video bool) bool {
	if video {
		return t.Source == SourceCamera || t.Source == SourceScreen
	}
	return t.Source == SourceMicrophone || t.Source == SourceScreenAudio
}

// addLines makes the transceivers of lines that pion does not know yet, in the
// order in which it will look for them.
func (s *Session) addLines(next *offer, change *turnover) (*lineup, error) {
	added := &lineup{publications: change.began}
	used := s.livekit.used
	for i := range next.lines {
		l := &next.lines[i]
		if l.livekit.absent || l.livekit.known {
			continue
		}
		used[l.mid], l.livekit.known = true, true
		var err error
		if l.role.publishes() {
			var t *webrtc.RTPTransceiver
			t, err = s.pc.AddTransceiverFromKind(webrtc.NewRTPCodecType(l.kind),
				webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
			s.mids[t] = l.mid
		} else {
			err = s.addLine(added, l)
		}
		if err != nil {
			return nil, err
		}
	}
	return added, nil
}

// fitLimits lets the session have what its lines need.
func (s *Session) fitLimits() {
	sources := 0
	for _, p := range s.lineup.Load().publications {
		sources += 2 * len(p.layers) // and their repairs
	}
	s.limits.fit(sources, len(s.mids))
}

// nameLines asks the handler what each receive line of a description is for, and
// opens the slots of those that are for something. It returns their names by mid.
func (s *Session) nameLines(o *offer) map[string]LineName {
	live, names := map[string]bool{}, map[string]LineName{}
	for i := range o.lines {
		live[o.lines[i].mid] = !o.lines[i].livekit.idle
	}
	for _, sl := range s.slots() {
		if !live[sl.mid] {
			s.open(sl, false, nil)
			continue
		}
		name := s.livekit.handler.OnReceiveLine(ReceiveLine{
			MID: sl.mid, Video: sl.kind == forward.Video, Slot: sl.index, Publication: s.shownIn(sl),
		})
		named := visible(name.Stream, mostMSID) && visible(name.Track, mostMSID)
		if named {
			names[sl.mid] = name
		}
		s.open(sl, named, name.Publication)
	}
	return names
}

// open is openSlot for who does not hold mu.
func (s *Session) open(sl *slot, open bool, only *Publication) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openSlot(sl, open, only)
}

// shownIn returns what a slot shows.
func (s *Session) shownIn(sl *slot) *Publication {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sl.kind == forward.Video {
		return s.videos[sl.index]
	}
	return s.occupant(sl.index)
}
