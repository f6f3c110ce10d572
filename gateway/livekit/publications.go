package livekit

import (
	"slices"
	"strconv"

	"earshot"
	"earshot/gateway/livekit/wire"
)

// maxCID bounds the name a client gives a track, in bytes.
const maxCID = 256

// Publications are the tracks that one participant publishes or has announced.
// A client announces a track (AddTrack), is told its sid, and then offers a
// line whose media id is the announced cid. The zero value is ready; it belongs
// to its caller's lock.
type Publications struct {
	Of     earshot.ParticipantID
	Tag    string // tells the session's tracks from those of one before
	tracks []*published
	count  int
}

type published struct {
	track Track
	cids  []string // of the codecs
	info  wire.TrackInfo
	mid   string // of the line that carries it; "" while none does
}

// Announce takes an AddTrack and returns what to answer; ok is false where the
// participant publishes all that it may of the kind.
func (p *Publications) Announce(add *wire.AddTrack) (answer *wire.TrackPublished, ok bool) {
	if add.CID == "" || len(add.CID) > maxCID || len(add.Name) > maxCID || len(add.Layers) > 8 || len(add.SimulcastCodecs) > 4 {
		return nil, false
	}
	if add.SID != "" { // another codec of a track: the first one serves all
		return nil, false
	}
	if again := p.byCID(add.CID); again != nil {
		return &wire.TrackPublished{CID: add.CID, Track: again.copy()}, true
	}
	source := p.free(add)
	if source == wire.SourceUnknown {
		return nil, false
	}
	p.count++
	track := Track{Of: p.Of, Source: source, Tag: p.Tag + strconv.Itoa(p.count)}
	t := &published{track: track, cids: []string{add.CID}}
	t.info = wire.TrackInfo{
		SID: track.SID(), Type: add.Type, Name: add.Name, Muted: add.Muted, Width: add.Width, Height: add.Height,
		Source: source, Layers: add.Layers, DisableDTX: add.DisableDTX, Stereo: add.Stereo, DisableRED: true,
		Encryption: add.Encryption, Stream: add.Stream, AudioFeatures: add.AudioFeatures, Simulcast: len(add.Layers) > 1,
		MimeType: mime(add),
	}
	for _, c := range add.SimulcastCodecs {
		if c.CID != "" && len(c.CID) <= maxCID {
			t.cids = append(t.cids, c.CID)
		}
	}
	t.info.Codecs = []*wire.CodecInfo{{MimeType: t.info.MimeType, CID: add.CID, Layers: add.Layers}}
	p.tracks = append(p.tracks, t)
	return &wire.TrackPublished{CID: add.CID, Track: t.copy()}, true
}

// free returns the source that an announced track takes: what it says, or, of
// tracks that say nothing, what is free of the kind. An announced track that
// never came gives way.
func (p *Publications) free(add *wire.AddTrack) wire.TrackSource {
	for _, s := range sources {
		if s.kind != add.Type || add.Source != wire.SourceUnknown && add.Source != s.source {
			continue
		}
		i := slices.IndexFunc(p.tracks, func(t *published) bool { return t.track.Source == s.source })
		if i >= 0 && p.tracks[i].mid == "" {
			p.tracks = slices.Delete(p.tracks, i, i+1)
			i = -1
		}
		if i < 0 {
			return s.source
		}
	}
	return wire.SourceUnknown
}

// mime returns the type that a track is announced with, or a likely one:
// clients show it and choose decoders by it.
func mime(add *wire.AddTrack) string {
	if add.Type == wire.Audio {
		return "audio/opus"
	}
	for _, c := range add.SimulcastCodecs {
		if c.Codec != "" && len(c.Codec) < 16 {
			return "video/" + c.Codec
		}
	}
	return "video/VP8"
}

// Offer matches a line of an offer with what was announced: by the cid, which
// is the track's id in the line's msid, or, of clients that write another
// there, by the order of what was announced of the kind.
func (p *Publications) Offer(mid, cid string, video bool) (Track, bool) {
	if t := p.byMID(mid); t != nil {
		return t.track, true
	}
	t := p.byCID(cid)
	if t == nil || t.track.Video() != video {
		i := slices.IndexFunc(p.tracks, func(t *published) bool { return t.mid == "" && t.track.Video() == video })
		if i < 0 {
			return Track{}, false
		}
		t = p.tracks[i]
	}
	if t.mid != "" {
		return Track{}, false
	}
	t.mid, t.info.MID = mid, mid
	t.info.Codecs[0].MID = mid
	return t.track, true
}

// Drop forgets the track of a line that stopped and returns it.
func (p *Publications) Drop(source wire.TrackSource) (sid string, ok bool) {
	i := slices.IndexFunc(p.tracks, func(t *published) bool { return t.track.Source == source })
	if i < 0 {
		return "", false
	}
	sid = p.tracks[i].info.SID
	p.tracks = slices.Delete(p.tracks, i, i+1)
	return sid, true
}

// SetMuted notes that a track was muted or is heard again; it reports whether
// that is news.
func (p *Publications) SetMuted(source wire.TrackSource, muted bool) bool {
	for _, t := range p.tracks {
		if t.track.Source == source && t.info.Muted != muted {
			t.info.Muted = muted
			return true
		}
	}
	return false
}

// Track returns what is published of a source, or announced.
func (p *Publications) Track(source wire.TrackSource) (Track, bool) {
	for _, t := range p.tracks {
		if t.track.Source == source {
			return t.track, true
		}
	}
	return Track{}, false
}

// Muted reports whether a track was announced or made muted.
func (p *Publications) Muted(source wire.TrackSource) bool {
	for _, t := range p.tracks {
		if t.track.Source == source {
			return t.info.Muted
		}
	}
	return false
}

// SetSize notes the size of a video.
func (p *Publications) SetSize(sid string, width, height uint32) {
	for _, t := range p.tracks {
		if t.info.SID == sid {
			t.info.Width, t.info.Height = width, height
		}
	}
}

// Stereo reports whether a track was announced in stereo.
func (p *Publications) Stereo(source wire.TrackSource) bool {
	for _, t := range p.tracks {
		if t.track.Source == source {
			return t.info.Stereo || slices.Contains(t.info.AudioFeatures, wire.FeatureStereo)
		}
	}
	return false
}

// Infos describes the tracks that lines carry.
func (p *Publications) Infos() []*wire.TrackInfo {
	var infos []*wire.TrackInfo
	for _, t := range p.tracks {
		if t.mid != "" {
			infos = append(infos, t.copy())
		}
	}
	return infos
}

func (p *Publications) byCID(cid string) *published {
	for _, t := range p.tracks {
		if cid != "" && slices.Contains(t.cids, cid) {
			return t
		}
	}
	return nil
}

func (p *Publications) byMID(mid string) *published {
	for _, t := range p.tracks {
		if t.mid == mid {
			return t
		}
	}
	return nil
}

func (t *published) copy() *wire.TrackInfo {
	info := t.info
	info.Codecs = []*wire.CodecInfo{new(wire.CodecInfo)}
	*info.Codecs[0] = *t.info.Codecs[0]
	return &info
}
