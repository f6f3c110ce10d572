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
	tally := map[string]int{}
	for _, row := range c.Rows {
		tally[row.Verdict]++
		switch row.Verdict {
		case Better, Worse, Changed:
			differ = append(differ, row.cells())
		default:
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
	fmt.Fprintf(&b, "\nb is better in %d, worse in %d, different in %d; %d are noise, %d equal, %d in one only.\n",
		tally[Better], tally[Worse], tally[Changed], tally[Noise], tally[Equal], tally[OnlyA]+tally[OnlyB])
	for _, note := range c.Notes {
		fmt.Fprintf(&b, "- %s\n", note)
	}
	return b.String()
}

func (r Row) cells() []string {
	return []string{clip(r.Metric, 60), r.A.text(r.Unit), r.B.text(r.Unit), r.ratioText(), r.Verdict}
}

func (r Row) ratioText() string {
	if r.Ratio == nil {
		return "–"
	}
	s := "× " + times(*r.Ratio)
	if r.RatioMin != nil && r.RatioMax != nil && (r.A.N > 1 || r.B.N > 1) {
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
	text := FormatValue(unit, s.Median)
	if s.N > 1 {
		text += " (" + FormatValue(unit, s.Min) + "–" + FormatValue(unit, s.Max) + ")"
	}
	return text
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
