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
// session it opens. encrypted: end to end, by the client's word. Nothing of a
// refused join remains.
func (g *Gateway) join(ctx context.Context, claims *Claims, offer string, encrypted bool) (*session, string, error) {
	now := time.Now()
	in, err := g.admissible(claims)
	if err != nil {
		return nil, "", err
	}
	if err := in.mayEncrypt(encrypted); err != nil {
		return nil, "", err
	}
	s := newSession(in, claims, now)
	s.encrypted = encrypted
	media, answer, err := g.deps.SFU.Join(ctx, sfu.Offer{
		SDP: offer, Session: s.id, Participant: s.participant,
		PublishAudio: claims.Can(protocol.GrantPublishAudio),
		PublishVideo: claims.Can(protocol.GrantPublishVideo),
		Subscribe:    claims.Can(protocol.GrantSubscribe),
		Encrypted:    encrypted,
		Handler:      s,
	})
	if err != nil {
		return nil, "", err
	}
	s.media, s.line = media, media
	if err := g.enter(s, now); err != nil {
		return nil, "", err
	}
	return s, answer, nil
}

// enter registers s with the node and its instance, or closes its line.
func (g *Gateway) enter(s *session, now time.Time) error {
	err := g.addSession(s)
	if err == nil {
		err = s.in.enter(s, now)
	}
	if err != nil {
		g.dropSession(s)
		s.ending.Store(true)
		s.line.Close()
		close(s.done)
	}
	return err
}

// admissible returns the instance that claims are good for, if there is room
// and the claims allow anything at all there.
func (g *Gateway) admissible(claims *Claims) (*Instance, error) {
	useful := false
	for _, grant := range []string{
		protocol.GrantSubscribe, protocol.GrantPublishAudio, protocol.GrantPublishVideo,
		protocol.GrantPublishPose, protocol.GrantChat, protocol.GrantModerate,
	} {
		useful = useful || claims.Can(grant)
	}
	if !useful {
		return nil, earshot.Errorf(earshot.CodePermissionDenied, "the token grants nothing that a session could do; it needs at least one of subscribe, publish.audio, publish.video, publish.pose, chat and moderate")
	}
	in, err := g.instance(claims)
	if err != nil {
		return nil, err
	}
	if in.full(claims.Participant()) {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "instance %s is full (%d participants); try again later or join another", in.id, len(in.live.Load().all))
	}
	return in, nil
}

// full reports whether there is no place for a newcomer; one who is in already
// keeps their place.
func (in *Instance) full(id earshot.ParticipantID) bool {
	live := in.live.Load()
	return live.byID[id] == nil && (len(live.all) >= in.cfg.Load().Capacity || in.crowded(live))
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
			protocol.GrantDesign, protocol.GrantAdmin, protocol.GrantRecord,
		},
	}
}
