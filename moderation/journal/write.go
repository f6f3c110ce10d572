package journal

import (
	"context"
	"errors"
	"slices"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// Decide writes an incident and, if it has one, the order to be carried out.
// It fills in what is missing: the ids, the severity. Errors are already_exists
// for an id that is there, invalid_argument, unavailable where it could not be
// written: then it is not there, and may be written again.
func (j *Journal) Decide(ctx context.Context, in *Incident) error {
	if in.ID == "" {
		in.ID = NewIncidentID()
	}
	if in.Severity == 0 {
		in.Severity = SeverityOf(in.Signal, in.Decision)
	}
	err := errors.Join(checkID("id", in.ID), checkAt("at", in.At))
	touches := []string{in.ID}
	if in.Who != "" {
		err = errors.Join(err, checkWho("who", in.Who))
	}
	for _, l := range in.Context[max(0, len(in.Context)-MaxContext):] {
		if l.Who != "" {
			err = errors.Join(err, checkWho("context.who", l.Who))
		}
		touches = append(touches, string(l.Who))
	}
	if err := errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	return j.commit(&request{
		touches: append(touches, orderTouches(in.Order, string(in.Who))...),
		plan: func(p *plan) (*entry, error) {
			if p.j.state.items[in.ID] != nil {
				return nil, earshot.Errorf(earshot.CodeAlreadyExists, "there is an incident %s already", in.ID)
			}
			who, until := p.alias(in.Who), p.until(nil, in.At)
			c := *in
			c.Text, c.Name, c.Context, c.Who, c.Judgement = "", "", nil, who.alias(), nil
			c.Record = *bounded(&in.Record)
			var err error
			if c.Order, err = p.order(in.Order, in.ID, in.World); err != nil {
				return nil, err
			}
			err = errors.Join(
				p.seal(who, keyID{}, in.ID, until, in.Name, in.Text),
				p.context(in.Context, who, in.ID, until))
			return &entry{Incident: &c, Parts: p.parts}, err
		},
	})
}

// Revise writes what a later tier decided about an incident. Errors are
// not_found, failed_precondition where a person has judged it already, and
// those of Decide.
func (j *Journal) Revise(ctx context.Context, r *Revision) error {
	if r.Severity == 0 {
		r.Severity = SeverityOf(r.Signal, r.Decision)
	}
	if err := errors.Join(checkAt("at", r.At), ctx.Err()); err != nil {
		return err
	}
	return j.commit(&request{
		touches: orderTouches(r.Order, r.Incident, j.whoOf(r.Incident)),
		plan: func(p *plan) (*entry, error) {
			it, err := p.about(r.Incident)
			if err != nil {
				return nil, err
			}
			if len(it.judged) > 0 || it.undone {
				return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "a moderator has decided about %s: no tier changes that", r.Incident)
			}
			c := *r
			c.Order, err = p.order(r.Order, r.Incident, it.world)
			return &entry{Revision: &c}, err
		},
	})
}

// Order writes an order that belongs to no incident, such as the end of
// something in force.
func (j *Journal) Order(ctx context.Context, o *Order) error {
	if err := errors.Join(checkAt("at", o.At), ctx.Err()); err != nil {
		return err
	}
	return j.commit(&request{
		touches: orderTouches(o),
		plan: func(p *plan) (*entry, error) {
			c, err := p.order(o, o.Incident, o.World)
			return &entry{Order: c}, err
		},
	})
}

// Applied writes that an order was carried out. For one that is no longer
// open it does nothing; one that never was is not_found.
func (j *Journal) Applied(ctx context.Context, a Applied) error {
	if err := errors.Join(checkAt("at", a.At), ctx.Err()); err != nil {
		return err
	}
	a.GivenUp = cut(a.GivenUp, MaxText)
	return j.commit(&request{
		touches: []string{a.Order},
		plan: func(p *plan) (*entry, error) {
			o, known := p.j.state.orders[a.Order]
			switch {
			case !known:
				return nil, earshot.Errorf(earshot.CodeNotFound, "there is no order %.40q", a.Order)
			case !o.open:
				return nil, nil
			}
			return &entry{Applied: &a}, nil
		},
	})
}

