package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"earshot"
)

var (
	idPattern       = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)
	languagePattern = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$`)
	zonePattern     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`)
)

// check returns all that is wrong with a policy: what is out of range, and
// what contradicts itself.
func check(s *Spec) earshot.Problems {
	c := checker{spec: s}
	c.that(s.Version == 1, "version", "must be 1, is %d", s.Version)
	c.that(strings.TrimSpace(s.Name) != "", "name", "must not be empty: records name the policy they were decided by")
	c.text(s.Name, "name", maxName)
	c.text(s.Description, "description", maxText)
	c.zone()
	c.that(s.Automatic.Rank() >= 0, "automatic", "%.32q is no action; the harshest that may happen without a person is one of %s", s.Automatic, actionNames())
	c.waiting()
	c.categories()
	c.terms()
	c.strikes()
	c.ladder()
	c.quiet()
	c.reports()
	c.minors()
	c.keeping()
	c.statements()
	c.cases()
	return c.problems
}

func actionNames() string {
	var names []string
	for _, a := range Actions() {
		names = append(names, string(a))
	}
	return strings.Join(names, " ")
}

// checker gathers problems.
type checker struct {
	spec     *Spec
	problems earshot.Problems
}

func (c *checker) that(ok bool, field, format string, args ...any) {
	if !ok && len(c.problems) < maxProblems {
		c.problems = append(c.problems, earshot.Problem{Field: field, Message: fmt.Sprintf(format, args...)})
	}
}

func (c *checker) text(s, field string, limit int) {
	c.that(len(s) <= limit, field, "has %d bytes, at most %d are allowed", len(s), limit)
	c.that(utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }), field, "must be text without control characters")
}

func (c *checker) between(v, low, high float64, field string) {
	c.that(v >= low && v <= high, field, "must be from %g to %g, is %g", low, high, v)
}

// lasts checks a duration.
func (c *checker) lasts(d Duration, low, high time.Duration, field string) {
	c.that(time.Duration(d) >= low && time.Duration(d) <= high, field, "must be from %s to %s, is %s", Duration(low), Duration(high), d)
}

func (c *checker) count(n, most int, field string) bool {
	c.that(n <= most, field, "has %d items, at most %d are allowed", n, most)
	return n <= most
}

func (c *checker) zone() {
	name := c.spec.Timezone
	if name == "" {
		return
	}
	known := zonePattern.MatchString(name) && len(name) <= maxName && name != "Local" // else no file is looked for
	if known {
		_, err := loadZone(name)
		known = err == nil
	}
	c.that(known, "timezone", "%.64q is no time zone; use a name like Europe/Berlin or UTC", name)
}

// waiting checks hold, uncertain and unverified.
func (c *checker) waiting() {
	s := c.spec
	c.that(s.Hold.Wait >= 0 && time.Duration(s.Hold.Wait) <= MaxWait, "hold.wait", "is %s, but chat may be held for at most %s: deliver and take it back later, or hold by a threshold", s.Hold.Wait, Duration(MaxWait))
	c.lasts(s.Hold.Longest, time.Second, maxHold, "hold.longest")
	c.between(s.Uncertain.Low, 0, 1, "uncertain.low")
	c.between(s.Uncertain.High, 0, 1, "uncertain.high")
	c.between(s.Uncertain.Audit, 0, 1, "uncertain.audit")
	c.that(!(s.Uncertain.Low > s.Uncertain.High), "uncertain.high", "is %g, below low (%g): the band is from low to high", s.Uncertain.High, s.Uncertain.Low)
	kinds := []Kind{Chat, Voice, Name, NPC, Persona}
	for _, k := range sorted(s.Unverified) {
		field := "unverified." + string(k)
		d := s.Unverified[k]
		c.that(slices.Contains(kinds, k), field, "%.32q is nothing that is judged; there are chat, voice, name, npc and persona", k)
		c.that(d == PassDoubt || d == HoldDoubt, field, "must be pass or hold, is %.32q", d)
		c.that(d != HoldDoubt || k != Voice, field, "a voice cannot be held: it has been heard when it is judged")
		if d == HoldDoubt {
			c.automatic(Hold, field)
		}
	}
	for _, k := range kinds {
		_, there := s.Unverified[k]
		c.that(there, "unverified", "say what happens to %s that could not be verified: pass or hold", k)
	}
}

