package report

import "math"

// bucketed reduces a series to n points by the mean of each stretch. What is
// no number does not count; a stretch without any is NaN.
func bucketed(s Series, n int) Series {
	if len(s) <= n {
		return s
	}
	out := make(Series, n)
	for i := range n {
		sum, count := 0.0, 0
		for _, v := range s[i*len(s)/n : (i+1)*len(s)/n] {
			if isNumber(v) {
				sum, count = sum+v, count+1
			}
		}
		out[i] = math.NaN()
		if count > 0 {
			out[i] = sum / float64(count)
		}
	}
	return out
}

// outline reduces a series to about n points for a line, keeping the least and
// the largest of each stretch where they are, so that no spike is lost. It
// returns the indices in s.
func outline(s Series, n int) (indices []int) {
	if len(s) <= n {
		for i := range s {
			indices = append(indices, i)
		}
		return indices
	}
	stretches := max(n/2, 1)
	for i := range stretches {
		from, to := i*len(s)/stretches, (i+1)*len(s)/stretches
		least, most := -1, -1
		for j := from; j < to; j++ {
			if !isNumber(s[j]) {
				continue
			}
			if least < 0 || s[j] < s[least] {
				least = j
			}
			if most < 0 || s[j] > s[most] {
				most = j
			}
		}
		switch {
		case least < 0:
			indices = append(indices, from)
		case least == most:
			indices = append(indices, least)
		default:
			indices = append(indices, min(least, most), max(least, most))
		}
	}
	return indices
}

// extent is the least and largest number in s; ok is false without any.
func extent(s Series) (least, most float64, ok bool) {
	for _, v := range s {
		if !isNumber(v) {
			continue
		}
		if !ok {
			least, most, ok = v, v, true
		}
		least, most = min(least, v), max(most, v)
	}
	return least, most, ok
}

func mean(s Series) float64 {
	m := bucketed(append(Series{math.NaN()}, s...), 1)
	return m[0]
}

// fit is the least-squares line y = a + b*x and its share of explained
// variance. ok is false with fewer than 3 points or without spread in x.
func fit(xs, ys []float64) (a, b, r2 float64, ok bool) {
	n := float64(len(xs))
	if len(xs) < 3 {
		return 0, 0, 0, false
	}
	var mx, my float64
	for i := range xs {
		mx, my = mx+xs[i]/n, my+ys[i]/n
	}
	var sxx, sxy, syy float64
	for i := range xs {
		dx, dy := xs[i]-mx, ys[i]-my
		sxx, sxy, syy = sxx+dx*dx, sxy+dx*dy, syy+dy*dy
	}
	if !(sxx > 1e-12*mx*mx) || syy == 0 {
		return 0, 0, 0, false
	}
	b = sxy / sxx
	return my - b*mx, b, sxy * sxy / (sxx * syy), true
}

// shown is the histogram on an axis: the edges of bars in pixels, one more than
// bars, and each bar's share of all values. What lies beyond the axis is left
// out. Within a bucket values are taken as even.
func (d Distribution) shown(x axis, n int) (edges, shares []float64) {
	low := x.at(d.Min)
	edges = append(edges, low)
	for _, b := range d.Buckets {
		high := x.at(min(max(b.LE, d.Min), d.Max))
		if b.LE > x.to && high-low < 1e-9 {
			break
		}
		if high-low < 1e-9 && len(shares) > 0 { // narrower than can be seen
			shares[len(shares)-1] += float64(b.N) / float64(d.Count)
			continue
		}
		edges, shares, low = append(edges, high), append(shares, float64(b.N)/float64(d.Count)), high
	}
	if len(shares) <= n {
		return edges, shares
	}
	even, bins := make([]float64, n+1), make([]float64, n)
	for i := range even {
		even[i] = x.a + (x.b-x.a)*float64(i)/float64(n)
	}
	for i, v := range shares {
		from, to := (edges[i]-x.a)/(x.b-x.a)*float64(n), (edges[i+1]-x.a)/(x.b-x.a)*float64(n)
		for j := max(int(from), 0); j < n && float64(j) < to; j++ {
			bins[j] += v * (min(to, float64(j+1)) - max(from, float64(j))) / max(to-from, 1e-9)
		}
	}
	return even, bins
}

// cumulative is the share of values up to each bucket's edge.
func cumulative(d Distribution) (edges, shares []float64) {
	edges, shares = append(edges, d.Min), append(shares, 0)
	sum := int64(0)
	for _, b := range d.Buckets {
		sum += b.N
		edges, shares = append(edges, min(b.LE, d.Max)), append(shares, float64(sum)/float64(max(d.Count, 1)))
	}
	return edges, shares
}
