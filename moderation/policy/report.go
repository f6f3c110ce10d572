package policy

import (
	"slices"
	"strings"
	"time"

	"earshot"
)

// Reporter is one report about a person, and who made it.
type Reporter struct {
	Who earshot.ParticipantID
	At  time.Time
	// Since is when the reporter's account was first seen; zero: not known,
	// which counts as new.
	Since time.Time
	// Confirmed and Rejected are what moderators said of earlier reports.
	Confirmed, Rejected int
	// Group is what reporters may have in common: friends, a party, one
	// address. "" is no group.
	Group string
}

// newcomers are the group of all new accounts.
const newcomers = "new"

// Weigh returns what reports about one person count together. Several of one
// reporter are one. Those of a group count at most so much, however many, and
// all new accounts together, which anybody can make, count as one person.
func (p *Policy) Weigh(reports []Reporter, now time.Time) float64 {
	latest := slices.Clone(reports[max(0, len(reports)-maxReporters):])
	slices.SortStableFunc(latest, func(a, b Reporter) int { return strings.Compare(string(a.Who), string(b.Who)) })
	sum, groups := 0.0, map[string]float64{}
	for len(latest) > 0 {
		n := 1
		for n < len(latest) && latest[n].Who == latest[0].Who {
			n++
		}
		sum += p.weighOne(latest[:n], groups, now)
		latest = latest[n:]
	}
	return min(sum, maxSum)
}

// weighOne returns what the reports of one reporter add to those before.
func (p *Policy) weighOne(reports []Reporter, groups map[string]float64, now time.Time) float64 {
	weight, belongs := 0.0, map[string]bool{}
	for i := range reports {
		r := &reports[i]
		weight = max(weight, p.weigh(r, now))
		if r.Group != "" {
			belongs["group "+r.Group] = true
		}
		if p.newcomer(r, now) {
			belongs[newcomers] = true
		}
	}
	for g := range belongs {
		most := p.Spec.Reports.Group
		if g == newcomers {
			most = newTogether
		}
		weight = min(weight, max(most-groups[g], 0))
	}
	for g := range belongs {
		groups[g] += weight
	}
	return weight
}

// weigh is what one report counts: 1 without a history, and with one twice
// the share of reports that were right (after Laplace), so 0 to 2.
func (p *Policy) weigh(r *Reporter, now time.Time) float64 {
	rules := &p.Spec.Reports
	if age := now.Sub(r.At); age > time.Duration(rules.Window) || age < -time.Duration(rules.Window) {
		return 0
	}
	right, wrong := float64(max(r.Confirmed, 0)), float64(max(r.Rejected, 0))
	weight := min(2*(right+1)/(right+wrong+2), rules.Most)
	if p.newcomer(r, now) {
		weight = min(weight, rules.NewWeight)
	}
	return weight
}

func (p *Policy) newcomer(r *Reporter, now time.Time) bool {
	return r.Since.IsZero() || now.Sub(r.Since) < time.Duration(p.Spec.Reports.NewAccount)
}
