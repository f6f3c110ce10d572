package report

import (
	"html/template"
	"math"
	"strings"
)

// tile is one of the six big numbers.
type tile struct {
	Title, Number, Unit, Below, Class string
	Exact                             bool // the target is on this very number, not on another of its percentiles
	Spark                             template.HTML
}

// target is a rule with what became of it. Used is how much of what it allows
// was taken, as a width in percent of a gauge whose mark is at Mark.
type target struct {
	Metric, Title, Value, Wanted, Class string
	Used                                float64
}

// gaugeMark is where the limit is on a gauge, in percent of its width.
const gaugeMark = 70

func (r *Result) title() string {
	for _, s := range []string{r.Title, r.Scenario} {
		if s = clip(strings.TrimSpace(s), 120); s != "" {
			return s
		}
	}
	return "Load test"
}

func (r *Result) meta() []string {
	var when string
	if !r.Started.IsZero() {
		when = r.Started.UTC().Format("2 January 2006, 15:04 UTC")
	}
	var length string
	if r.Seconds > 0 {
		length = FormatValue("ms", r.Seconds*1000)
		if r.Seconds >= 120 {
			length = digits(r.Seconds/60) + " min"
		}
	}
	scenario := ""
	if r.Title != "" && r.Scenario != "" {
		scenario = "scenario " + clip(r.Scenario, 60)
	}
	return kept(plural(r.Participants, "person", "people"), length, scenario, r.Target.name(), when)
}

// lead is the run in two sentences.
func (r *Result) lead() string {
	get := func(name string) (string, bool) {
		v, ok := r.Metrics[name]
		return FormatFigure(name, v), ok && isNumber(v)
	}
	var s []string
	if share, ok := get("voice.audible_share"); ok {
		text := "People heard " + share + " of the voices they should have heard"
		if delay, ok := get("voice.latency_ms.p50"); ok {
			text += ", " + delay + " after they were spoken"
		}
		if late, ok := get("voice.latency_ms.p99"); ok {
			text += "; one packet in a hundred took longer than " + late
		}
		s = append(s, text+".")
	}
	if cpu, ok := get("server.cpu_share"); ok {
		text := "The server used " + cpu + " of one core"
		if out, ok := get("server.packets_out_per_s"); ok {
			text += " to send " + out[:len(out)-len("/s")] + " packets a second"
		}
		s = append(s, text+".")
	}
	return strings.Join(s, " ")
}

// tiles are the six numbers that everybody asks for.
func tiles(r *Result) []tile {
	series := r.Timeline.Series
	all := []tile{
		r.tile("Heard the right people", "voice.audible_share", "of what should be heard", series[SeriesAudibleShare],
			r.say("%s heard wrongly", "voice.wrong_share")),
		r.tile("Delay mouth to ear", "voice.latency_ms.p50", "half are faster", series[SeriesLatency],
			r.say("99 %% within %s", "voice.latency_ms.p99")),
		r.tile("Voice quality", "voice.mos.p50", "MOS, of 4.5", nil, satisfaction(r.Metrics["voice.mos.p50"])),
		r.tile("Bandwidth per person", "net.down_kbps.total", "received", nil, r.say("%s sent", "net.up_kbps.total")),
		r.tile("Server CPU", "server.cpu_share", "of one core", series[SeriesServerCPU],
			r.say("%s packets for a second of CPU", "server.packets_per_cpu_second")),
		r.tile("Time to join", "join.total_ms.p50", "half are faster", nil,
			strings.Join(kept(r.say("95 %% within %s", "join.total_ms.p95"), failures(r)), ", ")),
	}
	return all
}

func failures(r *Result) string {
	if n := r.Metrics["join.failed"]; n > 0 {
		return grouped(n) + " failed"
	}
	return ""
}

// satisfaction is how ITU-T G.107, annex B, puts a MOS.
func satisfaction(mos float64) string {
	for _, s := range []struct {
		from float64
		text string
	}{{4.34, "users are very satisfied"}, {4.03, "users are satisfied"}, {3.6, "some users are dissatisfied"}, {3.1, "many users are dissatisfied"}, {1, "nearly all are dissatisfied"}} {
		if mos >= s.from {
			return s.text
		}
	}
	return ""
}

func (r *Result) tile(title, name, unit string, series Series, below string) tile {
	t := tile{Title: title, Number: "–", Unit: "not measured", Below: below, Class: "open"}
	if v, ok := r.Metrics[name]; ok && isNumber(v) {
		t.Number, t.Unit = FormatFigure(name, v), unit
	}
	m, _ := Describe(name)
	for _, v := range r.Verdicts {
		rule, err := ParseRule(v.Rule)
		if err != nil {
			continue
		}
		if of, _ := Describe(rule.Metric); of.Name != m.Name {
			continue
		}
		if t.Class != "fail" {
			t.Class = class(v)
			t.Exact = rule.Metric == name
		}
	}
	t.Spark = spark(series, map[string]string{"fail": "s3"}[t.Class]+" "+map[bool]string{true: "s2"}[t.Class != "fail"])
	return t
}

func class(v Verdict) string {
	switch {
	case v.Passed:
		return "pass"
	case !v.Measured:
		return "void"
	}
	return "fail"
}

// targets are the rules, broken ones first.
func targets(r *Result) (all []target) {
	for _, v := range firstBroken(r.Verdicts, len(r.Verdicts)) {
		rule, err := ParseRule(v.Rule)
		if err != nil { // of a file that somebody else wrote
			all = append(all, target{Title: clip(v.Rule, 120), Value: FormatValue("", v.Value), Class: class(v)})
			continue
		}
		t := target{Metric: rule.Metric, Title: TitleOf(rule.Metric), Value: "not measured", Wanted: rule.Words(), Class: class(v)}
		if v.Measured {
			t.Value = FormatFigure(rule.Metric, v.Value)
			used := rule.used(v.Value)
			if v.Passed {
				used = min(used, 1)
			}
			t.Used = math.Round(min(max(used*gaugeMark, 1.5), 100)*10) / 10
		}
		all = append(all, t)
	}
	return all
}