// Report writes a report. It fills in the id. Errors are already_exists,
// not_found where it names an incident that is not there, and those of Decide.
func (j *Journal) Report(ctx context.Context, r *Report) error {
	if r.ID == "" {
		r.ID = newID("re_")
	}
	err := errors.Join(checkID("id", r.ID), checkWho("about", r.About), checkWho("by", r.By), checkAt("at", r.At), ctx.Err())
	touches := []string{r.ID, r.Incident, string(r.About), string(r.By)}
	for _, l := range r.Context[max(0, len(r.Context)-MaxContext):] {
		if l.Who != "" {
			err = errors.Join(err, checkWho("context.who", l.Who))
		}
		touches = append(touches, string(l.Who))
	}
	if err != nil {
		return err
	}
	return j.commit(&request{
		touches: touches,
		plan: func(p *plan) (*entry, error) {
			group, until := r.ID, p.until(nil, r.At)
			if r.Incident != "" {
				it, err := p.about(r.Incident)
				if err != nil {
					return nil, err
				}
				group, until = r.Incident, p.until(it, r.At)
			}
			if _, known := p.j.state.reports[r.ID]; known {
				return nil, earshot.Errorf(earshot.CodeAlreadyExists, "there is a report %s already", r.ID)
			}
			c := *r
			by, about := p.alias(r.By), p.alias(r.About)
			c.Text, c.Name, c.Context, c.By, c.About = "", "", nil, by.alias(), about.alias()
			err := errors.Join(
				p.seal(by, about, group, until, r.Name, r.Text),
				p.context(r.Context, about, group, until))
			return &entry{Report: &c, Parts: p.parts}, err
		},
	})
}

// Appeal writes an appeal; what belongs to the incident is kept longer from
// then on. Errors are not_found, permission_denied for somebody else's
// incident, already_exists for a second one.
func (j *Journal) Appeal(ctx context.Context, a Appeal) error {
	if err := errors.Join(checkWho("who", a.Who), checkAt("at", a.At), ctx.Err()); err != nil {
		return err
	}
	until := a.At.Add(j.cfg.Appealed)
	return j.commit(&request{
		touches: []string{a.Incident, string(a.Who)},
		plan: func(p *plan) (*entry, error) {
			it, err := p.about(a.Incident)
			if err != nil {
				return nil, err
			}
			who := p.alias(a.Who)
			switch {
			case it.who != who:
				return nil, earshot.Errorf(earshot.CodePermissionDenied, "the incident %s is not about you", a.Incident)
			case !it.appealed.IsZero():
				return nil, earshot.Errorf(earshot.CodeAlreadyExists, "there is an appeal about %s already", a.Incident)
			}
			c := a
			c.Text, c.Who = "", who.alias()
			err = p.seal(who, keyID{}, a.Incident, until, "", a.Text)
			return &entry{Appeal: &c, Parts: p.parts}, err
		},
		after: func() error { return j.ring.extend(groupOf(a.Incident), until) },
	})
}

// Judge writes what a moderator found. Errors are not_found,
// failed_precondition where there is no open appeal to decide or the incident
// was undone, permission_denied for a moderator who decides an appeal against
// their own decision.
func (j *Journal) Judge(ctx context.Context, g *Judgement) error {
	err := errors.Join(checkID("by", g.By), checkAt("at", g.At), ctx.Err())
	if !slices.Contains([]policy.Verdict{policy.Right, policy.Wrong, policy.TooHarsh, policy.TooMild}, g.Verdict) {
		err = errors.Join(err, earshot.Errorf(earshot.CodeInvalidArgument, "verdict: %.20q is none of right, wrong, too_harsh, too_mild", g.Verdict))
	}
	if err != nil {
		return err
	}
	return j.commit(&request{
		touches: orderTouches(g.Order, g.Incident, j.whoOf(g.Incident)),
		plan: func(p *plan) (*entry, error) {
			it, err := p.about(g.Incident)
			if err == nil {
				err = it.mayJudge(&g.Judgement)
			}
			if err != nil {
				return nil, err
			}
			c := *g
			c.Note = ""
			if c.Order, err = p.order(g.Order, g.Incident, it.world); err != nil {
				return nil, err
			}
			err = p.seal(it.who, keyID{}, g.Incident, p.until(it, g.At), "", g.Note)
			return &entry{Judgement: &c, Parts: p.parts}, err
		},
	})
}

func (it *item) mayJudge(g *policy.Judgement) error {
	switch {
	case it.undone && !g.Appeal:
		return earshot.Errorf(earshot.CodeFailedPrecondition, "%s was undone: there is nothing left to judge", it.id)
	case g.Appeal && !it.appealOpen():
		return earshot.Errorf(earshot.CodeFailedPrecondition, "there is no open appeal about %s", it.id)
	case !g.Appeal && it.appealOpen():
		return earshot.Errorf(earshot.CodeFailedPrecondition, "%s is under appeal: decide that", it.id)
	}
	if g.Appeal && (it.by == g.By || it.undoneBy == g.By || slices.ContainsFunc(it.judged, func(b policy.Judgement) bool { return b.By == g.By })) {
		return earshot.Errorf(earshot.CodePermissionDenied, "an appeal is decided by somebody else: %.64s decided about %s before", g.By, it.id)
	}
	return nil
}

