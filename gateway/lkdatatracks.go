package gateway

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

const (
	// The rate of packets of data tracks that are passed on for a client; the sfu
	// bounds their bytes.
	lkDataPerSecond, lkDataBurst = 500, 1000
	// lkDataNear is how long it counts who is near a publisher of data.
	lkDataNear = 250 * time.Millisecond
)

// lkDataTracks are the data tracks that a client publishes and gets. lkLine.mu
// guards them, but for what is after relaying.
type lkDataTracks struct {
	published livekit.DataTracks
	received  livekit.DataSubscriptions
	rate      protocol.Limiter

	// relaying is held while a packet is passed on, and guards what follows: a
	// client may have opened several channels. It is taken before the mu of any line.
	relaying sync.Mutex

	near   []earshot.ParticipantID
	nearAt time.Time
}

// dataTrackInfos describes the data tracks that the client publishes.
func (l *lkLine) dataTrackInfos() []*wire.DataTrackInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dataTracks.published.Infos()
}

// onPublishData takes a data track.
func (l *lkLine) onPublishData(m *wire.PublishDataTrack) {
	reason, message := wire.RequestNotAllowed, "you may not publish data: see canPublishData of the token, and what an administrator changed since"
	var info *wire.DataTrackInfo
	if l.grant.Load().MayPublishData() {
		l.mu.Lock()
		info, reason, message = l.dataTracks.published.Publish(m)
		l.mu.Unlock()
	}
	if info == nil {
		l.tell(&wire.SignalResponse{RequestResponse: &wire.RequestResponse{Reason: reason, Message: message, PublishDataTrack: m}})
		return
	}
	l.tell(&wire.SignalResponse{PublishDataTrack: &wire.DataTrackResponse{Info: info}})
	l.dataChanged()
	for _, other := range l.s.in.live.Load().all {
		if other.door != nil && other != l.s && other.door.guest.hello.AutoData() {
			other.door.subscribeData([]*wire.DataSubscription{{TrackSID: info.SID, Subscribe: true}})
		}
	}
}

// onUnpublishData ends a data track.
func (l *lkLine) onUnpublishData(m *wire.UnpublishDataTrack) {
	if !l.unpublishData(m.PubHandle) {
		l.tell(&wire.SignalResponse{RequestResponse: &wire.RequestResponse{
			Reason: wire.RequestNotFound, Message: "you publish no data track with that handle", UnpublishDataTrack: m,
		}})
		return
	}
	l.dataChanged()
}

// unpublishData ends a data track, of which the client is told, and reports
// whether there was one. Nobody gets its packets any more.
func (l *lkLine) unpublishData(handle uint32) bool {
	l.mu.Lock()
	info := l.dataTracks.published.Unpublish(handle)
	l.mu.Unlock()
	if info == nil {
		return false
	}
	l.tell(&wire.SignalResponse{UnpublishDataTrack: &wire.DataTrackResponse{Info: info}})
	return true
}

func (l *lkLine) unpublishAllData() {
	for _, t := range l.dataTrackInfos() {
		l.unpublishData(t.PubHandle)
	}
}

// subscribeAllData subscribes a client that wants so to the data tracks there are.
func (l *lkLine) subscribeAllData() {
	if !l.guest.hello.AutoData() {
		return
	}
	var all []*wire.DataSubscription
	for _, other := range l.s.in.live.Load().all {
		if other.door != nil && other != l.s {
			for _, t := range other.door.dataTrackInfos() {
				all = append(all, &wire.DataSubscription{TrackSID: t.SID, Subscribe: true})
			}
		}
	}
	if len(all) > 0 {
		l.subscribeData(all)
	}
}

// settleData subscribes the client to what it may get now that its grant has
// changed, or takes all away from it.
func (l *lkLine) settleData() {
	if l.s.hears() {
		l.subscribeAllData()
		return
	}
	l.mu.Lock()
	had := len(l.dataTracks.received.Handles()) > 0
	l.dataTracks.received.Keep(func(string) bool { return false })
	l.mu.Unlock()
	if had {
		l.subscribeData(nil)
	}
}

// dataChanged tells the others which data tracks there are now.
func (l *lkLine) dataChanged() {
	in := l.s.in
	in.mu.Lock()
	defer in.mu.Unlock()
	l.s.about.version++
	in.tellChanged(l.s)
}

