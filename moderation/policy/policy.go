package policy

import (
	_ "embed" // of the policies that come with Earshot
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // quiet hours must not depend on what is installed

	"go.yaml.in/yaml/v3"

	"earshot"
)

// Policy is a policy file that has been checked. It is never changed: Spec is
// for reading only.
type Policy struct {
	Spec  Spec
	zone  *time.Location
	rules [categories]rule // as Categories; what the file does not have is zero
	terms []term
}

// rule is a CategoryRule as Decide needs it.
type rule struct {
	category Category
	id       string
	weight   float64
	tiers    [3]limits
}

// limits are thresholds by the number of their effect; infinite: never.
type limits [5]float64

// term is a TermRule as Decide needs it.
type term struct {
	names    *regexp.Regexp
	category int // -1: that of the name
	effects  effects
	weight   float64
}

//go:embed default.yaml
var defaultYAML []byte

//go:embed minors.yaml
var minorsYAML []byte

// DefaultYAML returns the text of Default, which explains itself.
func DefaultYAML() []byte { return slices.Clone(defaultYAML) }

// MinorsYAML returns the text of Minors.
func MinorsYAML() []byte { return slices.Clone(minorsYAML) }

// Default returns the policy of worlds that have none. It reads its file each
// time: keep the result.
func Default() *Policy { return mustParse("default.yaml", defaultYAML) }

// Minors returns the policy of worlds where minors are expected.
func Minors() *Policy { return mustParse("minors.yaml", minorsYAML) }

// mustParse panics on a mistake in a file of ours, which tests find.
func mustParse(file string, text []byte) *Policy {
	p, err := Parse(file, text)
	if err != nil {
		panic(err)
	}
	return p
}

// Parse reads a policy file strictly: a field that does not exist, a wrong
// type, an alias, and whatever contradicts itself are errors. The error is
// Problems: all of them, each with file (the name is only for that), line and
// field. Nothing is returned of a broken file, so keep the one that runs.
func Parse(file string, text []byte) (*Policy, error) {
	spec, root, problems := decode(text)
	if root != nil {
		problems = merge(problems, located(check(spec), root))
	}
	if len(problems) > 0 {
		for i := range problems {
			problems[i].File = file
		}
		return nil, problems
	}
	return compile(spec), nil
}

// located gives every problem its line.
func located(problems earshot.Problems, root *yaml.Node) earshot.Problems {
	for i, p := range problems {
		problems[i].Line = lineOf(root, p.Field)
	}
	return problems
}

// merge puts problems in the order of their lines. What could not be read has
// been reported as that: what is found of the same line then only follows.
func merge(unread, found earshot.Problems) earshot.Problems {
	all := slices.Clone(unread)
	for _, p := range found {
		follows := slices.ContainsFunc(unread, func(u earshot.Problem) bool {
			return u.Line == p.Line || u.Field != "" && strings.HasPrefix(p.Field, u.Field)
		})
		if !follows {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b earshot.Problem) int { return a.Line - b.Line })
	return all[:min(len(all), maxProblems)]
}

// compile makes of a checked file what Decide needs.
func compile(spec *Spec) *Policy {
	p := &Policy{Spec: *spec}
	p.zone, _ = loadZone(spec.Timezone)
	for i, c := range Categories() {
		from, there := spec.Categories[c]
		if !there {
			continue
		}
		r := rule{category: c, id: from.Rule, weight: from.Weight}
		for tier, t := range from.tiers() {
			r.tiers[tier] = t.limits()
		}
		p.rules[i] = r
	}
	for _, t := range spec.Terms.Rules {
		p.terms = append(p.terms, spec.Terms.compile(regexp.MustCompile(t.Names), t.Category, t.Severity))
	}
	p.terms = append(p.terms, spec.Terms.compile(nil, "", spec.Terms.Default))
	return p
}

func (r *TermRules) compile(names *regexp.Regexp, c Category, s Severity) term {
	t := term{names: names, category: slices.Index(Categories(), c), weight: r.Severities[s].Weight}
	for _, name := range r.Severities[s].Do {
		t.effects |= effectNamed(name)
	}
	return t
}

// tiers are the thresholds of each tier; where there are none, those of the
// tier before.
func (r *CategoryRule) tiers() [3]*Thresholds {
	tiers := [3]*Thresholds{r.Tier0, r.Tier1, r.Tier2}
	for i := range tiers[1:] {
		if tiers[i+1] == nil {
			tiers[i+1] = tiers[i]
		}
	}
	return tiers
}

func (t *Thresholds) limits() limits {
	out := limits{}
	for i := range out {
		out[i] = math.Inf(1)
	}
	if t == nil {
		return out
	}
	for i, v := range t.list() {
		if v != nil {
			out[i] = *v
		}
	}
	return out
}

func (t *Thresholds) list() [5]*float64 {
	return [5]*float64{t.Nudge, t.Mask, t.Hold, t.Strike, t.Review}
}

// loadZone returns a time zone by its IANA name.
func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	return time.LoadLocation(name)
}

// Uncertain says whether tier 1 should see it: a score is in the band, or is
// not known.
func (p *Policy) Uncertain(s Scores) bool {
	for i := range p.rules {
		c := p.rules[i].category
		if c == "" {
			continue
		}
		v := s[c]
		if v >= p.Spec.Uncertain.Low && v < p.Spec.Uncertain.High || math.IsNaN(v) {
			return true
		}
	}
	return false
}

// AuditShare returns the share, 0 to 1, of a person's certain messages that
// tier 1 should see, with the weight of the reports about them.
func (p *Policy) AuditShare(reporters float64) float64 {
	if p.reported(reporters) {
		return max(p.Spec.Uncertain.Audit, p.Spec.Reports.Audit)
	}
	return p.Spec.Uncertain.Audit
}

func (p *Policy) reported(reporters float64) bool {
	return p.Spec.Reports.RaiseAt > 0 && reporters >= p.Spec.Reports.RaiseAt
}

// Holds says whether what could not be verified is held.
func (p *Policy) Holds(k Kind) bool { return p.Spec.Unverified[k] == HoldDoubt }
