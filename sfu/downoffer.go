package sfu

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"earshot"
	"earshot/sfu/forward"

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

// parseAnswer reads a client's answer to what the server offered. What it leaves
// out of the codecs, repairs and header extensions of a line is not sent to it.
func parseAnswer(cfg *Config, text string, offered *offer) (*offer, error) {
	if len(text) > livekitScale*cfg.MaxSDPBytes {
		return nil, refuse("the SDP answer has %d bytes, more than %d", len(text), livekitScale*cfg.MaxSDPBytes)
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		return nil, refuse("this is not an SDP answer: %s", shorten(err.Error()))
	}
	if len(d.MediaDescriptions) != len(offered.lines) {
		return nil, refuse("the answer has %d media lines, the offer %d", len(d.MediaDescriptions), len(offered.lines))
	}
	o := &offer{profile: LiveKit, answers: true, lines: slices.Clone(offered.lines)}
	_, o.mixed = d.Attribute(sdp.AttrKeyExtMapAllowMixed)
	o.mixed = o.mixed && offered.mixed
	if err := o.readTransport(&d); err != nil {
		return nil, err
	}
	for i, m := range d.MediaDescriptions {
		if err := o.lines[i].accept(m); err != nil {
			return nil, refuse("media line %d: %s", i, err)
		}
	}
	o.agree()
	return o, nil
}

// accept narrows a line of the server's offer to what the answer takes of it.
func (l *line) accept(m *sdp.MediaDescription) error {
	rejected := m.MediaName.Port.Value == 0
	if mid, _ := m.Attribute(sdp.AttrKeyMID); m.MediaName.Media != l.kind || mid != l.mid && !(rejected && mid == "") {
		return fmt.Errorf("it is %s %q and was offered as %s %q", shorten(m.MediaName.Media), shorten(mid), l.kind, l.mid)
	}
	if l.role == roleChannels {
		if rejected || strings.Join(m.MediaName.Formats, " ") != "webrtc-datachannel" {
			return fmt.Errorf("the data channels are refused")
		}
		return nil
	}
	offered := l.pts
	taken := line{kind: l.kind, role: l.role}
	taken.readAttributes(m)
	taken.readRepairs(m)
	l.mixed = l.mixed && taken.mixed
	for codec, pt := range l.pts {
		if taken.pts[codec] != pt {
			l.pts[codec] = 0
		}
		if taken.repairs.rtx[codec] != l.repairs.rtx[codec] || l.pts[codec] == 0 {
			l.repairs.rtx[codec] = 0
		}
	}
	if taken.repairs.red != l.repairs.red || l.pts[forward.Opus] == 0 {
		l.repairs.red = 0
	}
	for e, id := range l.extensions {
		if taken.extensions[e] != id {
			l.extensions[e] = 0
		}
	}
	if rejected || l.pts == [forward.Codecs]uint8{} {
		l.livekit.idle, l.pts = true, offered // pion wants to know codecs
	}
	return nil
}

// agree finds what all lines of a kind that are in use take alike, which is what
// is sent; pion is told the same of lines that are not.
func (o *offer) agree() {
	first := map[string]bool{}
	for i := range o.lines {
		l := &o.lines[i]
		if l.livekit.idle || l.role == roleChannels {
			continue
		}
		for codec := range o.pts {
			if kindOf(codec) != l.kind {
				continue
			}
			if !first[l.kind] {
				o.pts[codec], o.repairs.rtx[codec] = l.pts[codec], l.repairs.rtx[codec]
			}
			if l.pts[codec] == 0 {
				o.pts[codec] = 0
			}
			if l.repairs.rtx[codec] == 0 {
				o.repairs.rtx[codec] = 0
			}
		}
		if l.kind == "audio" && (!first[l.kind] || l.repairs.red == 0) {
			o.repairs.red = l.repairs.red
		}
		first[l.kind] = true
	}
	for i := range o.lines {
		l := &o.lines[i]
		for codec := range l.pts {
			if first[l.kind] && kindOf(codec) == l.kind {
				l.pts[codec], l.repairs.rtx[codec] = o.pts[codec], o.repairs.rtx[codec]
			}
		}
	}
}

// lapsed returns the answer of a client that refused everything new in an offer.
func (o *offer) lapsed(was *offer) *offer {
	next := *was
	next.lines = slices.Clone(o.lines)
	for i := range next.lines {
		l := &next.lines[i]
		at := slices.IndexFunc(was.lines, func(old line) bool { return old.mid == l.mid })
		if at >= 0 {
			*l = was.lines[at]
			continue
		}
		l.livekit.idle = true
	}
	return &next
}
