package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text is the comparison as a table for a terminal: what differs first, then
// what does not, then what to make of it.
func (c Comparison) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "a: %s (%s)\nb: %s (%s)\n", c.A.Name, plural(c.A.Runs, "run", "runs"), c.B.Name, plural(c.B.Runs, "run", "runs"))
	var differ, rest [][]string
	hidden := 0
	tally := map[string]int{}
	for _, row := range c.Rows {
		tally[row.Verdict]++
		switch row.Verdict {
		case Better, Worse, Changed:
			differ = append(differ, row.cells())
		default:
			if row.minor() {
				hidden++
				continue
			}
			rest = append(rest, row.cells())
		}
	}
	head := []string{"", "a", "b", "b / a", ""}
	if len(differ) > 0 {
		b.WriteString("\nWhat differs\n")
		table(&b, append([][]string{head}, differ...))
	}
	if len(rest) > 0 {
		b.WriteString("\nWhat does not, as far as these runs can tell\n")
		table(&b, append([][]string{head}, rest...))
	}
	if hidden > 0 {
		fmt.Fprintf(&b, "  and %s of the same distributions (all are in the JSON)\n", plural(hidden, "more figure", "more figures"))
	}
	fmt.Fprintf(&b, "\nb is better in %d, worse in %d, different in %d; %d are noise, %d equal, %d in one only.\n",
		tally[Better], tally[Worse], tally[Changed], tally[Noise], tally[Equal], tally[OnlyA]+tally[OnlyB])
	for _, note := range c.Notes {
		fmt.Fprintf(&b, "- %s\n", note)
	}
	return b.String()
}

// minor is a percentile that a table can do without when nothing differs.
func (r Row) minor() bool {
	switch suffixOf(r.Metric) {
	case "p90", "p999", "mean", "min":
		return true
	}
	return false
}

func (r Row) cells() []string {
	return []string{clip(r.Metric, 60), r.A.text(r.Unit), r.B.text(r.Unit), r.ratioText(), r.Verdict}
}

func (r Row) ratioText() string {
	if r.Ratio == nil {
		return "–"
	}
	s := "× " + times(*r.Ratio)
	if r.RatioMin != nil && r.RatioMax != nil && times(*r.RatioMin) != times(*r.RatioMax) {
		s += " (" + times(*r.RatioMin) + "–" + times(*r.RatioMax) + ")"
	}
	return s
}

func times(v float64) string {
	if v >= 100 {
		return grouped(v)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func (s *Spread) text(unit string) string {
	if s == nil {
		return "–"
	}
	text, low, high := FormatValue(unit, s.Median), FormatValue(unit, s.Min), FormatValue(unit, s.Max)
	if s.N < 2 || low == high {
		return text
	}
	low, first := cutUnit(low)
	if _, last := cutUnit(high); first != last { // "980 ms–1.2 s" keeps both
		low += first
	}
	return text + " (" + low + "–" + high + ")"
}

// cutUnit parts "88.3 ms" into the number and " ms".
func cutUnit(s string) (number, unit string) {
	if i := strings.IndexAny(s, " /"); i > 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// CatalogueText lists every metric for a terminal, with the forms that rules
// may name.
func CatalogueText() string {
	var rows [][]string
	for _, m := range Catalogue() {
		forms := strings.Join(m.Suffixes, " .")
		if m.Suffixes[0] != "" {
			forms = "." + forms
		}
		better := ""
		if m.Better != "" {
			better = m.Better + " is better"
		}
		rows = append(rows, []string{m.Name, m.Unit, better, m.Title, strings.TrimSpace(forms)})
	}
	var b strings.Builder
	table(&b, rows)
	return b.String()
}

// table writes rows with columns as wide as their widest cell.
func table(b *strings.Builder, rows [][]string) {
	width := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		line.WriteString("  ")
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
