package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// page is what page.html shows. Every text in it may come from foreign
// servers: the template escapes it, drawings have escaped theirs.
type page struct {
	Style  template.CSS
	Script template.JS
	Policy string // Content-Security-Policy

	Title, Lead, Warning string
	Meta                 []string
	Standing             standing
	Tiles                []tile
	Targets              []target
	Advice               []string

	Latency   *figure
	Timeline  *figure
	Hover     *hover
	Heat      *heatMap
	Cost      *figure
	Knee      *figure
	Joining   *figure
	Bands     []band
	Minis     []mini
	Offenders []offence
	Groups    []group
	Settings  []pair
	Command   string
	Machine   []pair
	Errors    []string
	Notes     []string
}

// figure is one plot in two or three widths.
type figure struct {
	Says            string
	Wide, Mid, Slim template.HTML
}

// mini is a distribution as large as a stamp.
type mini struct {
	Title, About, Name string
	Plot               template.HTML
	Marks              []pair
}

type offence struct{ Who, Title, Metric, Value, What string }

// group is a part of the table of all figures.
type group struct {
	Title string
	Rows  []row
}

// row is one metric with its figures: Value is the figure itself or the mean.
type row struct {
	Name, Title, About           string
	Value, Half, P95, P99, Worst cell
	More                         []pair
}

type cell struct{ Text, Class string }

type pair struct{ Key, Value string }

// WriteHTML writes the run as one page that needs nothing else: no network, no
// other file. It follows the reader's light or dark theme and any width.
func WriteHTML(w io.Writer, r *Result) error {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, newPage(r)); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

func newPage(r *Result) *page {
	hash := sha256.Sum256([]byte(pageJS))
	p := &page{
		Style: template.CSS(pageCSS), Script: template.JS(pageJS),
		Policy: "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'",
		Title:  r.title(), Lead: r.lead(), Meta: r.meta(), Standing: r.standing(), Advice: r.advice(),
		Tiles: tiles(r), Targets: targets(r), Command: clip(r.Command, maxTextBytes),
		Bands: bands(r.Metrics), Heat: newHeatMap(r), Hover: r.Timeline.hover(),
		Machine: machine(r), Errors: bounded(r.Errors), Notes: bounded(r.Notes),
	}
	if r.Generator.Limited {
		p.Warning = sentence(clip(r.Generator.Why, 400))
		if p.Warning == "" {
			p.Warning = "It had no CPU to spare, or its timers were late."
		}
	}
	p.plots(r)
	p.tables(r)
	return p
}

func (p *page) plots(r *Result) {
	if d, ok := r.Distributions["voice.latency_ms"]; ok && d.usable() {
		rules := r.rules()
		p.Latency = &figure{
			Says: fmt.Sprintf("%s packets: half arrived within %s, 95 %% within %s, 99 %% within %s. The slowest took %s.",
				grouped(float64(d.Count)), FormatValue("ms", d.P50), FormatValue("ms", d.P95), FormatValue("ms", d.P99), FormatValue("ms", d.Max)),
			Wide: latencyPlot("wide", wide, "voice.latency_ms", d, rules), Mid: latencyPlot("mid", mid, "voice.latency_ms", d, rules), Slim: latencyPlot("slim", slim, "voice.latency_ms", d, rules),
		}
	}
	if big := timelinePlot("wide", wide, r.Timeline); big != "" {
		p.Timeline = &figure{Wide: big, Mid: timelinePlot("mid", mid, r.Timeline), Slim: timelinePlot("slim", slim, r.Timeline)}
	}
	if c := costOf(r.Timeline); c != nil {
		p.Cost = &figure{Says: c.Says, Wide: c.plot("wide", half), Slim: c.plot("slim", slim)}
	}
	if r.Capacity != nil {
		p.Knee = &figure{Says: r.Capacity.says(), Wide: kneePlot("wide", wide, r), Mid: kneePlot("mid", mid, r), Slim: kneePlot("slim", slim, r)}
	}
	if rows := phases(r.Metrics); len(rows) > 0 {
		p.Joining = &figure{Wide: rangesPlot("wide", half, rows), Slim: rangesPlot("slim", slim, rows)}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Distributions)) {
		d, m := r.Distributions[name], Metric{}
		if m, _ = Describe(name); name == "voice.latency_ms" || m.Name == "" || !d.usable() || strings.HasPrefix(name, "join.") || len(p.Minis) == 12 {
			continue
		}
		p.Minis = append(p.Minis, mini{m.Title, m.About, name, miniPlot(d),
			[]pair{{"half", FormatValue(m.Unit, d.P50)}, {"95 %", FormatValue(m.Unit, d.P95)}, {"99 %", FormatValue(m.Unit, d.P99)}}})
	}
}

