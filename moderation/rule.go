package moderation

import (
	"context"
	"time"

	"earshot"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// ruling is a decision on its way into the journal.
type ruling struct {
	decision policy.Decision
	refused  bool            // there was no room to record it: nothing was decided
	durable  <-chan struct{} // closed when it is in the journal, or need not be
}

// preview is what would be decided now, in the place of an incident if that is
// not "".
func (p *Pipeline) preview(pol *policy.Policy, s subject, incident string, sig policy.Signal) policy.Decision {
	now := time.Now()
	p.people.mu.Lock()
	defer p.people.mu.Unlock()
	q := p.people.get(s, now, p.load)
	return pol.Decide(sig, q.record.Without(incident), now)
}

// rule decides about a matter, counts it in the person's record at once and has
// it written and carried out. What an earlier tier decided about the matter is
// replaced. The caller holds m.mu.
func (p *Pipeline) rule(pol *policy.Policy, m *matter, sig policy.Signal) ruling {
	now, s := time.Now(), m.subject()
	p.people.mu.Lock()
	defer p.people.mu.Unlock()
	q := p.people.get(s, now, p.load)
	q.describe(m.event.Age, m.event.Language)
	before := q.record.Without(m.incident)
	d := pol.Decide(sig, before, now)
	if !notable(&d) && m.incident == "" {
		return ruling{decision: d, durable: p.nothing}
	}
	if !p.writes.room(s) {
		p.m.refused.WithLabelValues("decisions").Inc()
		return ruling{decision: d, refused: true, durable: p.nothing}
	}
	known := m.incident != ""
	if !known {
		m.incident = journal.NewIncidentID()
	}
	p.people.set(s, q, before.With(d, m.incident, now))
	in := p.incident(pol, m, sig, before, d, now)
	done := make(chan struct{})
	p.writes.add(s, func(ctx ctx) {
		defer close(done)
		keep := context.WithoutCancel(ctx) // a decision is written also while the node goes down
		if m.event.Kind == policy.Voice && !known {
			in.Evidence = p.keep(keep, s, in.ID)
		}
		err := p.write(ctx, s, func() error {
			if known {
				return p.journal.Revise(keep, &journal.Revision{
					Incident: in.ID, At: now, Signal: sig, Decision: d, Order: in.Order,
				})
			}
			return p.journal.Decide(keep, &in)
		})
		if err != nil {
			return
		}
		p.follow(s, in.Order)
		if in.Order == nil && len(d.Actions) > 0 {
			p.notify(p.noticeOf(&in))
		}
	})
	p.m.incidents.WithLabelValues(string(sig.Source)).Inc()
	return ruling{decision: d, durable: done}
}

// notable says whether a decision is recorded.
func notable(d *policy.Decision) bool {
	return len(d.Actions) > 0 || d.Strike != nil || d.Review
}

// incident is what goes into the journal about a matter.
func (p *Pipeline) incident(pol *policy.Policy, m *matter, sig policy.Signal, before *policy.Record, d policy.Decision, now time.Time) journal.Incident {
	e := &m.event
	in := journal.Incident{
		Incident: policy.Incident{
			ID: m.incident, World: e.World, Instance: e.Instance, Who: e.Who, Policy: pol.Spec.Name, At: now,
			Signal: sig, Record: *before, Decision: d, Text: clipBytes(e.Text, journal.MaxText),
		},
		Event: e.ID, Name: e.Name, Context: linesOf(e.Context),
	}
	in.Order = orderOf(&in, d.Actions, now)
	return in
}

// orderOf is the order that a decision means; nil where it concerns only the
// text.
func orderOf(in *journal.Incident, acts []policy.Act, now time.Time) *journal.Order {
	var personal []policy.Act
	for _, a := range acts {
		switch {
		case a.Action == policy.Hold, a.Action == policy.None, a.Action == policy.Mask && a.For == 0:
		default:
			personal = append(personal, a)
		}
	}
	if len(personal) == 0 {
		return nil
	}
	return &journal.Order{
		ID: journal.NewOrderID(), Incident: in.ID, World: in.World, Who: in.Who, Acts: personal, At: now,
		Statement: in.Decision.Statement,
	}
}

func linesOf(lines []Line) []journal.Line {
	out := make([]journal.Line, len(lines))
	for i, l := range lines {
		out[i] = journal.Line(l)
		if !l.Who.Valid() {
			out[i].Who = "" // an NPC, which the journal does not know as a person
		}
	}
	return out
}

func (m *matter) subject() subject { return subject{m.event.World, m.event.Who} }

// newID returns a random id of 80 bits.
func newID(prefix string) string { return prefix + string(earshot.NewEventID())[len("ev_"):] }
