package report

import (
	"fmt"
	"html/template"
)

// The widths in which plots are drawn, in pixels: the page shows the one that
// fits, so that text keeps its size.
const (
	wide     = 1080
	mid      = 640
	half     = 520
	slim     = 340
	barWidth = 7
)

// usable says whether a distribution can be drawn.
func (d Distribution) usable() bool {
	if d.Count <= 0 || len(d.Buckets) == 0 || !isNumber(d.Min) || !isNumber(d.Max) || d.Max < d.Min || d.Max <= 0 {
		return false
	}
	for _, b := range d.Buckets {
		if !isNumber(b.LE) {
			return false
		}
	}
	return true
}

// span is a logarithmic axis for a distribution: from where values begin to
// where only the last thousandth is left out, and past every mark.
func (d Distribution) span(a, b float64, marks ...float64) axis {
	from := max(min(d.Min, d.P50/2), d.P50/50, d.Max/1e6, 1e-6)
	to := max(d.P999, d.P99*1.3)
	if d.P999 == 0 {
		to = d.Max
	}
	for _, m := range marks {
		if m < d.Max*20 {
			to = max(to, m*1.15)
		}
	}
	if !(to > from*2) {
		from, to = from*.7, from*2.5
	}
	return axis{from: from, to: to, a: a, b: b, log: true}
}

// latencyPlot is a histogram with its cumulative share, the percentiles and
// the limits that rules set on them.
func latencyPlot(class string, w float64, name string, d Distribution, rules SLO) template.HTML {
	const top, bottom, height = 74, 232, 268
	left, right := 8.0, w-44
	var limits []Rule
	var marks []float64
	for _, r := range rules {
		if m, ok := Describe(r.Metric); ok && m.Name == name && r.Limit > 0 {
			limits, marks = append(limits, r), append(marks, r.Limit)
		}
	}
	x := d.span(left, right, marks...)
	y := axis{from: 0, to: 1, a: bottom, b: top}
	p := draw(class, w, height, fmt.Sprintf("Distribution of %s: median %s, 95th percentile %s, 99th percentile %s", TitleOf(name), FormatValue(d.Unit, d.P50), FormatValue(d.Unit, d.P95), FormatValue(d.Unit, d.P99)))
	for _, t := range x.ticks(int(w / 90)) {
		p.line("grid", x.at(t), top, x.at(t), bottom)
		p.text("tick", x.at(t), bottom+18, "middle", FormatValue(d.Unit, t))
	}
	for _, t := range []float64{0, .25, .5, .75, 1} {
		p.line("grid", left, y.at(t), right, y.at(t))
		p.text("tick", right+6, y.at(t)+4, "start", FormatValue("share", t))
	}
	bars(p, d, x, bottom, bottom-top, int((right-left)/barWidth))
	edges, shares := cumulative(d)
	xs, ys := make([]float64, len(edges)), make([]float64, len(edges))
	for i := range edges {
		xs[i], ys[i] = x.at(edges[i]), y.at(shares[i])
	}
	p.points("cdf", xs, ys)
	for i, r := range limits[:min(len(limits), 3)] {
		at := x.at(r.Limit)
		p.line("limit", at, top, at, bottom)
		anchor, dx := "start", 6.0
		if at > w*.5 {
			anchor, dx = "end", -6
		}
		p.text("tick limit-text", at+dx, (top+bottom)/2+float64(i)*16, anchor, "target: "+suffixOf(r.Metric)+" "+r.Words())
	}
	for i, m := range []struct {
		title string
		v     float64
	}{{"median", d.P50}, {"95 % within", d.P95}, {"99 % within", d.P99}} {
		at, row := x.at(m.v), 16+float64(i)*20
		p.line("mark", at, row+5, at, bottom)
		text, anchor, dx := m.title+" "+FormatValue(d.Unit, m.v), "start", -4.0
		if at > w*.5 {
			anchor, dx = "end", 4
		}
		p.text("mark-text", at+dx, row, anchor, text)
		p.circle("mark-dot", at, row+5, 2.5, "")
	}
	return p.done()
}

// bars draws the histogram up to a height: a bar for each bucket, or n of equal
// width where there are more buckets than room.
func bars(p *drawing, d Distribution, x axis, base, height float64, n int) {
	edges, shares := d.shown(x, max(n, 1))
	most := 0.0
	for i, v := range shares {
		shares[i] = v / max(edges[i+1]-edges[i], .5)
		most = max(most, shares[i])
	}
	if most == 0 {
		return
	}
	for i, v := range shares {
		if v > 0 {
			h := max(v/most*height, .7)
			p.rect("bar", edges[i]+.4, base-h, max(edges[i+1]-edges[i]-.8, .5), h, "")
		}
	}
}

// miniPlot is a histogram as large as a stamp.
func miniPlot(d Distribution) template.HTML {
	const w, base, height = 240, 46, 64
	x := d.span(0, w)
	p := draw("mini", w, height, "Histogram")
	bars(p, d, x, base, base-2, 48)
	p.line("grid", 0, base, w, base)
	for _, v := range []float64{d.P50, d.P95, d.P99} {
		p.line("mark", x.at(v), 0, x.at(v), base)
	}
	p.text("tick", 0, height-4, "start", FormatValue(d.Unit, x.from))
	p.text("tick", w, height-4, "end", FormatValue(d.Unit, x.to))
	return p.done()
}

// suffixOf is what a name says after its metric's: "p99".
func suffixOf(name string) string {
	m, ok := Describe(name)
	if !ok || m.Name == name {
		return ""
	}
	return name[len(m.Name)+1:]
}
