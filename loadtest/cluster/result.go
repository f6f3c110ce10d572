package cluster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"earshot/loadtest/report"
)

// Result is what came of a run. Times in figures are milliseconds.
type Result struct {
	Version   string         `json:"version"` // of the nodes
	Command   string         `json:"command"`
	Began     time.Time      `json:"began"`
	Machine   report.Machine `json:"machine"`
	Store     string         `json:"store"`
	Nodes     int            `json:"nodes"`
	People    int            `json:"people"`
	Instances int            `json:"instances"`
	Scenarios []*Scenario    `json:"scenarios"`
}

// Scenario is what one of them showed.
type Scenario struct {
	Name    string   `json:"name"`
	Figures []Figure `json:"figures"`
	Faults  []string `json:"faults,omitempty"` // what must never be
	Log     []Line   `json:"log"`
}

// Line is something that happened.
type Line struct {
	At   float64 `json:"at"` // seconds since the scenario began
	Text string  `json:"text"`
}

// Figure is one thing that was measured, of several people or times.
type Figure struct {
	Name    string    `json:"name"`
	Count   int       `json:"count"`
	P50     float64   `json:"p50"` // ms
	P95     float64   `json:"p95"`
	P99     float64   `json:"p99"`
	Max     float64   `json:"max"`
	Limit   *Limit    `json:"limit,omitempty"`
	Samples []float64 `json:"samples"` // ms, sorted
}

// Limit is what a figure must keep to.
type Limit struct {
	Of string  `json:"of"` // p50, p95, p99 or max
	MS float64 `json:"ms"`
}

// quantile is the smallest sample that so large a share does not exceed.
func quantile(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := int(share*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(at, 0), len(sorted)-1)]
}

// newFigure sums samples up.
func newFigure(name string, samples []time.Duration, limit *Limit) Figure {
	f := Figure{Name: name, Count: len(samples), Limit: limit, Samples: make([]float64, 0, len(samples))}
	for _, d := range samples {
		f.Samples = append(f.Samples, float64(d.Round(100*time.Microsecond))/float64(time.Millisecond))
	}
	slices.Sort(f.Samples)
	f.P50, f.P95, f.P99 = quantile(f.Samples, .5), quantile(f.Samples, .95), quantile(f.Samples, .99)
	f.Max = quantile(f.Samples, 1)
	return f
}

// value is the figure's at a quantile that a Limit names.
func (f *Figure) value(of string) float64 {
	switch of {
	case "p50":
		return f.P50
	case "p95":
		return f.P95
	case "p99":
		return f.P99
	}
	return f.Max
}

// Kept reports whether the figure keeps to its limit.
func (f *Figure) Kept() bool {
	return f.Limit == nil || f.Count > 0 && f.value(f.Limit.Of) <= f.Limit.MS
}

// Missed is how many limits and rules were not kept, of how many.
func (r *Result) Missed() (missed, all int) {
	for _, s := range r.Scenarios {
		for i := range s.Figures {
			if s.Figures[i].Limit != nil {
				all++
				if !s.Figures[i].Kept() {
					missed++
				}
			}
		}
		all++ // that there are no faults
		if len(s.Faults) > 0 {
			missed++
		}
	}
	return missed, all
}

// WriteJSON writes the whole result.
func (r *Result) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(r)
}

// Table is the figures as Markdown, which is readable as it is.
func (r *Result) Table() string {
	rows := [][]string{{"scenario", "what", "of", "p50", "p95", "p99", "longest", "limit"}}
	for _, s := range r.Scenarios {
		for i := range s.Figures {
			f := &s.Figures[i]
			limit := ""
			if f.Limit != nil {
				limit = fmt.Sprintf("%s %s: %s", f.Limit.Of, span(f.Limit.MS), map[bool]string{true: "kept", false: "MISSED"}[f.Kept()])
			}
			rows = append(rows, []string{s.Name, f.Name, fmt.Sprint(f.Count), span(f.P50), span(f.P95), span(f.P99), span(f.Max), limit})
		}
		for _, fault := range s.Faults {
			rows = append(rows, []string{s.Name, "FAULT: " + fault, "", "", "", "", "", ""})
		}
	}
	return table(rows)
}

// table lays rows out, the first of them as the head.
func table(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			if !strings.HasPrefix(cell, "FAULT") {
				widths[i] = max(widths[i], len(cell))
			}
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, cell := range row {
			fmt.Fprintf(&b, "| %-*s ", widths[i], cell)
		}
		b.WriteString("|\n")
		if n == 0 {
			for _, w := range widths {
				b.WriteString("|" + strings.Repeat("-", w+2))
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}

// span writes milliseconds for people.
func span(ms float64) string {
	switch {
	case ms >= 10_000:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 1000:
		return fmt.Sprintf("%.2f s", ms/1000)
	case ms >= 10 || ms == 0:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f ms", ms)
}

// byCount puts those with most first.
func byCount[K cmp.Ordered](counts map[K]int) []K {
	var keys []K
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	return keys
}
