package loadtest

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// chart is a line plot for docs/.
type chart struct {
	title, xUnit, yUnit string
	yLeast, yMost       float64
	lines               []series
	marks               []mark
}

type series struct {
	name   string
	points []point
	steps  bool // a value holds until the next
}

type point struct{ x, y float64 }

// mark is a level that matters.
type mark struct {
	y    float64
	text string
}

const (
	chartWidth, chartHeight           = 760.0, 400.0
	chartLeft, chartTop               = 60.0, 56.0
	chartRight, chartBottom           = 16.0, 84.0
	chartTicks                        = 6
	chartInnerWidth, chartInnerHeight = chartWidth - chartLeft - chartRight, chartHeight - chartTop - chartBottom
	chartStyle                        = `text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}.dim{fill:#59636e;font-size:12px}.grid{stroke:#d1d9e0}.mark{stroke:#9a6700;stroke-dasharray:4 4}.l{fill:none;stroke-width:2}@media(prefers-color-scheme:dark){text{fill:#d1d7e0}.dim{fill:#9198a1}.grid{stroke:#3d444d}}`
)

var chartColours = [...]string{"#0969da", "#1a7f37", "#cf222e", "#8250df"}

func (c *chart) svg() string {
	least, most := math.Inf(1), math.Inf(-1)
	for _, l := range c.lines {
		for _, p := range l.points {
			least, most = min(least, p.x), max(most, p.x)
		}
	}
	x := func(v float64) float64 { return chartLeft + (v-least)/(most-least)*chartInnerWidth }
	y := func(v float64) float64 {
		return chartTop + (1-(min(max(v, c.yLeast), c.yMost)-c.yLeast)/(c.yMost-c.yLeast))*chartInnerHeight
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" width=\"%[1]g\" height=\"%[2]g\" role=\"img\" aria-label=\"%s\">\n<style>%s</style>\n",
		chartWidth, chartHeight, html.EscapeString(c.title), chartStyle)
	fmt.Fprintf(&b, "<text x=\"%g\" y=\"22\" font-weight=\"600\">%s</text><text x=\"%[1]g\" y=\"44\" class=\"dim\">%[3]s</text>\n", chartLeft, html.EscapeString(c.title), html.EscapeString(c.yUnit))
	for i := range chartTicks + 1 {
		v := c.yLeast + (c.yMost-c.yLeast)*float64(i)/chartTicks
		fmt.Fprintf(&b, "<line class=\"grid\" x1=\"%g\" x2=\"%g\" y1=\"%.1f\" y2=\"%.1[3]f\"/><text class=\"dim\" text-anchor=\"end\" x=\"%g\" y=\"%.1f\">%.4g</text>\n",
			chartLeft, chartWidth-chartRight, y(v), chartLeft-6, y(v)+4, v)
		h := least + (most-least)*float64(i)/chartTicks
		fmt.Fprintf(&b, "<text class=\"dim\" text-anchor=\"middle\" x=\"%.1f\" y=\"%g\">%.3g</text>\n", x(h), chartHeight-chartBottom+18, h)
	}
	fmt.Fprintf(&b, "<text class=\"dim\" text-anchor=\"end\" x=\"%g\" y=\"%g\">%s</text>\n", chartWidth-chartRight, chartHeight-chartBottom+36, html.EscapeString(c.xUnit))
	for _, m := range c.marks {
		fmt.Fprintf(&b, "<line class=\"mark\" x1=\"%g\" x2=\"%g\" y1=\"%.1f\" y2=\"%.1[3]f\"/><text class=\"dim\" x=\"%g\" y=\"%.1f\">%s</text>\n",
			chartLeft, chartWidth-chartRight, y(m.y), chartLeft+6, y(m.y)-5, html.EscapeString(m.text))
	}
	for i, l := range c.lines {
		colour := chartColours[i%len(chartColours)]
		fmt.Fprintf(&b, "<path class=\"l\" stroke=\"%s\" d=\"%s\"/>\n", colour, l.path(x, y))
		at, row := chartLeft+float64(i%2)*chartInnerWidth/2, chartHeight-26+float64(i/2)*18
		fmt.Fprintf(&b, "<line x1=\"%g\" x2=\"%g\" y1=\"%g\" y2=\"%[3]g\" stroke=\"%s\" stroke-width=\"3\"/><text class=\"dim\" x=\"%g\" y=\"%g\">%s</text>\n",
			at, at+18, row-4, colour, at+24, row, html.EscapeString(l.name))
	}
	return b.String() + "</svg>\n"
}

// path is the line; of many points in one pixel the highest is drawn.
func (l *series) path(x, y func(float64) float64) string {
	var b strings.Builder
	column, top := math.Inf(-1), 0.0
	draw := func(px, py float64) {
		if b.Len() == 0 {
			fmt.Fprintf(&b, "M%.1f %.1f", px, py)
			return
		}
		if l.steps {
			fmt.Fprintf(&b, "H%.1f", px)
		}
		fmt.Fprintf(&b, "L%.1f %.1f", px, py)
	}
	for _, p := range l.points {
		px, py := math.Round(x(p.x)), y(p.y)
		if l.steps || len(l.points) < 500 {
			draw(x(p.x), py)
			continue
		}
		if px != column && !math.IsInf(column, -1) {
			draw(column, top)
			top = py
		} else if math.IsInf(column, -1) {
			top = py
		}
		column, top = px, min(top, py)
	}
	if !math.IsInf(column, -1) {
		draw(column, top)
	}
	return b.String()
}
