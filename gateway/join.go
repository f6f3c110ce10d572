package gateway

import (
	"context"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

// developmentTTL is how long a development token is good for.
const developmentTTL = time.Hour

// join admits the bearer of claims with media: the answer to offer and the
// session it opens, in the instance asked for, if one is. encrypted: end to end, by the client's word. Nothing of a
// refused join remains.
func (g *Gateway) join(ctx context.Context, claims *Claims, asked *asking, offer string, encrypted bool) (*session, string, error) {
	now := time.Now()
	pass, err := g.admissible(claims, asked)
	if err != nil {
		return nil, "", err
	}
	in := pass.in
	if err := in.mayEncrypt(encrypted); err != nil {
		return nil, "", err
	}
	s := newSession(in, claims, now)
	s.pass = pass
	s.encrypted = encrypted
	answer, err := s.offered(ctx, offer)
	if err != nil {
		return nil, "", err
	}
	if err := g.enter(s, now); err != nil {
		return nil, "", err
	}
	return s, answer, nil
}

// offered makes the media of s by what its client offers, and returns the answer.
func (s *session) offered(ctx context.Context, offer string) (answer string, err error) {
	s.lined = make(chan struct{})
	defer close(s.lined)
	media, answer, err := s.in.g.deps.SFU.Join(ctx, sfu.Offer{
		SDP: offer, Session: s.id, Participant: s.participant,
		PublishAudio: s.claims.Can(protocol.GrantPublishAudio),
		PublishVideo: s.claims.Can(protocol.GrantPublishVideo),
		Subscribe:    s.claims.Can(protocol.GrantSubscribe),
		Encrypted:    s.encrypted,
		Handler:      s,
	})
	if err != nil {
		return "", err
	}
	s.media, s.line = media, media
	return answer, nil
}

// enter registers s with the node and its instance, or closes its line.
func (g *Gateway) enter(s *session, now time.Time) error {
	s.informed = g.commons.fresh()
	err := g.addSession(s)
	if err == nil && g.fleet != nil && !g.cfg.Cluster.spans(s.in.world) {
		err = g.fleet.admit(s)
	}
	if err == nil {
		err = s.in.enter(s, now)
	}
	if err == nil {
		g.replaceElsewhere(s)
		if g.fleet != nil {
			g.fleet.settle(s)
		}
		err = s.in.keep(s)
	}
	g.manager.arrived(s, err == nil)
	if err != nil {
		if g.fleet != nil {
			g.fleet.leave(s)
		}
		g.refuse(s)
	}
	return err
}

// keep notes that s has been let in. One that has ended meanwhile, maybe before it
// was a member, is taken out again: nobody else would do that any more.
func (in *Instance) keep(s *session) error {
	s.entered.Store(true)
	if !s.ending.Load() {
		return nil
	}
	in.remove(s, protocol.ReasonLeft)
	return earshot.Errorf(earshot.CodeAborted, "the session ended while you were let in: join again")
}

// refuse ends one who is not let in, and returns when its line is closed. It may
// have ended by itself.
func (g *Gateway) refuse(s *session) {
	g.dropSession(s)
	if !s.ending.CompareAndSwap(false, true) {
		<-s.done
		return
	}
	s.line.Close()
	close(s.done)
}

// admissible returns the instance where the bearer of claims goes, the one asked
// for if one is, if there is room and the claims allow anything at all there.
func (g *Gateway) admissible(claims *Claims, asked *asking) (pass, error) {
	useful := false
	for _, grant := range []string{
		protocol.GrantSubscribe, protocol.GrantPublishAudio, protocol.GrantPublishVideo,
		protocol.GrantPublishPose, protocol.GrantChat, protocol.GrantModerate,
	} {
		useful = useful || claims.Can(grant)
	}
	if !useful {
		return pass{}, earshot.Errorf(earshot.CodePermissionDenied, "the token grants nothing that a session could do; it needs at least one of subscribe, publish.audio, publish.video, publish.pose, chat and moderate")
	}
	p, err := g.place(claims, asked)
	if err != nil {
		return pass{}, err
	}
	if p.in.full(claims.Participant()) {
		return pass{}, p.in.fullError()
	}
	return p, nil
}

func (in *Instance) fullError() error {
	return earshot.Errorf(earshot.CodeResourceExhausted, "instance %s is full (%d participants); try again later or join another (GET /v1/worlds)", in.id, len(in.live.Load().all))
}

// full reports whether there is no place for a newcomer; one who is in already
// keeps their place, and what is kept for somebody is theirs.
func (in *Instance) full(id earshot.ParticipantID) bool {
	live := in.live.Load()
	return live.byID[id] == nil && (len(live.all)+in.g.manager.kept(in.id, id) >= in.cfg.Load().Capacity || in.crowded(live))
}

// developmentClaims are those of a token that a development node hands out.
func developmentClaims(c *fiber.Ctx, now time.Time) Claims {
	query := func(key, fallback string) string {
		if v := strings.Clone(c.Query(key)); v != "" {
			return v
		}
		return fallback
	}
	name := query("name", "Guest")
	return Claims{
		Subject: query("sub", "dev:"+string(earshot.NewSessionID())),
		Name:    name,
		World:   query("world", "plaza"),
		Kind:    query("kind", "person"),
		Expires: now.Add(developmentTTL),
		Grants: []string{
			protocol.GrantPublishAudio, protocol.GrantPublishVideo, protocol.GrantPublishPose,
			protocol.GrantSubscribe, protocol.GrantChat, protocol.GrantModerate, protocol.GrantInference,
			protocol.GrantDesign, protocol.GrantAdmin, protocol.GrantRecord, protocol.GrantHost,
		},
	}
}
