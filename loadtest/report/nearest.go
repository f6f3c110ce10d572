package report

import (
	"io"
	"strings"
)

// nearest returns the candidate that name was probably meant to be, "" if
// none is near.
func nearest(name string, candidates []string) string {
	if len(name) > 100 {
		return ""
	}
	best, least := "", max(len(name)/3, 2)+1
	for _, c := range candidates {
		if name != "" && strings.Contains(c, "."+name) {
			return c
		}
		if d := distance(name, c); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is Levenshtein's: the fewest bytes to change, add or remove.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// readFull reads until buf is full or the file ends.
func readFull(r io.Reader, buf []byte) (int, error) {
	n, err := io.ReadFull(r, buf)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return n, err
}
