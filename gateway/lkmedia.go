package gateway

import (
	"slices"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

// lkChoices bounds the tracks that a client may have spoken of.
const lkChoices = 1024

// lkAsk is how long a client may take to offer what it was asked for.
const lkAsk = 2 * time.Second

// lkMixAgain is how long a client waits for a binaural mix that there is no room
// for; meanwhile it hears whoever is the most audible.
const lkMixAgain = 10 * time.Second

// OnControlOpen implements sfu.Handler: these messages come by the WebSocket.
func (l *lkLine) OnControlOpen() {}

// OnControl implements sfu.Handler.
func (l *lkLine) OnControl([]byte) {}

// OnPose implements sfu.Handler: poses come as data packets.
func (l *lkLine) OnPose([]byte) {}

// OnConnection implements sfu.Handler.
func (l *lkLine) OnConnection(state sfu.ConnectionState) {
	if state == sfu.Connected {
		l.connected.Store(true)
	}
	l.s.OnConnection(state)
}

// OnSendLine implements sfu.LiveKitHandler: it says which of the announced
// tracks a line carries, and refuses what was not announced or is not allowed.
func (l *lkLine) OnSendLine(line sfu.SendLine) sfu.SendTerms {
	l.mu.Lock()
	defer l.mu.Unlock()
	track, ok := l.pubs.Offer(line.MID, line.Track, line.Video)
	kind := wire.Audio
	if line.Video {
		kind = wire.Video
	}
	if !ok || !l.mayPublish(track.Source, kind) {
		return sfu.SendTerms{}
	}
	return sfu.SendTerms{Source: livekit.SourceName(track.Source), Stereo: l.pubs.Stereo(track.Source)}
}

// OnPublication implements sfu.LiveKitHandler. What is published begins shut;
// the instance opens it unless the participant or a moderator muted it, and
// tells everybody. Moderation hears it and a recording has it from its first
// packet on.
func (l *lkLine) OnPublication(p *sfu.Publication, _ sfu.SendLine) {
	source := livekit.SourceNamed(p.Source())
	l.mu.Lock()
	muted := l.pubs.Muted(source)
	l.mu.Unlock()
	l.s.in.settlePermits(l.s) // while it is shut: some may be allowed the other tracks only
	l.s.in.attendTo(l.s, p)
	switch source {
	case wire.SourceMicrophone:
		l.s.in.mute(l.s, muted)
		l.published()
	case wire.SourceCamera, wire.SourceScreenShare:
		if err := l.s.in.publish(l.s, protocol.Source(p.Source()), !muted); err != nil {
			l.s.refuse("", err)
		}
	case wire.SourceScreenShareAudio:
		l.s.in.share(l.s, !muted)
	}
}

// attendTo has those inside the server who hear s hear what it publishes now.
func (in *Instance) attendTo(s *session, p *sfu.Publication) {
	if !p.Video() {
		in.judge(s, p)
	}
	if p.Source() == sfu.SourceScreenAudio {
		return // recordings have no track for it
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.tapeAlso(s, p)
}

// published tells webhooks of what the participant publishes now.
func (l *lkLine) published() {
	l.s.in.mu.Lock()
	defer l.s.in.mu.Unlock()
	l.s.in.noteTracks(l.s)
}

// OnUnpublication implements sfu.LiveKitHandler.
func (l *lkLine) OnUnpublication(p *sfu.Publication) {
	source := livekit.SourceNamed(p.Source())
	l.mu.Lock()
	l.pubs.Drop(source)
	l.noteOwn()
	l.mu.Unlock()
	l.s.stopJudging(p)
	in := l.s.in
	in.mu.Lock()
	defer in.mu.Unlock()
	in.untapeOne(l.s, p)
	in.noteTracks(l.s)
	switch source {
	case wire.SourceMicrophone:
		in.broadcast(&protocol.Muted{Participant: l.s.participant, Muted: true, By: "self"})
	case wire.SourceCamera:
		l.s.camera = false
		in.broadcast(&protocol.Published{Participant: l.s.participant, Source: protocol.SourceCamera})
	case wire.SourceScreenShare:
		l.s.screen = false
		in.broadcast(&protocol.Published{Participant: l.s.participant, Source: protocol.SourceScreen})
	case wire.SourceScreenShareAudio:
		l.s.sounding = false
		in.tellChanged(l.s)
	}
}

// OnReceiveLine implements sfu.LiveKitHandler: it says whose track a receive
// line carries from the answer on that is being made.
func (l *lkLine) OnReceiveLine(line sfu.ReceiveLine) sfu.LineName {
	if l.slots > 0 {
		return l.nameSlot(line)
	}
	live := l.s.in.live.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	track, ok := l.lines.Name(line.MID, line.Video, time.Now(), func(t livekit.Track) bool { return live.publication(t) != nil })
	if !ok {
		return sfu.LineName{}
	}
	p := live.publication(track)
	if p == nil { // gone between the two looks
		l.lines.Drop(track)
		return sfu.LineName{}
	}
	l.carried[track] = p.ID()
	if line.Video {
		l.seats[track] = line.Slot
	}
	l.naming[line.MID] = track.SID()
	return sfu.LineName{Stream: track.Stream(), Track: track.SID(), Publication: p}
}

// nameSlot names a line after a virtual participant.
func (l *lkLine) nameSlot(line sfu.ReceiveLine) sfu.LineName {
	most, kind := l.slots, 0
	if line.Video {
		most, kind = livekit.Views, 1
	}
	if line.Slot >= most {
		return sfu.LineName{}
	}
	track := livekit.SlotTrack(line.Slot, line.Video)
	if l.mixed && !line.Video {
		track = livekit.MixTrack()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.named[kind] = max(l.named[kind], line.Slot+1)
	l.naming[line.MID] = track.SID()
	if line.Video {
		l.seats[track] = line.Slot
	}
	return sfu.LineName{Stream: track.Stream(), Track: track.SID()}
}

// publication returns what a track is to the sfu, nil where it is not there.
func (r *roster) publication(t livekit.Track) *sfu.Publication {
	s := r.byID[t.Of]
	switch {
	case s == nil || !s.opened.Load() || s.track(t.Source) != t:
	case t.Source == wire.SourceMicrophone:
		return s.microphone()
	case t.Source == wire.SourceScreenShareAudio:
		return s.sound()
	case t.Video():
		return s.publication(livekit.SourceName(t.Source))
	}
	return nil
}

// track is what LiveKit's clients know that as which s publishes of a source.
func (s *session) track(source wire.TrackSource) livekit.Track {
	if s.door == nil {
		return livekit.Track{Of: s.participant, Source: source, Tag: s.trackTag()}
	}
	return s.door.own(source)
}

// trackTag tells the tracks of a session from those of an earlier one of the
// same participant.
func (s *session) trackTag() string { return string(s.id[len("se_"):][:4]) }

func participantOf(p *sfu.Publication) earshot.ParticipantID {
	if p == nil {
		return ""
	}
	return p.Participant()
}

// nearby is called by the instance's tick with whom the participant hears and
// sees; videos is in the order in which they are shown, state what is.
func (l *lkLine) nearby(heard []hearing, videos []*sfu.Publication, state []sfu.SlotState) {
	e := lkEvent{shown: l.shown(state), near: make([]earshot.ParticipantID, len(heard))}
	for i := range heard {
		e.near[i] = heard[i].session.participant
	}
	if l.slots > 0 {
		heard, videos = nil, nil
	}
	live := l.s.in.live.Load()
	type voice struct {
		track livekit.Track
		gain  float64
	}
	voices := make([]voice, 0, len(heard))
	for i := range heard {
		h := &heard[i]
		if h.why.GainDB <= silent {
			continue
		}
		if h.session.microphone() != nil {
			voices = append(voices, voice{h.session.track(wire.SourceMicrophone), h.why.GainDB})
		}
		if h.session.sound() != nil {
			voices = append(voices, voice{h.session.track(wire.SourceScreenShareAudio), h.why.GainDB})
		}
	}
	// By nearness, not by who talks: every change costs the client an offer.
	slices.SortStableFunc(voices, func(a, b voice) int {
		switch {
		case a.gain > b.gain:
			return -1
		case a.gain < b.gain:
			return 1
		}
		return 0
	})
	e.tracks = make([]livekit.Track, 0, len(voices)+len(videos))
	for _, v := range voices {
		e.tracks = append(e.tracks, v.track)
	}
	for _, p := range videos {
		if s := live.byID[participantOf(p)]; s != nil {
			e.tracks = append(e.tracks, s.track(livekit.SourceNamed(p.Source())))
		}
	}
	_ = l.post(e) // the next review brings it again
}

// want has the client offer what it takes to receive tracks.
func (l *lkLine) want(tracks []livekit.Track, now time.Time) {
	if !l.offered.Load() && l.guest.hello.V1 {
		return
	}
	auto := l.guest.hello.Request.ConnectionSettings.AutoSubscribe
	live := l.s.in.live.Load()
	l.mu.Lock()
	for t, wanted := range l.chosen {
		if !wanted {
			l.lines.Drop(t) // who says so does not come back in a moment
		}
	}
	tracks = slices.DeleteFunc(slices.Clone(tracks), func(t livekit.Track) bool {
		wanted, said := l.chosen[t]
		return !l.view.Knows(t.Of) || said && !wanted || !said && !auto
	})
	for t, id := range l.carried {
		if p := live.publication(t); p == nil || p.ID() != id { // another one now, or none
			l.lines.Drop(t)
			delete(l.carried, t)
		}
	}
	mix := l.mixed && l.named[0] > 0
	var need livekit.Need
	if l.slots > 0 {
		need = l.needSlots(now)
	} else {
		need = l.lines.Want(now, tracks)
	}
	l.mu.Unlock()
	if mix {
		l.beginMix(now)
	}
	switch {
	case !need.Offer:
	case l.guest.hello.V1:
		l.tell(&wire.SignalResponse{MediaSectionsRequirement: &wire.MediaSections{
			NumAudios: uint32(need.Audio), NumVideos: uint32(need.Video),
		}})
	default:
		l.offerDown(need, false)
	}
}

// beginMix asks for the client's mix, and again where there was no room for it.
func (l *lkLine) beginMix(now time.Time) {
	if l.s.ears.mix.Load() != nil || now.Sub(l.mixAt) < lkMixAgain {
		return
	}
	l.mixAt = now
	if err := l.s.handle(&protocol.SetAudio{Mode: protocol.AudioBinaural}, now); err != nil {
		l.s.refuse("", err)
	}
}

// needSlots says how many lines there are too few of for virtual participants.
// mu is held.
func (l *lkLine) needSlots(now time.Time) livekit.Need {
	need := livekit.Need{Audio: max(0, l.slots-l.named[0]), Video: max(0, livekit.Views-l.named[1])}
	if need == (livekit.Need{}) || now.Sub(l.asked) < lkAsk {
		return livekit.Need{}
	}
	need.Offer, l.asked = true, now
	return need
}

// onTrackSetting notes how high videos are shown.
func (l *lkLine) onTrackSetting(u *wire.UpdateTrackSettings) {
	height := int(u.Height)
	switch {
	case u.Disabled || u.Quality == wire.Off:
		height = 1 // the smallest there is
	case height == 0 && u.Width == 0:
		height = [...]int{180, 360, 0}[min(max(u.Quality, 0), 2)]
	}
	height = min(height, protocol.MaxViewHeight)
	l.mu.Lock()
	for _, sid := range u.TrackSIDs {
		if t, ok := livekit.TrackOf(sid); ok && t.Video() && (len(l.heights) < lkChoices || l.heights[t] != 0) {
			l.heights[t] = height
		}
	}
	var heights []int
	for t, slot := range l.seats {
		for len(heights) <= slot {
			heights = append(heights, 0)
		}
		heights[slot] = l.heights[t]
	}
	l.mu.Unlock()
	l.media.SetVideoHeights(heights)
}
