package gateway

import (
	"context"
	"errors"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

// stream is what a WHIP publisher (RFC 9725) is in an instance: a participant
// with media that stands on a stage, and without a control channel. It is
// seen, heard, judged, muted, blocked and removed like anybody, and gets
// nothing itself. It is the line of its session.
type stream struct {
	session *session
	stage   string       // its name; "" is none
	at      earshot.Pose // where it stands
}

var _ line = (*stream)(nil)

// errEnding says that no farewell has to be waited for: none can travel.
var errEnding = errors.New("gateway: a stream has nothing to be told by")

// SendControl implements line. A stream is told nothing.
func (st *stream) SendControl([]byte) error {
	if st.session.ending.Load() {
		return errEnding
	}
	return nil
}

// SendPose implements line: a stream sees nobody.
func (st *stream) SendPose([]byte) bool { return false }

// Close implements line.
func (st *stream) Close() { st.session.media.Close() }

// joinStream admits the bearer of claims as a stream on a stage: the answer to
// offer and the session it opens. Nothing of a refused join remains.
func (g *Gateway) joinStream(ctx context.Context, claims *Claims, stage, offer string) (earshot.SessionID, string, error) {
	now := time.Now()
	if !claims.Can(protocol.GrantPublishAudio) && !claims.Can(protocol.GrantPublishVideo) {
		return "", "", missing(protocol.GrantPublishAudio + " or " + protocol.GrantPublishVideo)
	}
	var stages earshot.InstanceID // those of the first instance, unless the token names one
	if claims.Instance == "" {
		stages = firstOf(claims.World)
	}
	pass, err := g.admissible(claims, &asking{instance: stages})
	if err != nil {
		return "", "", err
	}
	in := pass.in
	if err := in.mayEncrypt(false); err != nil {
		return "", "", err
	}
	place, err := in.cfg.Load().stage(stage)
	if err != nil {
		return "", "", err
	}
	as := *claims
	as.Kind = protocol.KindStream
	s := newSession(in, &as, now)
	s.pass = pass
	s.stream = &stream{session: s, stage: place.ID, at: place.pose()}
	s.lined = make(chan struct{})
	media, answer, err := g.deps.SFU.Join(ctx, sfu.Offer{
		SDP: offer, Profile: sfu.Publisher, Session: s.id, Participant: s.participant,
		PublishAudio: claims.Can(protocol.GrantPublishAudio),
		PublishVideo: claims.Can(protocol.GrantPublishVideo),
		Handler:      s,
	})
	if err == nil {
		s.media, s.line = media, s.stream
	}
	close(s.lined)
	if err != nil {
		return "", "", err
	}
	if err := g.enter(s, now); err != nil {
		return "", "", err
	}
	return s.id, answer, nil
}

// begin lets the others see and hear the stream: it is connected. Nobody waits
// for a ready of one who wants nothing.
func (st *stream) begin() {
	s := st.session
	if s.opened.Load() {
		return
	}
	s.in.admit(s)
	if !s.opened.Load() {
		return // replaced meanwhile
	}
	s.in.space.Show(s.participant)
	if s.media.Video(sfu.SourceCamera) != nil {
		if err := s.in.publish(s, protocol.SourceCamera, true); err != nil {
			s.in.g.log.Error("a stream's video", "session", s.id, "error", err)
		}
	}
	s.in.showStreams(time.Now())
}

// streaming returns the session of a stream by its id, if it is alive.
func (g *Gateway) streaming(id earshot.SessionID) (resource, bool) {
	s, ok := g.session(id)
	if !ok || s.stream == nil || s.ending.Load() {
		return resource{}, false
	}
	return resource{
		owner: s.participant, world: s.in.world, media: s.media,
		leave: func() { s.end(protocol.ReasonLeft, nil) },
	}, true
}