// automatic refuses an action of the machine that may not be.
func (c *checker) automatic(a Action, field string) {
	limit := c.spec.Automatic
	if limit.Rank() < 0 {
		return
	}
	c.that(a.Rank() <= limit.Rank(), field, "would %s without a person, but `automatic` allows no more than %s%s", a, limit, remedy(a))
}

func remedy(a Action) string {
	if a.Rank() > Hold.Rank() {
		return ": add `by: person`, then it is proposed to moderators"
	}
	return ": take it out, or raise `automatic`"
}

func (c *checker) categories() {
	s := c.spec
	c.that(len(s.Categories) > 0, "categories", "there are none: nothing would ever follow")
	ids := map[string]Category{"reports": "", "unverified": ""}
	for _, name := range sorted(s.Categories) {
		rule, field := s.Categories[name], "categories."+string(name)
		if !slices.Contains(Categories(), name) {
			c.that(false, field, "there is no category %.32q; there are %s", name, categoryNames())
			continue
		}
		c.that(idPattern.MatchString(rule.Rule), field+".rule", "%.64q is no id: lower-case letters, digits, _ and -", rule.Rule)
		other, taken := ids[rule.Rule]
		c.that(!taken || other != "", field+".rule", "%q is what decisions without a category are called", rule.Rule)
		c.that(!taken || other == "", field+".rule", "%q is the rule of %s already: statements could not be told apart", rule.Rule, other)
		ids[rule.Rule] = name
		c.between(rule.Weight, 0, maxWeight, field+".weight")
		c.thresholds(&rule, field)
		c.texts(rule.Text, field+".text")
		if len(rule.Nudge) > 0 {
			c.texts(rule.Nudge, field+".nudge")
		}
	}
}

func categoryNames() string {
	var names []string
	for _, c := range Categories() {
		names = append(names, string(c))
	}
	return strings.Join(names, " ")
}

// thresholds checks those of one category and their order.
func (c *checker) thresholds(rule *CategoryRule, field string) {
	for i, t := range [3]*Thresholds{rule.Tier0, rule.Tier1, rule.Tier2} {
		if t == nil {
			continue
		}
		at := fmt.Sprintf("%s.tier%d", field, i)
		for k, v := range t.list() {
			if v == nil {
				continue
			}
			effect := effectNames()[k]
			c.that(*v > 0 && *v <= 1, at+"."+effect, "must be above 0 and at most 1, is %g: scores run from 0 to 1", *v)
			if a := Action(effect); a.Rank() > 0 {
				c.automatic(a, at+"."+effect)
			}
		}
		c.order(at, "nudge", t.Nudge, "mask", t.Mask)
		c.order(at, "mask", t.Mask, "hold", t.Hold)
		c.order(at, "mask", t.Mask, "strike", t.Strike)
		c.that(t.Strike == nil || rule.Weight > 0, at+".strike", "a strike of no weight changes nothing: give the category a weight")
		never := i > 0 && c.spec.Uncertain.Low >= c.spec.Uncertain.High && c.spec.Uncertain.Audit == 0
		c.that(!never, at, "is never reached: the band in `uncertain` is empty and audit is 0, so tier %d sees nothing", i)
	}
}

func (c *checker) order(at, mild string, a *float64, harsh string, b *float64) {
	if a != nil && b != nil {
		c.that(!(*a > *b), at+"."+mild, "is %g, above %s (%g): the milder must come first", *a, harsh, *b)
	}
}
