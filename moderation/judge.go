package moderation

import (
	"context"
	"time"

	"earshot"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// Appeal is a person's objection to what was done to them.
type Appeal struct {
	Incident string                `json:"incident"`
	Who      earshot.ParticipantID `json:"who"`
	Text     string                `json:"text"` // at most 2000 bytes are kept
	At       time.Time             `json:"at"`
}

// Judgement is a moderator's decision of an incident, or of an appeal.
type Judgement struct {
	Incident  string
	Moderator string         // who decides, as the token names them
	Verdict   policy.Verdict // of the decision so far
	// Actions are what holds in the end, for TooHarsh and TooMild: they take the
	// place of what was done.
	Actions []policy.Act
	Note    string // for the next moderator
	// Appeal: this answers the appeal. A moderator who judged the incident
	// before is refused.
	Appeal bool
}

// Act is what a moderator does to somebody of their own accord.
type Act struct {
	World     string
	Instance  earshot.InstanceID
	Who       earshot.ParticipantID
	Name      string
	Moderator string
	Action    policy.Act
	Category  policy.Category
	Note      string // facts, for the record
	Context   []Line
	Age       policy.Age
	Language  string
}

// Judge carries out a moderator's decision of an incident or an appeal. It
// returns when the decision is in the journal. Errors are *earshot.Error:
// not_found, failed_precondition where there is nothing to decide,
// permission_denied for an appeal against one's own decision, unavailable.
func (p *Pipeline) Judge(ctx context.Context, j Judgement) error {
	for _, a := range j.Actions {
		if a.Action.Rank() < 1 || a.For < 0 {
			return earshot.Errorf(earshot.CodeInvalidArgument, "actions: %q is no action", a.Action)
		}
	}
	if len(j.Actions) > maxActions || len(j.Actions) > 0 && j.Verdict != policy.TooHarsh && j.Verdict != policy.TooMild {
		return earshot.Errorf(earshot.CodeInvalidArgument, "actions: at most %d, with the verdict too_harsh or too_mild: they take the place of what was done", maxActions)
	}
	item, err := p.journal.Item(ctx, j.Incident)
	if err != nil {
		return err
	}
	now, s := time.Now(), subject{item.World, item.Who}
	g := journal.Judgement{
		Judgement: policy.Judgement{Verdict: j.Verdict, By: j.Moderator, At: now, Appeal: j.Appeal, Actions: j.Actions},
		Incident:  j.Incident, Note: j.Note,
	}
	if j.Verdict != policy.Right {
		g.Order = p.instead(&item, j.Actions, now)
	}
	err = p.commit(ctx, s, func(keep context.Context) error { return p.journal.Judge(keep, &g) })
	if err != nil {
		return err
	}
	p.follow(s, g.Order)
	p.told(&item, j)
	return nil
}

const maxActions = 8

// Undo takes back all that an incident did to a person, its strike too.
func (p *Pipeline) Undo(ctx context.Context, incident, moderator, note string) error {
	item, err := p.journal.Item(ctx, incident)
	if err != nil {
		return err
	}
	now, s := time.Now(), subject{item.World, item.Who}
	u := journal.Undo{Incident: incident, By: moderator, Note: note, At: now, Order: p.instead(&item, nil, now)}
	if err := p.commit(ctx, s, func(keep context.Context) error { return p.journal.Undo(keep, &u) }); err != nil {
		return err
	}
	p.follow(s, u.Order)
	p.told(&item, Judgement{Incident: incident, Verdict: policy.Wrong})
	return nil
}

// instead is the order that ends what an incident did, and does acts.
func (p *Pipeline) instead(item *journal.Item, acts []policy.Act, now time.Time) *journal.Order {
	if item.Who == "" {
		return nil
	}
	o := &journal.Order{ID: journal.NewOrderID(), Incident: item.ID, World: item.World, Who: item.Who, Lift: true, At: now}
	if len(acts) > 0 {
		sig, d := item.Now()
		o.Acts = acts
		o.Statement = p.Policy(item.World).Impose(d.Category, acts, sig, p.record(subject{item.World, item.Who}), now).Statement
	}
	return o
}

// told lets those concerned know what a moderator decided, and the others have
// a text that was held for nothing.
func (p *Pipeline) told(item *journal.Item, j Judgement) {
	n := Notice{Who: item.Who, World: item.World, Incident: item.ID, Cause: CauseUndone, Upheld: j.Verdict == policy.Right}
	if j.Appeal {
		n.Cause = CauseAppeal
		s := subject{item.World, item.Who}
		n.Statement.What = p.Policy(item.World).AppealAnswer(n.Upheld, p.record(s))
	}
	if item.Who != "" && (j.Appeal || j.Verdict == policy.Wrong || j.Verdict == policy.TooHarsh) {
		p.notify(n)
	}
	if !j.Appeal && first(item) { // what follows on an appeal is the other's business
		p.tellReporters(item, j.Verdict != policy.Wrong)
	}
	m := p.held.of(item.Event)
	_, masks := (&policy.Decision{Actions: j.Actions}).Has(policy.Mask)
	switch {
	case j.Verdict == policy.Wrong && m != nil:
		m.mu.Lock()
		m.held, m.passed = false, true
		m.mu.Unlock()
		p.release(m, "")
	case j.Verdict == policy.TooMild && masks && item.Event != "" && p.deps.Retract != nil && item.Signal.Kind != policy.Voice:
		p.m.retracted.Inc()
		p.deps.Retract(Retraction{Event: item.Event, World: item.World, Instance: item.Instance, Who: item.Who})
	}
}

// first reports whether nobody has decided about an incident yet.
func first(item *journal.Item) bool { return len(item.Judgements) == 0 && item.Undo == nil }

// tellReporters says to those who reported whether they were right, and nothing
// else.
func (p *Pipeline) tellReporters(item *journal.Item, upheld bool) {
	told := map[earshot.ParticipantID]bool{}
	for _, r := range item.Reports {
		if r.By != "" && !told[r.By] {
			told[r.By] = true
			p.notify(Notice{Who: r.By, World: item.World, Cause: CauseReport, Report: r.ID, Upheld: upheld, Heard: r.Heard})
		}
	}
}

// Act is an action of a moderator of their own accord. It returns the incident
// that records it when that is in the journal; the action follows at once.
func (p *Pipeline) Act(ctx context.Context, a Act) (incident string, err error) {
	personal := a.Action.Action.Rank() > 0 && a.Action.Action != policy.Hold && (a.Action.Action != policy.Mask || a.Action.For > 0)
	if !personal || a.Action.For < 0 || a.Who == "" || a.World == "" || a.Moderator == "" {
		return "", earshot.Errorf(earshot.CodeInvalidArgument, "an act needs a world, a person, a moderator and one of nudge, mask for a time, slow, mute, isolate, kick, suspend")
	}
	now, s, pol := time.Now(), subject{a.World, a.Who}, p.Policy(a.World)
	sig := policy.Signal{Kind: policy.Report, Source: policy.ByModerator, At: now}
	if a.Category != "" {
		sig.Scores = policy.Scores{a.Category: 1}
	}
	before := *p.record(s)
	before.Age, before.Language = a.Age, a.Language
	d := pol.Impose(a.Category, []policy.Act{a.Action}, sig, &before, now)
	in := journal.Incident{
		Incident: policy.Incident{
			ID: journal.NewIncidentID(), World: a.World, Instance: a.Instance, Who: a.Who, Policy: pol.Spec.Name, At: now,
			Signal: sig, Record: before, Decision: d, Text: a.Note,
		},
		By: a.Moderator, Name: clipBytes(a.Name, journal.MaxName), Context: linesOf(tidyContext(a.Context)),
	}
	in.Order = orderOf(&in, d.Actions, now)
	if err := p.commit(ctx, s, func(keep context.Context) error {
		in.Evidence = p.keep(keep, s, in.ID)
		return p.journal.Decide(keep, &in)
	}); err != nil {
		return "", err
	}
	p.m.incidents.WithLabelValues(string(policy.ByModerator)).Inc()
	p.follow(s, in.Order)
	return in.ID, nil
}

// Appeal takes a person's objection to an incident about them, once, within the
// time that the policy gives. Errors are *earshot.Error as of Judge.
func (p *Pipeline) Appeal(ctx context.Context, a Appeal) error {
	item, err := p.journal.Item(ctx, a.Incident)
	if err != nil {
		return err
	}
	now, s := time.Now(), subject{item.World, a.Who}
	within := time.Duration(p.Policy(item.World).Spec.Appeals.Within)
	if _, d := item.Now(); len(d.Actions) == 0 && d.Strike == nil && len(item.Judgements) == 0 {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "nothing was done about %s: there is nothing to appeal", a.Incident)
	}
	if within > 0 && now.Sub(item.At) > within {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "the time to appeal, %v, is over", within)
	}
	if err := p.commit(ctx, s, func(keep context.Context) error {
		return p.journal.Appeal(keep, journal.Appeal{Incident: a.Incident, Who: a.Who, Text: clipBytes(a.Text, 2000), At: now})
	}); err != nil {
		return err
	}
	if p.deps.Evidence != nil && len(item.Evidence) > 0 {
		if err := p.deps.Evidence.Appealed(ctx, item.Evidence, now); err != nil {
			p.log.Warn("evidence of an appeal is not kept longer", "incident", a.Incident, "err", err)
		}
	}
	p.notify(Notice{Who: a.Who, World: item.World, Incident: a.Incident, Cause: CauseAppeal, Pending: true})
	return nil
}

// record is a person's, with what is on its way to the journal.
func (p *Pipeline) record(s subject) *policy.Record {
	p.people.mu.Lock()
	defer p.people.mu.Unlock()
	return p.people.get(s, time.Now(), p.load).record
}

// commit has the journal take something in its turn after what is on its way
// about the same person, and waits for it.
func (p *Pipeline) commit(ctx context.Context, s subject, do func(keep context.Context) error) error {
	if p.ended() {
		return errEnded
	}
	result := make(chan error, 1)
	added := p.writes.add(s, func(run context.Context) {
		keep := context.WithoutCancel(run)
		result <- p.write(run, s, func() error { return do(keep) })
	})
	if !added {
		p.m.refused.WithLabelValues("decisions").Inc()
		return earshot.Errorf(earshot.CodeUnavailable, "too much waits to be recorded: try again in a moment")
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return earshot.Errorf(earshot.CodeDeadlineExceeded, "it is not recorded yet, and will be: look again before you repeat it")
	}
}
