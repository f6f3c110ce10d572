package policy

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong with a policy.
type Problem struct {
	File    string // "" where it came from no file
	Line    int    // from 1; 0 if not known
	Field   string // as in YAML, like ladder[1].at; "" for the whole
	Message string
}

// String gives file:line: field: message, without what is not known.
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.File != "" && p.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", p.File, p.Line)
	case p.File != "":
		b.WriteString(p.File + ": ")
	case p.Line > 0:
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	return b.String() + p.Message
}

// Problems are all things wrong with a policy, in the order of its lines. As
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
