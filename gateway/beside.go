package gateway

import (
	"encoding/json"
	"slices"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/presence/cluster"
	"earshot/spatialaudio/zone"
)

// While the people of an instance go over, to another node or another instance,
// some are on one side, some on the other and most on both. What is said in text
// on one side is passed on to the other with a list of who has had it, and goes
// there to everybody else whom it concerns: so whoever is on either has it once.
// Between nodes it travels in order and is sent until it was heard (cluster.Tell).
// Media need none of this: a client on both has both (decision 31).

// side is where else those are who are with somebody.
type side struct {
	node     earshot.NodeID
	instance earshot.InstanceID
}

// beside is a line said on one side, for the other. It is what nodes tell each
// other, as JSON.
type beside struct {
	Instance earshot.InstanceID      `json:"in"`          // for whom it is
	From     earshot.ParticipantID   `json:"from"`        // who says it
	Name     string                  `json:"name"`        // as others see it
	At       earshot.Vec3            `json:"at"`          // where they stand, m
	Within   uint64                  `json:"w,omitempty"` // in which zones: zone.Mask
	Blocks   []earshot.ParticipantID `json:"b,omitempty"` // whom they block
	Told     []earshot.ParticipantID `json:"t,omitempty"` // who has had it

	ID         earshot.EventID `json:"id"`
	Text       string          `json:"text,omitempty"`
	Masked     bool            `json:"m,omitempty"`
	Unverified bool            `json:"u,omitempty"`
	Retracted  bool            `json:"r,omitempty"` // the line of this ID is taken back
}

// sides are where else those are who are with s: where s has gone on, or comes
// from, while both connections last; and what else there is of the instance while
// it changes its node.
func (in *Instance) sides(s *session, now time.Time) (list []side) {
	if to := s.wentTo.Load(); to != nil {
		return []side{*to}
	}
	if from := s.cameFrom.Load(); from != nil && now.Before(from.until) {
		list = append(list, from.side)
	}
	f := in.g.fleet
	if f == nil || in.g.cfg.Cluster.spans(in.world) {
		return list
	}
	for _, node := range f.Shares(in.id) {
		if other := (side{node, in.id}); !slices.Contains(list, other) {
			list = append(list, other)
		}
	}
	return list
}

// origin is where somebody comes from whose connection to there goes on.
type origin struct {
	side
	until time.Time
}

// passOn brings a line to the other sides, which told do not need to have again.
func (in *Instance) passOn(s *session, list []side, line *written, told []earshot.ParticipantID) {
	pose, ok := in.space.Pose(s.participant)
	if !ok || !in.space.Apparent(s.participant) {
		return
	}
	b := beside{
		From: s.participant, Name: s.called(), At: pose.Root, Within: uint64(s.within()), Blocks: in.space.Blocks(s.participant), Told: told,
		ID: line.id, Text: line.text, Masked: line.masked, Unverified: line.unverified,
	}
	in.g.passOn(list, b)
}

// passOn has a line delivered on other sides. One too large to be told, since its
// author blocks a thousand people, is not: better unheard than heard by them.
func (g *Gateway) passOn(list []side, b beside) {
	for _, to := range list {
		b.Instance = to.instance
		if g.fleet == nil || to.node == g.fleet.ID() {
			g.hearBeside(&b)
			continue
		}
		data, err := json.Marshal(&b)
		if err == nil {
			err = g.fleet.Tell(to.node, data)
		}
		if err != nil {
			g.log.Warn("a line of chat does not reach those who have gone over", "instance", to.instance, "error", err)
		}
	}
}

// told takes in what another node says.
func (f *fleet) told(e *cluster.Event) {
	var b beside
	if err := json.Unmarshal(e.Payload, &b); err != nil || !b.sane() {
		f.g.log.Warn("another node says what this one does not understand: all nodes must run the same release", "node", e.Node)
		return
	}
	f.g.hearBeside(&b)
}

// sane reports whether b is within the bounds of what clients may say.
func (b *beside) sane() bool {
	return worldOf(b.Instance) != "" && (b.Retracted || b.From.Valid()) && len(b.Text) <= 4*protocol.MaxChatRunes && b.At.Finite()
}

// hearBeside delivers a line of the other side to whom it concerns here and who
// has not had it.
func (g *Gateway) hearBeside(b *beside) {
	in := g.instanceHere(b.Instance)
	if in == nil {
		return
	}
	now := time.Now()
	if b.Retracted {
		in.mu.Lock()
		in.broadcast(&protocol.Retract{ID: b.ID})
		in.mu.Unlock()
		return
	}
	data := protocol.Encode(&protocol.Chat{
		ID: b.ID, From: b.From, Name: b.Name, Text: b.Text, At: in.g.serverTime(now), Masked: b.Masked, Unverified: b.Unverified,
	})
	live := in.live.Load()
	author := live.byID[b.From]
	for _, s := range live.all {
		switch {
		case s == author || s.over.Load() || slices.Contains(b.Told, s.participant) || !in.concerns(b, s):
		case s.ghost != nil:
		case s.resident != nil: // of another's copy of the world, while its author is not here
			if author != nil {
				s.resident.actor.Hear(now, b.From, b.Name, b.Text)
			}
		case s.ready.Load():
			s.sendBytes(data)
		}
	}
	if g.pipeline != nil {
		in.noteSaid(moderation.Line{Who: b.From, Name: b.Name, Text: b.Text, At: now})
	}
}

// concerns reports whether s would hear a line that was said here.
func (in *Instance) concerns(b *beside, s *session) bool {
	pose, ok := in.space.Pose(s.participant)
	if !ok || float64(pose.Root.Distance(b.At)) > in.cfg.Load().ChatRange {
		return false
	}
	in.mu.Lock()
	isolated := s.sanctions.isolated
	in.mu.Unlock()
	return !isolated && !slices.Contains(b.Blocks, s.participant) && !in.space.Shuns(s.participant, b.From) &&
		in.zones.Load().Reaches(zone.Mask(b.Within), s.within())
}

// retractBeside takes a line back on all other sides of an instance.
func (in *Instance) retractBeside(id earshot.EventID) {
	now := time.Now()
	var list []side
	for _, s := range in.live.Load().all {
		for _, to := range in.sides(s, now) {
			if !slices.Contains(list, to) {
				list = append(list, to)
			}
		}
	}
	if len(list) > 0 {
		in.g.passOn(list, beside{ID: id, Retracted: true})
	}
}
