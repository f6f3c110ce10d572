package sfu

import (
	"context"
	"errors"
	"fmt"
	"time"

	"earshot"

	"github.com/pion/webrtc/v4"
)

// Offer is what a participant, a publisher or a player joins with.
type Offer struct {
	SDP         string
	Profile     Profile
	Session     earshot.SessionID
	Participant earshot.ParticipantID
	// What the token grants. A participant's lines for what is not granted are
	// answered as inactive; to others they are refused.
	PublishAudio, PublishVideo, Subscribe bool
	// Encrypted: frames are encrypted end to end. What this session publishes
	// can be decoded by clients of its kind only, and goes to no other session
	// and to no Tap.
	Encrypted bool
	// Pinned says of a session of LiveKit that each receive line is for the one
	// publication that LiveKitHandler.OnReceiveLine names.
	Pinned bool
	// Dual says of a session of LiveKit that it has two connections: one that
	// the client offers, to publish, and one that the server offers, to receive.
	Dual    bool
	Handler Handler
}

// Join opens a session and returns it with the SDP answer, which has all
// candidates. ctx bounds the exchange only. An error about the offer is an
// *earshot.Error that says what to change.
func (s *SFU) Join(ctx context.Context, o Offer) (*Session, string, error) {
	session, answer, err := s.join(ctx, o)
	code := "ok"
	if err != nil {
		code = string(earshot.CodeOf(err))
	}
	s.metrics.joins.WithLabelValues(code).Inc()
	return session, answer, err
}

func (s *SFU) join(ctx context.Context, o Offer) (*Session, string, error) {
	if o.Profile == LiveKit {
		return nil, "", earshot.Errorf(earshot.CodeInternal, "sfu: a session of LiveKit begins with Open")
	}
	s.pump.hold(time.Now())
	parsed, err := parseProfile(&s.cfg, o.Profile, o.SDP)
	if err == nil {
		err = parsed.grant(&o)
	}
	if err != nil {
		return nil, "", err
	}
	session, err := newSession(s, o, parsed)
	if err != nil {
		return nil, "", fmt.Errorf("sfu: new session: %w", err)
	}
	if err := s.add(session); err != nil {
		session.abandon()
		return nil, "", err
	}
	session.start()
	answer, err := session.negotiate(ctx, parsed.credentials)
	if err == nil {
		err = session.verify()
	}
	if err != nil {
		session.Close()
		return nil, "", err
	}
	return session, answer, nil
}

// Restart answers an offer that restarts ICE on the same media lines. Nothing
// else can be renegotiated: media, channels, SSRCs and keys stay as they are.
func (s *Session) Restart(ctx context.Context, text string) (string, error) {
	if s.livekit != nil {
		return s.Renegotiate(ctx, text)
	}
	next, err := parseProfile(&s.sfu.cfg, s.profile, text)
	if err != nil {
		return "", err
	}
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	offer := s.offer.Load()
	switch {
	case !offer.sameLines(next) || offer.fingerprint != next.fingerprint:
		return "", earshot.Errorf(earshot.CodeFailedPrecondition,
			"an offer in PATCH may only restart ICE on the same media lines and certificate: DELETE this session and join again")
	case s.credentials.ufrag == next.ufrag:
		return "", earshot.Errorf(earshot.CodeFailedPrecondition,
			"the offer restarts nothing (same ice-ufrag): call restartIce() before createOffer()")
	}
	answer, err := s.negotiateLocked(ctx, next.credentials)
	s.adrift.Store(err == nil) // checks of the last generation are not valid any more
	return answer, err
}

func (s *Session) negotiate(ctx context.Context, c credentials) (string, error) {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	return s.negotiateLocked(ctx, c)
}

func (s *Session) negotiateLocked(ctx context.Context, c credentials) (string, error) {
	s.generation++
	return s.answerLocked(ctx, c)
}

// answerLocked has pion answer the offer in force, with a client's credentials.
func (s *Session) answerLocked(ctx context.Context, c credentials) (string, error) {
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: s.offer.Load().describe(c, s.generation)}
	if err := s.pc.SetRemoteDescription(remote); err != nil {
		return "", s.negotiationError(err)
	}
	s.credentials = c
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return "", s.negotiationError(err)
	}
	gathered := webrtc.GatheringCompletePromise(s.pc)
	if err := s.pc.SetLocalDescription(answer); err != nil {
		return "", s.negotiationError(err)
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", earshot.Errorf(earshot.CodeDeadlineExceeded, "the server took too long to answer: try again")
	case <-s.stop:
		return "", earshot.Errorf(earshot.CodeAborted, "the session ended while it was being set up: join again")
	}
	return prioritise(s.offer.Load().admitMixed(s.pc.LocalDescription().SDP), s.generation), nil
}

func (s *Session) negotiationError(err error) error {
	if errors.Is(err, webrtc.ErrConnectionClosed) {
		return earshot.Errorf(earshot.CodeAborted, "the session has ended: join again")
	}
	return fmt.Errorf("sfu: negotiate: %w", err)
}

// verify checks that pion matched lines and transceivers as they were created.
func (s *Session) verify() error {
	for _, t := range s.pc.GetTransceivers() {
		if mid, ok := s.mids[t]; ok && t.Mid() != mid {
			return fmt.Errorf("sfu: media line %q was matched with %q", mid, t.Mid())
		}
	}
	return nil
}
