package journal

import (
	"cmp"
	"slices"
	"time"

	"earshot/moderation/policy"
)

// What an incident does to a person's record is computed from all that was
// written about it, not step by step: where several nodes write, not all of them
// see it in the same order, and all must come to the same. What a machine found
// counts first, then judgements by their time. An undo outdoes both, but for what
// is decided on appeal after it. So nothing that is undone comes back by what
// arrives late.

// ruling is what a tier, or a moderator who acted, decided.
type ruling struct {
	at      time.Time
	strike  *policy.Strike
	actions []policy.Act
}

// found takes the newest decision of a tier.
func (it *item) found(d *policy.Decision, at time.Time) {
	it.saw(at)
	it.spans(d.Actions, at)
	if !at.Before(it.base.at) {
		it.base = ruling{at, d.Strike, d.Actions}
	}
}

// judge takes a judgement to its place.
func (it *item) judge(j policy.Judgement) {
	it.saw(j.At)
	it.spans(j.Actions, j.At)
	it.judged = append(it.judged, j)
	slices.SortStableFunc(it.judged, func(a, b policy.Judgement) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.By, b.By))
	})
}

// saw notes when something was written about it.
func (it *item) saw(at time.Time) {
	if at.After(it.latest) {
		it.latest = at
	}
}

// spans notes how long actions last.
func (it *item) spans(acts []policy.Act, at time.Time) {
	for _, s := range (&policy.Record{}).With(policy.Decision{Actions: acts}, "", at).InForce {
		if it.forever = it.forever || s.Until.IsZero(); s.Until.After(it.lasts) {
			it.lasts = s.Until
		}
	}
}

// in returns a record with what the incident counts in it now.
func (it *item) in(r *policy.Record) *policy.Record {
	out := r.Without(it.id)
	if !it.undone {
		out = out.With(policy.Decision{Strike: it.base.strike, Actions: it.base.actions}, it.id, it.base.at)
	}
	for _, j := range it.judged {
		if it.undone && !(j.Appeal && j.At.After(it.undoneAt)) {
			continue
		}
		switch j.Verdict {
		case policy.Wrong:
			out = out.Without(it.id)
		case policy.TooHarsh: // the strike stays
			left := out.Without(it.id)
			left.Strikes = out.Strikes
			out = left
		}
		out = out.With(policy.Decision{Actions: j.Actions}, it.id, j.At)
	}
	return out
}

// ongoing reports whether something that it put in force stays until lifted.
func (it *item) ongoing() bool {
	return it.forever && slices.ContainsFunc(it.in(nil).InForce, func(s policy.Sanction) bool { return s.Until.IsZero() })
}
