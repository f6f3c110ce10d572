package run

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"earshot"
	"earshot/loadtest/report"
)

// CapacityConfig is how a capacity run raises the load.
type CapacityConfig struct {
	From   int           // people to begin with; 0 is a quarter of the scenario's
	To     int           // at most; 0 is eight times From
	Step   int           // people to add each time; 0 multiplies by Factor
	Factor float64       // more than 1
	Settle time.Duration // after everybody has joined, not measured
	Window time.Duration // measured at each load
}

func (c *CapacityConfig) fill(people int) error {
	if c.From == 0 {
		c.From = max(1, people/4)
	}
	if c.To == 0 {
		c.To = 8 * c.From
	}
	switch {
	case c.From < 1 || c.To < c.From:
		return earshot.Errorf(earshot.CodeInvalidArgument, "-from %d -to %d: begin with 1 or more and end with no fewer", c.From, c.To)
	case c.Step < 0 || c.Step == 0 && !(c.Factor > 1):
		return earshot.Errorf(earshot.CodeInvalidArgument, "the load would not grow: use -step 1 or more, or -factor above 1")
	case c.Window < time.Second:
		return earshot.Errorf(earshot.CodeInvalidArgument, "-window %v is too short to measure anything: use 1s or more", c.Window)
	}
	return nil
}

// next returns the load after n.
func (c *CapacityConfig) next(n int) int {
	if c.Step > 0 {
		return min(c.To, n+c.Step)
	}
	return min(c.To, max(n+1, int(math.Round(float64(n)*c.Factor))))
}

// Capacity raises the number of people of a scenario until a rule breaks, and
// tries once more in between. More people join on top of those who are there.
// The result is that of the last load that met all rules, with the ladder in
// Capacity.
func Capacity(ctx context.Context, cfg Config, c CapacityConfig) (*report.Result, error) {
	if cfg.Scenario == nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "say which scenario to raise")
	}
	if err := c.fill(cfg.Scenario.People()); err != nil {
		return nil, err
	}
	if err := stretch(&cfg, c.To); err != nil {
		return nil, err
	}
	r, err := newRunner(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer r.host.Close()
	if len(r.rules()) == 0 {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "scenario %s has no rules that could break; give some with -slo FILE", cfg.Scenario.Name)
	}
	ladder := &ladder{r: r, c: c, all: interleaved(r.people), result: &report.Capacity{LimitedBy: "none"}}
	res := ladder.climb(ctx)
	return res, r.write(res)
}

// stretch sets the scenario's groups to people in all, in the proportions they
// have.
func stretch(cfg *Config, people int) error {
	s := cfg.Scenario
	have := s.People()
	for i := range s.Groups {
		n := max(1, int(math.Round(float64(s.Groups[i].Count)*float64(people)/float64(have))))
		if err := s.Set(fmt.Sprintf("groups.%d.count", i), fmt.Sprint(n)); err != nil {
			return err
		}
	}
	return nil
}

// interleaved orders people so that every beginning of the list has about the
// same mix of groups as all of it.
func interleaved(people []*person) []*person {
	groups := map[string][]*person{}
	var names []string
	for _, p := range people {
		if groups[p.group.Name] == nil {
			names = append(names, p.group.Name)
		}
		groups[p.group.Name] = append(groups[p.group.Name], p)
	}
	taken := map[string]int{}
	var list []*person
	for len(list) < len(people) {
		best, behind := "", math.Inf(1)
		for _, name := range names {
			if share := (float64(taken[name]) + .5) / float64(len(groups[name])); share < behind && taken[name] < len(groups[name]) {
				best, behind = name, share
			}
		}
		list = append(list, groups[best][taken[best]])
		taken[best]++
	}
	return list
}

// ladder is a capacity run.
type ladder struct {
	r      *Runner
	c      CapacityConfig
	all    []*person // in the order in which they come
	in     int       // of all, who have come
	result *report.Capacity
	best   *measured // of the largest load that met the rules
	last   *measured
}

