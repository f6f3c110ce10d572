package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Case is a test of a policy in its own file: given this, expect that.
type Case struct {
	Name     string         `yaml:"name"`
	Given    Given          `yaml:"given"`
	History  []GivenStrike  `yaml:"history"`
	InForce  []GivenInForce `yaml:"in_force"`
	Age      Age            `yaml:"age"`
	Language string         `yaml:"language"`
	Expect   Expect         `yaml:"expect"`
}

// Given is the signal of a case.
type Given struct {
	Kind       Kind                 `yaml:"kind"`   // chat
	Source     Source               `yaml:"source"` // tier0
	Scores     map[Category]float64 `yaml:"scores"`
	Terms      []string             `yaml:"terms"`
	Reporters  float64              `yaml:"reporters"`
	Unverified bool                 `yaml:"unverified"`
	At         string               `yaml:"at"` // like "23:30" or "sat 23:30" of the world; mon 12:00
}

// GivenStrike is a strike of the person's past.
type GivenStrike struct {
	Weight float64  `yaml:"weight"`
	Ago    Duration `yaml:"ago"`
}

// GivenInForce is a sanction that is in force.
type GivenInForce struct {
	Action Action   `yaml:"action"`
	Left   Duration `yaml:"left"` // 0: until lifted
}

// Expect is what must come out. What is not there is not looked at.
type Expect struct {
	Actions   []string `yaml:"actions"`  // like mask or "mute 10m", in any order; [] for none
	Proposed  []string `yaml:"proposed"` // the same, for a person to decide
	Strike    *float64 `yaml:"strike"`   // its weight; 0 for none
	Review    *bool    `yaml:"review"`
	Automatic *bool    `yaml:"automatic"`
	Rule      *string  `yaml:"rule"`
	Statement *bool    `yaml:"statement"` // whether the person gets reasons
}

// CaseResult is what came of a case.
type CaseResult struct {
	Case     Case
	Decision Decision
	Trace    []string // how it came to that
	Failures []string // what was expected and what came; none: it passed
}

// RunCases tries every case of the file, in its order.
func (p *Policy) RunCases() []CaseResult {
	out := make([]CaseResult, 0, len(p.Spec.Cases))
	for _, c := range p.Spec.Cases {
		now, _ := caseTime(c.Given.At, p.zone)
		r := CaseResult{Case: c}
		r.Decision, r.Trace = p.Explain(c.Given.signal(now), c.record(now), now)
		r.Failures = c.Expect.compare(&r.Decision)
		out = append(out, r)
	}
	return out
}

func (g *Given) signal(now time.Time) Signal {
	return Signal{
		Kind: cmp.Or(g.Kind, Chat), Source: cmp.Or(g.Source, Tier0), Scores: g.Scores, Terms: g.Terms,
		Reporters: g.Reporters, Unverified: g.Unverified, At: now,
	}
}

func (c *Case) record(now time.Time) *Record {
	r := &Record{Age: c.Age, Language: c.Language}
	for _, s := range c.History {
		r.Strikes = append(r.Strikes, Strike{Weight: s.Weight, At: now.Add(-time.Duration(s.Ago))})
	}
	for _, s := range c.InForce {
		sanction := Sanction{Action: s.Action}
		if s.Left > 0 {
			sanction.Until = now.Add(time.Duration(s.Left))
		}
		r.InForce = append(r.InForce, sanction)
	}
	return r
}

func (e *Expect) compare(d *Decision) (failures []string) {
	fail := func(what string, want, got any) {
		failures = append(failures, fmt.Sprintf("%s: want %v, got %v", what, want, got))
	}
	if e.Actions != nil && !sameActs(e.Actions, d.Actions) {
		fail("actions", e.Actions, d.Actions)
	}
	if e.Proposed != nil && !sameActs(e.Proposed, d.Proposed) {
		fail("proposed", e.Proposed, d.Proposed)
	}
	weight := 0.0
	if d.Strike != nil {
		weight = d.Strike.Weight
	}
	if e.Strike != nil && *e.Strike != weight {
		fail("strike", *e.Strike, weight)
	}
	if e.Review != nil && *e.Review != d.Review {
		fail("review", *e.Review, d.Review)
	}
	if e.Automatic != nil && *e.Automatic != d.Automatic {
		fail("automatic", *e.Automatic, d.Automatic)
	}
	if e.Rule != nil && *e.Rule != d.Rule {
		fail("rule", *e.Rule, d.Rule)
	}
	if given := d.Statement != (Statement{}); e.Statement != nil && *e.Statement != given {
		fail("statement", *e.Statement, given)
	}
	return failures
}

func sameActs(want []string, got []Act) bool {
	return len(want) == len(got) && !slices.ContainsFunc(want, func(w string) bool {
		act, timed, err := parseAct(w)
		return err != nil || !slices.ContainsFunc(got, func(g Act) bool {
			return g.Action == act.Action && (!timed || g.For == act.For)
		})
	})
}

// parseAct reads "mute" or "mute 10m".
func parseAct(s string) (a Act, timed bool, err error) {
	name, lasts, timed := strings.Cut(s, " ")
	a.Action = Action(name)
	if a.Action.Rank() <= 0 {
		return a, false, fmt.Errorf("%.32q is no action; there are %s", name, actionNames())
	}
	if timed {
		var d Duration
		d, err = ParseDuration(lasts)
		a.For = time.Duration(d)
	}
	return a, timed, err
}

// caseTime is a time of a fixed week, so that cases are the same every day.
func caseTime(at string, zone *time.Location) (time.Time, error) {
	name, hour, both := strings.Cut(at, " ")
	if !both {
		name, hour = "mon", cmp.Or(at, "12:00")
	}
	days := weekdays()
	offset := slices.Index(days[:], name)
	minutes, err := clock(hour)
	if offset < 0 || err != nil {
		return time.Time{}, fmt.Errorf("%.32q is no time like 23:30 or sat 23:30", at)
	}
	return time.Date(2026, time.January, 4+offset, minutes/60, minutes%60, 0, 0, zone), nil // the 4th is a Sunday
}
