package gateway

import (
	"sync/atomic"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/sfu"
	"earshot/sfu/relay/wire"
)

const (
	// lingers is for how long somebody of another node is still needed here who
	// was: one who walks along the edge of hearing costs no changes.
	lingers = 2 * time.Second
	// rechecks is within what time listeners say anew whom they need.
	rechecks = 150 * time.Millisecond

	lostNode = protocol.ReasonLost
)

// ghost is somebody who is on another node: the line of a session that leads
// nowhere. What is said to all is said to them over there; what is said to them
// alone goes by carry.
type ghost struct {
	end       *end
	session   *session
	index     uint16 // theirs
	at        int64  // when they came, Unix ms there
	of        earshot.ParticipantID
	performer bool

	tracks atomic.Pointer[[]*incoming]
	seen   atomic.Int64 // until when their whole pose is needed, Unix ns

	looking bool // they were asked for it; guarded by end.mu
}

var _ line = (*ghost)(nil)

// SendControl implements line.
func (gh *ghost) SendControl([]byte) error { return nil }

// SendPose implements line.
func (gh *ghost) SendPose([]byte) bool { return false }

// Close implements line.
func (gh *ghost) Close() {
	for _, t := range *gh.tracks.Load() {
		t.remote.Close()
	}
}

// performs reports whether they come by WHIP there. It may be called on nil.
func (gh *ghost) performs() bool { return gh != nil && gh.performer }

// publication returns what they publish of a source, nil for nothing.
func (gh *ghost) publication(source string) *sfu.Publication {
	for _, t := range *gh.tracks.Load() {
		if t.source == source {
			return t.remote.Publication()
		}
	}
	return nil
}

// near notes that somebody here is near them, and may hear them. The tick calls
// it for every listener.
func (gh *ghost) near(audible bool, now time.Time) {
	until := now.Add(lingers).UnixNano()
	gh.seen.Store(until)
	if !audible {
		return
	}
	for _, t := range *gh.tracks.Load() {
		if t.source == sfu.SourceMicrophone {
			t.needed.Store(until)
		}
	}
}

// shown notes that a picture of theirs is in somebody's slot here.
func (gh *ghost) shown(source string, now time.Time) {
	for _, t := range *gh.tracks.Load() {
		if t.source == source {
			t.needed.Store(now.Add(lingers).UnixNano())
		}
	}
}

// recheck forgets that they were needed, but for the moment it takes until
// whoever still may hear or see them says so again: an order has changed who may.
func (gh *ghost) recheck(now time.Time) {
	until := now.Add(rechecks).UnixNano()
	gh.seen.Store(min(gh.seen.Load(), until))
	for _, t := range *gh.tracks.Load() {
		t.needed.Store(min(t.needed.Load(), until))
	}
}

// leave is session.end for one who is on another node: they are gone from here at
// once, and that node is asked to end their session.
func (gh *ghost) leave(reason string, bye *protocol.Bye) {
	m := &wire.Evict{Channel: gh.end.theirs, Participant: gh.session.participant, At: gh.at, Reason: reason, Code: earshot.CodeAborted}
	if bye != nil {
		m.Code, m.Message = bye.Code, bye.Message
	}
	gh.end.say(&wire.Message{Evict: m})
	gh.vanish(reason)
}

// vanish takes them out of the instance here. It may be called more than once.
func (gh *ghost) vanish(reason string) {
	e, s := gh.end, gh.session
	s.ending.Store(true)
	e.mu.Lock()
	next := make(map[uint16]*ghost)
	for index, other := range *e.ghosts.Load() {
		if other != gh {
			next[index] = other
		}
	}
	e.ghosts.Store(&next)
	var drop []uint16
	for _, t := range *gh.tracks.Load() {
		if t.wanted {
			drop = append(drop, t.unwant())
		}
	}
	if len(drop) > 0 {
		e.say(&wire.Message{Want: &wire.Want{Drop: drop}})
	}
	e.mu.Unlock()
	e.span.in.remove(s, reason)
	gh.Close()
	e.span.in.unwall(s.participant)
}

