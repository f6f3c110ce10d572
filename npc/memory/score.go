package memory

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Weights of BM25 (Robertson and Zaragoza, The Probabilistic Relevance
// Framework, 2009, section 3.5).
const (
	termSaturation = 1.2
	lengthWeight   = 0.75
)

// hourly is what is left of recency after an hour (Park et al., UIST 2023,
// section 4.1). The paper counts from the last retrieval, we count from when
// the note was made: recalling writes nothing.
const hourly = 0.995

// ranked returns the indexes of notes, the best first: by the sum of recency,
// importance and relevance to a text, each scaled to 0..1 over the notes, as
// the paper does. Equal sums: the newer first.
func ranked(notes []Note, about string, now time.Time) []int {
	recency, importance := make([]float64, len(notes)), make([]float64, len(notes))
	for i, n := range notes {
		recency[i] = math.Pow(hourly, max(0, now.Sub(n.At).Hours()))
		importance[i] = float64(n.Importance) / 10
	}
	score := make([]float64, len(notes))
	for _, part := range [][]float64{recency, importance, relevance(notes, about)} {
		scale(part)
		for i, v := range part {
			score[i] += v
		}
	}
	order := make([]int, len(notes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Or(cmp.Compare(score[j], score[i]), cmp.Compare(j, i)) })
	return order
}

// scale stretches values to 0..1; all are 0 where they are equal.
func scale(values []float64) {
	if len(values) == 0 {
		return
	}
	low, high := slices.Min(values), slices.Max(values)
	for i := range values {
		if high > low {
			values[i] = (values[i] - low) / (high - low)
		} else {
			values[i] = 0
		}
	}
}

// relevance is BM25 of each note for the words of a text. What few notes say
// counts more; the frequencies are those among these notes.
func relevance(notes []Note, about string) []float64 {
	documents := make([][]uint32, len(notes))
	in, length := map[uint32]int{}, 0 // how many notes have a stem
	for i, n := range notes {
		documents[i] = stems(n.Text)
		length += len(documents[i])
		for _, stem := range unique(documents[i]) {
			in[stem]++
		}
	}
	mean := max(1, float64(length)/float64(max(1, len(notes))))
	scores := make([]float64, len(notes))
	for _, stem := range unique(stems(about)) {
		n := float64(in[stem])
		if n == 0 {
			continue
		}
		rarity := math.Log(1 + (float64(len(notes))-n+0.5)/(n+0.5))
		for i, d := range documents {
			times := 0.0
			for _, s := range d {
				if s == stem {
					times++
				}
			}
			norm := termSaturation * (1 - lengthWeight + lengthWeight*float64(len(d))/mean)
			scores[i] += rarity * times * (termSaturation + 1) / (times + norm)
		}
	}
	return scores
}

func unique(all []uint32) []uint32 {
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
