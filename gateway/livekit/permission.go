package livekit

import "earshot/gateway/livekit/wire"

// tokenSources are the sources in the spelling of tokens.
var tokenSources = [...]struct {
	source wire.TrackSource
	name   string
}{
	{wire.SourceCamera, SourceCamera}, {wire.SourceMicrophone, SourceMicrophone},
	{wire.SourceScreenShare, SourceScreen}, {wire.SourceScreenShareAudio, SourceScreenAudio},
}

// Allows is MayPublish by LiveKit's word for a source; of a track that names none
// it speaks of the first source of its kind.
func (v *VideoGrant) Allows(source wire.TrackSource, kind wire.TrackType) bool {
	if source == wire.SourceUnknown {
		source = wire.SourceCamera
		if kind == wire.Audio {
			source = wire.SourceMicrophone
		}
	}
	for _, s := range tokenSources {
		if s.source == source {
			return v.MayPublish(s.name)
		}
	}
	return false
}

// Sources lists what may be published.
func (v *VideoGrant) Sources() (list []wire.TrackSource) {
	for _, s := range tokenSources {
		if v.MayPublish(s.name) {
			list = append(list, s.source)
		}
	}
	return list
}

// With returns the grant with a permission in the place of what it says of
// publishing, subscribing and one's own metadata. Who is hidden or an agent stays
// so: that a token says alone.
func (v VideoGrant) With(p *wire.ParticipantPermission) VideoGrant {
	v.CanPublish, v.CanSubscribe = &p.CanPublish, &p.CanSubscribe
	v.CanPublishData, v.CanUpdateOwnMetadata = &p.CanPublishData, &p.CanUpdateMetadata
	v.Recorder = p.Recorder
	v.CanPublishSources = nil
	for _, want := range p.CanPublishSources {
		for _, s := range tokenSources {
			if s.source == want {
				v.CanPublishSources = append(v.CanPublishSources, s.name)
			}
		}
	}
	if len(p.CanPublishSources) > 0 && len(v.CanPublishSources) == 0 { // none that is known is none
		none := false
		v.CanPublish = &none
	}
	return v
}

// kinds are the kinds of participants in the spelling of tokens.
var kinds = map[string]wire.ParticipantKind{
	"": wire.KindStandard, "standard": wire.KindStandard, "ingress": wire.KindIngress, "egress": wire.KindEgress,
	"sip": wire.KindSIP, "agent": wire.KindAgent, "connector": wire.KindConnector, "bridge": wire.KindBridge,
}

// KindOf returns what a participant of a token is shown as.
func (c *Claims) KindOf() wire.ParticipantKind {
	if c.Video.Agent {
		return wire.KindAgent
	}
	return kinds[c.Kind]
}
