package journal

import (
	"context"
	"slices"
	"time"

	"earshot/moderation/policy"
)

// Figures say how well moderation does.
type Figures struct {
	Incidents int `json:"incidents"`
	Acted     int `json:"acted"`     // something was done at once
	Automatic int `json:"automatic"` // of those, without a person
	Waiting   int `json:"waiting"`   // in the queue now
	Judged    int `json:"judged"`    // by a person, or undone
	Undone    int `json:"undone"`
	// Precision is the share of judged incidents in which something was to be
	// done: all verdicts but wrong. 0 with none judged.
	Precision float64 `json:"precision"`
	// From what happened to the order having been carried out.
	ActionP50 time.Duration `json:"action_p50_ns"`
	ActionP95 time.Duration `json:"action_p95_ns"`
	// From the decision to the first judgement.
	JudgedP50  time.Duration `json:"judged_p50_ns"`
	JudgedP95  time.Duration `json:"judged_p95_ns"`
	Appeals    int           `json:"appeals"`
	Decided    int           `json:"appeals_decided"`
	Overturned int           `json:"appeals_overturned"` // any verdict but right
	// OverturnRate is Overturned of Decided; 0 with none decided.
	OverturnRate float64 `json:"overturn_rate"`
	OpenOrders   int     `json:"open_orders"`
}

// Figures counts what happened in a world from a time on. An empty world is
// all worlds.
func (j *Journal) Figures(_ context.Context, world string, from time.Time) (Figures, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	var f Figures
	var toAction, toJudgement []time.Duration
	right := 0
	for _, it := range j.state.items {
		if world != "" && it.world != world || it.decided.Before(from) {
			continue
		}
		f.count(it)
		if !it.applied.IsZero() {
			toAction = append(toAction, max(it.applied.Sub(it.happened), 0))
		}
		g := it.last()
		if g != nil {
			toJudgement = append(toJudgement, max(it.judged[0].At.Sub(it.decided), 0))
		}
		if g != nil && g.Verdict != policy.Wrong && !it.undone {
			right++
		}
	}
	for _, o := range j.state.open {
		if world == "" || o.World == world {
			f.OpenOrders++
		}
	}
	f.Precision, f.OverturnRate = share(right, f.Judged), share(f.Overturned, f.Decided)
	f.ActionP50, f.ActionP95 = quantiles(toAction)
	f.JudgedP50, f.JudgedP95 = quantiles(toJudgement)
	return f, nil
}

func (f *Figures) count(it *item) {
	one := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	f.Incidents++
	one(&f.Acted, it.acted)
	one(&f.Automatic, it.acted && it.automatic)
	one(&f.Waiting, it.waits())
	one(&f.Judged, len(it.judged) > 0 || it.undone)
	one(&f.Undone, it.undone)
	one(&f.Appeals, !it.appealed.IsZero())
	for _, g := range it.judged {
		one(&f.Decided, g.Appeal)
		one(&f.Overturned, g.Appeal && g.Verdict != policy.Right)
	}
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// quantiles returns the median and the 95th percentile by nearest rank.
func quantiles(d []time.Duration) (p50, p95 time.Duration) {
	if len(d) == 0 {
		return 0, 0
	}
	slices.Sort(d)
	rank := func(percent int) time.Duration { return d[(len(d)*percent+99)/100-1] }
	return rank(50), rank(95)
}
