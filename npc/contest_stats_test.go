package npc

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// figures are what is reported of one or several runs.
type figures struct {
	turns, moderations int
	p50, p99           time.Duration // to the first token of dialogue
	late               float64       // share of dialogue later than 500 ms
	moderation         time.Duration // p99
	lost, lostChecks   int           // dialogue and moderation without a first token in time
	cut                int           // answers that ended in their middle
}

// summarise takes the outcomes of turns that came after the warm-up.
func summarise(out []outcome, warm time.Duration) (f figures) {
	var ttft, checks []time.Duration
	late := 0
	for _, o := range out {
		if o.at < warm {
			continue
		}
		if o.cut {
			f.cut++
		}
		if o.class == Moderation {
			checks = append(checks, o.ttft)
			if o.lost {
				f.lostChecks++
			}
			continue
		}
		ttft = append(ttft, o.ttft)
		if o.ttft > 500*time.Millisecond {
			late++
		}
		if o.lost {
			f.lost++
		}
	}
	f.turns, f.moderations = len(ttft), len(checks)
	f.p50, f.p99, f.moderation = quantileOf(ttft, .5), quantileOf(ttft, .99), quantileOf(checks, .99)
	f.late = float64(late) / float64(max(len(ttft), 1))
	return f
}

// quantileOf is the smallest sample that at least the share q is not above.
func quantileOf(samples []time.Duration, q float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	slices.Sort(samples)
	return samples[min(int(q*float64(len(samples))), len(samples)-1)]
}

func (f figures) String() string {
	return fmt.Sprintf("dialogue p50 %v p99 %v, %.1f %% over 500 ms, moderation p99 %v, lost %d of %d and %d of %d, cut %d",
		f.p50.Round(time.Millisecond), f.p99.Round(time.Millisecond), 100*f.late, f.moderation.Round(time.Millisecond),
		f.lost, f.turns, f.lostChecks, f.moderations, f.cut)
}

// results are the outcomes of each policy in each round.
type results map[string][][]outcome

func (r results) figures(name string, warm time.Duration) (out []figures) {
	for _, o := range r[name] {
		out = append(out, summarise(o, warm))
	}
	return out
}

// spread is the median and the ends of what a figure was in the rounds. With
// an even number of them it is the mean of the two in the middle.
func spread[T time.Duration | float64](all []figures, of func(figures) T) (least, median, most T) {
	var v []T
	for _, f := range all {
		v = append(v, of(f))
	}
	slices.Sort(v)
	n := len(v)
	return v[0], (v[(n-1)/2] + v[n/2]) / 2, v[n-1]
}

// ratios are what the other's p99 is to ours, round by round.
func ratios(r results, other string) (least, median, most float64) {
	own := r.figures("Earshot", contestWarmUp)
	i := -1
	return spread(r.figures(other, contestWarmUp), func(f figures) float64 {
		i++
		return float64(f.p99) / float64(own[i].p99)
	})
}

// table is the figures as Markdown.
func table(r results, warm time.Duration) string {
	var b strings.Builder
	b.WriteString("| policy | TTFT p50 | TTFT p99 | over 500 ms | moderation p99 | turns lost | checks lost | answers cut |\n|---|---|---|---|---|---|---|---|\n")
	for _, e := range entrants() {
		all := r.figures(e.name, warm)
		var sum figures
		for _, f := range all {
			sum.turns, sum.lost, sum.cut = sum.turns+f.turns, sum.lost+f.lost, sum.cut+f.cut
			sum.moderations, sum.lostChecks = sum.moderations+f.moderations, sum.lostChecks+f.lostChecks
			sum.late += f.late * float64(f.turns)
		}
		cell := func(of func(figures) time.Duration) string {
			least, median, most := spread(all, of)
			return fmt.Sprintf("%d (%d-%d)", median.Milliseconds(), least.Milliseconds(), most.Milliseconds())
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %.1f %% | %s | %d of %d | %d of %d | %d |\n", e.name,
			cell(func(f figures) time.Duration { return f.p50 }), cell(func(f figures) time.Duration { return f.p99 }),
			100*sum.late/float64(sum.turns), cell(func(f figures) time.Duration { return f.moderation }),
			sum.lost, sum.turns, sum.lostChecks, sum.moderations, sum.cut)
	}
	return b.String()
}
