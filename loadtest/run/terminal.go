package run

import (
	"fmt"
	"io"
	"strings"
)

// terminal draws the live view over itself.
type terminal struct {
	out   io.Writer
	drawn int // lines on the screen
}

// draw replaces what was drawn by lines.
func (t *terminal) draw(lines []string) {
	var b strings.Builder
	if t.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", t.drawn)
	}
	for _, line := range lines {
		b.WriteString("\x1b[2K" + line + "\n")
	}
	// What was longer before is wiped.
	for range t.drawn - len(lines) {
		b.WriteString("\x1b[2K\n")
	}
	if extra := t.drawn - len(lines); extra > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", extra)
	}
	t.drawn = len(lines)
	_, _ = io.WriteString(t.out, b.String()) // a view that cannot be seen is no reason to end a run
}
