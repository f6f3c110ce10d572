package gateway

import (
	"slices"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/pose"
	"earshot/sfu"
	"earshot/sfu/record"
	"earshot/sfu/record/format"
)

const (
	// Poses and levels are noted ten times a second.
	noteEvery = tickRate / 10
	// refreshEvery is how often publishers hear that their videos are wanted.
	refreshEvery = time.Second
)

// taping is an instance with a recording: which tap feeds which track. The
// instance's mu guards all of it. Nothing here waits: taps copy into queues.
type taping struct {
	rec       *record.Recording
	taps      map[*session][]taped
	refreshed time.Time
	snapshot  []byte // scratch
}

// taped is one publication that is recorded.
type taped struct {
	tap         *sfu.Tap
	publication *sfu.Publication
	source      string
}

// record begins to record the instance. Everybody in it is told before the
// first packet is taken.
func (in *Instance) record(by string, only format.Selection) (*record.Recording, error) {
	rec, err := in.g.deps.Recordings.Start(record.Start{Instance: in.id, World: in.world, By: by, Only: only})
	if err != nil {
		return nil, err
	}
	t := &taping{rec: rec, taps: make(map[*session][]taped)}
	in.mu.Lock()
	in.taping = t
	in.broadcast(in.describeRecording())
	for _, s := range in.members {
		if s.opened.Load() {
			in.tape(s)
		}
	}
	in.mu.Unlock()
	in.g.work.Go(func() {
		<-rec.Done() // stopped, or at a limit
		in.untape(t)
	})
	return rec, nil
}

// describeRecording is what participants are told of. in.mu is held.
func (in *Instance) describeRecording() *protocol.Recording {
	if in.taping == nil {
		return &protocol.Recording{}
	}
	rec := in.taping.rec
	only := rec.Only()
	return &protocol.Recording{
		Active: true, Since: rec.Began().UTC().Format(time.RFC3339),
		Participants: only.Participants, Sources: only.Sources,
	}
}

// recorded reports whether a recording goes on.
func (in *Instance) recorded() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.taping != nil
}

// untape ends what a recording took, and tells everybody.
func (in *Instance) untape(t *taping) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.taping != t {
		return
	}
	in.taping = nil
	for _, list := range t.taps {
		closeTaps(list)
	}
	in.broadcast(in.describeRecording())
}

func closeTaps(list []taped) {
	for i := range list {
		list[i].tap.Close()
	}
}

// tape begins to record s, who was told, where its instance is recorded. in.mu
// is held.
func (in *Instance) tape(s *session) {
	t := in.taping
	if t == nil || s.ghost != nil || t.taps[s] != nil || in.members[s.participant] != s || s.hidden || !t.rec.Wants(s.participant, "") {
		return
	}
	t.rec.Join(s.participant, s.called(), s.claims.Kind)
	t.taps[s] = []taped{}
	for _, p := range s.publications() {
		in.tapeAlso(s, p)
	}
}

// tapeAlso records a publication of s too, where s is recorded: clients of
// LiveKit publish after they came. in.mu is held.
func (in *Instance) tapeAlso(s *session, p *sfu.Publication) {
	t := in.taping
	if t == nil || t.taps[s] == nil || p.Encrypted() || !t.rec.Wants(s.participant, p.Source()) {
		return
	}
	t.rec.SetMuted(s.participant, p.Source(), !p.Active())
	t.taps[s] = append(t.taps[s], in.g.tap(t.rec, p))
	t.hide(s, s.sanctions.isolated)
}

// untapeOne ends the recording of a publication of s that has ended. in.mu is
// held.
func (in *Instance) untapeOne(s *session, p *sfu.Publication) {
	if t := in.taping; t != nil && t.taps[s] != nil {
		t.taps[s] = slices.DeleteFunc(t.taps[s], func(one taped) bool {
			ended := one.publication == p
			if ended {
				one.tap.Close()
			}
			return ended
		})
	}
}

// tap feeds a track of a recording with a publication.
func (g *Gateway) tap(rec *record.Recording, p *sfu.Publication) taped {
	one := taped{publication: p, source: p.Source()}
	var track *record.Track
	one.tap = g.deps.SFU.NewMediaTap(func(_ *sfu.Publication, packet *sfu.TapPacket) {
		track.Put(record.Packet{
			At: packet.At, Codec: format.CodecOf(packet.Codec), Layer: packet.Layer, Marker: packet.Marker,
			Seq: packet.Seq, Timestamp: packet.Timestamp, Payload: packet.Payload,
		})
	})
	var wantKey func()
	if p.Source() != sfu.SourceMicrophone {
		wantKey = func() { one.tap.WantKeyFrame(p) }
	}
	track = rec.Track(p.Participant(), p.Source(), wantKey)
	return one
}

// publications lists what s may send.
func (s *session) publications() (list []*sfu.Publication) {
	if mic := s.microphone(); mic != nil {
		list = append(list, mic)
	}
	if s.media == nil {
		return list
	}
	for _, source := range []string{sfu.SourceCamera, sfu.SourceScreen} {
		if p := s.media.Video(source); p != nil {
			list = append(list, p)
		}
	}
	return list
}

// hide takes s out of the recording, or in: whom moderation isolated is neither
// heard nor seen. When it returns nothing more of them is taken. in.mu is held.
func (t *taping) hide(s *session, on bool) {
	for _, one := range t.taps[s] {
		one.tap.Deny(s.participant, on)
		if !on {
			one.tap.SetVoice([]*sfu.Publication{one.publication})
		}
	}
}

// release ends what was taken of s, who leaves. in.mu is held.
func (t *taping) release(s *session) {
	list, ok := t.taps[s]
	if !ok {
		return
	}
	delete(t.taps, s)
	closeTaps(list)
	t.rec.Leave(s.participant)
}

// noteMuted writes down that a source of s sends nothing now, or does again.
// in.mu is held; where nothing is to be taken the sfu has closed it.
func (in *Instance) noteMuted(s *session, source string, muted bool) {
	if t := in.taping; t != nil && t.taps[s] != nil {
		t.rec.SetMuted(s.participant, source, muted)
	}
}

// isolateTaped makes a recording follow s.sanctions.
func (in *Instance) isolateTaped(s *session) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.taping != nil {
		in.taping.hide(s, s.sanctions.isolated)
	}
}

// note writes down where everybody is and how loud.
func (in *Instance) note(now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	t := in.taping
	if t == nil {
		return
	}
	refresh := now.Sub(t.refreshed) >= refreshEvery
	if refresh {
		t.refreshed = now
	}
	for s, list := range t.taps {
		if s.sanctions.isolated {
			continue
		}
		if at, ok := in.space.Pose(s.participant); ok {
			t.snapshot = pose.AppendSnapshot(t.snapshot[:0], &at)
			t.rec.Pose(s.participant, t.snapshot)
		}
		for _, one := range list {
			if one.source == sfu.SourceMicrophone {
				level, talking := one.publication.Level(now)
				t.rec.Level(s.participant, level, talking)
			} else if refresh {
				one.tap.Refresh(now)
			}
		}
	}
}

// recordingOff is what one is told where no folder is configured.
var recordingOff = earshot.Errorf(earshot.CodeFailedPrecondition, "nothing is recorded on this server; its operator may set recording.dir")
