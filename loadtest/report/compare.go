package report

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"earshot"
)

// What became of a figure between a and b.
const (
	Better  = "better"
	Worse   = "worse"
	Changed = "changed" // differs, but neither direction is good
	Noise   = "noise"   // what lies between repetitions explains it
	Equal   = "equal"
	OnlyA   = "only a"
	OnlyB   = "only b"
)

// SingleRunNoise is the relative difference below which two single runs say
// nothing: on a shared machine the same cell differed by as much between
// moments.
const SingleRunNoise = .25

// enough is from how many repetitions on both sides ranges that lie apart
// count without a further condition.
const enough = 3

// Comparison is b measured by a.
type Comparison struct {
	A     Side     `json:"a"`
	B     Side     `json:"b"`
	Rows  []Row    `json:"rows"`
	Notes []string `json:"notes,omitempty"` // what makes the comparison doubtful
}

// Side is one of the two.
type Side struct {
	Name string `json:"name"`
	Runs int    `json:"runs"`
}

// Row is one figure. Ratio is the median of b by that of a, from RatioMin to
// RatioMax over the repetitions; all three are absent where a is 0.
type Row struct {
	Metric   string   `json:"metric"`
	Unit     string   `json:"unit"`
	Better   string   `json:"better"`
	A        *Spread  `json:"a,omitempty"`
	B        *Spread  `json:"b,omitempty"`
	Ratio    *float64 `json:"ratio,omitempty"`
	RatioMin *float64 `json:"ratio_min,omitempty"`
	RatioMax *float64 `json:"ratio_max,omitempty"`
	Verdict  string   `json:"verdict"`
}

// Spread is a figure over repetitions.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	N      int     `json:"n"`
}

// Compare compares repetitions of two runs.
//
// With three or more repetitions on each side a difference counts when the
// ranges lie apart, else it is noise. With fewer it must besides be 25 % or
// more, and more than what the unit resolves. Shares that should be near 1
// and MOS have no meaningful ratio: for them the difference itself must be
// half a percentage point and 0.1.
func Compare(a, b []*Result) Comparison {
	c := Comparison{A: sideOf(a), B: sideOf(b)}
	found := map[string]bool{}
	for _, r := range slices.Concat(a, b) {
		for name := range r.Metrics {
			found[name] = true
		}
	}
	for _, name := range ordered(found) {
		c.Rows = append(c.Rows, compareRow(name, gather(a, name), gather(b, name)))
	}
	c.Notes = doubts(a, b, c.Rows)
	return c
}

