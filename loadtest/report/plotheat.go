package report

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
)

// Limits of the heat map: what a browser and a person can take in.
const (
	heatRows    = 300
	heatColumns = 240
	unmeasured  = 255 // the palette's index for "no value"
)

// heat is one map: a row for each listener, a column for each stretch of time.
type heat struct {
	Key, Title string
	Low, High  string // what the ends of the legend's ramp mean
	Image      template.URL
	Data       string // base64 of the indices, row by row
	Kind       string // "share" or "ms", for the script
	Checked    bool
}

// heatMap is all of it. Rows are sorted by group, worst listener first.
type heatMap struct {
	Maps    []heat
	Groups  []heatGroup
	IDs     []string
	Columns int
	Rows    int
	Height  int // pixels on the page
	Seconds float64
	Merged  int // listeners in a row, 1 as a rule
	Ticks   []heatTick
}

// Script is what the page's script needs to tell values under the pointer.
func (m *heatMap) Script() any {
	type sheet struct {
		Key   string `json:"key"`
		Title string `json:"title"`
		Kind  string `json:"kind"`
		Data  string `json:"data"`
	}
	out := struct {
		IDs     []string `json:"ids"`
		Columns int      `json:"columns"`
		Seconds float64  `json:"seconds"`
		Maps    []sheet  `json:"maps"`
	}{IDs: m.IDs, Columns: m.Columns, Seconds: m.Seconds}
	for _, h := range m.Maps {
		out.Maps = append(out.Maps, sheet{h.Key, h.Title, h.Kind, h.Data})
	}
	return out
}

type heatGroup struct {
	Name string
	Rows int
}

type heatTick struct {
	Percent float64
	Text    string
}

// shade maps a value to 0 (good) to 1 (bad); page.js has the way back.
type shade struct {
	series, title, kind, low, high string
	worst                          func(a, b float64) float64
	index                          func(v float64) float64
}

func shades() []shade {
	return []shade{
		{series: SeriesAudibleShare, title: "heard the right people", kind: "share", low: "100 %", high: "0 %", worst: math.Min,
			index: func(v float64) float64 { return math.Sqrt(min(max(1-v, 0), 1)) }}, // small misses must show
		{series: SeriesLatency, title: "delay mouth to ear", kind: "ms", low: "50 ms or less", high: "1 s", worst: math.Max,
			index: func(v float64) float64 { return math.Log(max(v, 50)/50) / math.Log(20) }}, // 150 ms is amber, 400 ms red: the bounds of ITU-T G.114
	}
}

// newHeatMap draws the listeners' series; nil if there are none.
func newHeatMap(r *Result) *heatMap {
	rows := sortedListeners(r.Listeners)
	if len(rows) == 0 {
		return nil
	}
	m := &heatMap{Seconds: r.Seconds, Merged: (len(rows) + heatRows - 1) / heatRows}
	for _, l := range rows {
		for _, s := range shades() {
			m.Columns = max(m.Columns, min(len(l.Timeline[s.series]), heatColumns))
		}
	}
	if m.Columns < 2 {
		return nil
	}
	groups := merged(rows, m.Merged)
	for _, g := range groups {
		m.IDs = append(m.IDs, name(g))
		if n := len(m.Groups); n == 0 || m.Groups[n-1].Name != clip(g[0].Group, 40) {
			m.Groups = append(m.Groups, heatGroup{Name: clip(g[0].Group, 40)})
		}
		m.Groups[len(m.Groups)-1].Rows++
	}
	m.Rows = len(groups)
	m.Height = min(max(m.Rows*8, 96), 520)
	for _, s := range shades() {
		if picture, data, ok := paint(groups, s, m.Columns); ok {
			m.Maps = append(m.Maps, heat{Key: s.series, Title: s.title, Kind: s.kind, Low: s.low, High: s.high, Image: picture, Data: data, Checked: len(m.Maps) == 0})
		}
	}
	if len(m.Maps) == 0 {
		return nil
	}
	x := axis{from: 0, to: max(r.Seconds, 1), a: 0, b: 100}
	for _, t := range x.ticks(4) {
		m.Ticks = append(m.Ticks, heatTick{Percent: x.at(t), Text: clock(t)})
	}
	return m
}

