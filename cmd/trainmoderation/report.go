package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"

	"earshot/moderation/text"
)

// report prints figures as they come and keeps them for the card.
type report struct {
	out        io.Writer
	parameters parameters
	files      []dataFile
	sections   []section
}

// section is a table of the card.
type section struct {
	title string
	rows  [][]string
}

func (r *report) line(format string, args ...any) {
	fmt.Fprintf(r.out, format+"\n", args...)
}

// table opens a section; its first row names the columns.
func (r *report) table(title string, columns ...string) {
	r.sections = append(r.sections, section{title: title})
	r.line("%s", title)
	r.row(columns...)
}

func (r *report) row(cells ...string) {
	s := &r.sections[len(r.sections)-1]
	s.rows = append(s.rows, cells)
	for i, c := range cells {
		if i == 0 {
			fmt.Fprintf(r.out, "  %-26s", c)
		} else {
			fmt.Fprintf(r.out, " %13s", c)
		}
	}
	fmt.Fprintln(r.out)
}

// percent and decimals write figures; there is none of nothing.
func percent(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*v)
}

func decimals(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.3f", v)
}

// split prints how many texts are where.
func (r *report) split(examples []example) {
	var n [sources][parts][2]int
	groups := map[int]bool{}
	for _, e := range examples {
		n[e.source][e.part][e.labels[0]]++
		groups[e.group] = true
	}
	r.table(fmt.Sprintf("Split: %d texts in %d groups of near duplicates (harmless + abusive)", len(examples), len(groups)), "source", "train", "validation", "test")
	for s := range hatecheck {
		cells := []string{sourceNames[s]}
		for p := range parts {
			cells = append(cells, fmt.Sprintf("%d + %d", n[s][p][0], n[s][p][1]))
		}
		r.row(cells...)
	}
}

// validation prints what training and choosing could see.
func (r *report) validation(m *text.Model, examples []example) {
	r.parts(m, examples, validation, "Validation")
}

// parts prints the figures of one side of the split.
func (r *report) parts(m *text.Model, examples []example, in part, title string) {
	for h := range heads {
		c := text.Category(h)
		head, _ := m.Head(c)
		r.table(fmt.Sprintf("%s, %s: thresholds %.3f (1 %%) and %.3f (0.5 %%), set on harmless validation texts of Davidson and Surge", title, c, head.OnePercent, head.HalfPercent),
			"source", "AUC", "recall at 1 %", "really", "recall at .5 %", "really")
		all := scores(m, examples, in, h)
		for _, of := range [][]source{{davidson}, {surge}, {davidson, surge}, {hatemoji}} {
			name := sourceNames[of[0]]
			if len(of) > 1 {
				name = "Davidson + Surge"
			}
			s := only(all, of...)
			r1, f1 := rates(s, float64(head.OnePercent))
			r2, f2 := rates(s, float64(head.HalfPercent))
			r.row(name, decimals(auc(s)), percent(r1), percent(f1), percent(r2), percent(f2))
		}
	}
}

// measure prints what nothing was chosen by.
func (r *report) measure(m *text.Model, c *corpus) {
	r.parts(m, c.examples, test, "Test")
	r.reliability(m, c.examples)
	r.obfuscation(m, c.examples)
	r.hatemoji(m, c.examples)
	r.hateCheck(m, c.checks)
}

// reliability compares probabilities with what was true, each source and label
// of equal weight.
func (r *report) reliability(m *text.Model, examples []example) {
	r.table("Calibration on the test texts, balanced", "scored", "toxicity", "hate")
	var sum, weight [heads][5]float64
	for h := range heads {
		all := scores(m, examples, test, h)
		var count [sources][2]float64
		for _, s := range all {
			count[s.from][s.label]++
		}
		for _, s := range all {
			b, w := min(int(s.score*5), 4), 1/count[s.from][s.label]
			weight[h][b] += w
			sum[h][b] += w * float64(s.label)
		}
	}
	for b := range 5 {
		r.row(fmt.Sprintf("%.1f to %.1f", float64(b)/5, float64(b+1)/5), percent(sum[0][b]/weight[0][b]), percent(sum[1][b]/weight[1][b]))
	}
}

