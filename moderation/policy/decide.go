package policy

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Decide returns what follows from a signal about a person with a record (nil:
// nothing is known). It never fails: what makes no sense is taken as what is
// safe, and what is not known of a score as not verified. With the same
// record, a higher score, another term or more reports never lead to less.
func (p *Policy) Decide(s Signal, r *Record, now time.Time) Decision {
	return p.decide(&s, r, now, nil)
}

// Explain is Decide that also says how it came to it, a line each.
func (p *Policy) Explain(s Signal, r *Record, now time.Time) (Decision, []string) {
	var t trace
	d := p.decide(&s, r, now, &t)
	return d, t.lines
}

// trace gathers the reasons of a decision; nil gathers none.
type trace struct{ lines []string }

func (t *trace) addf(format string, args ...any) {
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

// finding is what has been found, of one category or of all.
type finding struct {
	effects  effects
	weight   float64 // of the strike
	category int     // index of rules, -1: none
	all      uint    // a bit for each category that anything follows from
}

// worse says whether a should give a decision its rule rather than b.
func (a finding) worse(b finding) bool {
	if b.category < 0 {
		return true
	}
	if d := a.strike() - b.strike(); d != 0 {
		return d > 0
	}
	return a.effects&^toReview > b.effects&^toReview
}

func (a finding) strike() float64 {
	if a.effects&toStrike == 0 {
		return -1
	}
	return a.weight
}

func (p *Policy) decide(s *Signal, r *Record, now time.Time, t *trace) Decision {
	switch {
	case s.Source == ByReport || s.Kind == Report && s.Source != ByModerator:
		return p.ofReport(s, t)
	case s.Source == ByModerator:
		return p.conclude(p.confirmed(s, t), false, s, r, now, t)
	}
	f, unknown := p.find(s, r, now, t)
	unverified := s.Unverified || unknown
	if unverified && p.Holds(s.Kind) {
		f.effects |= toHold | toReview
		if t != nil {
			t.addf("not verified: %s is held until it is", s.Kind)
		}
	}
	d := p.conclude(f, true, s, r, now, t)
	d.Unverified = unverified
	return d
}

// find looks at every score and term.
func (p *Policy) find(s *Signal, r *Record, now time.Time, t *trace) (all finding, unknown bool) {
	all = finding{category: -1}
	tier := s.Source.tier()
	lower := p.lowering(s, now, t)
	_, watched := r.Sanctioned(Mask, now)
	for i := range p.rules {
		rule := &p.rules[i]
		if rule.category == "" {
			continue
		}
		score := s.Scores[rule.category]
		unknown = unknown || math.IsNaN(score)
		limits := rule.tiers[tier]
		lower.apply(&limits)
		if watched && !math.IsInf(limits[1], 1) {
			limits[1] = min(limits[1], max(p.Spec.Uncertain.Low, floor))
		}
		f := finding{weight: rule.weight, category: i, all: 1 << i}
		for k, limit := range limits {
			if clamp(score) >= limit {
				f.effects |= 1 << k
			}
		}
		if t != nil && f.effects != 0 {
			t.addf("%s scores %.2f at %s: %s (rule %s)", rule.category, score, tierName(tier), f.effects, rule.id)
		}
		all = all.with(f)
	}
	for _, name := range s.Terms[:min(len(s.Terms), maxTerms)] {
		all = all.with(p.ofTerm(name, t))
	}
	return all, unknown
}

// with joins findings: everything that follows from any, the heaviest strike.
func (a finding) with(b finding) finding {
	if b.effects == 0 {
		return a
	}
	out := a
	if b.worse(a) {
		out.category = b.category
	}
	if b.effects&toStrike != 0 && (a.effects&toStrike == 0 || b.weight > a.weight) {
		out.weight = b.weight
	}
	out.effects |= b.effects
	out.all |= b.all
	return out
}

func (p *Policy) ofTerm(name string, t *trace) finding {
	name = name[:min(len(name), maxTermName)]
	for _, rule := range p.terms {
		if rule.names != nil && !rule.names.MatchString(name) {
			continue
		}
		f := finding{effects: rule.effects, weight: rule.weight, category: rule.category}
		if f.category < 0 {
			f.category = categoryOf(name)
		}
		f.all = 1 << f.category
		if p.rules[f.category].category == "" {
			f.effects = 0 // allowed in this world
		}
		if t != nil {
			t.addf("term %q: %s (rule %s)", name, f.effects, p.rules[f.category].id)
		}
		return f
	}
	return finding{category: -1}
}

// categoryOf returns the number of the category before the slash in the name
// of a term, else that of Terms.
func categoryOf(term string) int {
	prefix, _, _ := strings.Cut(term, "/")
	all := Categories()
	if i := slices.Index(all, Category(prefix)); i >= 0 {
		return i
	}
	return slices.Index(all, Terms)
}

// confirmed is what a moderator found: a score of a half or more means yes.
func (p *Policy) confirmed(s *Signal, t *trace) finding {
	all := finding{category: -1}
	for i := range p.rules {
		rule := &p.rules[i]
		if rule.category == "" || !(s.Scores[rule.category] >= 0.5) {
			continue
		}
		f := finding{toMask, rule.weight, i, 1 << i}
		if rule.weight > 0 {
			f.effects |= toStrike
		}
		if t != nil {
			t.addf("a moderator found %s: %s (rule %s)", rule.category, f.effects, rule.id)
		}
		all = all.with(f)
	}
	return all
}

// ofReport decides about reports alone. They bring a person's eyes, never a
// sanction.
func (p *Policy) ofReport(s *Signal, t *trace) Decision {
	d := Decision{Automatic: true, Unverified: s.Unverified}
	if t != nil {
		t.addf("reports weigh %.2f, a person looks from %.2f", s.Reporters, p.Spec.Reports.ReviewAt)
	}
	if !(s.Reporters >= p.Spec.Reports.ReviewAt) {
		return d
	}
	d.Review, d.Rule = true, "reports"
	most := 0.0
	for _, c := range Categories() {
		if v := clamp(s.Scores[c]); v > most {
			most, d.Category = v, c
		}
	}
	return d
}

// conclude turns what was found into acts.
func (p *Policy) conclude(f finding, automatic bool, s *Signal, r *Record, now time.Time, t *trace) Decision {
	f.effects = fitting(f.effects, s.Kind, t)
	if f.effects == 0 {
		return Decision{Automatic: automatic}
	}
	d := Decision{Automatic: automatic, Rule: "unverified"}
	if f.category >= 0 {
		d.Rule, d.Category = p.rules[f.category].id, p.rules[f.category].category
	}
	person := Act{Action: None}
	if f.effects&toNudge != 0 {
		person.Action = Nudge
	}
	if f.effects&toStrike != 0 {
		d.Strike = &Strike{Weight: f.weight, Category: d.Category, Rule: d.Rule, At: now}
		if act := p.climb(&d, automatic, r, now, t); harsher(act, person) > 0 {
			person = act
		}
	}
	d.Actions = p.acts(f.effects, person)
	d.Review = automatic && (f.effects&toReview != 0 || len(d.Proposed) > 0 || p.forMinors(f.all, r))
	if len(d.Actions) > 0 {
		d.Statement = p.statement(&d, s, r, now)
	}
	return d
}

// fitting leaves out what makes no sense for a kind: words that were heard
// cannot be covered, nor can those of a description, and a machine is not
// punished.
func fitting(e effects, k Kind, t *trace) effects {
	before := e
	switch k {
	case Voice:
		if e&(toMask|toHold) != 0 {
			e = e&^(toMask|toHold) | toNudge
		}
	case NPC, Persona:
		if e&toStrike != 0 {
			e |= toHold | toReview
		}
		e &^= toStrike | toNudge
		if k == Persona && e&toMask != 0 {
			e = e&^toMask | toHold | toReview
		}
	}
	if t != nil && e != before {
		t.addf("for %s that means: %s", k, e)
	}
	return e
}

// acts joins what happens to the message and what happens to the person.
func (p *Policy) acts(e effects, person Act) (out []Act) {
	switch {
	case e&toHold != 0:
		out = append(out, Act{Hold, time.Duration(p.Spec.Hold.Longest)})
	case e&toMask != 0 && person.Action != Mask:
		out = append(out, Act{Action: Mask})
	}
	if person.Action != None {
		out = append(out, person)
	}
	slices.SortFunc(out, func(a, b Act) int { return a.Action.Rank() - b.Action.Rank() })
	return out
}

// forMinors says whether a person looks because a minor is concerned.
func (p *Policy) forMinors(found uint, r *Record) bool {
	if !p.Spec.Minors.World && (r == nil || r.Age != Minor) {
		return false
	}
	return slices.ContainsFunc(p.Spec.Minors.Review, func(c Category) bool {
		return found&(1<<slices.Index(Categories(), c)) != 0
	})
}

// tier is the number of the thresholds of a source.
func (s Source) tier() int {
	switch s {
	case Tier1:
		return 1
	case Tier2:
		return 2
	}
	return 0
}

func tierName(tier int) Source { return [3]Source{Tier0, Tier1, Tier2}[tier] }
