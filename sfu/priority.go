package sfu

import (
	"strconv"
	"strings"
)

// Priorities that clients are told, by generation of ICE. All are below those of
// any client's candidate, even a relayed one (RFC 8445, section 5.1.2.1).
const (
	priorityStep = 1 << 12
	priorityMost = 1 << 23
)

// prioritise gives all candidates of an answer one priority, the higher the
// later their generation. That of a pair is the lower one of its two candidates
// in the first place (RFC 8445, section 6.1.2.3), so a client goes over to a pair
// of the new generation as soon as it works. Otherwise a browser holds on to an
// old pair over a network that is gone but was its favourite, until it finds the
// pair dead, for seconds. Among pairs of one generation the client's candidates
// decide: directly over UDP, then TCP, then relayed.
func prioritise(answer string, generation int) string {
	priority := strconv.Itoa(min(generation*priorityStep, priorityMost))
	var b strings.Builder
	b.Grow(len(answer))
	for line := range strings.Lines(answer) {
		// foundation, component, transport, priority, …: RFC 8839, section 5.1
		if fields := strings.SplitN(line, " ", 5); strings.HasPrefix(line, "a=candidate:") && len(fields) == 5 {
			fields[3] = priority
			line = strings.Join(fields, " ")
		}
		b.WriteString(line)
	}
	return b.String()
}
