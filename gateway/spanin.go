package gateway

import (
	"slices"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/pose"
	"earshot/sfu/relay/wire"
)

// What the other nodes say of their people.

// onJoined lets ghosts in, and takes down what is new about those who are.
func (e *end) onJoined(m *wire.Joined) {
	if e == nil {
		return
	}
	for i := range m.People {
		p := &m.People[i]
		in := e.span.in
		in.mu.Lock()
		old := in.members[p.ID]
		in.mu.Unlock()
		switch {
		case old == nil:
			e.join(p)
		case old.ghost != nil && old.ghost.end == e && old.ghost.at == p.At:
			e.add(old.ghost, p.Tracks)
			e.onState(&wire.State{Participant: p.ID, Flags: p.Flags})
		case e.later(p, old):
			old.end(protocol.ReasonReplaced, &protocol.Bye{Code: earshot.CodeAborted, Message: "you joined from somewhere else"})
			e.join(p)
		default:
			e.say(&wire.Message{Evict: &wire.Evict{
				Channel: e.theirs, Participant: p.ID, At: p.At, Reason: protocol.ReasonReplaced, Code: earshot.CodeAborted,
				Message: "you joined from somewhere else",
			}})
		}
	}
}

// later reports whether somebody came in there after they came in here, or as
// another session there. Both nodes decide alike.
func (e *end) later(p *wire.Person, old *session) bool {
	at, node := old.created.UnixMilli(), e.span.c.cfg.Node
	if old.ghost != nil {
		at, node = old.ghost.at, old.ghost.end.peer.link.Peer()
		if old.ghost.end == e {
			return true
		}
	}
	return p.At > at || p.At == at && e.peer.link.Peer() > node
}

// join lets one in, parted from whom they may not meet before anybody can see or
// hear them.
func (e *end) join(p *wire.Person) {
	in := e.span.in
	now := time.Now()
	at, err := pose.DecodeSnapshot(p.Pose)
	if err != nil {
		e.span.c.log.Warn("a node told of somebody without a pose", "peer", e.peer.link.Peer())
		return
	}
	gh := newGhost(e, p, now)
	s := gh.session
	in.g.names.learn(s.participant, s.called())
	in.policy.Lock()
	defer in.policy.Unlock()
	index, err := in.stand(s.participant, at, now)
	if err != nil {
		e.span.c.log.Warn("somebody of another node has no place here", "peer", e.peer.link.Peer(), "error", err)
		return
	}
	for _, other := range p.Blocks {
		_ = in.space.Block(s.participant, other, true) // room was made on their node
	}
	for _, other := range in.live.Load().all {
		in.part(s, other)
	}
	in.space.Isolate(s.participant, p.Isolated)
	in.wall(s)
	if !e.enter(gh) {
		in.space.Leave(s.participant)
		gh.Close()
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	s.index = index
	s.opened.Store(true)
	in.members[s.participant] = s
	in.rebuild()
	in.broadcastSoon(&protocol.Joined{Participants: []protocol.Participant{s.describe()}})
	in.space.Show(s.participant)
}

// newGhost makes the session of somebody who is on another node.
func newGhost(e *end, p *wire.Person, now time.Time) *ghost {
	claims := &Claims{Name: p.Name, Kind: p.Kind, Grants: p.Grants, Expires: now}
	s := newSession(e.span.in, claims, time.UnixMilli(p.At))
	s.participant, s.encrypted = p.ID, p.Encrypted
	s.muted, s.moderated, s.camera, s.screen = p.Muted, p.Moderated, p.Camera, p.Screen
	s.sanctions.isolated = p.Isolated
	gh := &ghost{end: e, session: s, index: p.Index, at: p.At, of: p.Of, performer: p.Stream}
	s.ghost, s.line = gh, gh
	s.ready.Store(true)
	tracks := []*incoming{}
	gh.tracks.Store(&tracks)
	e.add(gh, p.Tracks)
	gh.follow()
	return gh
}

// enter makes a ghost known by its index; false where the end has closed.
func (e *end) enter(gh *ghost) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	next := map[uint16]*ghost{gh.index: gh}
	for index, other := range *e.ghosts.Load() {
		if index != gh.index {
			next[index] = other
		}
	}
	e.ghosts.Store(&next)
	return true
}

// add adds the publications that are not known yet.
func (e *end) add(gh *ghost, tracks []wire.Track) {
	all := slices.Clone(*gh.tracks.Load())
	for i := range tracks {
		if !slices.ContainsFunc(all, func(t *incoming) bool { return t.id == tracks[i].ID }) {
			all = append(all, newIncoming(gh, &tracks[i]))
		}
	}
	gh.tracks.Store(&all)
}

