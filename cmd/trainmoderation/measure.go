package main

import (
	"math"
	"slices"

	"earshot/moderation/text"
)

// scored is a score with its truth.
type scored struct {
	score float64
	label int
	from  source
}

// scores of head h for the examples of a part whose label is known.
func scores(m *text.Model, examples []example, in part, h int) []scored {
	var s text.Scratch
	var out []scored
	for _, e := range examples {
		if e.part == in && e.labels[h] != unknown {
			out = append(out, scored{m.Score(e.text, &s).Model[h], e.labels[h], e.source})
		}
	}
	return out
}

func only(all []scored, from ...source) []scored {
	var out []scored
	for _, s := range all {
		if slices.Contains(from, s.from) {
			out = append(out, s)
		}
	}
	return out
}

// auc is the chance that an abusive text scores above a harmless one, ties
// counting half; NaN without either.
func auc(all []scored) float64 {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b scored) int { return compare(a.score, b.score) })
	rankSum, pos, neg := 0.0, 0.0, 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].score == all[i].score {
			j++
		}
		for _, s := range all[i:j] {
			if s.label == 1 {
				rankSum += float64(i+j+1) / 2
				pos++
			} else {
				neg++
			}
		}
		i = j
	}
	if pos == 0 || neg == 0 {
		return math.NaN()
	}
	return (rankSum - pos*(pos+1)/2) / (pos * neg)
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// threshold returns the score above which at most share of the harmless lie.
func threshold(all []scored, share float64) float64 {
	var neg []float64
	for _, s := range all {
		if s.label == 0 {
			neg = append(neg, s.score)
		}
	}
	if len(neg) == 0 {
		return 1
	}
	slices.Sort(neg)
	i := len(neg) - 1 - int(share*float64(len(neg)))
	return math.Nextafter(neg[max(i, 0)], 2)
}

// rates returns the shares of abusive and of harmless texts scored at least t.
func rates(all []scored, t float64) (recall, falsePositives float64) {
	var hit, count [2]float64
	for _, s := range all {
		count[s.label]++
		if s.score >= t {
			hit[s.label]++
		}
	}
	return hit[1] / count[1], hit[0] / count[0]
}

// found are the sources whose texts were found, not written to deceive a
// model: thresholds are set on these.
var found = []source{davidson, surge}

// calibrate fits the probability of each head on the validation texts (Platt
// scaling, each source and label of equal weight) and sets the thresholds.
func calibrate(m *text.Model, hs *[heads]text.Head, examples []example) {
	for h := range heads {
		all := scores(m, examples, validation, h)
		a, b := platt(all)
		hs[h].A, hs[h].B = float32(a), float32(b)
		for i := range all {
			all[i].score = hs[h].Probability(logit(all[i].score))
		}
		hs[h].OnePercent = roundUp(threshold(only(all, found...), 0.01))
		hs[h].HalfPercent = roundUp(threshold(only(all, found...), 0.005))
	}
}

// roundUp returns the least float32 that is not below v.
func roundUp(v float64) float32 {
	f := float32(v)
	if float64(f) < v {
		f = math.Nextafter32(f, 2)
	}
	return f
}

func logit(p float64) float64 {
	p = min(max(p, 1e-12), 1-1e-12)
	return math.Log(p / (1 - p))
}

// platt fits p = 1/(1+exp(-(a*z+b))) by Newton's method with halved steps.
// The scores must be those of a = 1, b = 0.
func platt(all []scored) (a, b float64) {
	var count [sources][2]float64
	for _, s := range all {
		count[s.from][s.label]++
	}
	loss := func(a, b float64) float64 {
		sum := 0.0
		for _, s := range all {
			z := a*logit(s.score) + b
			if s.label == 1 {
				z = -z
			}
			sum += (max(z, 0) + math.Log1p(math.Exp(-math.Abs(z)))) / count[s.from][s.label]
		}
		return sum
	}
	a, b = 1, 0
	best := loss(a, b)
	for range 50 {
		var ga, gb, haa, hab, hbb float64
		for _, s := range all {
			z, w := logit(s.score), 1/count[s.from][s.label]
			p := 1 / (1 + math.Exp(-(a*z + b)))
			d, q := w*(p-float64(s.label)), w*p*(1-p)
			ga, gb = ga+d*z, gb+d
			haa, hab, hbb = haa+q*z*z, hab+q*z, hbb+q
		}
		haa, hbb = haa+1e-6, hbb+1e-6
		det := haa*hbb - hab*hab
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		step := 1.0
		for step > 1e-6 && !(loss(a-step*da, b-step*db) < best) {
			step /= 2
		}
		if step <= 1e-6 {
			break
		}
		a, b = a-step*da, b-step*db
		best = loss(a, b)
	}
	if !(a > 0.01) { // too little data to tell
		return 1, 0
	}
	return a, b
}