// sortedListeners are those with a series, by group in order of appearance,
// the worst first.
func sortedListeners(all []Listener) []Listener {
	order := map[string]int{}
	var rows []Listener
	for _, l := range all {
		if len(l.Timeline[SeriesAudibleShare]) == 0 && len(l.Timeline[SeriesLatency]) == 0 {
			continue
		}
		if _, ok := order[l.Group]; !ok {
			order[l.Group] = len(order)
		}
		rows = append(rows, l)
	}
	slices.SortStableFunc(rows, func(a, b Listener) int {
		return cmp.Or(cmp.Compare(order[a.Group], order[b.Group]), cmp.Compare(badness(b), badness(a)))
	})
	return rows
}

func badness(l Listener) float64 {
	if share := mean(l.Timeline[SeriesAudibleShare]); isNumber(share) {
		return 1 - share
	}
	if v := mean(l.Timeline[SeriesLatency]); isNumber(v) {
		return v
	}
	return -1
}

// merged puts n neighbours of one group into a row.
func merged(rows []Listener, n int) (groups [][]Listener) {
	for i := 0; i < len(rows); {
		j := i + 1
		for j < len(rows) && j-i < n && rows[j].Group == rows[i].Group {
			j++
		}
		groups = append(groups, rows[i:j])
		i = j
	}
	return groups
}

func name(g []Listener) string {
	if len(g) == 1 {
		return clip(g[0].ID, 40)
	}
	return clip(g[0].ID, 40) + " and " + plural(len(g)-1, "other", "others")
}

// paint makes the picture: one pixel a value, good ones transparent so that
// the page's own colour shows. Of merged listeners the worst is shown.
func paint(groups [][]Listener, s shade, columns int) (template.URL, string, bool) {
	img := image.NewPaletted(image.Rect(0, 0, columns, len(groups)), ramp())
	found := false
	for y, g := range groups {
		for x := range columns {
			img.Pix[y*img.Stride+x] = unmeasured
		}
		worst := make(Series, columns)
		for x := range worst {
			worst[x] = math.NaN()
		}
		for _, l := range g {
			series := stretched(l.Timeline[s.series], columns)
			for x, v := range series {
				if isNumber(v) && isNumber(worst[x]) {
					worst[x] = s.worst(worst[x], v)
				} else if isNumber(v) {
					worst[x] = v
				}
			}
		}
		for x, v := range worst {
			if isNumber(v) {
				img.Pix[y*img.Stride+x] = uint8(min(max(s.index(v), 0), 1)*254 + .5)
				found = true
			}
		}
	}
	var b bytes.Buffer
	if !found || (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img) != nil {
		return "", "", false
	}
	data := base64.StdEncoding.EncodeToString(img.Pix)
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), data, true
}

// stretched is s at exactly n columns.
func stretched(s Series, n int) Series {
	if len(s) == 0 || len(s) == n {
		return s
	}
	if len(s) > n {
		return bucketed(s, n)
	}
	out := make(Series, n)
	for i := range out {
		out[i] = s[i*len(s)/n]
	}
	return out
}

// ramp goes from transparent over amber and red to dark; index 255 is grey.
func ramp() color.Palette {
	stops := []struct {
		at         float64
		r, g, b, a float64
	}{{0, 255, 196, 110, 0}, {.12, 255, 190, 100, 60}, {.35, 255, 158, 74, 235}, {.65, 214, 60, 52, 255}, {1, 94, 14, 52, 255}}
	p := make(color.Palette, 256)
	for i := range 255 {
		v, j := float64(i)/254, 0
		for j < len(stops)-2 && v > stops[j+1].at {
			j++
		}
		a, b := stops[j], stops[j+1]
		t := (v - a.at) / (b.at - a.at)
		mix := func(x, y float64) uint8 { return uint8(x + (y-x)*t + .5) }
		p[i] = color.NRGBA{mix(a.r, b.r), mix(a.g, b.g), mix(a.b, b.b), mix(a.a, b.a)}
	}
	p[unmeasured] = color.NRGBA{140, 132, 152, 56}
	return p
}
