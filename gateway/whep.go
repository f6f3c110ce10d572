package gateway

import (
	"context"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation/policy"
	"earshot/sfu"
)

// viewer is a player (WHEP, draft-ietf-wish-whep): a connection that gets one
// stream of an instance and nothing else. It is no participant: it has no
// place, nobody is told of it, and it can get streams only, because one who
// listens to people without being seen would be eavesdropping.
//
// Calls come from the goroutines of the connection and of the instance.
type viewer struct {
	id          earshot.SessionID
	participant earshot.ParticipantID // of the token: whom blocks and orders are about
	in          *Instance
	stage       string                // only of this; "" is any
	publisher   earshot.ParticipantID // only by them; "" is anybody
	media       *sfu.Session
	expires     time.Time // of the token
	ended       atomic.Bool
}

var _ sfu.Handler = (*viewer)(nil)

// OnControlOpen implements sfu.Handler: a player has no channels.
func (v *viewer) OnControlOpen() {}

// OnControl implements sfu.Handler.
func (v *viewer) OnControl([]byte) {}

// OnPose implements sfu.Handler.
func (v *viewer) OnPose([]byte) {}

// OnConnection implements sfu.Handler. The SFU itself ends a connection that
// stays broken.
func (v *viewer) OnConnection(state sfu.ConnectionState) {
	switch state {
	case sfu.Connected:
		v.show(v.in.live.Load(), time.Now())
	case sfu.Closed:
		v.ended.Store(true)
		v.in.audience.remove(v)
	}
}

// watched says which stream a player asks for.
type watched struct {
	stage     string
	publisher earshot.ParticipantID
}

// joinViewer admits the bearer of claims as a player: the answer to offer and
// the session it opens. A stream that is not there yet is waited for.
func (g *Gateway) joinViewer(ctx context.Context, claims *Claims, want watched, offer string) (earshot.SessionID, string, error) {
	if !claims.Can(protocol.GrantSubscribe) {
		return "", "", missing(protocol.GrantSubscribe)
	}
	in, err := g.instance(claims)
	if err != nil {
		return "", "", err
	}
	if err := in.revokedFor(claims); err != nil {
		return "", "", err
	}
	if want.stage != "" {
		if _, err := in.cfg.Load().stage(want.stage); err != nil {
			return "", "", err
		}
	}
	if want.publisher != "" && !want.publisher.Valid() {
		return "", "", invalid("publisher %q is no participant's id (pa_…)", clip(string(want.publisher)))
	}
	v := &viewer{
		id: earshot.NewSessionID(), participant: claims.Participant(), in: in,
		stage: want.stage, publisher: want.publisher, expires: claims.Expires,
	}
	if err := in.admitViewer(v, time.Now()); err != nil {
		return "", "", err
	}
	media, answer, err := g.deps.SFU.Join(ctx, sfu.Offer{
		// No participant: somebody may watch the stream they publish.
		SDP: offer, Profile: sfu.Player, Session: v.id, Subscribe: true, Handler: v,
	})
	if err != nil {
		return "", "", err
	}
	v.media = media
	if err := in.seat(v, time.Now()); err != nil {
		media.Close()
		return "", "", err
	}
	return v.id, answer, nil
}

// admitViewer refuses whoever may not watch here, and whoever there is no room
// for.
func (in *Instance) admitViewer(v *viewer, now time.Time) error {
	in.mu.Lock()
	until, barred := in.barred[v.participant]
	in.mu.Unlock()
	if barred && now.Before(until) {
		return denied("a moderator removed you; you may come back later")
	}
	if p := in.g.pipeline; p != nil {
		o := p.Standing(in.world, v.participant)
		_, suspended := o.Sanctioned(policy.Suspend, now)
		_, isolated := o.Sanctioned(policy.Isolate, now)
		if suspended || isolated {
			return denied("moderation suspended you from this world")
		}
	}
	if most := in.cfg.Load().MaxViewers; in.audience.size() >= most {
		return earshot.Errorf(earshot.CodeResourceExhausted, "instance %s has as many viewers as it takes (%d); try again later", in.id, most)
	}
	return nil
}

// seat makes v one of the audience, denied whatever it may not get. It asks
// once more whether v may watch: an order that came before is not forgotten,
// one that comes later finds v among the audience.
func (in *Instance) seat(v *viewer, now time.Time) error {
	in.policy.Lock()
	defer in.policy.Unlock()
	if err := in.admitViewer(v, now); err != nil {
		return err
	}
	in.denyViewer(v)
	in.audience.add(v)
	if v.ended.Load() { // the connection was closed meanwhile
		in.audience.remove(v)
	}
	return nil
}

// show puts the stream that v wants into its slots. What it may not get was
// denied to its connection, which holds whatever is asked here.
func (v *viewer) show(live *roster, now time.Time) {
	var voice []sfu.VoiceCandidate
	var video []*sfu.Publication
	if s := live.streamFor(v); s != nil {
		if mic := s.media.Microphone(); mic != nil {
			voice = append(voice, sfu.VoiceCandidate{Publication: mic})
		}
		if camera := s.media.Video(sfu.SourceCamera); camera != nil {
			video = append(video, camera)
		}
	}
	v.media.SetVoice(now, voice)
	v.media.SetVideo(video)
}

// streamFor returns the stream that a viewer wants, nil while there is none:
// of those that fit, the one that has been there for longest.
func (r *roster) streamFor(v *viewer) *session {
	var first *session
	for _, s := range r.all {
		if s.stream == nil || !s.opened.Load() || v.stage != "" && s.stream.stage != v.stage ||
			v.publisher != "" && s.participant != v.publisher {
			continue
		}
		if first == nil || s.created.Before(first.created) {
			first = s
		}
	}
	return first
}

// end ends the connection: nothing is sent to it any more when end returns.
func (v *viewer) end() {
	if v.ended.Swap(true) {
		return
	}
	v.in.audience.remove(v)
	v.media.Retire()
	v.media.Stop()
}

// watching returns the session of a viewer by its id, if it is alive.
func (g *Gateway) watching(id earshot.SessionID) (resource, bool) {
	for _, in := range g.running() {
		if v := in.audience.find(id); v != nil {
			return resource{owner: v.participant, world: in.world, media: v.media, leave: v.end}, true
		}
	}
	return resource{}, false
}
