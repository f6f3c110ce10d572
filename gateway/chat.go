package gateway

import (
	"context"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/moderation/policy"
	"earshot/sfu/relay/wire"
)

const (
	maxWritten = 8  // lines of one participant that wait to be judged
	maxRecent  = 20 // lines of an instance kept as context for those who judge
)

// written is a line of text chat.
type written struct {
	id                 earshot.EventID
	text               string
	masked, unverified bool
}

func (s *session) onChat(m *protocol.SendChat, now time.Time) error {
	if !s.can(protocol.GrantChat) {
		return missing(protocol.GrantChat)
	}
	if s.can(protocol.GrantSubscribe) && !s.ready.Load() {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "send ready, with those you block, before chat")
	}
	if !s.allow(&s.chats, now) {
		return earshot.Errorf(earshot.CodeResourceExhausted, "chat takes one line a second; this one was not delivered")
	}
	if err := s.in.mayWrite(s, now); err != nil {
		return err
	}
	line := written{id: earshot.NewEventID(), text: m.Text}
	if s.in.g.pipeline == nil {
		s.in.deliver(s, line, now)
		return nil
	}
	return s.judge(line)
}

// mayWrite holds what moderation decided against one who writes.
func (in *Instance) mayWrite(s *session, now time.Time) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch held := &s.sanctions; {
	case held.muted && held.until.IsZero():
		return earshot.Errorf(earshot.CodePermissionDenied, "moderation muted you until further notice; this line was not delivered")
	case held.muted:
		return earshot.Errorf(earshot.CodePermissionDenied, "moderation muted you until %s; this line was not delivered", held.until.UTC().Format(time.RFC3339))
	case held.slow && now.Sub(held.lastSlow) < slowEvery:
		return earshot.Errorf(earshot.CodeResourceExhausted, "you are in slow mode: one line in %d seconds; this one was not delivered", int(slowEvery.Seconds()))
	case held.slow:
		held.lastSlow = now
	}
	return nil
}

// judge has a line judged, away from the connection's goroutine, and delivered
// if it may be. Lines of one participant stay in order.
func (s *session) judge(line written) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) >= maxWritten {
		return earshot.Errorf(earshot.CodeResourceExhausted, "too many lines wait to be judged; this one was not delivered")
	}
	if s.lines = append(s.lines, line); len(s.lines) > 1 {
		return nil // whoever judges the one before goes on with it
	}
	s.in.g.work.Go(func() {
		for {
			s.mu.Lock()
			next := s.lines[0]
			s.mu.Unlock()
			s.in.judged(s, next)
			s.mu.Lock()
			s.lines = s.lines[1:]
			empty := len(s.lines) == 0
			s.mu.Unlock()
			if empty {
				return
			}
		}
	})
	return nil
}

// judged delivers a line as moderation wants it.
func (in *Instance) judged(s *session, line written) {
	now := time.Now()
	v, err := in.g.pipeline.Text(context.Background(), moderation.Event{ // answers within its own limit
		ID: line.id, Kind: policy.Chat, World: in.world, Instance: in.id, Who: s.participant, Name: s.called(),
		Text: line.text, Context: in.recent(), At: now,
	})
	if err != nil {
		s.refuse("", err)
		return
	}
	in.remember(s, line.text, now)
	line.unverified = v.Unverified
	if v.Masked != "" {
		line.text, line.masked = v.Masked, true
	}
	if !v.Pass {
		s.refuse("", earshot.Errorf(earshot.CodePermissionDenied, "your line waits for a moderator and was not delivered yet"))
		return
	}
	in.deliver(s, line, now)
}

// mayLeaveWord holds what tier 0 finds in what somebody has their stand-in say.
func (in *Instance) mayLeaveWord(text string) error {
	if in.g.pipeline == nil {
		return nil
	}
	if shown, ok := in.g.pipeline.Screen(in.world)(text); !ok || shown != text {
		return earshot.Errorf(earshot.CodePermissionDenied, "moderation does not let your stand-in say that: put it another way")
	}
	return nil
}

// deliver sends a line to those in range, and to its author.
func (in *Instance) deliver(from *session, line written, now time.Time) {
	data := protocol.Encode(&protocol.Chat{
		ID: line.id, From: from.participant, Name: from.called(), Text: line.text, At: in.g.serverTime(now),
		Masked: line.masked, Unverified: line.unverified,
	})
	live, sides := in.live.Load(), in.sides(from, now)
	var away []*session
	told := []earshot.ParticipantID{from.participant}
	for _, id := range in.space.Within(from.participant, in.cfg.Load().ChatRange, nil) {
		switch s := live.byID[id]; {
		case s == nil || !in.passes(from, s):
		case s.ghost != nil:
			away = append(away, s)
		case s.resident != nil:
			if !handed(from, s) {
				s.resident.actor.Hear(now, from.participant, from.called(), line.text)
			}
		case s.ready.Load():
			s.sendBytes(data)
			told = append(told, id)
		}
	}
	if len(sides) > 0 {
		in.passOn(from, sides, &line, told)
	}
	in.carry(from, away, wire.Tell{Data: data, Chat: line.text, Uttered: true})
	from.sendBytes(data)
}

// remember keeps a line as context for what is judged next.
func (in *Instance) remember(s *session, text string, now time.Time) {
	in.noteSaid(moderation.Line{Who: s.participant, Name: s.called(), Text: text, At: now})
}

func (in *Instance) noteSaid(line moderation.Line) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.said) == maxRecent {
		in.said = append(in.said[:0], in.said[1:]...)
	}
	in.said = append(in.said, line)
}

func (in *Instance) recent() []moderation.Line {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]moderation.Line(nil), in.said...)
}

// named returns the name that others may see of somebody. A name is a word or
// two, of which a model says little: only what tier 0 is sure of counts.
func (in *Instance) named(c *Claims) string {
	p := in.g.pipeline
	if p == nil || c.Kind != KindPerson && c.Kind != protocol.KindStream {
		return c.Name
	}
	if shown, ok := p.Screen(in.world)(c.Name); ok && shown == c.Name {
		return c.Name
	}
	_, err := p.Text(context.Background(), moderation.Event{
		ID: earshot.NewEventID(), Kind: policy.Name, World: in.world, Instance: in.id, Who: c.Participant(),
		Name: c.Name, Text: c.Name, At: time.Now(),
	})
	if err != nil {
		in.g.log.Warn("a name could not be recorded", "err", err)
	}
	return "Guest"
}