// onDataSubscription notes which data tracks the client wants.
func (l *lkLine) onDataSubscription(m *wire.UpdateDataSubscription) { l.subscribeData(m.Updates) }

// subscribeData changes which data tracks the client gets, and tells it the
// handles of all.
func (l *lkLine) subscribeData(updates []*wire.DataSubscription) {
	live := l.s.in.live.Load()
	publishers := make(map[string]*session, len(updates))
	for _, u := range updates {
		if s := live.dataTrack(u.TrackSID); s != nil && s != l.s {
			publishers[u.TrackSID] = s
		}
	}
	l.mu.Lock()
	full := false
	for _, u := range updates {
		switch {
		case !u.Subscribe:
			l.dataTracks.received.Unsubscribe(u.TrackSID)
		case publishers[u.TrackSID] != nil && l.s.hears():
			full = !l.dataTracks.received.Subscribe(u.TrackSID) || full
		}
	}
	handles := l.dataTracks.received.Handles()
	l.mu.Unlock()
	message, gone := &wire.DataTrackHandles{SubHandles: make(map[uint32]*wire.DataTrackHandle, len(handles))}, []string(nil)
	for handle, sid := range handles {
		s := live.dataTrack(sid)
		if s == nil {
			gone = append(gone, sid)
			continue
		}
		message.SubHandles[uint32(handle)] = &wire.DataTrackHandle{
			PublisherIdentity: s.door.guest.token.Identity, PublisherSID: livekit.ParticipantSID(s.participant), TrackSID: sid,
		}
	}
	l.mu.Lock()
	l.dataTracks.received.Keep(func(sid string) bool { return !slices.Contains(gone, sid) })
	l.mu.Unlock()
	l.tell(&wire.SignalResponse{DataTrackHandles: message})
	if full {
		l.s.refuse("", earshot.Errorf(earshot.CodeResourceExhausted, "you get %d data tracks, as many as may be; unsubscribe some", livekit.MaxDataSubscriptions))
	}
}

// dataTrack returns who publishes a data track, nil where there is none.
func (r *roster) dataTrack(sid string) *session {
	s := r.byID[livekit.DataTrackPublisher(sid)]
	if s == nil || s.door == nil || !slices.ContainsFunc(s.door.dataTrackInfos(), func(t *wire.DataTrackInfo) bool { return t.SID == sid }) {
		return nil
	}
	return s
}

// relayDataTrack passes a packet of a data track on to those who subscribed to it
// and are within the range of sight: never between two of whom one blocked the
// other, or one is isolated, nor through a sealed wall, nor to one to whom the
// publisher's tracks are not permitted. A packet that finds its queue full is
// lost.
func (l *lkLine) relayDataTrack(packet []byte) {
	d, now := &l.dataTracks, time.Now()
	handle, ok := livekit.DataHandle(packet)
	if !ok {
		l.g.metrics.refused.WithLabelValues(string(earshot.CodeInvalidArgument)).Inc()
		return
	}
	l.mu.Lock()
	sid := d.published.SIDOf(handle)
	ok = sid != "" && d.rate.Allow(now)
	l.mu.Unlock()
	if !ok || !l.grant.Load().MayPublishData() {
		return
	}
	d.relaying.Lock()
	defer d.relaying.Unlock()
	in, live := l.s.in, l.s.in.live.Load()
	if now.Sub(d.nearAt) >= lkDataNear {
		d.near, d.nearAt = in.space.Within(l.s.participant, in.cfg.Load().ViewRange, d.near[:0]), now
	}
	for _, id := range d.near {
		other := live.byID[id]
		if other == nil || other.door == nil || !other.opened.Load() {
			continue
		}
		to, subscribed := other.door.dataHandle(sid)
		if !subscribed || in.closed(l.s, other) || !in.passes(l.s, other) {
			continue
		}
		own := bytes.Clone(packet) // which is the channel's from then on
		livekit.SetDataHandle(own, to)
		_ = other.door.media.SendData(sfu.DataTrack, own)
	}
}

// dataHandle returns the handle under which the client gets a data track.
func (l *lkLine) dataHandle(sid string) (handle uint16, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dataTracks.received.Handle(sid)
}
