package sfu

import (
	"context"
	"fmt"

	"earshot"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// Down is what the server offers to a client of LiveKit with two connections.
type Down struct {
	Voice, Video int  // receive lines there are to be; there are never fewer than before
	Restart      bool // of ICE
}

// downlinkOffers is how far the exchange is by which the server offers.
// Session.negotiating guards it.
type downlinkOffers struct {
	awaits bool   // an answer
	raw    string // the offer that awaits it, as pion wrote it
	lines  *offer // its lines, as if the client had offered them
	was    *offer // answered last; nil before the first
}

// OfferDown returns an offer for the client, with the receive lines that there
// are and as many more as asked for. It is to be followed by AcceptDown. While
// an offer waits for its answer another fails with failed_precondition, unless
// it restarts ICE: then the client has lost the one before, and its answer, if
// it ever comes, is to be dropped. Any other error ends the session.
func (s *Session) OfferDown(ctx context.Context, d Down) (string, error) {
	if s.livekit == nil || s.livekit.down == nil {
		return "", earshot.Errorf(earshot.CodeFailedPrecondition, "the session has no connection that the server offers")
	}
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	down := s.livekit.down
	if down.awaits && !d.Restart {
		return "", earshot.Errorf(earshot.CodeFailedPrecondition, "an offer waits for its answer")
	}
	text, err := s.offerDown(ctx, d)
	if err != nil {
		s.Stop()
		return "", s.negotiationError(err)
	}
	return text, nil
}

func (s *Session) offerDown(ctx context.Context, d Down) (string, error) {
	down := s.livekit.down
	if !s.livekit.grants.Subscribe {
		d.Voice, d.Video = 0, 0
	}
	switch {
	case down.awaits && down.was == nil: // nothing is known of the client: it gets the same again
		return down.lines.present(down.raw, s.nameLines(down.lines)), nil
	case down.awaits: // as if all that is new had been refused
		if err := s.accept(down.lines.lapsed(down.was)); err != nil {
			return "", err
		}
	}
	if err := s.growDown(d); err != nil {
		return "", err
	}
	restart := d.Restart && down.was != nil
	if restart || down.was == nil {
		s.generation++
	}
	offer, err := s.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(s.pc)
	if err := s.pc.SetLocalDescription(offer); err != nil {
		return "", err
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", earshot.Errorf(earshot.CodeDeadlineExceeded, "the server took too long to offer: try again")
	case <-s.stop:
		return "", webrtc.ErrConnectionClosed
	}
	down.raw = prioritise(s.pc.LocalDescription().SDP, s.generation)
	if down.lines, err = offeredLines(down.raw); err != nil {
		return "", err
	}
	down.awaits = true
	return down.lines.present(down.raw, s.nameLines(down.lines)), nil
}

// growDown adds the slots that are missing.
func (s *Session) growDown(d Down) error {
	added := &lineup{}
	for n := len(s.voice); n < min(d.Voice, s.sfu.cfg.MaxVoiceSlots); n++ {
		if err := s.addLine(added, &line{kind: "audio", mid: fmt.Sprintf("a%d", n), role: roleVoice}); err != nil {
			return err
		}
	}
	for n := len(s.video); n < min(d.Video, s.sfu.cfg.MaxVideoSlots); n++ {
		if err := s.addLine(added, &line{kind: "video", mid: fmt.Sprintf("v%d", n), role: roleVideo}); err != nil {
			return err
		}
	}
	for t, mid := range s.mids {
		if t.Mid() == "" {
			if err := t.SetMid(mid); err != nil {
				return err
			}
		}
	}
	s.extend(added)
	s.fitLimits()
	for _, sl := range append(added.voice, added.video...) {
		s.begin(sl.readRTCP)
	}
	return nil
}

// AcceptDown takes the client's answer to the offer of OfferDown. An *earshot.Error
// of the codes invalid_argument and failed_precondition changed nothing; after any
// other the session ends.
func (s *Session) AcceptDown(_ context.Context, text string) error {
	if s.livekit == nil || s.livekit.down == nil {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "the session has no connection that the server offers")
	}
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	down := s.livekit.down
	if !down.awaits {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "there is no offer that this could be an answer to")
	}
	next, err := parseAnswer(&s.sfu.cfg, text, down.lines)
	if err != nil {
		return err
	}
	if down.was != nil && down.was.fingerprint != next.fingerprint {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "the answer is of another connection (a=fingerprint differs): leave, and join again")
	}
	if err := s.accept(next); err != nil {
		s.Stop()
		return s.negotiationError(err)
	}
	return nil
}

// accept puts an answer in force.
func (s *Session) accept(next *offer) error {
	down := s.livekit.down
	restarted := down.was != nil && down.was.ufrag != next.ufrag
	for i := range next.lines {
		l := &next.lines[i]
		for _, sl := range s.slots() {
			if sl.mid == l.mid {
				s.agree(sl, l, next)
			}
		}
	}
	s.offer.Store(next)
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: next.describe(next.credentials, s.generation)}
	if err := s.pc.SetRemoteDescription(answer); err != nil {
		return err
	}
	if restarted {
		s.adrift.Store(true)
	}
	s.credentials, down.was, down.awaits, down.raw, down.lines = next.credentials, next, false, "", nil
	return s.verify()
}

// agree takes what a client said of the line of a slot: of one that sends
// nothing yet the header extensions, of any whether it takes anything.
func (s *Session) agree(sl *slot, l *line, next *offer) {
	sl.mu.Lock()
	if sl.writer == nil {
		sl.twccID = l.extensions[extTWCC]
		if l.mixed || next.mixed {
			sl.descriptorID = l.extensions[extDescriptor]
		}
	}
	sl.mu.Unlock()
	if l.livekit.idle {
		s.open(sl, false, nil)
	}
}

// offeredLines reads the server's own offer as if a client had made it.
func offeredLines(text string) (*offer, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		return nil, fmt.Errorf("sfu: own offer: %w", err)
	}
	o := &offer{profile: LiveKit, stereo: true}
	_, o.mixed = d.Attribute(sdp.AttrKeyExtMapAllowMixed)
	for _, m := range d.MediaDescriptions {
		l := line{kind: m.MediaName.Media}
		l.mid, _ = m.Attribute(sdp.AttrKeyMID)
		switch l.kind {
		case "audio":
			l.role = roleVoice
		case "video":
			l.role = roleVideo
		default:
			l.role = roleChannels
		}
		l.readAttributes(m)
		l.readRepairs(m)
		o.lines = append(o.lines, l)
	}
	return o, nil
}