// moderate has them muted or unmuted on their node.
func (gh *ghost) moderate(muted bool) {
	action := protocol.ActionUnmute
	if muted {
		action = protocol.ActionMute
	}
	gh.end.say(&wire.Message{Moderate: &wire.Moderate{Channel: gh.end.theirs, Participant: gh.session.participant, Action: action}})
}

// incoming is a publication of a ghost.
type incoming struct {
	ghost  *ghost
	id     earshot.TrackID
	source string
	layers int
	remote *sfu.Remote
	needed atomic.Int64 // until when it is, Unix ns

	wanted bool // it was asked for, as number, up to top; guarded by end.mu
	number uint16
	top    int

	asked  atomic.Uint32  // number, for key frames
	packet sfu.CopyPacket // scratch of Media
}

// newIncoming returns a publication that nothing was asked of yet.
func newIncoming(gh *ghost, t *wire.Track) *incoming {
	in := &incoming{ghost: gh, id: t.ID, source: t.Source, layers: t.Layers}
	in.remote = gh.session.in.g.deps.SFU.NewRemote(sfu.RemoteConfig{
		ID: t.ID, Participant: gh.session.participant, Source: t.Source, Encrypted: gh.session.encrypted, Layers: t.Layers,
		KeyFrame: in.wantKeyFrame,
	})
	return in
}

// Media implements relay.Inlet. It is on the hot path: nothing allocates.
func (t *incoming) Media(m *wire.Media, now time.Time) {
	t.packet = sfu.CopyPacket{
		Codec: m.Codec, Layer: m.Layer, Marker: m.Marker, HasLevel: m.HasLevel, Voice: m.Voice, Level: m.Level, Padding: m.Padding,
		Seq: m.Seq, Timestamp: m.Timestamp, SSRC: m.SSRC, Descriptor: m.Descriptor, Payload: m.Payload,
	}
	t.remote.Receive(&t.packet, now)
	t.packet.Descriptor, t.packet.Payload = nil, nil
}

// wantKeyFrame passes a wish on. It is called with locks of sfu held, so end.mu
// is not taken: a wish under a number that is another's by then costs a key frame.
func (t *incoming) wantKeyFrame(layer int) {
	t.ghost.end.say(&wire.Message{KeyFrame: &wire.KeyFrame{Number: uint16(t.asked.Load()), Layer: layer}})
}

// want asks for it, or for another size of it. end.mu is held.
func (t *incoming) want(now time.Time) (w wire.Wanted, ok bool) {
	top := 0
	if video := t.remote.Publication(); video.Video() {
		if top = video.Wanted(now) - 1; top < 0 {
			top = t.layers - 1
		}
		top = min(top, wire.MaxLayers-1)
	}
	if t.wanted && t.top == top {
		return w, false
	}
	if !t.wanted {
		if t.number, ok = t.ghost.end.peer.link.Attach(t); !ok {
			return w, false
		}
		t.asked.Store(uint32(t.number))
	}
	t.wanted, t.top = true, top
	return wire.Wanted{Channel: t.ghost.end.theirs, Number: t.number, Track: t.id, Top: top}, true
}

// unwant takes its number back and returns it. end.mu is held.
func (t *incoming) unwant() uint16 {
	t.wanted = false
	t.ghost.end.peer.link.Detach(t.number)
	return t.number
}

// needGhosts notes whom of other nodes s is near, and may hear.
func (m *mixer) needGhosts(in *Instance, s *session, now time.Time) {
	for i := range m.heard {
		if h := &m.heard[i]; h.session.ghost != nil {
			h.session.ghost.near(h.why.GainDB > silent && in.passes(h.session, s), now)
		}
	}
}

// watchGhosts notes whose pictures s is shown.
func (m *mixer) watchGhosts(live *roster, s *session, now time.Time) {
	if live.ghosts == 0 {
		return
	}
	m.shown = s.media.VideoState(m.shown)
	for i := range m.shown {
		p := m.shown[i].Publication
		if p == nil {
			continue
		}
		if other := live.byID[p.Participant()]; other != nil && other.ghost != nil {
			other.ghost.shown(p.Source(), now)
		}
	}
}
