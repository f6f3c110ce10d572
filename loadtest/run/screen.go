package run

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// State is a run at a moment, as the live view shows it. A figure that is not
// known is NaN.
type State struct {
	Scenario string // name and title
	Phase    string // "joining", "warming up", "measuring", "leaving", …
	Elapsed  time.Duration
	Total    time.Duration // 0: not known

	Joined, Target, Failed, Dropped int

	Heard          float64 // share of what should be heard, of the last seconds
	LatencyP50     float64 // ms
	LatencyP95     float64
	Loss           float64 // share
	MOS            float64
	Forbidden      int
	PacketsPerSec  float64 // voice packets that all bots received
	KbpsPerPerson  float64 // received
	ServerCores    float64 // in use
	ServerRSS      float64 // bytes
	GeneratorShare float64 // of its cores
	GeneratorLate  float64 // ms, 99th percentile of its timers

	Trend     []float64 // heard share by second, newest last
	Offenders []string  // worst first: who, and what is wrong
	Message   string    // something that just happened
}

// Palette is how the view paints: ANSI sequences, or nothing.
type palette struct{ bold, dim, good, bad, warn, off string }

func colours(on bool) palette {
	if !on {
		return palette{}
	}
	return palette{"\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"}
}

// Screen returns the lines of the live view, none wider than width columns.
func Screen(s *State, width int, colour bool) []string {
	width = max(40, width)
	c := colours(colour)
	lines := []string{
		c.bold + clip(s.Scenario, width) + c.off,
		progress(s, width, c),
		"",
	}
	for _, p := range []struct{ a, av, b, bv string }{
		{"people", fmt.Sprintf("%d of %d", s.Joined, s.Target) + troubles(s), "voices heard", figure(100*s.Heard, "%.1f %%") + " " + spark(s.Trend, 12)},
		{"delay", figure(s.LatencyP50, "%.0f") + " / " + figure(s.LatencyP95, "%.0f ms") + " (half / 95 %)", "quality", figure(s.MOS, "MOS %.2f") + lossText(s)},
		{"received", figure(s.PacketsPerSec, "%.0f packets/s"), "each person", figure(s.KbpsPerPerson, "%.0f kbit/s")},
		{"server", serverText(s), "this tester", generatorText(s)},
	} {
		lines = append(lines, pair(width, c, p.a, p.av, p.b, p.bv)...)
	}
	if s.Forbidden > 0 {
		lines = append(lines, c.bad+clip(fmt.Sprintf("  %d packets of people who are blocked or muted came through", s.Forbidden), width)+c.off)
	}
	lines = append(lines, "")
	if len(s.Offenders) > 0 {
		lines = append(lines, c.dim+"worst off"+c.off)
		for _, o := range s.Offenders[:min(5, len(s.Offenders))] {
			lines = append(lines, "  "+clip(o, width-2))
		}
	}
	if s.Message != "" {
		lines = append(lines, c.dim+clip(s.Message, width)+c.off)
	}
	return lines
}

// Line returns the view as one line, for where there is no terminal.
func Line(s *State) string {
	return fmt.Sprintf("%-10s %6s  people %d/%d%s  heard %s  delay %s/%s ms  loss %s  %s pkt/s  %s kbit/s each  server %s  tester %s",
		s.Phase, clock(s.Elapsed), s.Joined, s.Target, troubles(s), figure(100*s.Heard, "%.1f%%"),
		figure(s.LatencyP50, "%.0f"), figure(s.LatencyP95, "%.0f"), figure(100*s.Loss, "%.2f%%"),
		figure(s.PacketsPerSec, "%.0f"), figure(s.KbpsPerPerson, "%.0f"),
		figure(100*s.ServerCores, "%.0f%% of a core"), figure(100*s.GeneratorShare, "%.0f%%"))
}

// progress is a bar with the time that is left.
func progress(s *State, width int, c palette) string {
	left := ""
	share := 0.0
	if s.Total > 0 {
		share = min(1, max(0, float64(s.Elapsed)/float64(s.Total)))
		left = clock(max(0, s.Total-s.Elapsed)) + " left"
	} else {
		left = clock(s.Elapsed)
	}
	head := fmt.Sprintf("%-11s", s.Phase)
	room := width - utf8.RuneCountInString(head) - utf8.RuneCountInString(left) - 2
	if room < 4 {
		return clip(head+left, width)
	}
	full := int(share * float64(room))
	return head + c.good + strings.Repeat("█", full) + c.off + c.dim + strings.Repeat("░", room-full) + c.off + "  " + left
}

// sideBySide is the width from which two figures fit into a line.
const sideBySide = 78

// pair is two figures in a line, or one above the other where it is narrow.
func pair(width int, c palette, a, av, b, bv string) []string {
	if width < sideBySide {
		return []string{named(c, "  ", a, av, width), named(c, "  ", b, bv, width)}
	}
	left := named(c, "  ", a, av, width/2)
	pad := max(0, width/2-utf8.RuneCountInString("  ")-labelWidth-utf8.RuneCountInString(av))
	return []string{left + strings.Repeat(" ", pad) + named(c, " ", b, bv, width-width/2)}
}

const labelWidth = 13

// named is a figure behind its name, in at most width columns.
func named(c palette, indent, name, value string, width int) string {
	room := width - utf8.RuneCountInString(indent) - labelWidth
	return indent + c.dim + fmt.Sprintf("%-*s", labelWidth, name) + c.off + clip(value, room)
}

func troubles(s *State) string {
	text := ""
	if s.Failed > 0 {
		text += fmt.Sprintf(", %d failed", s.Failed)
	}
	if s.Dropped > 0 {
		text += fmt.Sprintf(", %d dropped", s.Dropped)
	}
	return text
}

func lossText(s *State) string {
	if math.IsNaN(s.Loss) {
		return ""
	}
	return fmt.Sprintf(", %.2f %% lost", 100*s.Loss)
}

func serverText(s *State) string {
	if math.IsNaN(s.ServerCores) {
		return "not on this machine"
	}
	text := fmt.Sprintf("%.0f %% of a core", 100*s.ServerCores)
	if s.ServerRSS > 0 {
		text += fmt.Sprintf(", %.0f MB", s.ServerRSS/1e6)
	}
	return text
}

func generatorText(s *State) string {
	text := figure(100*s.GeneratorShare, "%.0f %%")
	if !math.IsNaN(s.GeneratorLate) {
		text += fmt.Sprintf(", %.1f ms late", s.GeneratorLate)
	}
	return text
}

// figure formats v, or a dash where it is not known.
func figure(v float64, format string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	return fmt.Sprintf(format, v)
}

// spark draws the last n values, of 0 to 1, as a row of bars.
func spark(values []float64, n int) string {
	const bars = "▁▂▃▄▅▆▇█"
	levels := []rune(bars)
	values = values[max(0, len(values)-n):]
	var b strings.Builder
	for _, v := range values {
		if math.IsNaN(v) {
			b.WriteByte(' ')
			continue
		}
		i := int(min(1, max(0, v)) * float64(len(levels)))
		b.WriteRune(levels[min(i, len(levels)-1)])
	}
	return b.String()
}

// clock is d as m:ss.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// clip cuts text to width columns.
func clip(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(0, width-1)]) + "…"
}
