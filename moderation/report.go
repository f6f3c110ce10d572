package moderation

import (
	"context"
	"slices"
	"time"

	"earshot"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// Report is what somebody says of somebody. Blocks and personal mutes are not
// reports and never come here.
type Report struct {
	World    string                `json:"world"`
	Instance earshot.InstanceID    `json:"instance,omitempty"`
	From     earshot.ParticipantID `json:"from"`
	Who      earshot.ParticipantID `json:"who"`
	Name     string                `json:"name,omitempty"` // of Who, as seen by From
	Category policy.Category       `json:"category,omitempty"`
	Note     string                `json:"note,omitempty"`  // at most 500 bytes are kept
	Event    earshot.EventID       `json:"event,omitempty"` // what it is about, if a text
	Context  []Line                `json:"context,omitempty"`
	// Since is when the account of From was made, as far as the token says;
	// zero: not known, which counts as new.
	Since time.Time `json:"since,omitzero"`
	// Group says which reporters may be one and the same: the same network, the
	// same party. "" is a group of its own.
	Group string    `json:"group,omitempty"`
	At    time.Time `json:"at"`
}

// How reports are bounded.
const (
	maxNote        = 500 // bytes
	reportsAnHour  = 20  // of one person, whatever about
	keepEvery      = 30 * time.Second
	maxInstances   = 1024
	hotInstance    = 3 // times what raises attention to one person
	newcomers      = "new accounts"
	maxReportsEach = 256
)

// Report takes what somebody says of somebody and returns its id. It raises
// attention: from a weight on, which policy gives, more of what the person says
// is judged, by lower thresholds, and a moderator is asked. It never punishes.
// New accounts count as one group, so that a crowd of them weighs no more than
// a group does. Errors are invalid_argument, already_exists for a second report
// within the window, resource_exhausted for too many, and unavailable.
func (p *Pipeline) Report(ctx context.Context, r Report) (id string, err error) {
	now := time.Now()
	if r.From == "" || r.Who == "" || r.From == r.Who || r.World == "" || r.Category != "" && !slices.Contains(policy.Categories(), r.Category) {
		return p.refuseReport(earshot.CodeInvalidArgument, "a report needs a world, somebody else whom it is about, and a category that exists")
	}
	history, err := p.journal.Reporter(ctx, r.From)
	if err != nil {
		return "", err
	}
	pol, s := p.Policy(r.World), subject{r.World, r.Who}
	by := policy.Reporter{
		Who: r.From, At: now, Since: r.Since, Confirmed: history.Confirmed, Rejected: history.Rejected, Group: r.Group,
	}
	if r.Since.IsZero() || now.Sub(r.Since) < time.Duration(pol.Spec.Reports.NewAccount) {
		by.Group = newcomers
	}
	t, err := p.tally(pol, s, r, by, now)
	if err != nil {
		p.m.reports.WithLabelValues("refused").Inc()
		return "", err
	}
	select {
	case err = <-t.result:
	case <-ctx.Done():
		err = earshot.Errorf(earshot.CodeDeadlineExceeded, "the report is not recorded yet, and will be")
	}
	p.m.reports.WithLabelValues("taken").Inc()
	return t.id, err
}

func (p *Pipeline) refuseReport(code earshot.Code, why string) (string, error) {
	p.m.reports.WithLabelValues("refused").Inc()
	return "", earshot.Errorf(code, "%s", why)
}

// taken is a report on its way into the journal.
type taken struct {
	id     string
	result chan error
}

// tally counts a report and has it written: with the incident that gathers
// reports about this person, which is put before a moderator once they weigh
// enough.
func (p *Pipeline) tally(pol *policy.Policy, s subject, r Report, by policy.Reporter, now time.Time) (taken, error) {
	window := time.Duration(pol.Spec.Reports.Window)
	ps := p.people
	ps.mu.Lock()
	defer ps.mu.Unlock()
	q := ps.get(s, now, p.load)
	q.reports = recent(q.reports, window, now)
	switch {
	case slices.ContainsFunc(q.reports, func(o policy.Reporter) bool { return o.Who == r.From }):
		return taken{}, earshot.Errorf(earshot.CodeAlreadyExists, "you have reported this person: it is looked at")
	case len(q.reports) >= maxReportsEach:
		return taken{}, earshot.Errorf(earshot.CodeResourceExhausted, "there are many reports about this person already: it is looked at")
	case !ps.mayReport(r.From, now):
		return taken{}, earshot.Errorf(earshot.CodeResourceExhausted, "that were %d reports within an hour: wait a while, or write to a moderator", reportsAnHour)
	case !p.writes.room(s):
		p.m.refused.WithLabelValues("reports").Inc()
		return taken{}, earshot.Errorf(earshot.CodeUnavailable, "too much waits to be recorded: try again in a moment")
	}
	q.reports = append(q.reports, by)
	ps.heat(r.Instance, by, window, now)
	first := q.reported == "" || now.Sub(q.since) > window
	if first {
		q.reported, q.since, q.review = journal.NewIncidentID(), now, false
	}
	sig := policy.Signal{Kind: policy.Report, Source: policy.ByReport, Reporters: pol.Weigh(q.reports, now), At: now}
	if r.Category != "" {
		sig.Scores = policy.Scores{r.Category: 1}
	}
	d := pol.Decide(sig, q.record, now)
	revise := d.Review && !q.review && !first
	q.review = d.Review
	in := journal.Incident{
		Incident: policy.Incident{
			ID: q.reported, World: r.World, Instance: r.Instance, Who: r.Who, Policy: pol.Spec.Name, At: now,
			Signal: sig, Record: *q.record, Decision: d,
		},
		Event: r.Event, Name: clipBytes(r.Name, journal.MaxName), Context: linesOf(tidyContext(r.Context)),
	}
	rep := journal.Report{
		ID: newID("re_"), World: r.World, Instance: r.Instance, About: r.Who, By: r.From, Category: r.Category,
		Weight: pol.Weigh([]policy.Reporter{by}, now), Incident: in.ID, Text: clipBytes(r.Note, maxNote), At: now,
	}
	sound := now.Sub(q.kept) >= keepEvery
	if sound {
		q.kept = now
	}
	t := taken{rep.ID, make(chan error, 1)}
	p.writes.add(s, func(run context.Context) {
		keep := context.WithoutCancel(run)
		t.result <- p.write(run, s, func() error { return p.writeReport(keep, s, in, rep, first, revise, sound) })
	})
	return t, nil
}

// writeReport may be tried again: what is there already is no error then.
func (p *Pipeline) writeReport(ctx context.Context, s subject, in journal.Incident, rep journal.Report, first, revise, sound bool) error {
	var evidence []string
	if sound {
		evidence = p.keep(ctx, s, in.ID)
	}
	var err error
	switch {
	case first:
		in.Evidence = evidence
		err = p.journal.Decide(ctx, &in)
	case revise || len(evidence) > 0:
		err = p.journal.Revise(ctx, &journal.Revision{Incident: in.ID, At: in.At, Signal: in.Signal, Decision: in.Decision, Evidence: evidence})
	}
	if earshot.CodeOf(err) == earshot.CodeFailedPrecondition { // it has been judged: what comes now is new
		in.ID, in.Evidence = journal.NewIncidentID(), evidence
		rep.Incident = in.ID
		if err = p.journal.Decide(ctx, &in); err == nil {
			p.people.mu.Lock()
			if q := p.people.known[s]; q != nil {
				q.reported, q.since = in.ID, in.At
			}
			p.people.mu.Unlock()
		}
	}
	if err != nil && earshot.CodeOf(err) != earshot.CodeAlreadyExists {
		return err
	}
	if err = p.journal.Report(ctx, &rep); earshot.CodeOf(err) == earshot.CodeAlreadyExists {
		return nil
	}
	return err
}

// mayReport counts the reports somebody makes. The caller holds mu.
func (ps *people) mayReport(who earshot.ParticipantID, now time.Time) bool {
	if len(ps.makers) >= maxPeople {
		for other, at := range ps.makers {
			if len(at) == 0 || now.Sub(at[len(at)-1]) > time.Hour {
				delete(ps.makers, other)
			}
		}
	}
	made := slices.DeleteFunc(ps.makers[who], func(at time.Time) bool { return now.Sub(at) > time.Hour })
	if len(made) >= reportsAnHour || len(ps.makers) >= maxPeople {
		ps.makers[who] = made
		return false
	}
	ps.makers[who] = append(made, now)
	return true
}

// heat counts a report for the instance it came from. The caller holds mu.
func (ps *people) heat(in earshot.InstanceID, by policy.Reporter, window time.Duration, now time.Time) {
	if in == "" {
		return
	}
	if _, known := ps.instances[in]; !known && len(ps.instances) >= maxInstances {
		for other, list := range ps.instances {
			if len(recent(list, window, now)) == 0 {
				delete(ps.instances, other)
			}
		}
		if len(ps.instances) >= maxInstances {
			return
		}
	}
	list := recent(ps.instances[in], window, now)
	ps.instances[in] = append(list[max(0, len(list)-maxReportsEach+1):], by)
}

// recent leaves out reports that do not count any more.
func recent(list []policy.Reporter, window time.Duration, now time.Time) []policy.Reporter {
	return slices.DeleteFunc(list, func(r policy.Reporter) bool { return now.Sub(r.At) > window })
}

// reporters is the weight of the reports about a person. In an instance from
// which many people report others it is at least what raises attention.
func (p *Pipeline) reporters(pol *policy.Policy, s subject, in earshot.InstanceID, now time.Time) float64 {
	p.people.mu.Lock()
	defer p.people.mu.Unlock()
	weight := 0.0
	if q := p.people.known[s]; q != nil && len(q.reports) > 0 {
		weight = pol.Weigh(q.reports, now)
	}
	raise := pol.Spec.Reports.RaiseAt
	if list := p.people.instances[in]; weight < raise && len(list) > 0 && pol.Weigh(list, now) >= hotInstance*raise {
		weight = raise
	}
	return weight
}

// watched reports whether more of what somebody says should be listened to.
func (p *Pipeline) watched(s subject, in earshot.InstanceID, now time.Time) bool {
	pol := p.Policy(s.world)
	raise := pol.Spec.Reports.RaiseAt
	return raise > 0 && p.reporters(pol, s, in, now) >= raise
}
