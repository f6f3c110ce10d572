package report

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"earshot"
)

// Limits of a file of rules.
const (
	MaxSLOBytes = 64 << 10
	maxRules    = 500
)

// Rule demands something of one figure. Its text is "voice.latency_ms.p99 <= 150".
type Rule struct {
	Metric string  `json:"metric"`
	Op     string  `json:"op"` // "<=", ">=", "<", ">", "=="
	Limit  float64 `json:"limit"`
}

// SLO is the rules a run is held to (service level objectives).
type SLO []Rule

// ReadSLO reads a file of rules.
func ReadSLO(path string) (SLO, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text := make([]byte, MaxSLOBytes+1)
	n, err := readFull(f, text)
	if err != nil {
		return nil, err
	}
	return ParseSLO(path, text[:n])
}

// ParseSLO reads rules, one a line: NAME OP NUMBER, with <= >= < > ==, and #
// for comments. A share may be written as 0.98 or as 98%. The error names
// every bad line of the file and what to write instead.
func ParseSLO(file string, text []byte) (SLO, error) {
	if len(text) > MaxSLOBytes {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "%s is larger than %d KiB, more than rules can be: one rule a line, NAME <= NUMBER", file, MaxSLOBytes>>10)
	}
	var rules SLO
	var problems []string
	for i, line := range bytes.Split(text, []byte("\n")) {
		rule, err := parseLine(string(line))
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s:%d: %v", file, i+1, err))
		case rule.Metric != "":
			rules = append(rules, rule)
		}
		if len(rules) > maxRules || len(problems) > 50 {
			problems = append(problems, fmt.Sprintf("%s:%d: too much is wrong or too long to go on (at most %d rules)", file, i+1, maxRules))
			break
		}
	}
	if len(problems) > 0 {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "%s", strings.Join(problems, "\n"))
	}
	return rules, nil
}

// ParseRules reads the rules of a scenario.
func ParseRules(where string, lines []string) (SLO, error) {
	return ParseSLO(where, []byte(strings.Join(lines, "\n")))
}

// ParseRule reads one rule.
func ParseRule(text string) (Rule, error) {
	rule, err := parseLine(text)
	if err == nil && rule.Metric == "" {
		err = fmt.Errorf("there is no rule: write NAME <= NUMBER, as in voice.latency_ms.p99 <= 150")
	}
	if err != nil {
		return Rule{}, earshot.Errorf(earshot.CodeInvalidArgument, "%v", err)
	}
	return rule, nil
}

// parseLine returns an empty rule for an empty line.
func parseLine(line string) (Rule, error) {
	line, _, _ = strings.Cut(line, "#")
	line = strings.TrimSpace(line)
	if line == "" {
		return Rule{}, nil
	}
	at := strings.IndexAny(line, "<>=!")
	if at < 0 {
		return Rule{}, fmt.Errorf("%q has no comparison: write NAME <= NUMBER, as in voice.latency_ms.p99 <= 150", clip(line, 60))
	}
	name, rest := strings.TrimSpace(line[:at]), line[at:]
	number := strings.TrimLeft(rest, "<>=!")
	op := rest[:len(rest)-len(number)]
	number = strings.TrimSpace(number)
	switch op {
	case "<=", ">=", "<", ">", "==":
	case "=":
		return Rule{}, fmt.Errorf("= is no comparison here: write %s == %s, or <= or >=", clip(name, 60), clip(number, 20))
	default:
		return Rule{}, fmt.Errorf("%s is no comparison: use <=, >=, <, > or ==", clip(op, 10))
	}
	if !Known(name) {
		return Rule{}, unknownMetric(name)
	}
	limit, err := parseLimit(name, number)
	if err != nil {
		return Rule{}, err
	}
	return Rule{Metric: name, Op: op, Limit: limit}, nil
}

func parseLimit(name, text string) (float64, error) {
	metric, _ := Describe(name)
	bare, asPercent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(bare), 64)
	switch {
	case text == "":
		return 0, fmt.Errorf("the number is missing after %s", name)
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		return 0, fmt.Errorf("%q is no number: write it plainly, in %s, as in %s", clip(text, 30), unitName(metric.Unit), example(metric))
	case asPercent && metric.Unit == "share":
		return v / 100, nil
	case asPercent && metric.Unit != "percent":
		return 0, fmt.Errorf("%s is counted in %s, not in percent: write %s", name, unitName(metric.Unit), example(metric))
	case metric.Unit == "share" && v > 1 && metric.Name != "server.cpu_share":
		return 0, fmt.Errorf("%s is a share between 0 and 1: write %s%% or %s", name, text, strconv.FormatFloat(v/100, 'g', -1, 64))
	}
	return v, nil
}

