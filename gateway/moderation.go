package gateway

import (
	"context"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// Moderation is what judging people needs of the node. A nil Journal means
// that nothing is judged.
type Moderation struct {
	Config  moderation.Config
	Journal *journal.Journal
	// Evidence keeps sound where there is reason; nil: none.
	Evidence moderation.Evidence
	// Sound is how evidence is played back; nil where there is none.
	Sound Sound
	// Tier1 and Tier2 are models that judge; without a name there is none.
	Tier1, Tier2 GuardModel
	// Classifier judges how voices sound; nil: only words count.
	Classifier moderation.Classifier
	// Policies are the files of policies by world; others follow the default.
	Policies map[string]string
	// Kept says where incidents are: memory or file.
	Kept string
}

// GuardModel is a model that judges, and how it wants to be asked.
type GuardModel struct {
	Model    string              `yaml:"model"`
	Template moderation.Template `yaml:"template"` // llama-guard-3, shieldgemma or chat
}

// Sound plays evidence back.
type Sound interface {
	// Ogg returns evidence as an Ogg Opus file. The access is recorded.
	Ogg(ctx context.Context, id, incident, moderator string, now time.Time) ([]byte, error)
	// Length returns how long evidence is, false where there is none any more.
	Length(id string) (time.Duration, bool)
	// Erase deletes all of a person and says how many pieces that were.
	Erase(ctx context.Context, who earshot.ParticipantID) (int, error)
}

// newPipeline makes the pipeline of a gateway.
func (g *Gateway) newPipeline() (*moderation.Pipeline, error) {
	d := &g.deps.Moderation
	if d.Journal == nil {
		return nil, nil
	}
	deps := moderation.Deps{
		Enforcer: (*enforcer)(g), Journal: d.Journal, Evidence: d.Evidence, Classifier: d.Classifier,
		Retract: g.retract, Release: g.release, Notify: g.notify, Log: g.log, Metrics: g.deps.Metrics,
	}
	if g.deps.Inference != nil && g.deps.NPCs.Hearing != nil {
		deps.Transcriber = (*listener)(g)
	}
	for _, tier := range []struct {
		model GuardModel
		into  *moderation.Guard
	}{{d.Tier1, &deps.Tier1}, {d.Tier2, &deps.Tier2}} {
		if tier.model.Model == "" || g.deps.Inference == nil {
			continue
		}
		guard, err := moderation.NewGuard(tier.model.Template, tier.model.Model, (*asker)(g), tier.into == &deps.Tier2)
		if err != nil {
			return nil, err
		}
		*tier.into = guard
	}
	return moderation.New(d.Config, deps)
}

// enforcer carries out what moderation decides, where the media flows.
type enforcer Gateway

var _ moderation.Enforcer = (*enforcer)(nil)

// Enforce implements moderation.Enforcer. Of what happens once only a kick is
// for us, and to end a session twice is to end it once.
func (e *enforcer) Enforce(_ context.Context, o moderation.Order) error {
	g := (*Gateway)(e)
	for _, in := range g.running() {
		if in.world == o.World {
			in.obey(o, time.Now())
		}
	}
	if g.fleet != nil && !o.Heard {
		g.work.Go(func() { g.fleet.decreed(o.World, o.Who) })
	}
	return nil
}

// sanctions are what is in force for a session. The instance's mu guards it.
type sanctions struct {
	muted, isolated bool
	slow            bool
	until           time.Time // of the mute or isolation; zero: until lifted
	lastSlow        time.Time // when a slowed participant last wrote
}

// slowEvery is how often a participant in slow mode may write.
const slowEvery = 20 * time.Second

func sanctionsOf(o *moderation.Order, now time.Time) (s sanctions) {
	if until, ok := o.Sanctioned(policy.Mute, now); ok {
		s.muted, s.until = true, until
	}
	if until, ok := o.Sanctioned(policy.Isolate, now); ok {
		s.muted, s.isolated, s.until = true, true, until
	}
	_, s.slow = o.Sanctioned(policy.Slow, now)
	return s
}

// obey puts an order in force for the session that it is about, if that is
// here. When it returns, no packet goes where it may not any more.
func (in *Instance) obey(o moderation.Order, now time.Time) {
	in.policy.Lock()
	in.obeyViewers(&o, now)
	in.mu.Lock()
	s := in.members[o.Who]
	if s == nil {
		in.mu.Unlock()
		in.policy.Unlock()
		return
	}
	in.sanction(s, sanctionsOf(&o, now))
	in.mu.Unlock()
	in.isolate(s)
	in.policy.Unlock()
	bye := &protocol.Bye{Code: earshot.CodePermissionDenied, Message: "moderation removed you: " + o.Statement.What}
	if _, out := o.Sanctioned(policy.Suspend, now); out {
		s.end(protocol.ReasonKicked, bye)
	}
	for _, a := range o.Acts {
		if a.Action == policy.Kick && now.Sub(o.At) < barFor { // not one from before a restart
			s.end(protocol.ReasonKicked, bye)
		}
	}
}

// sanction makes next hold for s. in.mu is held.
func (in *Instance) sanction(s *session, next sanctions) {
	before := s.sanctions
	next.lastSlow = before.lastSlow
	s.sanctions = next
	if before.muted != next.muted {
		s.moderated = next.muted
		in.silence(s, "moderator")
		if s.ghost != nil {
			s.ghost.moderate(next.muted)
		}
	}
}

// isolate closes or opens the way of everything between s and the others, as
// s.sanctions says. in.policy is held.
func (in *Instance) isolate(s *session) {
	in.mu.Lock()
	on := s.sanctions.isolated
	in.mu.Unlock()
	in.space.Isolate(s.participant, on)
	in.isolateTaped(s)
	for _, other := range in.live.Load().all {
		if other != s {
			in.part(s, other)
		}
	}
	in.span.isolate(s)
	if on {
		in.borders.withdraw(s)
	}
	in.denyViewers()
}

// standing puts what is in force into s before it can be seen or heard. An
// error means that it may not come in.
func (in *Instance) standing(s *session, now time.Time) error {
	p := in.g.pipeline
	if p == nil || s.resident != nil {
		return nil
	}
	o := p.Standing(in.world, s.participant)
	if until, out := o.Sanctioned(policy.Suspend, now); out {
		if until.IsZero() {
			return earshot.Errorf(earshot.CodePermissionDenied, "moderation suspended you from this world until further notice")
		}
		return earshot.Errorf(earshot.CodePermissionDenied, "moderation suspended you from this world until %s", until.UTC().Format(time.RFC3339))
	}
	s.sanctions = sanctionsOf(&o, now)
	s.moderated = s.sanctions.muted
	if mic := s.microphone(); mic != nil && s.moderated {
		mic.SetMuted(true)
	}
	return nil
}

// retract takes back a line that was delivered.
func (g *Gateway) retract(r moderation.Retraction) {
	for _, in := range g.running() {
		if in.id == r.Instance {
			in.mu.Lock()
			in.broadcast(&protocol.Retract{ID: r.Event})
			in.mu.Unlock()
			in.retractBeside(r.Event)
		}
	}
}

// release delivers a line that was held, if its author is still here.
func (g *Gateway) release(r moderation.Release) {
	if r.Event.Kind == policy.Persona {
		g.retryPersonas(r.Event.World)
		return
	}
	for _, in := range g.running() {
		if in.id != r.Event.Instance {
			continue
		}
		if s := in.live.Load().byID[r.Event.Who]; s != nil {
			l := written{id: r.Event.ID, text: r.Event.Text}
			if r.Masked != "" {
				l.text, l.masked = r.Masked, true
			}
			in.deliver(s, l, time.Now())
		}
	}
}

// notify tells a person what was decided about them.
func (g *Gateway) notify(n moderation.Notice) {
	if n.Cause == moderation.CauseReport {
		g.answer(n.Who, n.Report, n.Upheld, !n.Heard)
		return
	}
	msg := noticeOf(n)
	if msg == nil {
		return
	}
	if n.Cause == moderation.CauseAppeal && n.Upheld { // what is in force goes on
		ctx, cancel := g.brief()
		held := g.reminder(ctx, n.Incident, g.pipeline.Standing(n.World, n.Who).InForce, time.Now())
		cancel()
		msg.Sanctions = held.Sanctions
	}
	for _, in := range g.running() {
		if in.world != n.World {
			continue
		}
		if s := in.live.Load().byID[n.Who]; s != nil && s.resident == nil {
			s.send(msg)
		}
	}
}

func noticeOf(n moderation.Notice) *protocol.Order {
	if n.Pending {
		return nil // appealed answers an appeal
	}
	lifted := n.Cause == moderation.CauseUndone || n.Cause == moderation.CauseEnded || n.Cause == moderation.CauseAppeal && !n.Upheld
	msg := &protocol.Order{
		ID: n.Incident, Appeal: n.Appealable, Lifted: lifted,
		Statement: wireStatement(n.Statement),
	}
	if n.Cause == moderation.CauseDecision && n.Action != "" && n.Action != policy.None {
		msg.Sanctions = []protocol.Sanction{wireSanction(n.Action, n.Until)}
	}
	return msg
}

func (s *session) onReport(m *protocol.Report) error {
	p := s.in.g.pipeline
	if p == nil {
		return noModeration
	}
	if s.claims.Kind != KindPerson {
		return earshot.Errorf(earshot.CodePermissionDenied, "only a person can report somebody")
	}
	in, now := s.in, time.Now()
	r := moderation.Report{
		World: in.world, Instance: in.id, From: s.participant, Who: m.Participant, Category: categoryOf(m.Reason),
		Note: m.Text, Event: m.Event, Context: in.recent(), Since: s.claims.Since, At: now,
	}
	if other := in.live.Load().byID[m.Participant]; other != nil {
		r.Name = other.called()
	}
	return s.later(func(ctx context.Context) error {
		id, err := p.Report(ctx, r)
		if err == nil {
			s.send(&protocol.Reported{ID: id})
		}
		return err
	})
}

func categoryOf(reason string) policy.Category {
	if reason == protocol.ReportOther {
		return policy.Toxicity
	}
	return policy.Category(reason)
}

func (s *session) onAppeal(m *protocol.Appeal) error {
	p := s.in.g.pipeline
	if p == nil {
		return noModeration
	}
	return s.later(func(ctx context.Context) error {
		err := p.Appeal(ctx, moderation.Appeal{Incident: m.Order, Who: s.participant, Text: m.Text, At: time.Now()})
		if err == nil {
			s.send(&protocol.Appealed{Order: m.Order})
		}
		return err
	})
}

var noModeration = earshot.Errorf(earshot.CodeFailedPrecondition, "nothing is moderated on this server")

// later does what may wait for the disk away from the connection's goroutine,
// one thing at a time.
func (s *session) later(do func(context.Context) error) error {
	if !s.busy.CompareAndSwap(false, true) {
		return earshot.Errorf(earshot.CodeResourceExhausted, "one thing at a time: wait for the answer to the last")
	}
	s.in.g.work.Go(func() {
		defer s.busy.Store(false)
		ctx, cancel := s.in.g.brief()
		defer cancel()
		if err := do(ctx); err != nil {
			s.refuse("", err)
		}
	})
	return nil
}

// onRecordedModerate is what a moderator does in the world itself: it goes
// into the journal like what is done at the console.
func (s *session) onRecordedModerate(m *protocol.Moderate) error {
	in, p := s.in, s.in.g.pipeline
	other := in.live.Load().byID[m.Participant]
	if other == nil {
		return earshot.Errorf(earshot.CodeNotFound, "%s is not here", m.Participant)
	}
	by := s.claims.moderator()
	return s.later(func(ctx context.Context) error {
		if m.Action == protocol.ActionUnmute {
			err := s.in.g.lift(ctx, in.world, m.Participant, by, m.Reason)
			in.g.commons.written()
			return err
		}
		act := policy.Act{Action: policy.Mute}
		if m.Action == protocol.ActionKick {
			act.Action = policy.Kick
		}
		_, err := p.Act(ctx, moderation.Act{
			World: in.world, Instance: in.id, Who: m.Participant, Name: other.called(), Moderator: by, Action: act,
			Note: m.Reason, Context: in.recent(),
		})
		in.g.commons.written()
		return err
	})
}

// moderator names a moderator in the journal: by token, not by display name.
func (c *Claims) moderator() string { return string(c.Participant()) }

// lift undoes all that mutes or isolates a person.
func (g *Gateway) lift(ctx context.Context, world string, who earshot.ParticipantID, by, note string) error {
	done := map[string]bool{}
	o := g.pipeline.Standing(world, who)
	for _, s := range o.InForce {
		if (s.Action == policy.Mute || s.Action == policy.Isolate) && !done[s.Incident] {
			done[s.Incident] = true
			if err := g.pipeline.Undo(ctx, s.Incident, by, note); err != nil {
				return err
			}
		}
	}
	if len(done) == 0 {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "%s is not muted", who)
	}
	return nil
}
