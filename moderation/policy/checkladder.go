package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func (c *checker) strikes() {
	s := &c.spec.Strikes
	c.lasts(s.HalfLife, time.Hour, maxKept, "strikes.half_life")
	c.lasts(s.Forget, time.Hour, maxKept, "strikes.forget")
	c.that(s.Forget >= s.HalfLife, "strikes.forget", "is %s, below the half-life (%s): strikes would be gone before they fade", s.Forget, s.HalfLife)
	c.that(s.Most > 0 && s.Most <= maxSum, "strikes.most", "must be above 0 and at most %g, is %g", maxSum, s.Most)
}

// ladder checks every rung, and that each is harsher than the one before.
func (c *checker) ladder() {
	rungs := c.spec.Ladder
	if !c.count(len(rungs), maxRungs, "ladder") {
		return
	}
	c.that(len(rungs) > 0 || !c.anyStrike(), "ladder", "is empty: strikes would lead nowhere")
	c.that(len(rungs) == 0 || c.anyStrike(), "ladder", "is never reached: nothing in this file gives a strike")
	for i, rung := range rungs {
		field := fmt.Sprintf("ladder[%d]", i)
		c.rung(&rung, field)
		if i > 0 {
			c.above(&rungs[i-1], &rung, field)
		}
	}
}

func (c *checker) rung(r *Rung, field string) {
	c.that(r.At > 0 && r.At <= maxSum, field+".at", "must be above 0 and at most %g, is %g", maxSum, r.At)
	c.that(!(r.At > c.spec.Strikes.Most), field+".at", "is never reached: strikes.most keeps the sum at %g", c.spec.Strikes.Most)
	c.that(r.By == "" || r.By == ByPerson, field+".by", "must be person, or be missing, is %.32q", r.By)
	if r.Do.Rank() <= 0 || r.Do == Hold {
		c.that(false, field+".do", "must be one of nudge mask slow mute isolate kick suspend, is %.32q", r.Do)
		return
	}
	if !r.Do.lasts() {
		c.that(r.For == 0, field+".for", "does not go with %s, which is done at once", r.Do)
	} else {
		c.rungLasts(r, field)
	}
	if r.By == "" {
		c.automatic(r.Do, field+".do")
	}
}

func (c *checker) rungLasts(r *Rung, field string) {
	most, lasts := maxMute, time.Duration(r.For)
	if r.Do == Suspend {
		most = maxSuspend
	}
	c.that(lasts <= most, field+".for", "is %s; %s lasts at most %s", r.For, r.Do, Duration(most))
	c.that(r.By == ByPerson || lasts <= maxMachine, field+".for", "is %s; what is automatic lasts at most %s", r.For, Duration(maxMachine))
	endless := r.By == ByPerson && r.Do.Rank() >= Mute.Rank()
	c.that(lasts > 0 || endless, field+".for", "say for how long: what is automatic must end by itself")
}

// above compares a rung with the one below.
func (c *checker) above(below, r *Rung, field string) {
	c.that(r.At > below.At, field+".at", "is %g, not above the rung before (%g)", r.At, below.At)
	if below.Do.Rank() < 0 || r.Do.Rank() < 0 {
		return
	}
	a := Act{below.Do, time.Duration(below.For)}
	b := Act{r.Do, time.Duration(r.For)}
	c.that(b.Action.Rank() >= a.Action.Rank(), field+".do", "is %s, milder than the rung before (%s): more strikes must not lead to less", r.Do, below.Do)
	c.that(b.Action != a.Action || harsher(b, a) > 0, field, "is no harsher than the rung before: %s, then %s", a, b)
	byItself := r.By != ByPerson && r.Do.Rank() <= c.spec.Automatic.Rank() // else told already
	c.that(below.By != ByPerson || !byItself, field+".by", "the rung before needs a person, and this harsher one does not")
}

// anyStrike says whether anything gives a strike.
func (c *checker) anyStrike() bool {
	for _, rule := range c.spec.Categories {
		if rule.Weight > 0 {
			return true
		}
	}
	for _, severity := range c.spec.Terms.Severities {
		if severity.Weight > 0 {
			return true
		}
	}
	return false
}

func (c *checker) quiet() {
	c.count(len(c.spec.Quiet), maxQuiet, "quiet_hours")
	for i, q := range c.spec.Quiet[:min(len(c.spec.Quiet), maxQuiet)] {
		field := fmt.Sprintf("quiet_hours[%d]", i)
		_, err := clock(q.From)
		c.that(err == nil, field+".from", "%v", err)
		_, err = clock(q.To)
		c.that(err == nil, field+".to", "%v", err)
		c.that(q.From != q.To, field+".to", "is when it begins: these hours never come")
		c.that(q.LowerBy > 0 && q.LowerBy <= maxLowering, field+".lower_by", "must be above 0 and at most %g, is %g", maxLowering, q.LowerBy)
		days := weekdays()
		for j, d := range q.Days {
			at := fmt.Sprintf("%s.days[%d]", field, j)
			c.that(slices.Contains(days[:], d), at, "must be mon tue wed thu fri sat or sun, is %.16q", d)
			c.that(!slices.Contains(q.Days[:j], d), at, "%.16q is there twice", d)
		}
	}
}