func unitName(unit string) string {
	names := map[string]string{"ms": "milliseconds", "share": "parts of 1", "kbps": "kbit/s", "mm": "millimetres", "mb": "MB", "kb": "KB",
		"mos": "points of MOS from 1 to 4.5", "per_s": "times a second", "per_min": "times a minute", "hz": "times a second", "percent": "percent of a core"}
	if n, ok := names[unit]; ok {
		return n
	}
	return "plain numbers"
}

func example(m Metric) string {
	switch m.Unit {
	case "share":
		return "0.98 or 98%"
	case "mos":
		return "4.0"
	}
	return "150"
}

func unknownMetric(name string) error {
	if m, ok := Describe(name); ok && m.Name == name { // a distribution without suffix
		return fmt.Errorf("%s has many values: say which, as in %s", name, m.figure(m.Suffixes[min(3, len(m.Suffixes)-1)]))
	}
	if near := nearest(name, Names()); near != "" {
		return fmt.Errorf("there is no metric %q: did you mean %s?", clip(name, 60), near)
	}
	return fmt.Errorf("there is no metric %q: earshot loadtest -metrics lists them", clip(name, 60))
}

// String is the rule as it is written in a file.
func (r Rule) String() string {
	return r.Metric + " " + r.Op + " " + strconv.FormatFloat(r.Limit, 'g', -1, 64)
}

// Holds says whether v meets the rule.
func (r Rule) Holds(v float64) bool {
	switch r.Op {
	case "<=":
		return v <= r.Limit
	case ">=":
		return v >= r.Limit
	case "<":
		return v < r.Limit
	case ">":
		return v > r.Limit
	}
	return v == r.Limit
}

// Words is the demand in words: "at most 150 ms".
func (r Rule) Words() string {
	op := map[string]string{"<=": "at most", ">=": "at least", "<": "less than", ">": "more than", "==": "exactly"}[r.Op]
	return op + " " + FormatFigure(r.Metric, r.Limit)
}

// Check holds the rules against what was measured. What was not measured has
// not passed: a rule is there because somebody needs to know.
func (s SLO) Check(m Metrics) []Verdict {
	verdicts := make([]Verdict, 0, len(s))
	for _, rule := range s {
		v, ok := m[rule.Metric]
		ok = ok && isNumber(v)
		verdict := Verdict{Rule: rule.String(), Measured: ok}
		if ok {
			verdict.Value, verdict.Passed = v, rule.Holds(v)
		}
		verdicts = append(verdicts, verdict)
	}
	return verdicts
}

// Passed says whether every verdict is good.
func Passed(verdicts []Verdict) bool {
	for _, v := range verdicts {
		if !v.Passed {
			return false
		}
	}
	return true
}

// VerdictText is for a terminal: a line a rule, marks in front, coloured by
// ANSI codes when colour is set.
func VerdictText(verdicts []Verdict, colour bool) string {
	var b strings.Builder
	for _, v := range verdicts {
		mark, paint := "✓", "\x1b[32m"
		if !v.Passed {
			mark, paint = "✗", "\x1b[31m"
		}
		if colour {
			mark = paint + mark + "\x1b[0m"
		}
		fmt.Fprintf(&b, "%s %s\n", mark, v.Words())
	}
	return b.String()
}

// Words is the verdict in words: "delay mouth to ear, 99th percentile: 128 ms,
// at most 150 ms wanted".
func (v Verdict) Words() string {
	rule, err := ParseRule(v.Rule)
	if err != nil {
		return clip(v.Rule, 120)
	}
	if !v.Measured {
		return fmt.Sprintf("%s: not measured in this run, %s wanted", TitleOf(rule.Metric), rule.Words())
	}
	return fmt.Sprintf("%s: %s, %s wanted", TitleOf(rule.Metric), FormatFigure(rule.Metric, v.Value), rule.Words())
}
