package earshot

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong with a file that somebody wrote: a policy, a
// persona, a scenario.
type Problem struct {
	File    string // "" where it came from no file
	Line    int    // from 1; 0 if not known
	Field   string // as in YAML, like ladder[1].at; "" for the whole
	Message string // what is wrong, and what to write instead
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

// Problems are all things wrong with a file. As an error it has one line for
// each; none is no error: return AsError.
type Problems []Problem

// Error implements error.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// AsError returns nil if there are none.
func (ps Problems) AsError() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}
