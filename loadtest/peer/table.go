package peer

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"earshot/loadtest/report"
)

// The marks between which WriteTable writes.
const (
	tableBegin = "<!-- peers: written by earshot loadtest peers; do not edit -->"
	tableEnd   = "<!-- /peers -->"
)

// noise is how far apart two medians have to be before one is called ahead.
const noise = 0.25

var serverNames = map[string]string{"earshot": "Earshot", "earshot-livekit": "Earshot by LiveKit's door", "livekit": "LiveKit", "janus": "Janus"}

// Table is the results in Markdown: for each cell a row of each server, with
// the median over the rounds and the least and the largest, and who is ahead.
func Table(results []*report.Result) string {
	var b strings.Builder
	writeMachine(&b, results)
	b.WriteString("\n| cell | server | packets a CPU-second | of LiveKit | of Janus | server CPU, % | generator CPU, % | p50, ms | p99, ms | lost, % | memory, MB | KB a participant |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	cells, kinds := order(results)
	for _, cell := range cells {
		for _, kind := range kinds {
			writeRow(&b, results, cell, kind)
		}
	}
	b.WriteString("\nMedians over the rounds, in brackets the least and the most; ratios are of the same round. A star: in at least one round the clients were short of CPU. Packets then come in bunches, which makes delay longer and a packet cheaper, so do not rely on that row's extremes.\n\n")
	for _, cell := range cells {
		writeVerdict(&b, results, cell, kinds)
	}
	writeReplays(&b, results, kinds)
	writeFailures(&b, results)
	return b.String()
}

// order lists the cells and servers there are, as they first came.
func order(results []*report.Result) (cells, kinds []string) {
	for _, r := range results {
		if c := r.Settings["cell"]; !slices.Contains(cells, c) {
			cells = append(cells, c)
		}
	}
	for _, kind := range []string{"earshot", "earshot-livekit", "livekit", "janus"} {
		if slices.ContainsFunc(results, func(r *report.Result) bool { return r.Target.Kind == kind }) {
			kinds = append(kinds, kind)
		}
	}
	return cells, kinds
}

// of returns the results of a server in a cell, by round.
func of(results []*report.Result, cell, kind string) (list []*report.Result) {
	for _, r := range results {
		if r.Settings["cell"] == cell && r.Target.Kind == kind {
			list = append(list, r)
		}
	}
	return list
}

func writeMachine(b *strings.Builder, results []*report.Result) {
	if len(results) == 0 {
		b.WriteString("Nothing was measured.\n")
		return
	}
	r := results[0]
	_, kinds := order(results)
	var versions []string
	for _, kind := range kinds {
		for _, s := range results {
			if s.Target.Kind == kind {
				versions = append(versions, serverNames[kind]+" "+s.Target.Version)
				break
			}
		}
	}
	fmt.Fprintf(b, "%s; %s, %d cores, Linux %s, %s; %s. Server on cores %s, generator on %s, %.0f s measured each. Command:\n\n```\n%s\n```\n",
		strings.Join(versions, ", "), r.Machine.CPU, r.Machine.Cores, r.Machine.Kernel, r.Machine.Go,
		r.Started.Format("2006-01-02"), pinned(r.Settings["server_cores"]), pinned(r.Settings["generator_cores"]), r.Seconds, r.Command)
}

func pinned(cores string) string {
	if cores == "[]" || cores == "" {
		return "any"
	}
	return strings.Trim(cores, "[]")
}

func writeRow(b *strings.Builder, results []*report.Result, cell, kind string) {
	all := of(results, cell, kind)
	if len(all) == 0 {
		return
	}
	runs := measured(all)
	if len(runs) == 0 {
		fmt.Fprintf(b, "| %s | %s | failed | | | | | | | | | |\n", cell, serverNames[kind])
		return
	}
	medium := metricKind(runs[0])
	figure := func(name string, scale float64, digits int) string {
		var list []float64
		for _, r := range runs {
			if v, ok := r.Metrics[name]; ok {
				list = append(list, v*scale)
			}
		}
		return spread(list, digits)
	}
	star := ""
	if slices.ContainsFunc(runs, func(r *report.Result) bool { return r.Generator.Limited }) {
		star = " \\*"
	}
	name := serverNames[kind]
	if strings.HasPrefix(cell, string(Mixed)) {
		name += " AudioBridge"
	}
	fmt.Fprintf(b, "| %s | %s | %sk%s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", cell, name,
		figure("server.packets_per_cpu_second", 1e-3, 1), star, ratio(results, cell, kind, "livekit"), ratio(results, cell, kind, "janus"),
		figure("server.cpu_share", 100, 0), figure("generator.cpu_share", 100, 0),
		figure(medium+".latency_ms.p50", 1, 1), figure(medium+".latency_ms.p99", 1, 0), figure(medium+".loss_share", 100, 3),
		figure("server.rss_mb", 1, 0), figure("server.rss_kb_per_participant", 1, 0))
}

// measured leaves out what failed.
func measured(all []*report.Result) (list []*report.Result) {
	for _, r := range all {
		if len(r.Errors) == 0 {
			list = append(list, r)
		}
	}
	return list
}

// ratio compares packets for a second of CPU with another server's in the same round.
func ratio(results []*report.Result, cell, kind, other string) string {
	if kind == other {
		return "1"
	}
	return spread(ratios(results, cell, kind, other, "server.packets_per_cpu_second"), 2)
}

// ratios are of a figure of two servers, round by round.
func ratios(results []*report.Result, cell, kind, other, metric string) (list []float64) {
	for _, r := range measured(of(results, cell, kind)) {
		for _, o := range measured(of(results, cell, other)) {
			if r.Settings["round"] == o.Settings["round"] {
				list = append(list, r.Metrics[metric]/o.Metrics[metric])
			}
		}
	}
	return list
}

// spread is "median (least to most)".
func spread(list []float64, digits int) string {
	switch len(list) {
	case 0:
		return "–"
	case 1:
		return fmt.Sprintf("%.*f", digits, list[0])
	}
	low, high := slices.Min(list), slices.Max(list)
	text := fmt.Sprintf("%.*f", digits, median(list))
	if a, z := fmt.Sprintf("%.*f", digits, low), fmt.Sprintf("%.*f", digits, high); a != z {
		text += fmt.Sprintf(" (%s to %s)", a, z)
	}
	return text
}

func median(list []float64) float64 {
	s := slices.Sorted(slices.Values(list))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// writeVerdict says in words who is ahead in a cell.
func writeVerdict(b *strings.Builder, results []*report.Result, cell string, kinds []string) {
	var there []string
	for _, kind := range kinds {
		if len(measured(of(results, cell, kind))) > 0 {
			there = append(there, kind)
		}
	}
	if len(there) < 2 {
		return
	}
	medium := metricKind(of(results, cell, there[0])[0])
	fmt.Fprintf(b, "- **%s**: packets a CPU-second: %s. Delay p99: %s. Memory: %s.\n", cell,
		ahead(results, cell, there, "server.packets_per_cpu_second", true),
		ahead(results, cell, there, medium+".latency_ms.p99", false), ahead(results, cell, there, "server.rss_mb", false))
}

// ahead says who has the best of a figure, and by how much over each other
// server in the same round. One that is not beyond noise in every round is not
// ahead.
func ahead(results []*report.Result, cell string, kinds []string, metric string, more bool) string {
	kinds = slices.Clone(kinds)
	middle := func(kind string) float64 {
		var list []float64
		for _, r := range measured(of(results, cell, kind)) {
			list = append(list, r.Metrics[metric])
		}
		return median(list)
	}
	slices.SortStableFunc(kinds, func(a, b string) int {
		if more {
			a, b = b, a
		}
		return cmp.Compare(middle(a), middle(b))
	})
	best := kinds[0]
	verdict := serverNames[best] + " is ahead"
	var others []string
	for _, kind := range kinds[1:] {
		a, b := best, kind // the larger over the smaller
		if !more {
			a, b = kind, best
		}
		r := ratios(results, cell, a, b, metric)
		if len(r) == 0 {
			continue
		}
		text := fmt.Sprintf("%s times %s", spread(r, 1), serverNames[kind])
		if !more {
			text = fmt.Sprintf("%s has %s times that", serverNames[kind], spread(r, 1))
		}
		if slices.Min(r) < 1+noise {
			verdict = "no clear winner, " + serverNames[best] + " at best"
			text += ", within noise"
		}
		others = append(others, text)
	}
	return verdict + " (" + strings.Join(others, "; ") + ")"
}

// writeReplays says how many trials are not the first try.
func writeReplays(b *strings.Builder, results []*report.Result, kinds []string) {
	var words []string
	for _, kind := range kinds {
		n := 0
		for _, r := range results {
			if again, err := strconv.Atoi(r.Settings["replayed"]); err == nil && r.Target.Kind == kind {
				n += again
			}
		}
		if n > 0 {
			words = append(words, fmt.Sprintf("%s %d", serverNames[kind], n))
		}
	}
	if len(words) > 0 {
		fmt.Fprintf(b, "- Played again because the clients themselves were %.0f ms late or more (p99), whatever the result: %s.\n", lateMost, strings.Join(words, ", "))
	}
}

func writeFailures(b *strings.Builder, results []*report.Result) {
	for _, r := range results {
		for _, e := range r.Errors {
			fmt.Fprintf(b, "- **%s, %s, round %s failed**: %s\n", r.Settings["cell"], serverNames[r.Target.Kind], r.Settings["round"], oneLine(e))
		}
	}
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	return s
}

// CheckTable says whether WriteTable could write to path.
func CheckTable(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if _, err = replaceTable(string(data), ""); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// WriteTable replaces what is between the two marks in a Markdown file.
func WriteTable(path, table string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := replaceTable(string(data), table)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func replaceTable(text, table string) (string, error) {
	before, rest, ok := strings.Cut(text, tableBegin)
	if !ok {
		return "", errors.New("there is no line " + tableBegin)
	}
	_, after, ok := strings.Cut(rest, tableEnd)
	if !ok {
		return "", errors.New("there is no line " + tableEnd + " after the first mark")
	}
	return before + tableBegin + "\n" + strings.TrimSpace(table) + "\n" + tableEnd + after, nil
}
