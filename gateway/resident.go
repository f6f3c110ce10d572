package gateway

import (
	"context"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/npc"
	"earshot/sfu"
	"earshot/sfu/relay/wire"
)

// maxTapped is how many talkers an NPC follows at once, as many as an sfu.Tap
// takes.
const maxTapped = 8

// resident is an NPC in an instance: the body of an npc.Actor. For the others
// it is a participant like any; its session has no connection.
type resident struct {
	in      *Instance
	session *session
	actor   *npc.Actor
	source  *sfu.Source   // its voice
	ears    *sfu.Tap      // nil where nobody transcribes
	role    *role         // that it came as: id, owner and place stay
	ended   chan struct{} // closed when the session does
	once    sync.Once

	version int // of the role that it plays; guarded by the instance's populating

	// state is what was last told of it. The instance's mu guards it.
	state protocol.NPC
}

var (
	_ npc.Body = (*resident)(nil)
	_ line     = (*resident)(nil)
)

// SendControl implements line: what others are told by messages, an NPC is
// told by calls of its actor.
func (r *resident) SendControl([]byte) error { return nil }

// SendPose implements line: the actor sees by npc.Actor.See.
func (r *resident) SendPose([]byte) bool { return false }

// Close implements line.
func (r *resident) Close() {
	r.once.Do(func() {
		close(r.ended)
		r.source.Close()
		if r.ears != nil {
			r.ears.Close()
		}
	})
}

// Move implements npc.Body.
func (r *resident) Move(p earshot.Pose) { r.in.space.Move(r.session.participant, p, time.Now()) }

// Voice implements npc.Body.
func (r *resident) Voice(opus []byte, level int8) {
	now := time.Now()
	r.source.Write(opus, level, now)
}

// Caption implements npc.Body.
func (r *resident) Caption(c npc.Caption) { r.caption(c, false) }

// caption tells those in earshot what it says. unverified: a model should have
// judged some of it, and has not in time.
func (r *resident) caption(c npc.Caption, unverified bool) {
	w := r.in.cfg.Load()
	r.in.utter(r.session, w.Voice.Range, &protocol.Caption{
		Participant: r.session.participant, ID: c.ID, To: c.To, Text: c.Text, Final: c.Final, Interrupted: c.Interrupted,
		Source: c.Source, Degraded: c.Degraded, Reason: c.Reason, Unverified: unverified,
	})
}

// Perform implements npc.Body.
func (r *resident) Perform(d npc.Deed) {
	w := r.in.cfg.Load()
	r.in.tell(r.session, w.ViewRange, &protocol.Act{
		Participant: r.session.participant, Name: d.Name, Kind: d.Kind, Args: d.Args, To: d.To,
	})
}

// State implements npc.Body.
func (r *resident) State(s npc.ActorState) {
	in := r.in
	next := protocol.NPC{
		Participant: r.session.participant, State: s.State, Speaks: s.Speaks.With, Reason: s.Speaks.Reason,
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if next == r.state {
		return
	}
	r.state = next
	if in.members[r.session.participant] == r.session {
		in.broadcast(&next)
	}
}

// hear is called by the tap with each packet of somebody audible.
func (r *resident) hear(p *sfu.Publication, seq uint16, timestamp uint32, opus []byte) {
	r.actor.Listen(p.Participant(), seq, timestamp, opus)
}

// lose makes the NPC forget that id is here.
func (r *resident) lose(id earshot.ParticipantID) {
	r.actor.Lose(id)
}

// deny opens or closes the way of media and words between the NPC and other.
func (r *resident) deny(other earshot.ParticipantID, on bool) {
	if r.ears != nil {
		r.ears.Deny(other, on)
	}
	if on {
		r.actor.Lose(other)
	}
}

// tell sends msg to those within metres of s, who are ready and not blocked.
func (in *Instance) tell(s *session, metres float64, msg protocol.ServerMessage) {
	data := protocol.Encode(msg)
	live := in.live.Load()
	var away []*session
	for _, id := range in.space.Within(s.participant, metres, nil) {
		switch other := live.byID[id]; {
		case other == nil || !other.ready.Load():
		case other.ghost != nil:
			away = append(away, other)
		default:
			other.sendBytes(data)
		}
	}
	in.carry(s, away, wire.Tell{Data: data})
}

// install lets an NPC in. It ends with ctx of the instance, or by remove.
func (in *Instance) install(r *role, at earshot.Pose) (*resident, error) {
	now := time.Now()
	s := newSession(in, r.claims(), now)
	res := &resident{in: in, session: s, role: r, version: r.Version, ended: make(chan struct{})}
	s.resident, s.line = res, res
	res.source = in.g.deps.SFU.NewSource(s.participant)
	actor, err := in.g.newActor(r, in, res)
	if err != nil {
		res.Close()
		return nil, err
	}
	res.actor = actor
	if in.g.deps.NPCs.Hearing != nil {
		res.ears = in.g.deps.SFU.NewTap(res.hear)
	}
	res.state = protocol.NPC{Participant: s.participant, State: protocol.StateIdle, Speaks: actor.Speaks().With, Reason: actor.Speaks().Reason}
	if err := in.settle(s, at, now); err != nil {
		res.Close()
		return nil, err
	}
	in.g.work.Go(res.live)
	return res, nil
}

// live runs the actor until the session ends.
func (r *resident) live() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-r.ended
		cancel()
	}()
	if err := r.actor.Run(ctx); err != nil {
		r.in.g.log.Error("an NPC broke down", "instance", r.in.id, "npc", r.role.id, "err", err)
		r.session.end(protocol.ReasonLost, nil)
	}
	r.Close()
}

// depopulate takes all NPCs out, for good.
func (in *Instance) depopulate() {
	in.populating.Lock()
	defer in.populating.Unlock()
	in.stopped = true
	for id, r := range in.residents {
		r.session.end(protocol.ReasonShutdown, nil)
		delete(in.residents, id)
	}
	for owner, r := range in.standIns {
		r.session.end(protocol.ReasonShutdown, nil)
		delete(in.standIns, owner)
	}
}

// settle makes the session of an NPC a member, blocked from whom it may not
// meet before anybody can see or hear it.
func (in *Instance) settle(s *session, at earshot.Pose, now time.Time) error {
	owner := s.resident.role.owner
	in.policy.Lock()
	defer in.policy.Unlock()
	index, err := in.stand(s.participant, at, now)
	if err != nil {
		return err
	}
	for _, other := range in.live.Load().all {
		if owner != "" && in.space.Blocked(owner, other.participant) {
			_ = in.space.Block(s.participant, other.participant, true) // a fresh participant has room for blocks
		}
		in.part(s, other)
	}
	in.wall(s)
	in.mu.Lock()
	defer in.mu.Unlock()
	s.index = index
	s.opened.Store(true)
	in.members[s.participant] = s
	in.rebuild()
	in.broadcast(&protocol.Joined{Participants: []protocol.Participant{s.describe()}})
	in.broadcast(&s.resident.state)
	in.space.Attend(s.participant)
	in.tape(s)
	return nil
}
