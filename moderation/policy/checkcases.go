package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// cases checks that cases can be run; whether they pass is for RunCases.
func (c *checker) cases() {
	if !c.count(len(c.spec.Cases), maxCases, "cases") {
		return
	}
	names := map[string]bool{}
	for i, tc := range c.spec.Cases {
		field := fmt.Sprintf("cases[%d]", i)
		c.that(strings.TrimSpace(tc.Name) != "", field+".name", "say what it shows")
		c.that(!names[tc.Name], field+".name", "%.64q is there twice", tc.Name)
		c.text(tc.Name, field+".name", maxText)
		names[tc.Name] = true
		c.given(&tc, field)
		c.expect(&tc.Expect, field+".expect")
	}
}

func (c *checker) given(tc *Case, field string) {
	g, at := &tc.Given, field+".given"
	kinds := []Kind{"", Chat, Voice, Name, NPC, Persona, Report}
	sources := []Source{"", Tier0, Tier1, Tier2, ByReport, ByModerator}
	c.that(slices.Contains(kinds, g.Kind), at+".kind", "%.32q is no kind; there are chat voice name npc persona report", g.Kind)
	c.that(slices.Contains(sources, g.Source), at+".source", "%.32q is no source; there are tier0 tier1 tier2 report moderator", g.Source)
	for _, name := range sorted(g.Scores) {
		c.that(c.has(name), at+".scores."+string(name), "there is no category %.32q in this file", name)
		c.between(g.Scores[name], 0, 1, at+".scores."+string(name))
	}
	c.count(len(g.Terms), maxTerms, at+".terms")
	c.between(g.Reporters, 0, maxSum, at+".reporters")
	_, err := caseTime(g.At, time.UTC)
	c.that(err == nil, at+".at", "%v", err)
	c.that(tc.Age == "" || tc.Age == Minor || tc.Age == Adult, field+".age", "must be minor or adult, or be missing, is %.32q", tc.Age)
	c.count(len(tc.History), maxHistory, field+".history")
	for i, s := range tc.History {
		c.that(s.Weight > 0 && s.Weight <= maxWeight, fmt.Sprintf("%s.history[%d].weight", field, i), "must be above 0 and at most %g, is %g", maxWeight, s.Weight)
	}
	c.count(len(tc.InForce), maxHistory, field+".in_force")
	for i, s := range tc.InForce {
		c.that(s.Action.lasts(), fmt.Sprintf("%s.in_force[%d].action", field, i), "%.32q is nothing that can be in force", s.Action)
	}
}

func (c *checker) expect(e *Expect, field string) {
	some := e.Actions != nil || e.Proposed != nil || e.Strike != nil || e.Review != nil || e.Automatic != nil || e.Rule != nil || e.Statement != nil
	c.that(some, field, "expects nothing, so it would always pass")
	c.expectActs(e.Actions, field+".actions")
	c.expectActs(e.Proposed, field+".proposed")
}

func (c *checker) expectActs(acts []string, field string) {
	for i, s := range acts {
		_, _, err := parseAct(s)
		c.that(err == nil, fmt.Sprintf("%s[%d]", field, i), "%v", err)
	}
}
