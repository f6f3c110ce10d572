package npc

import (
	"fmt"
	"slices"
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
