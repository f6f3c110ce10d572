package run

import (
	"cmp"
	"fmt"
	"slices"

	"earshot/loadtest/report"
)

// maxOffenders bounds those of a report.
const maxOffenders = 20

// complaint is how bad something is of one listener: from 0, fine, to beyond
// 1, very bad.
type complaint struct {
	who   string
	bad   float64
	value report.Offender
}

// offenders are the listeners who were worst off, each with what was worst.
func offenders(listeners []report.Listener) []report.Offender {
	var list []complaint
	for _, l := range listeners {
		worst := complaint{}
		for _, c := range complaintsOf(l.Metrics) {
			if c.bad > worst.bad {
				worst = c
			}
		}
		if worst.bad > 0 {
			worst.value.Who = l.ID
			list = append(list, worst)
		}
	}
	slices.SortStableFunc(list, func(a, b complaint) int { return cmp.Compare(b.bad, a.bad) })
	var out []report.Offender
	for _, c := range list[:min(len(list), maxOffenders)] {
		out = append(out, c.value)
	}
	return out
}

// complaintsOf are those of one listener. Below the first figure of each
// nobody would complain.
func complaintsOf(m report.Metrics) (list []complaint) {
	for _, k := range []struct {
		name      string
		fine, bad float64
		what      string
	}{
		{"voice.forbidden_packets", 0, 1, "heard somebody who is blocked or muted"},
		{"voice.audible_share", .97, .6, "did not hear people who should be heard"},
		{"voice.wrong_share", .02, .3, "heard people who should not be heard"},
		{"voice.loss_share", .01, .1, "lost packets on the way"},
		{"voice.concealed_share", .01, .1, "a player had to invent sound"},
		{"voice.latency_ms.p95", 100, 400, "hears people late"},
		{"pose.staleness_ms.p95", 400, 2000, "sees people where they were"},
	} {
		v, ok := m[k.name]
		if !ok {
			continue
		}
		if bad := (v - k.fine) / (k.bad - k.fine); bad > 0 {
			list = append(list, complaint{bad: bad, value: report.Offender{Metric: k.name, Value: v, What: k.what}})
		}
	}
	return list
}

// worst are the n listeners who are worst off now, in words.
func (j *judge) worst(n int) []string {
	type one struct {
		bad  float64
		text string
	}
	var list []one
	for _, e := range j.all() {
		share, heard, ms, came := e.lately()
		if missing := (.95 - share) / .5; heard && missing > 0 {
			list = append(list, one{missing, fmt.Sprintf("%s hears %.0f %% of what it should", e.p.name, 100*share)})
		}
		if late := (ms - 100) / 400; came && late > 0 {
			list = append(list, one{late, fmt.Sprintf("%s hears people %.0f ms late", e.p.name, ms)})
		}
	}
	slices.SortStableFunc(list, func(a, b one) int { return cmp.Compare(b.bad, a.bad) })
	var lines []string
	for _, o := range list[:min(n, len(list))] {
		lines = append(lines, o.text)
	}
	return lines
}