func (l *ladder) climb(ctx context.Context) *report.Result {
	lives, stop := l.r.background(ctx)
	defer stop()
	good, bad := 0, 0
	for n := l.c.From; ctx.Err() == nil; n = l.c.next(n) {
		if !l.try(ctx, lives, n) {
			bad = n
			break
		}
		good = n
		if n >= l.c.To {
			break
		}
	}
	if middle := (good + bad) / 2; bad > 0 && good > 0 && middle > good && ctx.Err() == nil {
		l.reduce(middle)
		if l.try(ctx, lives, middle) {
			good = middle
		}
	}
	l.result.Knee = good
	l.explain(ctx, bad)
	l.r.enter(phaseLeaving, 0)
	stop()
	l.r.leave()
	m := l.best
	if m == nil {
		m = l.last
	}
	if m == nil {
		m = &measured{begin: time.Now(), metrics: report.Metrics{}}
	}
	res := l.r.result(m)
	res.Capacity = l.result
	return res
}

// try brings the load to n people, lets it settle, measures it and reports
// whether all rules held.
func (l *ladder) try(ctx, lives context.Context, n int) bool {
	r := l.r
	if n > l.in {
		r.enter(fmt.Sprintf("to %d", n), l.c.Settle+l.c.Window)
		more := l.all[l.in:min(n, len(l.all))]
		for i, p := range more {
			p.after = time.Duration(i) * time.Second / joinRate
		}
		r.bring(ctx, lives, more)
		l.in = n
	}
	r.enter(fmt.Sprintf("settle %d", n), l.c.Settle+l.c.Window)
	pause(ctx, l.c.Settle)
	r.enter(fmt.Sprintf("measure %d", n), l.c.Window)
	w := r.open(ctx, l.c.Window)
	pause(ctx, l.c.Window)
	m := r.close(w)
	if ctx.Err() != nil {
		r.note("cut short at %d people", n)
		return false
	}
	l.last = m
	step := report.Step{Participants: m.people, Metrics: m.metrics, Passed: true}
	for _, v := range r.rules().Check(m.metrics) {
		if !v.Passed {
			step.Passed = false
			step.Broken = append(step.Broken, v.Rule)
		}
	}
	l.result.Steps = append(l.result.Steps, step)
	if step.Passed && (l.best == nil || m.people > l.best.people) {
		l.best = m
	}
	return step.Passed
}

// joinRate is how many people join a second between two loads.
const joinRate = 20

// reduce takes people out until n are in.
func (l *ladder) reduce(n int) {
	r := l.r
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, p := range l.all[n:l.in] {
		r.ahead.Add(-1)
		if bot := r.release(p); bot != nil {
			_ = bot.Leave(ctx)
		}
	}
	l.in = n
}

// explain says what the limit was. bad is the smallest load that broke a rule,
// 0 where none did.
func (l *ladder) explain(ctx context.Context, bad int) {
	c, m := l.result, l.last
	switch {
	case m == nil || ctx.Err() != nil:
		c.Why = "the run was cut short"
	case bad == 0:
		c.Why = fmt.Sprintf("all rules held up to %d people, where the ladder ended: raise -to", c.Knee)
	default:
		var broken []string
		for _, s := range c.Steps {
			if !s.Passed {
				broken = s.Broken
				break
			}
		}
		c.LimitedBy = "server"
		c.Why = fmt.Sprintf("at %d people this did not hold: %s", bad, strings.Join(broken, "; "))
		if m.generator.Limited {
			c.LimitedBy = "generator"
			c.Why += "; but " + m.generator.Why
		} else if m.server != nil && m.server.CPUShare < .5 {
			c.Why += fmt.Sprintf("; the server used only %.0f %% of a core: look at the network and at the rule", 100*m.server.CPUShare)
		}
	}
}
