package directory

import (
	"math"
	"time"

	"earshot"
)

// CellSize is the edge of a cell, in metres: of cluster.Presence, density maps
// and the index of who is near.
const CellSize = 32

// CellOf returns the cell of a position.
func CellOf(p earshot.Vec3) [2]int16 {
	return [2]int16{cellAxis(p.X), cellAxis(p.Z)}
}

func cellAxis(v float32) int16 {
	c := math.Floor(float64(v) / CellSize)
	if !(c >= math.MinInt16) { // also what is no number
		return math.MinInt16
	}
	return int16(min(c, math.MaxInt16))
}

const (
	// moveBy is how far a member goes before that is written, in metres.
	moveBy = 4
	// paceBurst writes may come at once; in the long run there is one a second.
	paceBurst = 4
)

// Pace decides when a member's place is worth a write: they went 4 m or into
// another cell, or their flags changed, and at most once a second on average.
// What is not written in time is written with the next that is due. The zero
// Pace writes first.
type Pace struct {
	known   bool
	written earshot.Vec3
	flags   uint8
	tokens  float64
	at      time.Time
}

// Due reports whether to write now, and notes that it was.
func (p *Pace) Due(position earshot.Vec3, flags uint8, now time.Time) bool {
	first := !p.known
	if first {
		p.known, p.tokens = true, paceBurst
	} else {
		p.tokens = min(p.tokens+max(now.Sub(p.at).Seconds(), 0), paceBurst)
	}
	p.at = now
	moved := position.Sub(p.written)
	changed := first || flags != p.flags || CellOf(position) != CellOf(p.written) || moved.Dot(moved) >= moveBy*moveBy
	if !changed || p.tokens < 1 {
		return false
	}
	p.tokens--
	p.written, p.flags = position, flags
	return true
}
