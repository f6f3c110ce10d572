package gateway

import (
	"bytes"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence"
	"earshot/presence/pose"
	"earshot/sfu"
	"earshot/sfu/relay/wire"
)

// What this node says of its people.

// shared reports whether other nodes are told of s: as soon as others here see
// it, so that whom it blocks is known there first.
func (s *session) shared() bool {
	return s.ghost == nil && !s.hidden && s.opened.Load() && !s.ending.Load() &&
		(s.resident != nil || s.ready.Load() || !s.can(protocol.GrantSubscribe))
}

// describe tells of who came and of what changed. It holds in.mu too, so that
// what it says of somebody is not overtaken by an order about them.
func (e *end) describe(live *roster) {
	in := e.span.in
	in.mu.Lock()
	defer in.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	var joined []wire.Person
	blocks := 0
	for _, s := range live.all {
		if !s.shared() {
			continue
		}
		t := e.told[s.participant]
		flags, tracks := s.flags(), s.shareable()
		switch {
		case t == nil || t.session != s || t.tracks != len(tracks):
			joined = append(joined, e.person(s, flags, tracks))
			blocks += len(joined[len(joined)-1].Blocks)
			if len(joined) == wire.MaxPeople || blocks > wire.MaxBlocks { // within the length of a message
				e.say(&wire.Message{Joined: &wire.Joined{Channel: e.span.channel, People: joined}})
				joined, blocks = nil, 0
			}
		case t.flags != flags:
			t.flags = flags
			e.say(&wire.Message{State: &wire.State{Channel: e.span.channel, Participant: s.participant, Flags: flags}})
		}
	}
	if len(joined) > 0 {
		e.say(&wire.Message{Joined: &wire.Joined{Channel: e.span.channel, People: joined}})
	}
	for id, t := range e.told {
		if live.byID[id] != t.session {
			e.untell(id, t, protocol.ReasonLeft)
		}
	}
}

func (e *end) say(m *wire.Message) { e.peer.link.Send(m) }

// person describes s, and notes what was told. in.mu and e.mu are held.
func (e *end) person(s *session, flags wire.Flags, tracks []*sfu.Publication) wire.Person {
	in := e.span.in
	t := e.told[s.participant]
	if t == nil || t.session != s {
		t = &telling{session: s, index: s.index}
		e.told[s.participant] = t
	}
	t.flags, t.tracks = flags, len(tracks)
	p := wire.Person{
		ID: s.participant, Index: s.index, At: s.created.UnixMilli(), Name: s.called(), Kind: s.claims.Kind,
		NPC: s.resident != nil, Grants: s.claims.Grants[:min(len(s.claims.Grants), wire.MaxGrants)], Encrypted: s.encrypted,
		Stream: s.stream != nil, Blocks: in.space.Blocks(s.participant), Flags: flags,
	}
	if s.resident != nil {
		p.Of = s.resident.role.owner
	}
	for _, track := range tracks {
		p.Tracks = append(p.Tracks, wire.Track{ID: track.ID(), Source: track.Source(), Layers: max(1, len(track.Layers()))})
	}
	var g presence.Glance
	if in.space.Glance(s.participant, time.Now(), &g) {
		p.Pose = bytes.Clone(g.Snapshot())
	}
	return p
}

// flags is what changes about s. in.mu is held.
func (s *session) flags() wire.Flags {
	return wire.Flags{
		Muted: s.muted, Moderated: s.moderated, Isolated: s.sanctions.isolated, Camera: s.camera, Screen: s.screen,
	}
}

// shareable are the publications of s that another node may want.
func (s *session) shareable() (list []*sfu.Publication) {
	for _, source := range [...]string{sfu.SourceMicrophone, sfu.SourceCamera, sfu.SourceScreen} {
		if p := s.publication(source); p != nil {
			list = append(list, p)
		}
	}
	return list
}

// publication returns what s publishes of a source, nil for nothing.
func (s *session) publication(source string) *sfu.Publication {
	switch {
	case source == sfu.SourceMicrophone:
		return s.microphone()
	case s.media != nil:
		return s.media.Video(source)
	case s.ghost != nil:
		return s.ghost.publication(source)
	}
	return nil
}

// left tells the other nodes at once that s is gone. in.mu is held.
func (sp *span) left(s *session, reason string) {
	if sp == nil || s.ghost != nil {
		return
	}
	for _, e := range *sp.ends.Load() {
		e.mu.Lock()
		if t := e.told[s.participant]; t != nil && t.session == s {
			e.untell(s.participant, t, reason)
		}
		e.mu.Unlock()
	}
}

// untell takes back what was told of somebody. e.mu is held.
func (e *end) untell(id earshot.ParticipantID, t *telling, reason string) {
	delete(e.told, id)
	delete(e.looks, t.index)
	e.peer.link.StrikePoses(t.index)
	e.say(&wire.Message{Left: &wire.Left{Channel: e.span.channel, Participant: id, Reason: reason}})
}

// poses sends where our people are.
func (e *end) poses(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, t := range e.told {
		if t.held == 0 && !e.closed && e.span.in.space.Glance(id, now, &e.glance) {
			e.pose(t, &e.glance, now)
		}
	}
}

// pose sends where somebody is: whole where they are looked at there, else the
// root, ten times a second at most. e.mu is held.
func (e *end) pose(t *telling, g *presence.Glance, now time.Time) {
	p := wire.Pose{Channel: e.span.channel, Index: t.index, Age: g.Age, Payload: g.Snapshot()}
	if _, whole := e.looks[t.index]; whole {
		if g.Version == t.version {
			return
		}
		t.version = g.Version
		t.seq++
		p.Seq = t.seq
		e.peer.link.Pose(&p, wire.KindPose)
		return
	}
	since := now.Sub(t.rooted)
	if since < rootEvery {
		return
	}
	var buffer [pose.RootBytes]byte
	root := pose.AppendRoot(buffer[:0], p.Payload)
	if bytes.Equal(root, t.root) && since < rootAnyway {
		return
	}
	t.rooted, t.root = now, append(t.root[:0], root...)
	t.version = 0 // who looks again gets the whole pose at once
	t.seq++
	p.Seq, p.Payload = t.seq, root
	e.peer.link.Pose(&p, wire.KindRoot)
}

// onLook takes down of whom the other node needs whole poses.
func (e *end) onLook(m *wire.Look) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, index := range m.At {
		if len(e.looks) < presence.MaxCapacity {
			e.looks[index] = struct{}{}
		}
	}
	for _, index := range m.Off {
		delete(e.looks, index)
	}
}

// onEvict ends the session of one of ours: they were removed on the other node,
// or came in there later.
func (e *end) onEvict(m *wire.Evict) {
	if e == nil {
		return
	}
	in := e.span.in
	in.mu.Lock()
	s := in.members[m.Participant]
	if s != nil && (s.ghost != nil || s.created.UnixMilli() > m.At) {
		s = nil
	}
	if s != nil && m.Reason == protocol.ReasonKicked {
		in.barred[m.Participant] = time.Now().Add(barFor)
	}
	in.mu.Unlock()
	if s != nil {
		s.end(m.Reason, &protocol.Bye{Code: m.Code, Message: m.Message})
	}
}

// onModerate mutes or unmutes one of ours as a moderator on the other node says.
func (e *end) onModerate(m *wire.Moderate) {
	if e == nil {
		return
	}
	in := e.span.in
	in.mu.Lock()
	defer in.mu.Unlock()
	s := in.members[m.Participant]
	if s == nil || s.ghost != nil {
		return
	}
	s.moderated = m.Action == protocol.ActionMute
	in.silence(s, "moderator")
}
