package loudness

// How speech is judged, whatever it is measured by.
const (
	shouting     = 3   // LU above the mean
	absoluteGate = -50 // LUFS: microphones pick up rooms below that
	relativeGate = 0.1 // of the mean: 10 LU below it
)

// said is how loud somebody spoke lately: the powers of short pieces of what
// they said, the newest in the place of the oldest.
type said struct {
	pieces []float64
	n, at  int
	recent int // pieces by which shouting is noticed
}

// newSaid remembers so many pieces.
func newSaid(remembered, recent int) said {
	return said{pieces: make([]float64, remembered), recent: recent}
}

// add takes the power of the next piece.
func (s *said) add(power float64) {
	s.pieces[s.at] = power
	s.at = (s.at + 1) % len(s.pieces)
	s.n = min(s.n+1, len(s.pieces))
}

// loudness returns the loudness in LUFS of what was said: that of all of it or,
// of one who has begun to shout, not much below that of the last second. There
// is a piece at least.
func (s *said) loudness() float64 {
	return max(lufs(s.mean(s.mean(0)*relativeGate)), lufs(s.lately())-shouting)
}

// lately returns the mean power of the last pieces.
func (s *said) lately() (sum float64) {
	n := min(s.n, s.recent)
	for i := range n {
		sum += s.pieces[(s.at-1-i+len(s.pieces))%len(s.pieces)]
	}
	return sum / float64(n)
}

// mean is that of the pieces above a threshold.
func (s *said) mean(threshold float64) float64 {
	sum, n := 0.0, 0
	for _, p := range s.pieces[:s.n] {
		if p > threshold {
			sum += p
			n++
		}
	}
	return sum / float64(n)
}
