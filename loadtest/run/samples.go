package run

import (
	"math"
	"slices"
	"sync"
	"time"

	"earshot/loadtest/report"
)

// maxSamples bounds the values of one kind that are kept one by one: joins,
// chat lines, answers. What comes in millions is counted by truth instead.
const maxSamples = 200_000

// samples are values of one kind. Safe for concurrent use.
type samples struct {
	mu      sync.Mutex
	values  []float64
	dropped int
}

func (s *samples) add(v float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.values) >= maxSamples {
		s.dropped++
		return
	}
	s.values = append(s.values, v)
}

func (s *samples) addDuration(d time.Duration) { s.add(float64(d) / float64(time.Millisecond)) }

func (s *samples) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values, s.dropped = s.values[:0], 0
}

func (s *samples) sorted() []float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Clone(s.values)
	slices.Sort(list)
	return list
}

func (s *samples) distribution(unit string) report.Distribution {
	return distributionOf(s.sorted(), unit)
}

// distributionOf is that of sorted values.
func distributionOf(sorted []float64, unit string) report.Distribution {
	d := report.Distribution{Unit: unit, Count: int64(len(sorted))}
	if len(sorted) == 0 {
		return d
	}
	var all float64
	for _, v := range sorted {
		all += v
	}
	d.Min, d.Max, d.Mean = sorted[0], sorted[len(sorted)-1], all/float64(len(sorted))
	d.P05, d.P50, d.P90 = quantile(sorted, .05), quantile(sorted, .5), quantile(sorted, .9)
	d.P95, d.P99, d.P999 = quantile(sorted, .95), quantile(sorted, .99), quantile(sorted, .999)
	d.Buckets = bucketsOf(sorted)
	return d
}

// bucketsOf counts sorted values in buckets whose edges grow by a fifth.
func bucketsOf(sorted []float64) (list []report.Bucket) {
	const growth = 1.2
	edge := .1
	for i := 0; i < len(sorted); {
		for edge < sorted[i] {
			edge *= growth
		}
		n := i
		for n < len(sorted) && sorted[n] <= edge {
			n++
		}
		list = append(list, report.Bucket{LE: math.Round(edge*1000) / 1000, N: int64(n - i)})
		if n == i { // cannot be: edge >= sorted[i]
			break
		}
		i = n
	}
	return list
}
