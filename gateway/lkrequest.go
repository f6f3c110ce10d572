package gateway

import (
	"context"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

const (
	// lkRetry and lkRetries say how an offer is taken that came too soon.
	lkRetry   = 600 * time.Millisecond
	lkRetries = 3
)

// onRequest handles a message of the client. What is not a message, or one
// that is not known here, is ignored, as the protocol has it for versions to
// come.
func (l *lkLine) onRequest(data []byte) {
	l.requests.Lock()
	defer l.requests.Unlock()
	if l.s.ending.Load() {
		return
	}
	l.mu.Lock()
	allowed, dropped := l.rate.Allow(time.Now()), l.rate.Dropped()
	l.mu.Unlock()
	if !allowed {
		if dropped > protocol.MaxDropped {
			l.s.end(protocol.ReasonKicked, &protocol.Bye{
				Code: earshot.CodeResourceExhausted, Message: "too many messages for too long",
			})
		}
		return
	}
	var req wire.SignalRequest
	if wire.Unmarshal(data, &req) != nil {
		l.g.metrics.refused.WithLabelValues(string(earshot.CodeInvalidArgument)).Inc()
		return
	}
	l.handle(&req)
}

func (l *lkLine) handle(req *wire.SignalRequest) {
	switch {
	case req.Offer != nil:
		l.onOffer(req.Offer)
	case req.Answer != nil:
		l.onAnswer(req.Answer)
	case req.AddTrack != nil:
		l.onAddTrack(req.AddTrack)
	case req.Mute != nil:
		l.onMute(req.Mute)
	case req.Subscription != nil:
		l.onSubscription(req.Subscription)
	case req.TrackSetting != nil:
		l.onTrackSetting(req.TrackSetting)
	case req.Leave != nil:
		l.left.Store(true)
		l.s.leave()
	case req.SyncState != nil:
		l.onSyncState(req.SyncState)
	case req.Simulate != nil:
		l.onSimulate(req.Simulate)
	case req.Ping != nil:
		now := time.Now().UnixMilli()
		l.tell(&wire.SignalResponse{Pong: &now})
	case req.PingReq != nil:
		l.tell(&wire.SignalResponse{PongResp: &wire.Pong{LastPingTimestamp: req.PingReq.Timestamp, Timestamp: time.Now().UnixMilli()}})
	case req.UpdateMetadata != nil:
		l.onUpdateMetadata(req.UpdateMetadata)
	case req.SubscriptionPermission != nil:
		l.onPermission(req.SubscriptionPermission)
	case req.PublishDataTrack != nil:
		l.onPublishData(req.PublishDataTrack)
	case req.UnpublishDataTrack != nil:
		l.onUnpublishData(req.UnpublishDataTrack)
	case req.UpdateDataSubscription != nil:
		l.onDataSubscription(req.UpdateDataSubscription)
	case req.UpdateVideoTrack != nil:
		l.mu.Lock()
		l.pubs.SetSize(req.UpdateVideoTrack.TrackSID, req.UpdateVideoTrack.Width, req.UpdateVideoTrack.Height)
		l.mu.Unlock()
	}
}

// onOffer answers an offer: the first and all later ones, restarts of ICE among
// them. One that cannot be answered ends the session, since the client would
// wait for the answer forever.
func (l *lkLine) onOffer(offer *wire.SessionDescription) {
	answer, names, err := l.negotiate(offer.SDP)
	if err != nil {
		l.refuseDescription(err)
		return
	}
	l.offered.Store(true)
	l.tell(&wire.SignalResponse{Answer: &wire.SessionDescription{Type: "answer", SDP: answer, ID: offer.ID, MIDToTrackID: names}})
}

func (l *lkLine) negotiate(offer string) (answer string, names map[string]string, err error) {
	done, err := l.g.entry.enter(joinDeadline)
	if err != nil {
		return "", nil, err
	}
	defer done()
	for try := 0; ; try++ {
		if l.guest.hello.V1 {
			l.mu.Lock()
			l.naming = make(map[string]string)
			l.mu.Unlock()
		}
		ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
		answer, err = l.media.Renegotiate(ctx, offer)
		cancel()
		if try == lkRetries || earshot.CodeOf(err) != earshot.CodeResourceExhausted {
			if !l.guest.hello.V1 {
				return answer, nil, err // that connection only publishes
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			return answer, l.naming, err
		}
		select { // it came too soon after others
		case <-time.After(lkRetry):
		case <-l.quit:
			return "", nil, err
		}
	}
}

// onAddTrack announces a track, whose line comes with the next offer.
func (l *lkLine) onAddTrack(add *wire.AddTrack) {
	refuse := func(err error) {
		_, e := wireError(err)
		l.tell(&wire.SignalResponse{RequestResponse: &wire.RequestResponse{
			Reason: livekit.ReasonOf(err), Message: e.Message, AddTrack: &wire.AddTrack{CID: add.CID, Source: add.Source, Type: add.Type},
		}})
	}
	if add.Encryption != 0 {
		refuse(earshot.Errorf(earshot.CodeUnimplemented, "tracks encrypted by LiveKit's E2EE are not taken here: others could not hear them; publish without"))
		return
	}
	if !l.mayPublish(add.Source, add.Type) {
		refuse(earshot.Errorf(earshot.CodePermissionDenied, "you may not publish that: see canPublish and canPublishSources of the token, and what an administrator changed since"))
		return
	}
	l.mu.Lock()
	published, ok := l.pubs.Announce(add)
	l.noteOwn()
	l.mu.Unlock()
	if !ok {
		refuse(earshot.Errorf(earshot.CodeResourceExhausted, "you publish a track of that source already: one microphone, camera and screen each"))
		return
	}
	l.tell(&wire.SignalResponse{TrackPublished: published})
}

// mayPublish says whether the client may publish a source, or, of a track that
// names none, the first of its kind.
func (l *lkLine) mayPublish(source wire.TrackSource, kind wire.TrackType) bool {
	return l.grant.Load().Allows(source, kind)
}

// onMute mutes a track of the client, or lets it be heard again.
func (l *lkLine) onMute(m *wire.MuteTrack) {
	t, ok := livekit.TrackOf(m.SID)
	if !ok || t.Of != l.s.participant {
		return
	}
	l.mu.Lock()
	l.pubs.SetMuted(t.Source, m.Muted)
	l.mu.Unlock()
	var err error
	switch t.Source {
	case wire.SourceMicrophone:
		l.s.in.mute(l.s, m.Muted)
	case wire.SourceCamera, wire.SourceScreenShare:
		if l.s.media.Video(livekit.SourceName(t.Source)) != nil {
			err = l.s.in.publish(l.s, protocol.Source(livekit.SourceName(t.Source)), !m.Muted)
		}
	case wire.SourceScreenShareAudio:
		l.s.in.share(l.s, !m.Muted)
	}
	if err != nil { // a moderator holds it: the client is told that it stays muted
		l.mu.Lock()
		l.pubs.SetMuted(t.Source, true)
		l.mu.Unlock()
		l.tell(&wire.SignalResponse{Mute: &wire.MuteTrack{SID: m.SID, Muted: true}})
		l.s.refuse("", err)
	}
}

// onSubscription notes which tracks the client wants, or does not.
func (l *lkLine) onSubscription(u *wire.UpdateSubscription) {
	sids := u.TrackSIDs
	for _, p := range u.ParticipantTracks {
		sids = append(sids, p.TrackSIDs...)
	}
	_ = l.subscribe(sids, u.Subscribe)
}

// subscribe notes whether tracks are wanted; from the next review on they are
// received, as far as they are within earshot or sight.
func (l *lkLine) subscribe(sids []string, on bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, sid := range sids {
		t, ok := livekit.TrackOf(sid)
		if !ok {
			continue
		}
		if _, there := l.chosen[t]; !there && len(l.chosen) >= lkChoices {
			clear(l.chosen) // of people long gone, most likely
		}
		l.chosen[t] = on
	}
	_ = l.post(lkEvent{again: true}) // or the next review brings it
	return nil
}

// onSyncState takes what a client that resumes had chosen.
func (l *lkLine) onSyncState(m *wire.SyncState) {
	if m.Subscription != nil {
		l.onSubscription(m.Subscription)
	}
}

// onUpdateMetadata changes what is said of the participant, where the token
// allows that, and takes a place that comes as an attribute.
func (l *lkLine) onUpdateMetadata(u *wire.UpdateMetadata) {
	if text, ok := u.Attributes[attributePose]; ok {
		l.readPoses()
		l.place([]byte(text), time.Now())
	}
	var err error
	if !l.grant.Load().MayUpdateOwnMetadata() {
		err = denied("you may not change your name, metadata or attributes: see canUpdateOwnMetadata of the token")
		if only(u.Attributes, attributePose) && u.Metadata == "" && u.Name == "" {
			err = nil // where one stands is no word about oneself
		}
	} else if err = l.s.mayRename(u.Name, time.Now()); err == nil {
		err = l.s.in.changeAbout(l.s, *u)
	}
	response := &wire.RequestResponse{RequestID: u.RequestID}
	if err != nil {
		_, e := wireError(err)
		response.Reason, response.Message = livekit.ReasonOf(err), e.Message
	}
	l.tell(&wire.SignalResponse{RequestResponse: response})
}

// onSimulate does to the client what servers do, for tests of applications:
// it ends its session, to be joined anew or for good.
func (l *lkLine) onSimulate(m *wire.Simulate) {
	bye := &protocol.Bye{Code: earshot.CodeUnknown, Message: "you asked to be let go"}
	switch {
	case m.FullReconnect != nil:
		bye.Reconnect = true
	case m.ServerLeave == nil:
		return
	}
	l.s.end(protocol.ReasonLeft, bye)
}

func only(attributes map[string]string, key string) bool {
	_, there := attributes[key]
	return there && len(attributes) == 1
}
