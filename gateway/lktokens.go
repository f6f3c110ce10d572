package gateway

import (
	"strings"
	"time"

	"earshot/gateway/livekit"
	"earshot/gateway/protocol"
)

// livekitSecret returns the secret of an API key of LiveKit's form: an HS256
// key of the configuration. The key by which a node renews tokens is none.
func (ks *Keys) livekitSecret(id string) ([]byte, bool) {
	key, known := ks.byID[id]
	secret, symmetric := key.verify.([]byte)
	return secret, known && symmetric && id != renewalKeyID
}

// IssueLiveKit signs an access token of LiveKit's form that allows what claims
// grant: what may be published and received, data where they grant chat, the
// administration of the room where they grant moderate, and of all rooms where
// they grant admin. The room is the world; Stage, Instance and times other than
// Expires have no place in such a token.
func IssueLiveKit(key Key, claims Claims, now time.Time) (string, error) {
	loaded, err := key.load()
	if err != nil {
		return "", err
	}
	secret, symmetric := loaded.sign.([]byte)
	if !symmetric {
		return "", invalid("key %q signs with %s; LiveKit's access tokens need a key of %s", key.ID, loaded.algorithm, AlgorithmHS256)
	}
	if claims.World == "" && claims.Instance == "" {
		return "", denied("an access token of LiveKit's form is for a room, which is a world or an instance of one: name it")
	}
	if claims.Kind == "" {
		claims.Kind = KindPerson
	}
	if err := claims.checkWho(); err != nil {
		return "", err
	}
	if err := claims.checkWhat(); err != nil {
		return "", err
	}
	return livekit.Sign(key.ID, secret, livekit.Claims{
		Identity: claims.Subject, Name: claims.Name, Kind: livekitKind(claims.Kind),
		Video: videoGrant(&claims), Expires: claims.Expires,
	}, now)
}

func livekitKind(kind string) string {
	if kind == KindNPC {
		return livekit.KindAgent
	}
	return ""
}

// roomName is the room of LiveKit's that claims are good for.
func (c *Claims) roomName() string {
	if c.Instance != "" {
		return strings.TrimPrefix(string(c.Instance), instancePrefix)
	}
	return c.World
}

func videoGrant(c *Claims) livekit.VideoGrant {
	audio, video := c.Can(protocol.GrantPublishAudio), c.Can(protocol.GrantPublishVideo)
	publish, data, subscribe := audio || video, c.Can(protocol.GrantChat), c.Can(protocol.GrantSubscribe)
	v := livekit.VideoGrant{
		Room: c.roomName(), RoomJoin: publish || data || subscribe,
		CanPublish: &publish, CanPublishData: &data, CanSubscribe: &subscribe,
		RoomAdmin:  c.Can(protocol.GrantModerate) || c.Can(protocol.GrantAdmin),
		RoomCreate: c.Can(protocol.GrantAdmin), RoomList: c.Can(protocol.GrantAdmin),
	}
	switch {
	case audio && !video:
		v.CanPublishSources = []string{livekit.SourceMicrophone}
	case video && !audio:
		v.CanPublishSources = []string{livekit.SourceCamera, livekit.SourceScreen, livekit.SourceScreenAudio}
	}
	return v
}
