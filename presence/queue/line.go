package queue

import (
	"time"

	"earshot"
)

const (
	// remembered is how many admissions an estimate is made of, and least how
	// many it needs.
	remembered = 16
	least      = 4
	// farthest is how far ahead an estimate looks: what takes longer is not known.
	farthest = time.Hour
)

// line is those of a queue who want the same.
type line struct {
	waiting int
	// last has when parties were let in, the newest at the end, and size how many
	// they were.
	last []time.Time
	size []int
}

func (q *Queue) line(target earshot.InstanceID) *line {
	l := q.lines[target]
	if l == nil {
		l = &line{}
		q.lines[target] = l
	}
	return l
}

// admitted notes that there was room for so many.
func (l *line) admitted(people int, now time.Time) {
	if len(l.last) == remembered {
		l.last, l.size = append(l.last[:0], l.last[1:]...), append(l.size[:0], l.size[1:]...)
	}
	l.last, l.size = append(l.last, now), append(l.size, people)
}

// estimate is how long it takes until so many people have been let in, if it
// goes on as of late: as many in a second as since the first admission that is
// remembered. 0: not known.
func (l *line) estimate(people int, now time.Time) time.Duration {
	if len(l.last) < least {
		return 0
	}
	n := 0
	for _, size := range l.size[1:] {
		n += size
	}
	took := now.Sub(l.last[0])
	if each := took / time.Duration(n); each > 0 && each <= farthest/time.Duration(people) {
		return each * time.Duration(people)
	}
	return 0
}

// idle reports whether what l remembers says nothing about now.
func (l *line) idle(now time.Time) bool {
	return len(l.last) == 0 || now.Sub(l.last[len(l.last)-1]) > farthest
}