// Undo writes that all an incident did is taken back. Errors are not_found and
// failed_precondition for one that was undone already.
func (j *Journal) Undo(ctx context.Context, u *Undo) error {
	if err := errors.Join(checkID("by", u.By), checkAt("at", u.At), ctx.Err()); err != nil {
		return err
	}
	return j.commit(&request{
		touches: orderTouches(u.Order, u.Incident, j.whoOf(u.Incident)),
		plan: func(p *plan) (*entry, error) {
			it, err := p.about(u.Incident)
			if err != nil {
				return nil, err
			}
			if it.undone {
				return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "%s was undone already", u.Incident)
			}
			c := *u
			c.Note = ""
			if c.Order, err = p.order(u.Order, u.Incident, it.world); err != nil {
				return nil, err
			}
			err = p.seal(it.who, keyID{}, u.Incident, p.until(it, u.At), "", u.Note)
			return &entry{Undo: &c, Parts: p.parts}, err
		},
	})
}

// Accessed writes that somebody looked at evidence. It comes before what was
// asked for is shown.
func (j *Journal) Accessed(ctx context.Context, a Access) error {
	if err := errors.Join(checkID("by", a.By), checkAt("at", a.At), ctx.Err()); err != nil {
		return err
	}
	a.Purpose = cut(a.Purpose, MaxName)
	return j.commit(&request{plan: func(*plan) (*entry, error) { return &entry{Access: &a}, nil }})
}

// orderTouches adds what an order depends on.
func orderTouches(o *Order, touches ...string) []string {
	if o != nil {
		touches = append(touches, string(o.Who))
		if o.ID != "" {
			touches = append(touches, o.ID)
		}
	}
	return slices.DeleteFunc(touches, func(t string) bool { return t == "" })
}

// whoOf returns who an incident is about.
func (j *Journal) whoOf(incident string) string {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if it := j.state.items[incident]; it != nil {
		return string(j.ring.name(it.who.alias()))
	}
	return ""
}

// Erase forgets a person: nobody can read any more what they said, what was
// said about them, nor, once nothing is in force against them, who they were.
// Strikes no longer count; what is in force stays until it ends or is lifted.
// It returns how many encrypted parts became unreadable.
func (j *Journal) Erase(ctx context.Context, who earshot.ParticipantID, by string, at time.Time) (parts int, err error) {
	return j.erase(ctx, who, by, at, nil)
}

// erase is Erase; said is the word of another node on which it is done.
func (j *Journal) erase(ctx context.Context, who earshot.ParticipantID, by string, at time.Time, said *heard) (parts int, err error) {
	if err := errors.Join(checkWho("who", who), checkID("by", by), checkAt("at", at), ctx.Err()); err != nil {
		return 0, err
	}
	var alias keyID
	err = j.commit(&request{
		alone: true,
		plan: func(p *plan) (*entry, error) {
			var known bool
			if alias, known = j.ring.person(who); !known && said == nil {
				return nil, nil
			}
			return &entry{Erasure: &erasure{Who: alias.alias(), By: by, At: at}, Heard: said}, nil
		},
		after: func() error {
			keys := j.ownKeys(&erasure{Who: alias.alias()})
			parts = len(keys)
			if !j.state.held(alias, at) {
				keys = append(keys, alias)
			}
			return j.ring.destroy(keys)
		},
	})
	return parts, err
}

// Sweep destroys what has been kept for its time. Call it every hour or so. It
// returns how many encrypted parts became unreadable.
func (j *Journal) Sweep(ctx context.Context, now time.Time) (parts int, err error) {
	if err := errors.Join(checkAt("now", now), ctx.Err()); err != nil {
		return 0, err
	}
	var gone []keyID
	err = j.commit(&request{
		alone: true,
		plan: func(p *plan) (*entry, error) {
			j.mu.Lock()
			j.state.forget(now)
			j.mu.Unlock()
			due := j.ring.due(now)
			gone = append(due, j.strangers(due, now)...)
			parts = len(due)
			if len(gone) == 0 {
				return nil, nil
			}
			return &entry{Shredding: &shredding{At: now, Keys: len(due), People: len(gone) - len(due)}}, nil
		},
		after: func() error { return j.ring.destroy(gone) },
	})
	return parts, err
}

// strangers returns the people who need no name any longer: nothing they said
// can be read once the keys that are due are gone, nothing is in force, and
// they were erased or nothing was written about them for long.
func (j *Journal) strangers(due []keyID, now time.Time) (ids []keyID) {
	going := map[keyID]bool{}
	for _, id := range due {
		going[id] = true
	}
	for _, id := range j.ring.everybody() {
		p := j.state.people[id]
		if p != nil && !p.erased && !p.latest.Before(now.Add(-j.cfg.Records)) || j.state.held(id, now) {
			continue
		}
		if !slices.ContainsFunc(j.ring.of(id), func(k keyID) bool { return !going[k] }) {
			ids = append(ids, id)
		}
	}
	return ids
}
