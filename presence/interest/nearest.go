package interest

// Hit is an entity found, with the square of its distance in m².
type Hit struct {
	ID    int32
	Dist2 float32
}

// before orders hits by distance, then id, so that "the k nearest" is one
// well-defined set even in a crowd standing on one spot.
func (h Hit) before(o Hit) bool {
	return h.Dist2 < o.Dist2 || h.Dist2 == o.Dist2 && h.ID < o.ID
}

// IDSet is a set of ids as bits. A nil IDSet is empty.
type IDSet []uint64

// Has reports whether id is in the set.
func (s IDSet) Has(id int32) bool {
	w := int(id >> 6)
	return w < len(s) && s[w]&(1<<(id&63)) != 0
}

// Put adds id, or removes it where in is false. id must be below 64*len(s).
func (s IDSet) Put(id int32, in bool) {
	if in {
		s[id>>6] |= 1 << (id & 63)
	} else {
		s[id>>6] &^= 1 << (id & 63)
	}
}

// Query asks for the nearest entities around a point. Keep it between calls:
// it remembers how far the last answer reached, and starts there.
type Query struct {
	X, Y, Z float32
	Self    int32   // left out of the answer
	Exclude IDSet   // so are these
	Radius  float32 // metres
	K       int

	warm float32 // metres: a little over the distance of the last k-th
}

// Nearest appends to dst the at most K entities nearest to the query's point
// and at most Radius away, in no order. Equal distances go by lower id.
func (g *Grid) Nearest(q *Query, dst []Hit) []Hit {
	if len(g.id) == 0 || q.K <= 0 {
		return dst
	}
	start := len(dst)
	r := q.Radius
	if q.warm > 0 && q.warm < r {
		r = q.warm
	}
	for {
		dst = g.gather(q, r, dst[:start])
		if len(dst)-start >= q.K || r >= q.Radius {
			break
		}
		r = min(r*1.5, q.Radius)
	}
	hits := dst[start:]
	q.warm = q.Radius
	if len(hits) >= q.K {
		selectNearest(hits, q.K)
		hits = hits[:q.K]
		// A tenth over the k-th distance: people move between two queries.
		q.warm = max(1.1*sqrt32(hits[q.K-1].Dist2), minCell)
	}
	return dst[:start+len(hits)]
}

// gather appends everything within r of the query's point.
func (g *Grid) gather(q *Query, r float32, dst []Hit) []Hit {
	// The border pays for float32 rounding up to 16 km from the origin.
	const border = 0.01
	loX, hiX := g.span(q.X, r+border)
	loZ, hiZ := g.span(q.Z, r+border)
	r2 := r * r
	for row := loZ; row <= hiZ; row++ {
		for col := loX; col <= hiX; col++ {
			c := g.cellAt(col, row)
			for i := g.from[c]; i < g.from[c+1]; i++ {
				dx, dy, dz := g.x[i]-q.X, g.y[i]-q.Y, g.z[i]-q.Z
				d2 := dx*dx + dy*dy + dz*dz
				if d2 <= r2 && g.id[i] != q.Self && !q.Exclude.Has(g.id[i]) {
					dst = append(dst, Hit{g.id[i], d2})
				}
			}
		}
	}
	return dst
}

// span returns the columns that v-r to v+r touches, none of them twice on the
// torus.
func (g *Grid) span(v, r float32) (lo, hi int32) {
	lo, hi = g.column(v-r), g.column(v+r)
	return lo, min(hi, lo+int32(1)<<g.bits-1)
}

// selectNearest reorders hits so that the k nearest come first and the k-th is
// at k-1 (Hoare's quickselect; the pivot is the median of three).
func selectNearest(hits []Hit, k int) {
	lo, hi := 0, len(hits)-1
	for lo < hi {
		mid := (lo + hi) / 2
		if hits[mid].before(hits[lo]) {
			hits[mid], hits[lo] = hits[lo], hits[mid]
		}
		if hits[hi].before(hits[lo]) {
			hits[hi], hits[lo] = hits[lo], hits[hi]
		}
		if hits[hi].before(hits[mid]) {
			hits[hi], hits[mid] = hits[mid], hits[hi]
		}
		pivot := hits[mid]
		i, j := lo, hi
		for i <= j {
			for hits[i].before(pivot) {
				i++
			}
			for pivot.before(hits[j]) {
				j--
			}
			if i <= j {
				hits[i], hits[j] = hits[j], hits[i]
				i++
				j--
			}
		}
		switch {
		case k-1 <= j:
			hi = j
		case k-1 >= i:
			lo = i
		default:
			return
		}
	}
}