// follow opens and closes what they publish as their session says. in.mu is held
// once they are a member.
func (gh *ghost) follow() {
	s := gh.session
	if mic := gh.publication(string(protocol.SourceMicrophone)); mic != nil {
		mic.SetMuted(s.muted || s.moderated || s.hushed)
	}
	for source, on := range map[protocol.Source]bool{protocol.SourceCamera: s.camera, protocol.SourceScreen: s.screen} {
		if p := gh.publication(string(source)); p != nil {
			p.SetActive(on)
		}
	}
}

// ghost returns somebody of the other node, nil for one who is not.
func (e *end) ghost(id earshot.ParticipantID) *ghost {
	if e == nil {
		return nil
	}
	s := e.span.in.live.Load().byID[id]
	if s == nil || s.ghost == nil || s.ghost.end != e {
		return nil
	}
	return s.ghost
}

func (e *end) onLeft(m *wire.Left) {
	if gh := e.ghost(m.Participant); gh != nil {
		gh.vanish(m.Reason)
	}
}

// onState makes what changed about somebody hold here.
func (e *end) onState(m *wire.State) {
	gh := e.ghost(m.Participant)
	if gh == nil {
		return
	}
	in, s := e.span.in, gh.session
	in.policy.Lock()
	defer in.policy.Unlock()
	in.mu.Lock()
	was, f := s.flags(), m.Flags
	s.muted, s.moderated, s.camera, s.screen, s.sanctions.isolated = f.Muted, f.Moderated, f.Camera, f.Screen, f.Isolated
	if was.Moderated != f.Moderated {
		in.silence(s, "moderator")
	} else if was.Muted != f.Muted {
		in.silence(s, "self")
	}
	gh.follow()
	for source, changed := range map[protocol.Source]bool{protocol.SourceCamera: was.Camera != f.Camera, protocol.SourceScreen: was.Screen != f.Screen} {
		if changed {
			p := gh.publication(string(source))
			in.broadcast(&protocol.Published{Participant: s.participant, Source: source, Active: p != nil && p.Active()})
		}
	}
	in.mu.Unlock()
	if was.Isolated != f.Isolated {
		in.isolate(s)
		gh.forget()
	}
}

// forget takes back what was asked for of theirs: their node has ended it.
func (gh *ghost) forget() {
	gh.end.mu.Lock()
	defer gh.end.mu.Unlock()
	gh.seen.Store(0)
	for _, t := range *gh.tracks.Load() {
		t.needed.Store(0)
		if t.wanted {
			gh.end.say(&wire.Message{Want: &wire.Want{Drop: []uint16{t.unwant()}}})
		}
	}
}

// onPose moves a ghost.
func (e *end) onPose(kind wire.Kind, p *wire.Pose, clock uint32, now time.Time) {
	gh := (*e.ghosts.Load())[p.Index]
	if gh == nil {
		return
	}
	id := gh.session.participant
	if kind == wire.KindRoot { // one that is malformed or of one who just left is dropped
		_ = e.span.in.space.EchoRoot(id, p.Seq, clock, p.Age, p.Payload, now)
		return
	}
	_ = e.span.in.space.Echo(id, p.Seq, clock, p.Age, p.Payload, now)
}

// onClock takes the clock of an encoding of a video.
func (p *peer) onClock(m *wire.Clock) {
	p.mu.Lock()
	ends := make([]*end, 0, len(p.ends))
	for _, e := range p.ends {
		ends = append(ends, e)
	}
	p.mu.Unlock()
	for _, e := range ends {
		for _, gh := range *e.ghosts.Load() {
			for _, t := range *gh.tracks.Load() {
				if t.asked.Load() == uint32(m.Number) && t.remote.Publication().Video() {
					t.remote.SetClock(m.Layer, m.NTP, m.RTP)
				}
			}
		}
	}
}

// ask tells the other node what is needed here of its people, and what no more.
func (e *end) ask(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	var want wire.Want
	look := wire.Look{Channel: e.theirs}
	for index, gh := range *e.ghosts.Load() {
		if near := now.UnixNano() < gh.seen.Load(); near != gh.looking && len(look.At)+len(look.Off) < wire.MaxWants {
			gh.looking = near
			if near {
				look.At = append(look.At, index)
			} else {
				look.Off = append(look.Off, index)
			}
		}
		for _, t := range *gh.tracks.Load() {
			t.ask(&want, now)
		}
	}
	if len(want.Add)+len(want.Drop) > 0 {
		e.say(&wire.Message{Want: &want})
	}
	if len(look.At)+len(look.Off) > 0 {
		e.say(&wire.Message{Look: &look})
	}
}

// ask adds to want what changed about one publication. end.mu is held.
func (t *incoming) ask(want *wire.Want, now time.Time) {
	if len(want.Add)+len(want.Drop) >= wire.MaxWants {
		return // the next time
	}
	if now.UnixNano() >= t.needed.Load() {
		if t.wanted {
			want.Drop = append(want.Drop, t.unwant())
		}
		return
	}
	if w, changed := t.want(now); changed {
		want.Add = append(want.Add, w)
	}
	if t.remote.Publication().Video() {
		t.remote.Refresh(now)
	}
}
