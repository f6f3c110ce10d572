package report

import (
	"fmt"
	"strings"
)

// Summary is what a terminal shows at the end of a run: what was heard, how
// late, what it cost, what became of the targets, the worst cases and what to
// do next. colour sets ANSI colours.
func (r *Result) Summary(colour bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", strings.Join(kept(r.opening(), r.standing().Short), ": "))
	for _, line := range []struct{ title, text string }{
		{"Heard", r.say("%s of the right people", "voice.audible_share", "%s wrong", "voice.wrong_share", "new talkers after %s (p95)", "voice.onset_ms.p95")},
		{"Delay", r.say("%s median", "voice.latency_ms.p50", "%s p95", "voice.latency_ms.p95", "%s p99", "voice.latency_ms.p99", "worst %s", "voice.latency_ms.max")},
		{"Quality", r.say("MOS %s for half", "voice.mos.p50", "%s for the worst twentieth", "voice.mos.p05", "%s of packets lost", "voice.loss_share")},
		{"Seen", r.say("poses %s old", "pose.staleness_ms.p50", "%s off", "pose.error_mm.p50", "video %s of the time frozen", "video.freeze_share")},
		{"Joined", r.say("%s median", "join.total_ms.p50", "%s p95", "join.total_ms.p95", "%s failed", "join.failed", "%s dropped", "session.dropped")},
		{"Network", r.say("%s down", "net.down_kbps.total", "%s up, for each", "net.up_kbps.total")},
		{"Server", r.say("%s of a core", "server.cpu_share", "%s", "server.rss_mb", "%s packets a second", "server.packets_out_per_s", "%s for a second of CPU", "server.packets_per_cpu_second")},
		{"Tester", r.say("%s of its cores", "generator.cpu_share", "timers %s late (p99)", "generator.sched_ms.p99") + map[bool]string{true: " – IT WAS THE LIMIT"}[r.Generator.Limited]},
	} {
		if line.text != "" {
			fmt.Fprintf(&b, "  %-8s %s\n", line.title, line.text)
		}
	}
	if len(r.Verdicts) > 0 {
		b.WriteString("Targets\n" + indent(targetLines(r.Verdicts, colour)))
	}
	if len(r.Offenders) > 0 {
		b.WriteString("Worst\n")
		for _, o := range r.Offenders[:min(3, len(r.Offenders))] {
			fmt.Fprintf(&b, "  %s\n", o.words())
		}
	}
	b.WriteString("Next\n")
	for _, a := range r.advice() {
		fmt.Fprintf(&b, "  %s\n", a)
	}
	return b.String()
}

// say joins the parts whose figures were measured.
func (r *Result) say(formatsAndNames ...string) string {
	var parts []string
	for i := 0; i+1 < len(formatsAndNames); i += 2 {
		name := formatsAndNames[i+1]
		if v, ok := r.Metrics[name]; ok && isNumber(v) {
			text := FormatFigure(name, v)
			if strings.HasSuffix(name, "_per_s") {
				text = strings.TrimSuffix(text, "/s") // "a second" is in the words
			}
			parts = append(parts, fmt.Sprintf(formatsAndNames[i], text))
		}
	}
	return strings.Join(parts, ", ")
}

func (o Offender) words() string {
	return strings.Join(kept(clip(o.Who, 60)+": "+TitleOf(o.Metric)+" "+FormatFigure(o.Metric, o.Value), clip(o.What, 120)), ", ")
}

// opening is who did what for how long, and with what.
func (r *Result) opening() string {
	s := clip(r.Scenario, 60)
	if s == "" {
		s = "run"
	}
	s += ", " + plural(r.Participants, "person", "people")
	if r.Seconds > 0 {
		s += " for " + FormatValue("ms", r.Seconds*1000)
	}
	if kind := r.Target.name(); kind != "" {
		s += ", " + kind
	}
	return s
}

func (t Target) name() string {
	names := map[string]string{"earshot": "Earshot", "earshot-livekit": "Earshot by LiveKit's door", "livekit": "LiveKit", "janus": "Janus"}
	name, ok := names[t.Kind]
	if !ok {
		name = clip(t.Kind, 40)
	}
	return strings.Join(kept(name, clip(t.Version, 60)), " ")
}

// standing is the run's verdict in words: Short for a terminal, Head and Long
// for the page.
type standing struct {
	Class             string // "pass", "fail", "open" (no targets), "void" (not to be relied on)
	Short, Head, Long string
}

