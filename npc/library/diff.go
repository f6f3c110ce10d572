package library

import (
	"slices"
	"strings"
)

// Hunk is a piece of a file where lines differ, with three equal ones around.
type Hunk struct {
	FromLine int    `json:"from_line"` // of the first line in the old file, from 1
	ToLine   int    `json:"to_line"`   // in the new one
	Lines    []Line `json:"lines"`
}

// Line is one of a Hunk.
type Line struct {
	Op   string `json:"op"` // " " in both, "-" only in the old, "+" only in the new
	Text string `json:"text"`
}

const (
	around = 3 // equal lines shown before and after
	// maxEdits bounds the search: files that differ in more lines than this
	// are shown as wholly different between their first and last difference.
	maxEdits = 1000
)

// Diff returns the difference between two texts by lines, the shortest there is
// (Myers, An O(ND) Difference Algorithm, 1986) up to maxEdits. Equal input
// gives equal output; no hunks mean equal texts, but for the line feed at the
// end.
func Diff(from, to string) []Hunk {
	return hunks(script(splitLines(from), splitLines(to)))
}

func splitLines(text string) []string {
	if text = strings.TrimSuffix(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// script is all lines of both texts, each with its operation.
func script(x, y []string) []Line {
	var all []Line
	first := 0
	for first < len(x) && first < len(y) && x[first] == y[first] {
		all = append(all, Line{" ", x[first]})
		first++
	}
	last := 0
	for last < len(x)-first && last < len(y)-first && x[len(x)-1-last] == y[len(y)-1-last] {
		last++
	}
	all = append(all, edits(x[first:len(x)-last], y[first:len(y)-last])...)
	for _, same := range x[len(x)-last:] {
		all = append(all, Line{" ", same})
	}
	return all
}

// edits runs the greedy search forward and reads the way back from the traces.
func edits(x, y []string) []Line {
	traces, found := search(number(x, y))
	if !found {
		var all []Line
		for _, s := range x {
			all = append(all, Line{"-", s})
		}
		for _, s := range y {
			all = append(all, Line{"+", s})
		}
		return all
	}
	var back []Line
	i, j := len(x), len(y)
	for d := len(traces) - 1; d > 0; d-- {
		k := i - j
		down := isDown(traces[d-1], k, d)
		fromK, op := k-1, "-"
		if down {
			fromK, op = k+1, "+"
		}
		fromI := reach(traces[d-1], fromK, d-1)
		start := fromI + 1 // where the equal lines after the edit begin
		if down {
			start = fromI
		}
		for ; i > start; i, j = i-1, j-1 {
			back = append(back, Line{" ", x[i-1]})
		}
		if down {
			back = append(back, Line{op, y[j-1]})
		} else {
			back = append(back, Line{op, x[i-1]})
		}
		i, j = fromI, fromI-fromK
	}
	for ; i > 0; i-- {
		back = append(back, Line{" ", x[i-1]})
	}
	slices.Reverse(back)
	return back
}

// isDown reports whether the furthest path to diagonal k with d edits ends with
// an added line, rather than with a removed one.
func isDown(before []int, k, d int) bool {
	return k == -d || k != d && reach(before, k-1, d-1) < reach(before, k+1, d-1)
}

// reach is the furthest on diagonal k after d edits, -1 off the edge.
func reach(trace []int, k, d int) int {
	if k < -d || k > d {
		return -1
	}
	return trace[k+d]
}

// search returns, for 0, 1, ... edits, the furthest x on each diagonal, until
// the end is reached.
func search(x, y []int) (traces [][]int, found bool) {
	for d := 0; d <= min(maxEdits, len(x)+len(y)); d++ {
		now := make([]int, 2*d+1)
		for k := -d; k <= d; k += 2 {
			i := 0
			if d > 0 {
				if before := traces[d-1]; isDown(before, k, d) {
					i = reach(before, k+1, d-1)
				} else {
					i = reach(before, k-1, d-1) + 1
				}
			}
			j := i - k
			for i >= 0 && j >= 0 && i < len(x) && j < len(y) && x[i] == y[j] {
				i, j = i+1, j+1
			}
			now[k+d] = i
			if i >= len(x) && j >= len(y) {
				return append(traces, now), true
			}
		}
		traces = append(traces, now)
	}
	return nil, false
}

// number gives equal lines equal numbers.
func number(x, y []string) (nx, ny []int) {
	known := map[string]int{}
	of := func(lines []string) []int {
		numbers := make([]int, len(lines))
		for i, s := range lines {
			if _, ok := known[s]; !ok {
				known[s] = len(known)
			}
			numbers[i] = known[s]
		}
		return numbers
	}
	return of(x), of(y)
}

// hunks cuts out of a script what differs, with the equal lines around.
func hunks(all []Line) (out []Hunk) {
	end := 0            // of the last hunk in all
	line, other := 1, 1 // of all[at] in the old and the new text
	at := 0
	advance := func(to int) {
		for ; at < to; at++ {
			if all[at].Op != "+" {
				line++
			}
			if all[at].Op != "-" {
				other++
			}
		}
	}
	for i, l := range all {
		if l.Op == " " {
			continue
		}
		if begin := max(0, i-around); len(out) == 0 || begin > end {
			advance(begin)
			out = append(out, Hunk{FromLine: line, ToLine: other})
			end = begin
		}
		stop := min(len(all), i+1+around)
		h := &out[len(out)-1]
		h.Lines = append(h.Lines, all[end:stop]...)
		end = stop
	}
	return out
}
