package sfu

import (
	"context"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/sfu/forward"
)

// SourceScreenAudio is the sound of a shared screen; only LiveKit clients
// publish it apart.
const SourceScreenAudio = "screen_audio"

// LiveKitHandler is the Handler of a session of LiveKit: of Handler only
// OnConnection is called.
//
// The calls about lines come on the goroutine that negotiates, with the lock of
// negotiations held: they must not call Renegotiate. They are where a signalling
// protocol that knows more than SDP says what a line is.
type LiveKitHandler interface {
	Handler
	// OnSendLine is called for a line that begins to publish, also one that did
	// before and was stopped.
	OnSendLine(SendLine) SendTerms
	// OnPublication is called when a publication can be found by its session.
	// It is closed, a voice too, so that whoever knows of a mute that is in force
	// applies it before anything can be heard: SetMuted(false) opens it.
	OnPublication(*Publication, SendLine)
	// OnUnpublication is called when a line has stopped: nothing of its
	// publication is written any more. At the session's end it is not called.
	OnUnpublication(*Publication)
	// OnReceiveLine is called for each receive line in use, in their order, for
	// each description that the client gets.
	OnReceiveLine(ReceiveLine) LineName
	// OnData gets what the client sends on a data channel, in the order in which
	// it came there; each channel has a goroutine of its own, and a client may open
	// several of one label.
	OnData(c Channel, data []byte)
}

// SendLine is a media line by which a client publishes.
type SendLine struct {
	MID           string
	Video         bool
	Stream, Track string   // of a=msid; "" where the client names none
	Layers        []string // RIDs of simulcast, the lowest first; none for one encoding
}

// SendTerms is how a line may publish.
type SendTerms struct {
	// Source is one of the sources, for a line of its kind. Any other refuses the
	// line: it is answered as inactive, and asked about again at the next offer.
	Source string
	// Stereo asks the client to encode its voice in stereo.
	Stereo bool
}

// ReceiveLine is a media line by which a client receives.
type ReceiveLine struct {
	MID         string
	Video       bool
	Slot        int          // as in SlotState
	Publication *Publication // that the slot shows; nil is empty
}

// LineName is what a client is told of a receive line.
type LineName struct {
	// Stream and Track are the line's a=msid. Without Stream the line is answered
	// as inactive and its slot shows nothing.
	Stream, Track string
	// Publication is the one that the line is for, where Offer.Pinned is set.
	Publication *Publication
}

// livekit is what a session of LiveKit has beside others.
type livekit struct {
	handler LiveKitHandler
	grants  Offer
	pinned  bool
	down    *downlinkOffers         // of the connection that the server offers; nil for others
	up      atomic.Pointer[Session] // the connection by which a client with two publishes; nil before its offer
	rounds  forward.Budget          // of offers; guarded by Session.negotiating
	used    map[string]bool         // mids that pion knows; guarded by Session.negotiating
	data    dataChannels
}

// How many offers a LiveKit client may make.
const (
	offersAtOnce    = 20
	offersPerSecond = 2
)

// Open opens a session of the profile LiveKit, which has neither media lines nor
// channels before Renegotiate brings them. The time to connect runs from here.
func (s *SFU) Open(o Offer) (*Session, error) {
	s.pump.hold(time.Now())
	session, err := s.openLiveKit(o)
	code := "ok"
	if err != nil {
		code = string(earshot.CodeOf(err))
	}
	s.metrics.joins.WithLabelValues(code).Inc()
	return session, err
}

func (s *SFU) openLiveKit(o Offer) (*Session, error) {
	handler, ok := o.Handler.(LiveKitHandler)
	if !ok || o.Profile != LiveKit {
		return nil, earshot.Errorf(earshot.CodeInternal, "sfu: Open is for the profile LiveKit and a LiveKitHandler")
	}
	session, err := newSession(s, o, &offer{profile: LiveKit})
	if err != nil {
		return nil, err
	}
	session.livekit = &livekit{
		handler: handler, grants: o, pinned: o.Pinned, rounds: forward.NewBurst(offersPerSecond, offersAtOnce),
		used: make(map[string]bool),
	}
	session.openData()
	if o.Dual {
		session.livekit.down = &downlinkOffers{}
	}
	if err := s.add(session); err != nil {
		session.abandon()
		return nil, err
	}
	session.start()
	if o.Dual {
		if err := session.offerData(); err != nil {
			session.Close()
			return nil, err
		}
	}
	return session, nil
}

// Renegotiate answers an offer of a LiveKit client: the first of the session, or
// one that adds media lines, stops them, uses them again or restarts ICE. What
// is not spoken of stays as it is. Of two connections it is the one that the
// client publishes by. An *earshot.Error of the codes
// invalid_argument, failed_precondition and resource_exhausted changed nothing;
// after any other the session ends.
func (s *Session) Renegotiate(ctx context.Context, text string) (answer string, err error) {
	if s.livekit == nil {
		return "", earshot.Errorf(earshot.CodeFailedPrecondition, "only sessions of LiveKit take further offers")
	}
	if s.livekit.down != nil {
		up, err := s.uplink()
		if err != nil {
			return "", err
		}
		return up.Renegotiate(ctx, text)
	}
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	if !s.livekit.rounds.Take(time.Now()) {
		return "", earshot.Errorf(earshot.CodeResourceExhausted, "more than %d offers a second; this one was not looked at", offersPerSecond)
	}
	next, err := parseProfile(&s.sfu.cfg, LiveKit, text)
	if err == nil {
		next.restrict(s.livekit.grants.PublishAudio, s.livekit.grants.PublishVideo, s.livekit.grants.Subscribe)
		err = next.follow(s.offer.Load(), s.livekit.used, &s.sfu.cfg)
	}
	if err != nil {
		return "", err
	}
	if answer, err = s.follow(ctx, next); err != nil {
		s.Stop()
	}
	return answer, err
}
