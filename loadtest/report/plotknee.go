package report

import (
	"fmt"
	"html/template"
	"math"
)

// used is the part of what a rule allows that a value takes: 1 is the limit,
// more is broken. What should be high is measured from its best.
func (r Rule) used(v float64) float64 {
	if !isNumber(v) {
		return math.NaN()
	}
	m, _ := Describe(r.Metric)
	if r.Op == ">=" || r.Op == ">" {
		best := map[string]float64{"share": 1, "mos": 4.5}[m.Unit]
		if best > r.Limit {
			return max(best-v, 0) / (best - r.Limit)
		}
		return r.Limit / max(v, 1e-9)
	}
	if r.Limit <= 0 || r.Op == "==" {
		return map[bool]float64{true: 0, false: 2}[r.Holds(v)]
	}
	return v / r.Limit
}

// rules are those the verdicts were made from.
func (r *Result) rules() (rules SLO) {
	for _, v := range r.Verdicts {
		if rule, err := ParseRule(v.Rule); err == nil {
			rules = append(rules, rule)
		}
	}
	return rules
}

// stepRules are the rules of a capacity run: of the verdicts and of what broke.
func (r *Result) stepRules() SLO {
	rules := r.rules()
	seen := map[string]bool{}
	for _, rule := range rules {
		seen[rule.String()] = true
	}
	for _, s := range r.Capacity.Steps {
		for _, text := range s.Broken {
			if rule, err := ParseRule(text); err == nil && !seen[rule.String()] {
				seen[rule.String()] = true
				rules = append(rules, rule)
			}
		}
	}
	return rules[:min(len(rules), 8)]
}

// kneePlot draws how much of each target's allowance each load used.
func kneePlot(class string, w float64, r *Result) template.HTML {
	const top, bottom, ceiling = 34, 232, 2.0
	c, rules := r.Capacity, r.stepRules()
	legend := float64(len(rules)) * 18
	height := bottom + 50 + legend
	most := 0.0
	for _, s := range c.Steps {
		most = max(most, float64(s.Participants))
	}
	if len(c.Steps) < 2 || most == 0 {
		return ""
	}
	x, y := upTo(most, 52, w-14), axis{from: 0, to: ceiling, a: bottom, b: top}
	p := draw(class, w, height, fmt.Sprintf("Capacity: all targets were met up to %s", plural(c.Knee, "person", "people")))
	p.rect("broken-zone", x.a, top, x.b-x.a, y.at(1)-top, "")
	for _, t := range x.ticks(int(w / 90)) {
		p.line("grid", x.at(t), top, x.at(t), bottom)
		p.text("tick", x.at(t), bottom+18, "middle", grouped(t))
	}
	for _, t := range []float64{0, .5, 1, 1.5, 2} {
		class := "grid"
		if t == 1 {
			class = "limit"
		}
		p.line(class, x.a, y.at(t), x.b, y.at(t))
		p.text("tick", x.a-6, y.at(t)+4, "end", FormatValue("share", t))
	}
	p.text("tick", x.b, bottom+36, "end", "people")
	for i, rule := range rules {
		class := fmt.Sprintf("s%d", i%6+1)
		var xs, ys []float64
		for _, s := range c.Steps {
			v, ok := s.Metrics[rule.Metric]
			if !ok {
				v = math.NaN()
			}
			xs, ys = append(xs, x.at(float64(s.Participants))), append(ys, y.at(rule.used(v)))
		}
		p.points("trace "+class, xs, ys)
		for j, s := range c.Steps {
			if v, ok := s.Metrics[rule.Metric]; ok && isNumber(v) {
				p.circle("dot "+class, xs[j], ys[j], 3.5, fmt.Sprintf("%s: %s, %s, %s wanted", plural(s.Participants, "person", "people"), TitleOf(rule.Metric), FormatFigure(rule.Metric, v), rule.Words()))
			}
		}
		p.rect("key "+class, x.a, bottom+38+float64(i)*18, 10, 10, "")
		p.text("tick", x.a+16, bottom+47+float64(i)*18, "start", clip(TitleOf(rule.Metric)+", "+rule.Words(), int(w/7)))
	}
	if c.Knee > 0 {
		at := x.at(float64(c.Knee))
		anchor, dx := "start", 6.0
		if at > w*.6 {
			anchor, dx = "end", -6
		}
		p.line("knee", at, top-12, at, bottom)
		p.text("mark-text", at+dx, top-14, anchor, plural(c.Knee, "person", "people")+" with every target met")
	}
	return p.done()
}

// standing is a capacity run's verdict: how many people.
func (c *Capacity) standing() standing {
	people := plural(c.Knee, "person", "people")
	switch {
	case c.Knee == 0:
		return standing{"fail", "NO LOAD met every target", "No load met every target", "Not even the smallest that was tried."}
	case c.LimitedBy == "generator":
		return standing{"void", "carries AT LEAST " + people + ", the load tester was the limit", "Carries at least " + people, "The load tester was the limit, so the server may carry more."}
	case c.LimitedBy == "none":
		return standing{"pass", "carries AT LEAST " + people + ", no more were tried", "Carries at least " + people, "Every target was still met at the largest load tried."}
	}
	return standing{"pass", "carries " + people, "Carries " + people, "With every target met; beyond that the server was the limit."}
}

// says is a capacity run in a sentence.
func (c *Capacity) says() string {
	s := "Not even the smallest load met every target."
	if c.Knee > 0 {
		s = fmt.Sprintf("Every target was met with up to %s.", plural(c.Knee, "person", "people"))
	}
	switch c.LimitedBy {
	case "generator":
		s += " Beyond that the load tester itself could not keep up: the server may carry more."
	case "none":
		s += " The largest load tried still passed: the server carries more than this run asked for."
	case "server":
		s += " Beyond that the server was the limit."
	}
	if why := sentence(clip(c.Why, 300)); why != "" {
		s += " " + why
	}
	return s
}
