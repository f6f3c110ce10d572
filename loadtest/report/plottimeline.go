package report

import (
	"html/template"
	"math"
)

// panel is one strip of the timeline.
type panel struct {
	title, unit string
	fill        bool
	floorZero   bool
	lines       []strand
}

// strand is one series in it; class gives the colour.
type strand struct{ series, label, class string }

func panels() []panel {
	return []panel{
		{title: "People connected", unit: "count", fill: true, floorZero: true, lines: []strand{{SeriesParticipants, "connected", "s1"}}},
		{title: "Heard the right people", unit: "share", lines: []strand{{SeriesAudibleShare, "share heard", "s2"}}},
		{title: "Delay mouth to ear", unit: "ms", floorZero: true, lines: []strand{{SeriesLatencyP99, "99th percentile", "s3"}, {SeriesLatency, "median", "s2"}}},
		{title: "Packets", unit: "per_s", floorZero: true, lines: []strand{{SeriesPacketsOut, "out of the server", "s1"}, {SeriesPacketsIn, "into the server", "s4"}}},
		{title: "CPU", unit: "share", floorZero: true, lines: []strand{{SeriesServerCPU, "server, of one core", "s1"}, {SeriesGeneratorCPU, "load tester, of its cores", "s4"}}},
	}
}

// present keeps the panels and strands that this timeline has values for.
func (t Timeline) present() (found []panel) {
	for _, p := range panels() {
		var lines []strand
		for _, s := range p.lines {
			if _, _, ok := extent(t.Series[s.series]); ok {
				lines = append(lines, s)
			}
		}
		if len(lines) > 0 {
			p.lines = lines
			found = append(found, p)
		}
	}
	return found
}

func (t Timeline) steps() (n int) {
	for _, s := range t.Series {
		n = max(n, len(s))
	}
	return n
}

const (
	panelHeight = 104
	panelTop    = 30
	timeLeft    = 52
)

// timelinePlot draws all panels over one axis of time.
func timelinePlot(class string, w float64, t Timeline) template.HTML {
	shown, steps := t.present(), t.steps()
	if len(shown) == 0 || steps < 2 || !(t.StepSeconds > 0) {
		return ""
	}
	height := float64(len(shown))*panelHeight + 26
	p := draw(class, w, height, "How the run went over time")
	x := axis{from: 0, to: float64(steps-1) * t.StepSeconds, a: timeLeft, b: w - 10}
	for i, each := range shown {
		top, base := float64(i)*panelHeight+panelTop, float64(i+1)*panelHeight-6
		strip(p, each, t, x, top, base)
	}
	for _, s := range x.ticks(int(w / 100)) {
		p.text("tick", x.at(s), height-6, "middle", clock(s))
	}
	p.b.WriteString(`<line class="cross" x1="0" x2="0" y1="10" y2="` + px(height-22) + `"/>`)
	return p.done()
}

func strip(p *drawing, each panel, t Timeline, x axis, top, base float64) {
	least, most := math.Inf(1), math.Inf(-1)
	for _, s := range each.lines {
		a, b, _ := extent(t.Series[s.series])
		least, most = min(least, a), max(most, b)
	}
	y := upTo(most, base, top)
	if !each.floorZero { // a share that should be 1: what is missing is what matters
		y = axis{from: min(.9, math.Floor(least*10)/10), to: 1, a: base, b: top}
	}
	p.text("strip-title", 0, top-12, "start", each.title)
	for _, v := range y.ticks(2) {
		p.line("grid", x.a, y.at(v), x.b, y.at(v))
		p.text("tick", x.a-6, y.at(v)+4, "end", compact(each.unit, v))
	}
	p.legend(x.b, top-12, each.lines)
	for _, s := range each.lines {
		series := t.Series[s.series]
		var xs, ys []float64
		for _, i := range outline(series, int(p.w/2.5)) {
			xs, ys = append(xs, x.at(float64(i)*t.StepSeconds)), append(ys, y.at(series[i]))
		}
		if each.fill {
			p.area("fill "+s.class, xs, ys, base)
		}
		p.points("trace "+s.class, xs, ys)
	}
}

// compact is a value for the side of a plot: 12500 a second is "12.5k".
func compact(unit string, v float64) string {
	if (unit == "per_s" || unit == "count") && math.Abs(v) >= 10_000 {
		return digits(v/1000) + "k"
	}
	if unit == "per_s" {
		return grouped(v)
	}
	return FormatValue(unit, v)
}

// clock writes seconds since the start as people say them.
func clock(s float64) string {
	if s < 120 {
		return digits(s) + " s"
	}
	return digits(s/60) + " min"
}

// hover is what the script needs to tell values under the pointer.
type hover struct {
	Step   float64      `json:"step"`
	Steps  int          `json:"steps"`
	Left   int          `json:"left"`
	Right  int          `json:"right"`
	Series []hoverTrack `json:"series"`
}

type hoverTrack struct {
	Label  string   `json:"label"`
	Values []string `json:"values"`
}

// maxHover is how many moments of a timeline the pointer can tell apart.
const maxHover = 600

func (t Timeline) hover() *hover {
	steps := t.steps()
	shown := t.present()
	if len(shown) == 0 || steps < 2 {
		return nil
	}
	n := min(steps, maxHover)
	h := &hover{Step: t.StepSeconds * float64(steps-1) / float64(n-1), Steps: n, Left: timeLeft, Right: 10}
	for _, p := range shown {
		for _, s := range p.lines {
			track := hoverTrack{Label: p.title}
			if len(p.lines) > 1 {
				track.Label += ", " + s.label
			}
			series := t.Series[s.series]
			for len(series) < steps {
				series = append(series[:len(series):len(series)], math.NaN())
			}
			for _, v := range bucketed(series, n) {
				track.Values = append(track.Values, FormatValue(p.unit, v))
			}
			h.Series = append(h.Series, track)
		}
	}
	return h
}

// spark is a line as large as a word.
func spark(s Series, class string) template.HTML {
	const w, h = 120, 28
	least, most, ok := extent(s)
	if !ok || len(s) < 3 {
		return ""
	}
	pad := max((most-least)*.1, math.Abs(most)*.02, 1e-9)
	y := axis{from: least - pad, to: most + pad, a: h, b: 2}
	var xs, ys []float64
	for _, i := range outline(s, w/2) {
		xs, ys = append(xs, float64(i)/float64(len(s)-1)*w), append(ys, y.at(s[i]))
	}
	p := draw("spark", w, h, "over time")
	p.area("fill "+class, xs, ys, h)
	p.points("trace "+class, xs, ys)
	return p.done()
}