// obfuscation disguises every word of the test texts.
func (r *report) obfuscation(m *text.Model, examples []example) {
	r.table("Disguised: share of the abusive test texts of Davidson and Surge found by toxicity at 1 %, every word of at least three letters disguised; with terms of severity 2 and 3; and of harmless ones then found",
		"disguise", "not undone", "undone", "and terms", "harmless")
	for way := -1; way < len(disguises); way++ {
		name := "none"
		if way >= 0 {
			name = disguises[way].name
		}
		plain, model, both := r.disguised(m, examples, way)
		r.row(name, percent(plain[1]), percent(model[1]), percent(both[1]), percent(both[0]))
	}
}

// disguised returns which share of harmless and abusive test texts is found
// without undoing disguises, with, and with terms.
func (r *report) disguised(m *text.Model, examples []example, way int) (plain, model, both [2]float64) {
	head, _ := m.Head(text.Toxicity)
	rng := rand.New(rand.NewPCG(r.parameters.Seed, 3))
	var s text.Scratch
	var n [2]float64
	for _, e := range examples {
		if e.part != test || !slices.Contains(found, e.source) {
			continue
		}
		t, label := e.text, e.labels[0]
		if way >= 0 {
			t = disguiseWords(t, way, 1, rng)
		}
		n[label]++
		if m.ScorePlain(t, &s).Model[text.Toxicity] >= float64(head.OnePercent) {
			plain[label]++
		}
		res := m.Score(t, &s)
		hit := res.Model[text.Toxicity] >= float64(head.OnePercent)
		if hit {
			model[label]++
		}
		if hit || res.Scores[text.Terms] >= text.Severity(2).Score() {
			both[label]++
		}
	}
	for l := range n {
		plain[l], model[l], both[l] = plain[l]/n[l], model[l]/n[l], both[l]/n[l]
	}
	return plain, model, both
}

// hatemoji prints the test side of HatemojiBuild by slice.
func (r *report) hatemoji(m *text.Model, examples []example) {
	r.table("HatemojiBuild, test side: share called right at hate 0.5", "slice", "texts", "right", "model alone")
	tally := map[string]*tally{}
	var s text.Scratch
	for _, e := range examples {
		if e.source == hatemoji && e.part == test {
			res := m.Score(e.text, &s)
			count(tally, "all", &e, res)
			count(tally, e.slices[0], &e, res)
			count(tally, e.slices[1], &e, res)
		}
	}
	r.tallies(tally)
}

// hateCheck prints the suite by function.
func (r *report) hateCheck(m *text.Model, checks []example) {
	byFunction, byTarget := map[string]*tally{}, map[string]*tally{}
	var s text.Scratch
	var all []scored
	head, _ := m.Head(text.Hate)
	strict, leaks := 0.0, 0.0
	for _, e := range checks {
		res := m.Score(e.text, &s)
		all = append(all, scored{score: combined(res), label: e.labels[1]})
		count(byFunction, e.slices[0], &e, res)
		count(byFunction, "all", &e, res)
		count(byFunction, []string{"all non-hateful", "all hateful"}[e.labels[1]], &e, res)
		count(byTarget, "target "+cmp.Or(e.slices[1], "none"), &e, res)
		if combined(res) >= float64(head.OnePercent) {
			strict += float64(e.labels[1])
			leaks += float64(1 - e.labels[1])
		}
	}
	r.table(fmt.Sprintf("HateCheck: share called right, hate from 0.5 on or a hateful term (AUC %.3f)", auc(all)), "function", "cases", "right", "model alone")
	r.tallies(byFunction)
	r.tallies(byTarget)
	r.line("  at the threshold for 1 %%: %.0f hateful and %.0f harmless cases found", strict, leaks)
}

// combined is the score for hate of model and terms.
func combined(res text.Result) float64 {
	return res.Scores[text.Hate]
}

// tally counts right calls.
type tally struct{ n, right, alone float64 }

func count(all map[string]*tally, name string, e *example, res text.Result) {
	t := all[name]
	if t == nil {
		t = &tally{}
		all[name] = t
	}
	t.n++
	if (combined(res) >= 0.5) == (e.labels[1] == 1) {
		t.right++
	}
	if (res.Model[text.Hate] >= 0.5) == (e.labels[1] == 1) {
		t.alone++
	}
}

func (r *report) tallies(all map[string]*tally) {
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t := all[name]
		r.row(name, fmt.Sprint(t.n), percent(t.right/t.n), percent(t.alone/t.n))
	}
}
