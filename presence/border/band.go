package border

import (
	"cmp"
	"math"
	"slices"

	"earshot"
)

// Slack is how much farther from the line, and past its ends, those may be who
// were seen just now, in metres: who walks along the edge does not flicker.
const Slack = 1

// Candidate is somebody who may be seen by the neighbours.
type Candidate struct {
	Ref  int // whatever the caller knows them by
	Root earshot.Vec3
	Was  bool // they are seen already

	apart float64 // from the line, less Slack for those who are seen already
}

// Choose returns those of a list who are to be seen by the neighbours: within the
// width of the line and beside it, and of more than most the nearest. It reorders
// the list, which the result is the beginning of, and allocates nothing.
func (b *Border) Choose(list []Candidate, most int) []Candidate {
	n := 0
	for _, c := range list {
		slack := 0.0
		if c.Was {
			slack = Slack
		}
		if !b.Within(c.Root, slack) {
			continue
		}
		beyond, _ := b.Depth(c.Root)
		c.apart = math.Abs(beyond) - slack
		list[n] = c
		n++
	}
	list = list[:n]
	if n <= most {
		return list
	}
	slices.SortFunc(list, nearer)
	return list[:most]
}

// nearer orders by how near the line people are, and equals as they came, so that
// nobody who stands still comes and goes.
func nearer(a, b Candidate) int {
	return cmp.Or(cmp.Compare(a.apart, b.apart), cmp.Compare(a.Ref, b.Ref))
}

// Within reports whether a root is in the band, or at most so many metres outside.
func (b *Border) Within(root earshot.Vec3, slack float64) bool {
	beyond, past := b.Depth(root)
	return math.Abs(beyond) <= b.width+slack && past <= slack
}
