package scenario

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong with a scenario.
type Problem struct {
	File    string // "" where it came from no file
	Line    int    // from 1; 0 if not known
	Field   string // as in YAML, like groups[1].talk.kind; "" for the whole
	Message string // what is wrong and what to write instead
}

// String gives file:line: field: message, without what is not known.
func (p Problem) String() string {
	where := p.File
	if p.Line > 0 {
		where = strings.TrimPrefix(fmt.Sprintf("%s:%d", p.File, p.Line), ":")
		if p.File == "" {
			where = "line " + where
		}
	}
	parts := []string{where, p.Field, p.Message}
	said := parts[:0]
	for _, part := range parts {
		if part != "" {
			said = append(said, part)
		}
	}
	return strings.Join(said, ": ")
}

// Problems are all things wrong with a scenario, in the order of its lines. As
// an error it has one line for each.
type Problems []Problem

// Error implements error.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}
