package policy

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
)

// terms checks the rules of listed words.
func (c *checker) terms() {
	t := &c.spec.Terms
	order := []Severity{Mild, Strong, Severe}
	known := append([]Severity{Harmless}, order...)
	used := map[Severity]bool{t.Default: true}
	c.that(slices.Contains(known, t.Default), "terms.default", "must be none, mild, strong or severe, is %.32q", t.Default)
	c.that(t.Default == Harmless || c.has(Terms), "terms.default", "needs the category terms, which gives such words a rule")
	if c.count(len(t.Rules), maxTermRules, "terms.rules") {
		for i, rule := range t.Rules {
			field := fmt.Sprintf("terms.rules[%d]", i)
			used[rule.Severity] = true
			c.that(slices.Contains(known, rule.Severity), field+".severity", "must be none, mild, strong or severe, is %.32q", rule.Severity)
			c.that(rule.Category == "" || c.has(rule.Category), field+".category", "there is no category %.32q in this file", rule.Category)
			c.that(rule.Category != "" || rule.Severity == Harmless || c.has(Terms), field+".category", "say which, or add the category terms, which gives such words a rule")
			c.pattern(rule.Names, field+".names")
			earlier := slices.IndexFunc(t.Rules[:i], func(r TermRule) bool { return r.Names == rule.Names || everything(r.Names) })
			c.that(earlier < 0, field+".names", "is never reached: terms.rules[%d] takes all of these", earlier)
		}
	}
	for _, name := range sorted(t.Severities) {
		field := "terms.severities." + string(name)
		c.that(slices.Contains(order, name), field, "there is no severity %.32q; there are mild, strong and severe", name)
		c.severity(t.Severities[name], field)
	}
	for _, name := range order {
		_, there := t.Severities[name]
		c.that(there || !used[name], "terms.severities", "say what %s words lead to", name)
		c.that(!there || used[name], "terms.severities."+string(name), "is never reached: neither default nor a rule names it")
	}
	for i, milder := range order[:2] {
		for _, harsher := range order[i+1:] {
			c.severer(milder, harsher)
		}
	}
}

func (c *checker) has(name Category) bool { _, there := c.spec.Categories[name]; return there }

// everything says whether an expression obviously matches all names.
func everything(names string) bool {
	return slices.Contains([]string{".*", "^.*$", "^", "$", "^.*", ".*$"}, names)
}

func (c *checker) severity(r SeverityRule, field string) {
	strike := false
	for i, do := range r.Do {
		at := fmt.Sprintf("%s.do[%d]", field, i)
		c.that(effectNamed(do) != 0, at, "must be nudge, mask, hold, strike or review, is %.32q", do)
		c.that(!slices.Contains(r.Do[:i], do), at, "%.32q is there twice", do)
		if a := Action(do); a.Rank() > 0 && effectNamed(do) != 0 {
			c.automatic(a, at)
		}
		strike = strike || do == "strike"
	}
	c.between(r.Weight, 0, maxWeight, field+".weight")
	c.that(strike == (r.Weight > 0), field+".weight", "belongs to strike, which needs it")
}

// severer demands that the harsher of two severities does all the milder does.
func (c *checker) severer(milder, harsher Severity) {
	a, okA := c.spec.Terms.Severities[milder]
	b, okB := c.spec.Terms.Severities[harsher]
	if !okA || !okB {
		return
	}
	field := "terms.severities." + string(harsher)
	for _, do := range a.Do {
		held := do == "mask" && slices.Contains(b.Do, "hold") || do == "nudge" && len(b.Do) > 0
		c.that(slices.Contains(b.Do, do) || held, field+".do", "does not %.32s, but %s does: the harsher must do more", do, milder)
	}
	c.that(!(a.Weight > b.Weight), field+".weight", "is %g, below that of %s (%g)", b.Weight, milder, a.Weight)
}

// pattern checks an expression. RE2 takes time linear in its size and in the
// text, and both are limited.
func (c *checker) pattern(expression, field string) {
	c.that(expression != "", field, "must not be empty; .* takes every name")
	if len(expression) > maxPattern {
		c.that(false, field, "has %d bytes, at most %d are allowed", len(expression), maxPattern)
		return
	}
	c.that(patternSize(expression) <= maxPatternOp, field, "is too large with its repeats unrolled")
	_, err := regexp.Compile(expression)
	c.that(err == nil, field, "%v; expressions are RE2 (github.com/google/re2/wiki/Syntax)", err)
}

// patternSize estimates how large a compiled expression is, before it is
// compiled; 0 if it does not compile.
func patternSize(expression string) int {
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return 0
	}
	return treeSize(tree)
}

func treeSize(tree *syntax.Regexp) int {
	n := 1
	if tree.Op == syntax.OpLiteral || tree.Op == syntax.OpCharClass {
		n = max(1, len(tree.Rune))
	}
	for _, sub := range tree.Sub {
		n += treeSize(sub)
	}
	if tree.Op == syntax.OpRepeat {
		n *= max(tree.Max, tree.Min+1)
	}
	return n
}