func (c *checker) reports() {
	r := &c.spec.Reports
	audit := c.spec.Uncertain.Audit
	c.that(r.RaiseAt > 0 && r.RaiseAt <= maxSum, "reports.raise_at", "must be above 0 and at most %g, is %g", maxSum, r.RaiseAt)
	c.that(r.ReviewAt > 0 && r.ReviewAt <= maxSum, "reports.review_at", "must be above 0 and at most %g, is %g", maxSum, r.ReviewAt)
	c.between(r.Audit, 0, 1, "reports.audit")
	c.between(r.LowerBy, 0, maxLowering, "reports.lower_by")
	c.that(!(r.Audit < audit), "reports.audit", "is %g, below uncertain.audit (%g): who is reported would be watched less", r.Audit, audit)
	c.that(r.Audit != audit || r.LowerBy != 0, "reports.raise_at", "leads to nothing: audit is as for everybody, and lower_by is 0")
	c.lasts(r.Window, time.Minute, 30*day, "reports.window")
	c.lasts(r.NewAccount, 0, maxSuspend, "reports.new_account")
	c.between(r.NewWeight, 0, 1, "reports.new_weight")
	c.between(r.Most, 1, 10, "reports.most")
	c.that(r.Group >= r.Most, "reports.group", "is %g, below `most` (%g), what a single report may weigh", r.Group, r.Most)
	c.that(!(r.Group >= r.RaiseAt), "reports.group", "is %g, not below raise_at (%g): one group alone could lower somebody's thresholds", r.Group, r.RaiseAt)
}

// Demanded where minors are expected.
const (
	minorsMask  = 0.85 // no mask threshold of tier 0 is above
	minorsAudit = 0.05 // the random share for tier 1
)

func (c *checker) minors() {
	s := c.spec
	for i, name := range s.Minors.Review {
		field := fmt.Sprintf("minors.review[%d]", i)
		c.that(c.has(name), field, "there is no category %.32q in this file", name)
		c.that(!slices.Contains(s.Minors.Review[:i], name), field, "%.32q is there twice", name)
	}
	if !s.Minors.World {
		return
	}
	const because = "minors.world is true: "
	for _, k := range []Kind{Chat, Name, NPC, Persona} {
		c.that(s.Unverified[k] == HoldDoubt, "unverified."+string(k), because+"what could not be verified must be held")
	}
	c.that(s.Uncertain.Audit >= minorsAudit, "uncertain.audit", because+"must be at least %g, is %g", minorsAudit, s.Uncertain.Audit)
	for _, name := range []Category{SelfHarm, Sexual, Harassment} {
		c.that(slices.Contains(s.Minors.Review, name), "minors.review", because+"%s must go before a person", name)
	}
	for _, name := range []Category{Sexual, Hate, Violence, Harassment, Toxicity} {
		rule, there := s.Categories[name]
		field := "categories." + string(name)
		c.that(there, "categories", because+"%s must not be missing", name)
		if there {
			mask := rule.Tier0 != nil && rule.Tier0.Mask != nil && *rule.Tier0.Mask <= minorsMask
			c.that(mask, field+".tier0.mask", because+"there must be one, of at most %g", minorsMask)
		}
	}
	if sexual, there := s.Categories[Sexual]; there {
		c.that(sexual.Tier0 != nil && sexual.Tier0.Hold != nil, "categories.sexual.tier0.hold", because+"there must be one")
	}
}

func (c *checker) keeping() {
	a, r := &c.spec.Appeals, &c.spec.Retention
	c.lasts(a.Within, day, maxKept, "appeals.within")
	c.lasts(a.Answer, time.Hour, 30*day, "appeals.answer")
	c.lasts(r.Evidence, time.Hour, maxEvidence, "retention.evidence")
	c.lasts(r.Appealed, time.Hour, maxAppealed, "retention.appealed")
	c.lasts(r.Incidents, day, maxKept, "retention.incidents")
	c.that(r.Appealed >= r.Evidence, "retention.appealed", "is %s, below evidence (%s): an appeal would delete what it needs", r.Appealed, r.Evidence)
	c.that(r.Incidents >= r.Evidence, "retention.incidents", "is %s, below evidence (%s): it would belong to nothing", r.Incidents, r.Evidence)
	c.that(r.Incidents >= a.Within, "retention.incidents", "is %s, below appeals.within (%s): nobody would know what is appealed", r.Incidents, a.Within)
	c.that(r.Incidents >= c.spec.Strikes.Forget, "retention.incidents", "is %s, below strikes.forget (%s): strikes would count whose reason is gone", r.Incidents, c.spec.Strikes.Forget)
}

// sorted returns the keys of a map in order, so that problems come in one.
func sorted[K ~string, V any](m map[K]V) []K {
	return slices.SortedFunc(maps.Keys(m), func(a, b K) int { return strings.Compare(string(a), string(b)) })
}
