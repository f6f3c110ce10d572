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

// Weigh returns what reports about one person count together. Several of one
// reporter are one; those of a group count at most so much, however many.
func (p *Policy) Weigh(reports []Reporter, now time.Time) float64 {
	rules := &p.Spec.Reports
	latest := slices.Clone(reports[max(0, len(reports)-maxReporters):])
	slices.SortStableFunc(latest, func(a, b Reporter) int { return strings.Compare(string(a.Who), string(b.Who)) })
	sum, groups := 0.0, map[string]float64{}
	for len(latest) > 0 {
		n := 1
		for n < len(latest) && latest[n].Who == latest[0].Who {
			n++
		}
		weight, group := 0.0, ""
		for i := range latest[:n] {
			if w := p.weigh(&latest[i], now); w >= weight {
				weight, group = w, latest[i].Group
			}
		}
		latest = latest[n:]
		if group != "" {
			weight = min(weight, max(rules.Group-groups[group], 0))
			groups[group] += weight
		}
		sum += weight
	}
	return min(sum, maxSum)
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
	if r.Since.IsZero() || now.Sub(r.Since) < time.Duration(rules.NewAccount) {
		weight = min(weight, rules.NewWeight)
	}
	return weight
}