func (p *page) tables(r *Result) {
	for _, o := range r.Offenders[:min(len(r.Offenders), 25)] {
		p.Offenders = append(p.Offenders, offence{clip(o.Who, 80), TitleOf(o.Metric), clip(o.Metric, 80), FormatFigure(o.Metric, o.Value), clip(o.What, 300)})
	}
	class := map[string]string{}
	for _, t := range p.Targets {
		class[t.Metric] = t.Class
	}
	p.figures(r, class)
	for _, key := range slices.Sorted(maps.Keys(r.Settings)) {
		p.Settings = append(p.Settings, pair{clip(key, 80), clip(r.Settings[key], 300)})
	}
	p.Settings = append(p.Settings, pair{"seed", strconv.FormatUint(r.Seed, 10)})
}

// figures makes the table of everything that was measured.
func (p *page) figures(r *Result, class map[string]string) {
	found := map[string]bool{}
	for name, v := range r.Metrics {
		if isNumber(v) {
			found[name] = true
		}
	}
	titles := map[string]string{"voice": "Voice", "pose": "Movement", "video": "Video", "chat": "Chat", "npc": "NPCs", "join": "Joining", "session": "Joining", "reconnect": "Joining", "net": "Bandwidth", "server": "Server", "generator": "Load tester"}
	for _, name := range ordered(found) {
		m, known := Describe(name)
		head, _, _ := strings.Cut(name, ".")
		title := titles[head]
		if !known {
			m, title = Metric{Name: clip(name, 80), Title: "not in this version's catalogue"}, "Others"
		}
		if n := len(p.Groups); n == 0 || p.Groups[n-1].Title != title {
			p.Groups = append(p.Groups, group{Title: title})
		}
		g := &p.Groups[len(p.Groups)-1]
		if n := len(g.Rows); n == 0 || g.Rows[n-1].Name != m.Name {
			if n == maxTexts {
				continue
			}
			g.Rows = append(g.Rows, row{Name: m.Name, Title: m.Title, About: m.About})
		}
		g.Rows[len(g.Rows)-1].add(suffixOf(name), cell{FormatFigure(name, r.Metrics[name]), class[name]})
	}
}

func (r *row) add(suffix string, c cell) {
	switch suffix {
	case "", "mean":
		r.Value = c
	case "p50":
		r.Half = c
	case "p95":
		r.P95 = c
	case "p99":
		r.P99 = c
	case "max", "min":
		r.Worst = c
	default:
		r.More = append(r.More, pair{suffix, c.Text})
	}
}

// machine is where it ran and what it cost there.
func machine(r *Result) (rows []pair) {
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, pair{key, clip(value, 200)})
		}
	}
	positive := func(unit string, v float64) string {
		if !(v > 0) {
			return ""
		}
		return FormatValue(unit, v)
	}
	m, g := r.Machine, r.Generator
	add("processor", m.CPU)
	add("cores", positive("count", float64(m.Cores)))
	add("cores for the load tester", positive("count", float64(m.Generator)))
	add("kernel", m.Kernel)
	add("Go", m.Go)
	add("server", r.Target.name())
	add("address", r.Target.URL)
	if s := r.Server; s != nil {
		add("server's CPU time", positive("ms", s.CPUSeconds*1000))
		add("server's memory", positive("mb", s.RSSBytes/(1<<20)))
		add("server's memory for each person", positive("kb", s.RSSPerParticipant/(1<<10)))
		add("server's packets in", positive("count", s.PacketsIn))
		add("server's packets out", positive("count", s.PacketsOut))
		add("server's system calls", positive("count", s.Syscalls))
		add("server's threads", positive("count", float64(s.Threads)))
		add("known from", map[string]string{"proc": "/proc of this machine", "metrics": "the server's own metrics"}[s.Source])
	}
	add("load tester's CPU", positive("share", g.CPUShare))
	add("load tester's timers, median late", positive("ms", g.SchedP50ms))
	add("load tester's timers, 99 % within", positive("ms", g.SchedP99ms))
	add("a bot's memory", positive("kb", g.BytesPerBot/(1<<10)))
	add("a bot's CPU", positive("percent", g.CPUPerBotPercent))
	return rows
}
