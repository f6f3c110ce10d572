package gateway

import (
	"strings"
	"time"
	"unicode/utf8"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/protocol"
)

// claimsOfLiveKit says in our own terms what a LiveKit token allows, and no
// more than that: a token that says nothing of publishing may publish, as
// LiveKit has it, but moderates nobody, whoever issued it. The rules for
// subjects, names and worlds are those of our tokens. hidden says whether there
// may be participants of whom nobody is told.
func claimsOfLiveKit(t *livekit.Claims, hidden bool, now time.Time) (*Claims, error) {
	room, err := t.JoinRoom("")
	if err != nil {
		return nil, err
	}
	if t.Video.Hidden && !hidden {
		return nil, denied("the token asks for a hidden participant; who hears others is seen by them here, unless the server's operator sets livekit.hidden: issue the token without hidden")
	}
	if earshot.ParticipantID(t.Identity).Valid() {
		return nil, denied("the token names identity %q; those that begin with pa_ are of participants who have no identity of LiveKit's: choose another", clip(t.Identity))
	}
	id := earshot.InstanceID(instancePrefix + room)
	world := worldOf(id)
	if world == "" {
		return nil, denied("the token is for room %q; rooms are named after worlds, 1 to 32 of a-z, 0-9 and -, or WORLD_COPY for another instance of one", clip(room))
	}
	c := &Claims{
		Issuer: t.Key, Subject: t.Identity, Name: presentable(t.Name, t.Identity), World: world, Instance: id, Kind: kindOfLiveKit(t),
		Grants: grantsOfLiveKit(&t.Video), IssuedAt: t.NotBefore, Expires: t.Expires, AuthTime: now,
	}
	if err := c.checkWho(); err != nil {
		return nil, err
	}
	return c, c.checkWhat()
}

func grantsOfLiveKit(v *livekit.VideoGrant) []string {
	grants := []string{protocol.GrantPublishPose}
	if v.MayPublish(livekit.SourceMicrophone) {
		grants = append(grants, protocol.GrantPublishAudio)
	}
	if v.MayPublish(livekit.SourceCamera) || v.MayPublish(livekit.SourceScreen) {
		grants = append(grants, protocol.GrantPublishVideo)
	}
	if v.MaySubscribe() {
		grants = append(grants, protocol.GrantSubscribe)
	}
	if v.MayPublishData() {
		grants = append(grants, protocol.GrantChat)
	}
	return grants
}

func kindOfLiveKit(t *livekit.Claims) string {
	switch {
	case t.Video.Agent || t.Kind == livekit.KindAgent:
		return KindNPC
	case t.Kind != "" && t.Kind != "standard" && t.Kind != "sip":
		return KindBot
	}
	return KindPerson
}

// presentable makes a display name of what LiveKit's clients use as one: names
// there may be longer, and missing.
func presentable(name, identity string) string {
	for _, candidate := range []string{name, identity} {
		clean := strings.TrimSpace(strings.Map(func(r rune) rune {
			if unprintable(r) {
				return -1
			}
			return r
		}, candidate))
		for utf8.RuneCountInString(clean) > protocol.MaxNameRunes {
			_, size := utf8.DecodeLastRuneInString(clean)
			clean = strings.TrimSpace(clean[:len(clean)-size])
		}
		if clean != "" {
			return clean
		}
	}
	return "Guest"
}
