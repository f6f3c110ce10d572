package report

import (
	"io"
	"strings"

	"earshot"
)

// nearest returns the candidate that name was probably meant to be, "" if
// none is near.
func nearest(name string, candidates []string) string {
	for _, c := range candidates {
		if name != "" && strings.Contains(c, "."+name) {
			return c
		}
	}
	best, _ := earshot.Closest(name, candidates, max(len(name)/3, 2))
	return best
}

// readFull reads until buf is full or the file ends.
func readFull(r io.Reader, buf []byte) (int, error) {
	n, err := io.ReadFull(r, buf)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return n, err
}
