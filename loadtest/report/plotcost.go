package report

import (
	"fmt"
	"html/template"
	"math"
)

// cost is what the seconds of a run say about CPU by packets.
type cost struct {
	xs, ys    []float64 // packets a second out, cores
	a, b, r2  float64
	fitted    bool
	Says      string
	perPacket float64 // microseconds
}

// costOf pairs the steps in which both were measured; nil with fewer than 5.
func costOf(t Timeline) *cost {
	out, cpu := t.Series[SeriesPacketsOut], t.Series[SeriesServerCPU]
	c := &cost{}
	for i := range min(len(out), len(cpu)) {
		if isNumber(out[i]) && isNumber(cpu[i]) && out[i] > 0 {
			c.xs, c.ys = append(c.xs, out[i]), append(c.ys, cpu[i])
		}
	}
	if len(c.xs) < 5 {
		return nil
	}
	c.a, c.b, c.r2, c.fitted = fit(c.xs, c.ys)
	c.fitted = c.fitted && c.b > 0 && c.r2 >= .3
	c.Says = "Load was too even, or CPU too uneven, for a line through these seconds to mean anything."
	if c.fitted {
		c.perPacket = c.b * 1e6
		c.Says = fmt.Sprintf("Each further packet took %s µs of CPU: a core would be full at about %s packets a second. The line explains %s %% of the differences between seconds.",
			digits(c.perPacket), grouped(roundTo((1-c.a)/c.b, 2)), digits(math.Round(c.r2*100)))
	}
	return c
}

// roundTo rounds to n significant digits.
func roundTo(v float64, n int) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 0
	}
	scale := math.Pow(10, float64(n-1)-math.Floor(math.Log10(v)))
	return math.Round(v*scale) / scale
}

// maxDots bounds the points of the scatter.
const maxDots = 600

func (c *cost) plot(class string, w float64) template.HTML {
	const top, bottom, height = 24, 222, 264
	_, mostX, _ := extent(c.xs)
	_, mostY, _ := extent(c.ys)
	x, y := upTo(mostX, 52, w-14), upTo(mostY, bottom, top)
	p := draw(class, w, height, "Server CPU against packets a second, a dot for each step of the run")
	for _, t := range x.ticks(int(w / 110)) {
		p.line("grid", x.at(t), top, x.at(t), bottom)
		p.text("tick", x.at(t), bottom+18, "middle", compact("count", t))
	}
	for _, t := range y.ticks(4) {
		p.line("grid", x.a, y.at(t), x.b, y.at(t))
		p.text("tick", x.a-6, y.at(t)+4, "end", FormatValue("share", t))
	}
	p.text("tick", x.a, 12, "start", "of one core")
	p.text("tick", x.b, height-4, "end", "packets out a second")
	every := (len(c.xs) + maxDots - 1) / maxDots
	for i := 0; i < len(c.xs); i += every {
		p.circle("dot s1", x.at(c.xs[i]), y.at(c.ys[i]), 3, FormatValue("per_s", c.xs[i])+" packets, "+FormatValue("share", c.ys[i])+" of a core")
	}
	if c.fitted {
		from := max(-c.a/c.b, 0)
		p.line("fit", x.at(from), y.at(c.a+c.b*from), x.at(mostX), y.at(c.a+c.b*mostX))
	}
	return p.done()
}