// ordered returns names in the order of Catalogue, unknown ones at the end.
func ordered(found map[string]bool) []string {
	var names []string
	for _, name := range Names() {
		if found[name] {
			names = append(names, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if !Known(name) {
			names = append(names, name)
		}
	}
	return names
}

func sideOf(runs []*Result) Side {
	s := Side{Runs: len(runs)}
	if len(runs) > 0 {
		s.Name = clip(strings.TrimSpace(fmt.Sprintf("%s, %d participants, %s %s", runs[0].Scenario, runs[0].Participants, runs[0].Target.Kind, runs[0].Target.Version)), 100)
	}
	return s
}

func gather(runs []*Result, name string) *Spread {
	var values []float64
	for _, r := range runs {
		if v, ok := r.Metrics[name]; ok && isNumber(v) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	n := len(values)
	return &Spread{Median: (values[(n-1)/2] + values[n/2]) / 2, Min: values[0], Max: values[n-1], N: n}
}

func compareRow(name string, a, b *Spread) Row {
	m, _ := Describe(name)
	row := Row{Metric: name, Unit: m.Unit, Better: m.Better, A: a, B: b}
	switch {
	case a == nil:
		row.Verdict = OnlyB
		return row
	case b == nil:
		row.Verdict = OnlyA
		return row
	}
	row.Ratio, row.RatioMin, row.RatioMax = ratio(b.Median, a.Median), ratio(b.Min, a.Max), ratio(b.Max, a.Min)
	row.Verdict = judge(m, *a, *b)
	return row
}

func ratio(b, a float64) *float64 {
	if a <= 0 || b < 0 {
		return nil
	}
	r := b / a
	return &r
}

func judge(m Metric, a, b Spread) string {
	if a == b || a.Median == b.Median && a.Min == a.Max && b.Min == b.Max {
		return Equal
	}
	apart := a.Max < b.Min || b.Max < a.Min
	if !apart || min(a.N, b.N) < enough && !large(m, a.Median, b.Median) {
		return Noise
	}
	switch {
	case m.Better == "":
		return Changed
	case (b.Median < a.Median) == (m.Better == "lower"):
		return Better
	}
	return Worse
}

// large says whether a difference is more than single runs scatter.
func large(m Metric, a, b float64) bool {
	diff := math.Abs(b - a)
	if diff < m.floor {
		return false
	}
	// The larger by the smaller, so that the order of a and b does not matter.
	return m.absolute || diff >= SingleRunNoise*min(math.Abs(a), math.Abs(b))
}

func doubts(a, b []*Result, rows []Row) (notes []string) {
	if len(a) == 0 || len(b) == 0 {
		return []string{"One side has no run: give at least one result for each."}
	}
	all := slices.Concat(a, b)
	differ := func(of func(*Result) string) bool {
		return slices.ContainsFunc(all, func(r *Result) bool { return of(r) != of(all[0]) })
	}
	if differ(func(r *Result) string { return r.Scenario }) {
		notes = append(notes, "The runs are of different scenarios: ratios mix what was asked with how well it was done.")
	}
	if differ(func(r *Result) string { return fmt.Sprint(r.Participants) }) {
		notes = append(notes, "The runs had different numbers of participants.")
	}
	if differ(func(r *Result) string { return fmt.Sprint(r.Machine.CPU, r.Machine.Cores, r.Machine.Generator) }) {
		notes = append(notes, "The runs were on different machines, or with different cores for the load tester.")
	}
	if differ(func(r *Result) string { return fmt.Sprint(r.Seed) }) {
		notes = append(notes, "The runs had different seeds: people moved and talked differently.")
	}
	if n := count(all, func(r *Result) bool { return r.Generator.Limited }); n > 0 {
		notes = append(notes, fmt.Sprintf("In %s the load tester was the limit: those figures are its own, not the server's.", plural(n, "run", "runs")))
	}
	for _, row := range rows {
		if row.Metric == "server.packets_out_per_s" && row.Ratio != nil && math.Abs(*row.Ratio-1) > .05 {
			notes = append(notes, "The servers sent different numbers of packets a second: costs of a packet fall with load, so packets_per_cpu_second does not compare here.")
		}
	}
	return append(notes, chanceNote(min(len(a), len(b)), len(a), len(b), rows))
}

// chanceNote says how many rows would differ without any cause.
func chanceNote(fewest, n, m int, rows []Row) string {
	compared := count(rows, func(r Row) bool { return r.A != nil && r.B != nil && r.Verdict != Equal })
	if fewest < enough {
		return fmt.Sprintf("Fewer than %d runs on a side: a difference below %.0f %% is called noise. Repeat each run %d times, alternating, for a sharper answer.", enough, SingleRunNoise*100, enough)
	}
	chance := 2.0
	for i := 1; i <= m; i++ { // 2 / (n+m over m): all of one side above all of the other
		chance *= float64(i) / float64(n+i)
	}
	return fmt.Sprintf("With %d and %d runs, ranges of equals lie apart by chance in %s %% of figures: about %s of these %d.", n, m, digits(chance*100), digits(chance*float64(compared)), compared)
}

func count[T any](all []T, is func(T) bool) (n int) {
	for _, v := range all {
		if is(v) {
			n++
		}
	}
	return n
}

// ReadRuns reads the repetitions that one argument of compare names: files
// apart by commas, or a folder with *.json or */result.json in it.
func ReadRuns(argument string) ([]*Result, error) {
	var paths []string
	for _, p := range strings.Split(argument, ",") {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			paths = append(paths, p)
			continue
		}
		here, _ := filepath.Glob(filepath.Join(p, "*.json"))
		below, _ := filepath.Glob(filepath.Join(p, "*", "result.json"))
		if len(here)+len(below) == 0 {
			return nil, earshot.Errorf(earshot.CodeNotFound, "%s holds no result: give a folder with result.json of a run, or folders that have one", p)
		}
		paths = slices.Concat(paths, here, below)
	}
	const most = 100
	if len(paths) > most {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "%s names %d results, more than %d: name fewer", clip(argument, 100), len(paths), most)
	}
	var runs []*Result
	for _, p := range paths {
		r, err := ReadFile(p)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, nil
}