func (r *Result) standing() standing {
	var missed []string
	unmeasured := 0
	for _, v := range firstBroken(r.Verdicts, len(r.Verdicts)) {
		switch rule, err := ParseRule(v.Rule); {
		case v.Passed:
		case !v.Measured:
			unmeasured++
		case err == nil:
			missed = append(missed, TitleOf(rule.Metric))
		default:
			missed = append(missed, clip(v.Rule, 60))
		}
	}
	all := plural(len(r.Verdicts), "target", "targets")
	s := standing{"pass", "PASSED, " + all + " met", "Passed: all " + all + " met", ""}
	switch {
	case len(r.Verdicts) == 0:
		s = standing{"open", "no targets were set", "No targets were set", "So nothing passed or failed: these are the figures as they were."}
	case len(missed)+unmeasured > 0:
		how := fmt.Sprintf("%d of %s missed", len(missed), all)
		switch {
		case len(missed) == 0:
			how = fmt.Sprintf("%d of %s not measured", unmeasured, all)
		case unmeasured > 0:
			how += fmt.Sprintf(", %d not measured", unmeasured)
		}
		s = standing{"fail", "FAILED, " + how, "Failed: " + how, strings.Join(missed[:min(len(missed), 3)], "; ")}
		if len(missed) > 3 {
			s.Long += "; and more"
		}
		s.Long = sentence(s.Long)
	case len(r.Verdicts) == 1:
		s.Head = "Passed: its target was met"
	}
	if r.Capacity != nil {
		return r.Capacity.standing()
	}
	if r.Generator.Limited {
		s.Short += ", BUT the load tester was the limit"
		s.Long = strings.Join(kept(s.Long, "The load tester was the limit, so the server may have done better than this."), " ")
		if s.Class != "fail" {
			s.Class = "void"
		}
	}
	return s
}

// advice is what to do next, most urgent first, at most three.
func (r *Result) advice() (lines []string) {
	broken := func(prefix string) bool {
		for _, v := range r.Verdicts {
			if !v.Passed && v.Measured && strings.HasPrefix(v.Rule, prefix) {
				return true
			}
		}
		return false
	}
	missing := count(r.Verdicts, func(v Verdict) bool { return !v.Measured })
	full := r.Metrics["server.cpu_share"] > .85
	if r.Generator.Limited {
		lines = append(lines, "The load tester could not keep up: give it more cores or another machine, or lower the load, and run again before believing delays.")
	}
	if broken("voice.forbidden_packets") {
		lines = append(lines, "Somebody was heard who must not be: find out how before anything else; the worst cases name them.")
	}
	if broken("voice.audible_share") || broken("voice.wrong_share") {
		lines = append(lines, "People did not hear who they should: the heat map shows whom it struck and when.")
	}
	if late := broken("voice.latency_ms") || broken("voice.loss_share") || broken("voice.mos"); late && !r.Generator.Limited {
		if full {
			lines = append(lines, "Sound came late or torn while the server's CPU was full: spread people over more servers, or give it more cores.")
		} else {
			lines = append(lines, "Sound came late or torn though the server had CPU to spare: look at the network between, and at the timeline for when it began.")
		}
	}
	if broken("join.") {
		lines = append(lines, "Joining was slow or failed: the phases of joining say where the time went.")
	}
	if missing > 0 {
		lines = append(lines, fmt.Sprintf("%s could not be judged, the figure was not measured: drop the rule, or run a scenario that measures it.", plural(missing, "target", "targets")))
	}
	if len(r.Errors) > 0 {
		lines = append(lines, plural(len(r.Errors), "error", "errors")+" came up, the first: "+clip(r.Errors[0], 120))
	}
	if len(lines) == 0 && len(r.Verdicts) == 0 && r.Capacity == nil {
		lines = append(lines, "Set targets with --slo FILE to have a run judged.")
	}
	if len(lines) == 0 && r.Capacity == nil {
		lines = append(lines, "earshot loadtest capacity finds how many more people this server carries.")
	}
	if len(lines) == 0 {
		lines = append(lines, "Nothing: keep this result to compare later runs with (earshot loadtest compare).")
	}
	return lines[:min(3, len(lines))]
}

// firstBroken puts the missed targets first and keeps at most n.
func firstBroken(verdicts []Verdict, n int) []Verdict {
	var out []Verdict
	for _, passed := range []bool{false, true} {
		for _, v := range verdicts {
			if v.Passed == passed {
				out = append(out, v)
			}
		}
	}
	return out[:min(n, len(out))]
}

// targetLines are the missed targets and how many were met.
func targetLines(verdicts []Verdict, colour bool) string {
	met := count(verdicts, func(v Verdict) bool { return v.Passed })
	missed := firstBroken(verdicts, len(verdicts)-met)
	text := VerdictText(missed[:min(len(missed), 6)], colour)
	if len(missed) > 6 {
		text += fmt.Sprintf("  and %d more missed\n", len(missed)-6)
	}
	switch {
	case met == 0:
		return text
	case len(missed) == 0 && met <= 3:
		return text + VerdictText(verdicts, colour)
	case len(missed) == 0:
		return text + VerdictText(verdicts[:2], colour) + fmt.Sprintf("  and %d more met\n", met-2)
	}
	return text + fmt.Sprintf("  %s met\n", plural(met, "other", "others"))
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n  ") + "\n"
}

// kept returns the texts that are not empty.
func kept(texts ...string) (out []string) {
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	return out
}
