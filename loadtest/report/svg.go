package report

import (
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// drawing writes one SVG. Colours come from classes, so that the page's theme
// applies; every text and attribute is escaped here.
type drawing struct {
	b    strings.Builder
	w, h float64
}

// draw begins a picture of w by h pixels. class tells the page at which width
// to show it; label is for who cannot see it.
func draw(class string, w, h float64, label string) *drawing {
	d := &drawing{w: w, h: h}
	fit := ""
	if class == "spark" { // it fills its box, whatever shape that has
		fit = ` preserveAspectRatio="none"`
	}
	d.b.WriteString(`<svg class="` + html.EscapeString(class) + `"` + fit + ` viewBox="0 0 ` + px(w) + ` ` + px(h) + `" role="img" aria-label="` + html.EscapeString(label) + `">`)
	return d
}

func (d *drawing) done() template.HTML {
	d.b.WriteString("</svg>\n")
	return template.HTML(d.b.String()) // every part of it was escaped when it was written
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.b.WriteString(`<line class="` + class + `" x1="` + px(x1) + `" y1="` + px(y1) + `" x2="` + px(x2) + `" y2="` + px(y2) + `"/>`)
}

func (d *drawing) rect(class string, x, y, w, h float64, tip string) {
	d.b.WriteString(`<rect class="` + class + `" x="` + px(x) + `" y="` + px(y) + `" width="` + px(max(w, 0)) + `" height="` + px(max(h, 0)) + `"` + tipped(tip) + `/>`)
}

func (d *drawing) circle(class string, x, y, r float64, tip string) {
	d.b.WriteString(`<circle class="` + class + `" cx="` + px(x) + `" cy="` + px(y) + `" r="` + px(r) + `"` + tipped(tip) + `/>`)
}

// text writes at a baseline; anchor is "start", "middle" or "end".
func (d *drawing) text(class string, x, y float64, anchor, text string) {
	d.b.WriteString(`<text class="` + class + `" x="` + px(x) + `" y="` + px(y) + `" text-anchor="` + anchor + `">` + html.EscapeString(text) + `</text>`)
}

// legend writes what the colours mean, ending at x: a square and a text each.
func (d *drawing) legend(x, y float64, lines []strand) {
	d.b.WriteString(`<text class="tick" x="` + px(x) + `" y="` + px(y) + `" text-anchor="end">`)
	for i, s := range lines {
		gap := ""
		if i > 0 {
			gap = ` dx="14"`
		}
		d.b.WriteString(`<tspan class="key ` + s.class + `"` + gap + `>■</tspan><tspan dx="5">` + html.EscapeString(s.label) + `</tspan>`)
	}
	d.b.WriteString(`</text>`)
}

// points draws a line through points, broken where one is no number.
func (d *drawing) points(class string, xs, ys []float64) {
	d.b.WriteString(`<path class="` + class + `" d="` + track(xs, ys) + `"/>`)
}

// area fills between a line and a base.
func (d *drawing) area(class string, xs, ys []float64, base float64) {
	var b strings.Builder
	from := -1
	for i := 0; i <= len(xs); i++ {
		if i < len(xs) && isNumber(xs[i]) && isNumber(ys[i]) {
			if from < 0 {
				from = i
			}
			continue
		}
		if from >= 0 {
			b.WriteString("M" + px(xs[from]) + " " + px(base))
			for j := from; j < i; j++ {
				b.WriteString("L" + px(xs[j]) + " " + px(ys[j]))
			}
			b.WriteString("L" + px(xs[i-1]) + " " + px(base) + "Z")
			from = -1
		}
	}
	d.b.WriteString(`<path class="` + class + `" d="` + b.String() + `"/>`)
}

func track(xs, ys []float64) string {
	var b strings.Builder
	pen := "M"
	for i := range xs {
		if !isNumber(xs[i]) || !isNumber(ys[i]) {
			pen = "M"
			continue
		}
		b.WriteString(pen + px(xs[i]) + " " + px(ys[i]))
		pen = "L"
	}
	return b.String()
}

// tipped is a text shown while pointing at a thing.
func tipped(tip string) string {
	if tip == "" {
		return ""
	}
	return ` data-tip="` + html.EscapeString(tip) + `"`
}

// px writes a coordinate to a tenth of a pixel.
func px(v float64) string {
	if !isNumber(v) {
		return "0"
	}
	return trimZeros(strconv.FormatFloat(math.Round(v*10)/10, 'f', 1, 64))
}

// axis maps values to pixels.
type axis struct {
	from, to float64 // values
	a, b     float64 // pixels
	log      bool
}

func (x axis) at(v float64) float64 {
	if !isNumber(v) {
		return math.NaN()
	}
	part := (v - x.from) / (x.to - x.from)
	if x.log {
		part = math.Log(max(v, x.from)/x.from) / math.Log(x.to/x.from)
	}
	return x.a + min(max(part, 0), 1)*(x.b-x.a)
}

// ticks are round values on the axis, about n of them.
func (x axis) ticks(n int) (ticks []float64) {
	if x.log {
		return x.logTicks(n)
	}
	step := round125((x.to - x.from) / float64(max(n, 1)))
	for v := math.Ceil(x.from/step-1e-9) * step; v <= x.to+step*1e-9 && len(ticks) < 50; v += step {
		ticks = append(ticks, v)
	}
	return ticks
}

func (x axis) logTicks(n int) (ticks []float64) {
	for _, mantissas := range [][]float64{{1, 2, 5}, {1, 3}, {1}} {
		ticks = nil
		for e := math.Floor(math.Log10(x.from)); e <= math.Ceil(math.Log10(x.to)) && len(ticks) < 60; e++ {
			for _, m := range mantissas {
				if v := m * math.Pow(10, e); v >= x.from*.999 && v <= x.to*1.001 {
					ticks = append(ticks, v)
				}
			}
		}
		if len(ticks) <= n+1 {
			return ticks
		}
	}
	return ticks
}

// round125 rounds up to 1, 2 or 5 times a power of ten.
func round125(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 1
	}
	e := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*e*1.0000001 {
			return m * e
		}
	}
	return 10 * e
}

// upTo is an axis from 0 to a round value at or above the largest.
func upTo(largest, a, b float64) axis {
	if !(largest > 0) || math.IsInf(largest, 0) {
		largest = 1
	}
	step := round125(largest / 4)
	return axis{from: 0, to: math.Ceil(largest/step-1e-9) * step, a: a, b: b}
}
