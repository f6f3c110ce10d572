package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"earshot"
)

// refusals are changes of the default policy that it must not survive: from
// is replaced by to, and the problem must be of the field, say so, and be at
// the line where `to` is (unless it is about what is missing).
var refusals = []struct{ name, from, to, field, says string }{
	{"other version", "version: 1", "version: 2", "version", "must be 1"},
	{"no name", "name: default", "name: ''", "name", "must not be empty"},
	{"unknown field", "timezone: UTC ", "timezon: UTC ", "timezon", `no field "timezon"`},
	{"unknown nested field", "{ at: 0.4, do: nudge }", "{ at: 0.4, does: nudge }", "ladder[0].", `no field "does"`},
	{"wrong type", "low: 0.30 ", "low: often ", "uncertain.low", "cannot be text, want a number"},
	{"no zone", "timezone: UTC ", "timezone: Atlantis ", "timezone", "no time zone"},
	{"path as zone", "timezone: UTC ", "timezone: ../../etc/passwd ", "timezone", "no time zone"},
	{"the machine's zone", "timezone: UTC ", "timezone: Local ", "timezone", "no time zone"},
	{"no action", "automatic: mute", "automatic: ban", "automatic", "no action"},

	{"waits too long", "wait: 50ms ", "wait: 60ms ", "hold.wait", "at most 50ms"},
	{"holds for hours", "longest: 2m ", "longest: 2h ", "hold.longest", "from 1s to 1h"},
	{"band upside down", "low: 0.30 ", "low: 0.96 ", "uncertain.high", "below low"},
	{"not a number", "audit: 0.01 ", "audit: .nan ", "uncertain.audit", "from 0 to 1"},
	{"voice held", "voice: pass", "voice: hold", "unverified.voice", "cannot be held"},
	{"half a doubt", "chat: pass", "chat: maybe", "unverified.chat", "pass or hold"},
	{"unknown kind", "chat: pass", "dance: pass", "unverified.dance", "nothing that is judged"},
	{"missing kind", "  chat: pass\n", "", "unverified", "say what happens to chat"},

	{"unknown category", "  spam:\n", "  rudeness:\n", "categories.rudeness", "no category"},
	{"rule twice", "rule: no-spam", "rule: be-civil", "categories.toxicity.rule", "is the rule of spam already"},
	{"reserved rule", "rule: no-spam", "rule: reports", "categories.spam.rule", "without a category"},
	{"no id", "rule: no-spam", "rule: No spam!", "categories.spam.rule", "is no id"},
	{"threshold above 1", "tier0: { mask: 0.95, strike: 0.97 }", "tier0: { mask: 0.95, strike: 97 }", "categories.spam.tier0.strike", "at most 1"},
	{"threshold 0", "tier0: { mask: 0.95, strike: 0.97 }", "tier0: { mask: 0, strike: 0.97 }", "categories.spam.tier0.mask", "above 0"},
	{"threshold nan", "tier0: { mask: 0.95, strike: 0.97 }", "tier0: { mask: .nan, strike: 0.97 }", "categories.spam.tier0.mask", "above 0"},
	{"milder above harsher", "tier0: { mask: 0.95, strike: 0.97 }", "tier0: { mask: 0.98, strike: 0.97 }", "categories.spam.tier0.mask", "above strike"},
	{"mask above hold", "{ mask: 0.85, hold: 0.97, strike: 0.90, review: 0.80 }", "{ mask: 0.85, hold: 0.80, strike: 0.90 }", "categories.hate.tier0.mask", "above hold"},
	{"nudge above mask", "tier0: { mask: 0.95, strike: 0.97 }", "tier0: { nudge: 0.96, mask: 0.95, strike: 0.97 }", "categories.spam.tier0.nudge", "above mask"},
	{"strikes lead nowhere", "ladder:\n  - { at: 0.4", "ladder: []\nformer:\n  - { at: 0.4", "ladder", "lead nowhere"},
	{"strike without weight", "    weight: 0.5\n", "", "categories.spam.tier0.strike", "no weight"},
	{"weight below 0", "weight: 0.5\n", "weight: -1\n", "categories.spam.weight", "from 0 to 100"},
	{"no text", "      en: Say it once. No advertising, no floods.", "      de: Nur einmal.", "categories.spam.text.de", "no statements in"},
	{"tier 1 never asked", "low: 0.30           # scores from here\n  high: 0.95          # to below here\n  audit: 0.01 ", "low: 1\n  high: 1\n  audit: 0 ", "categories.hate.tier1", "never reached"},

	{"unknown severity", "default: strong", "default: awful", "terms.default", "none, mild, strong or severe"},
	{"severity unused", "    strong: { do", "    mild:   { do: [mask] }\n    strong: { do", "terms.severities.mild", "never reached"},
	{"severity missing", "severity: severe }", "severity: mild }", "terms.severities", "what mild words lead to"},
	{"unknown effect", "{ do: [mask, strike], weight: 0.5 }", "{ do: [mask, shame], weight: 0.5 }", "terms.severities.strong.do[1]", "must be nudge"},
	{"severe is milder", "{ do: [mask, strike, review], weight: 2 }", "{ do: [mask, strike], weight: 0.4 }", "terms.severities.severe.weight", "below that of strong"},
	{"severe does less", "{ do: [mask, strike, review], weight: 2 }", "{ do: [mask] }", "terms.severities.severe.do", "does not strike"},
	{"weight without strike", "{ do: [mask, strike], weight: 0.5 }", "{ do: [mask], weight: 0.5 }", "terms.severities.strong.weight", "belongs to strike"},
	{"no expression", "names: '/severe$'", "names: '/(severe'", "terms.rules[2].names", "missing closing"},
	{"not RE2", "names: '/severe$'", "names: '(?!mild)severe'", "terms.rules[2].names", "RE2"},
	{"huge expression", "names: '/severe$'", "names: '((a{50}){50}){50}'", "terms.rules[2].names", "RE2"},
	{"large expression", "names: '/severe$'", "names: '(abcdefghij){900}'", "terms.rules[2].names", "too large"},
	{"rule after everything", "names: '^mild/'", "names: .*", "terms.rules[1].names", "never reached: terms.rules[0]"},
	{"rule twice", "names: '^self_harm/'", "names: '^mild/'", "terms.rules[1].names", "never reached"},
	{"category not here", "names: '/severe$',", "names: '/severe$', category: weather,", "terms.rules[2].category", "no category"},

	{"no fading", "half_life: 7d", "half_life: 0s", "strikes.half_life", "from 1h"},
	{"not a duration", "half_life: 7d", "half_life: a week", "strikes.half_life", "no duration"},
	{"gone before faded", "forget: 90d ", "forget: 3d ", "strikes.forget", "below the half-life"},
	{"sum nan", "most: 20 ", "most: .nan ", "strikes.most", "above 0"},
	{"rung never reached", "most: 20 ", "most: 10 ", "ladder[6].at", "never reached"},
	{"ladder not rising", "{ at: 2.5, do: slow, for: 10m }", "{ at: 1.5, do: slow, for: 10m }", "ladder[2].at", "not above the rung before"},
	{"ladder getting milder", "{ at: 3.5, do: mute, for: 10m }", "{ at: 3.5, do: nudge }", "ladder[3].do", "milder than the rung before"},
	{"the same again", "{ at: 5.5, do: mute, for: 24h }", "{ at: 5.5, do: mute, for: 10m }", "ladder[4]", "no harsher"},
	{"shorter for more", "{ at: 5.5, do: mute, for: 24h }", "{ at: 5.5, do: mute, for: 5m }", "ladder[4]", "no harsher"},
	{"kick by itself", "do: kick, by: person", "do: kick", "ladder[6].do", "would kick without a person, but `automatic` allows no more than mute: add `by: person`"},
	{"suspend by itself", "for: 7d, by: person", "for: 7d", "ladder[7].do", "would suspend without a person"},
	{"isolate by itself", "for: 24h, by: person", "for: 24h", "ladder[5].do", "would isolate without a person"},
	{"mask beyond automatic", "automatic: mute", "automatic: nudge", "categories.hate.tier0.mask", "would mask without a person"},
	{"hold beyond automatic", "automatic: mute", "automatic: mask", "unverified.name", "would hold without a person"},
	{"person before machine", "{ at: 3.5, do: mute, for: 10m }", "{ at: 3.5, do: mute, for: 10m, by: person }", "ladder[4].by", "this harsher one does not"},
	{"by whom", "do: kick, by: person", "do: kick, by: robot", "ladder[6].by", "must be person"},
	{"endless by itself", "{ at: 5.5, do: mute, for: 24h }", "{ at: 5.5, do: mute }", "ladder[4].for", "must end by itself"},
	{"weeks by itself", "{ at: 5.5, do: mute, for: 24h }", "{ at: 5.5, do: mute, for: 30d }", "ladder[4].for", "automatic lasts at most 7d"},
	{"years", "for: 7d, by: person", "for: 1000d, by: person", "ladder[7].for", "suspend lasts at most 366d"},
	{"kick for a time", "do: kick, by: person", "do: kick, for: 1h, by: person", "ladder[6].for", "done at once"},
	{"no rung", "do: nudge }", "do: hold }", "ladder[0].do", "one of nudge mask slow"},
	{"hours that never come", "quiet_hours: []", `quiet_hours: [{ from: "22:00", to: "22:00", lower_by: 0.1 }]`, "quiet_hours[0].to", "never come"},
	{"hours without effect", "quiet_hours: []", `quiet_hours: [{ from: "22:00", to: "06:00" }]`, "quiet_hours[0].lower_by", "above 0"},
	{"no hour", "quiet_hours: []", `quiet_hours: [{ from: "25:00", to: "06:00", lower_by: 0.1 }]`, "quiet_hours[0].from", "no time"},
	{"no day", "quiet_hours: []", `quiet_hours: [{ days: [friday], from: "22:00", to: "06:00", lower_by: 0.1 }]`, "quiet_hours[0].days[0]", "must be mon"},

	{"watched less", "audit: 0.5 ", "audit: 0.001 ", "reports.audit", "watched less"},
	{"reports lead to nothing", "audit: 0.5          #   tier 1 sees half of what the person says\n  lower_by: 0.10 ", "audit: 0.01\n  lower_by: 0 ", "reports.raise_at", "leads to nothing"},
	{"one group is enough", "group: 1.5 ", "group: 5 ", "reports.group", "one group alone"},
	{"group below one", "group: 1.5 ", "group: 1 ", "reports.group", "below `most`"},
	{"unknown in review", "review: [sexual, harassment, self_harm]", "review: [sexual, nagging]", "minors.review[1]", "no category"},
	{"minors unprotected", "  world: false", "  world: true", "unverified.chat", "must be held"},
	{"appeal outlives incidents", "incidents: 365d ", "incidents: 100d ", "retention.incidents", "nobody would know"},
	{"appeal deletes", "appealed: 180d ", "appealed: 10d ", "retention.appealed", "below evidence"},
	{"evidence for ever", "evidence: 30d", "evidence: 300d", "retention.evidence", "to 90d"},

	{"no such language", "language: en ", "language: nl ", "language", `no statements in "nl"`},
	{"mute without end told", "Nobody hears or reads you {lasting}.", "Nobody hears you.", "statements.en.what.mute", "must have {lasting}"},
	{"unknown placeholder", "found to be: {category}.'", "found to be: {score}.'", "statements.en.facts", `"{score}"`},
	{"nothing said", "kick: You are asked to leave. You may come back.", "kick: ''", "statements.en.what.kick", "told nothing"},
	{"unknown text", "kick: You are asked to leave. You may come back.", "kick: Go.\n      ban: Go.", "statements.en.what.ban", "there is no"},
	{"no redress", "    redress: If this is wrong", "    # redress: If this is wrong", "statements.en.redress", "told nothing"},

	{"case without expectation", "expect: { actions: [], strike: 0, review: false }", "expect: {}", "cases[0].expect", "always pass"},
	{"case twice", "name: swearing is fine", "name: a friendly line passes", "cases[11].name", "there twice"},
	{"case of nothing", "{ toxicity: 0.05 }", "{ weather: 0.05 }", "cases[0].given.scores.weather", "no category"},
	{"case out of range", "{ toxicity: 0.05 }", "{ toxicity: 5 }", "cases[0].given.scores.toxicity", "from 0 to 1"},
	{"case with no act", "actions: [mask, mute 10m]", "actions: [mask, mute for long]", "cases[3].expect.actions[1]", "no duration"},
}

func TestRefusals(t *testing.T) {
	own := string(DefaultYAML())
	for _, tc := range refusals {
		if strings.Count(own, tc.from) == 0 {
			t.Errorf("%s: %q is not in the default policy", tc.name, tc.from)
			continue
		}
		text := strings.Replace(own, tc.from, tc.to, 1)
		p, err := Parse("plaza.yaml", []byte(text))
		var problems earshot.Problems
		if !errors.As(err, &problems) || p != nil {
			t.Errorf("%s: Parse = %v, %v, want problems", tc.name, p, err)
			continue
		}
		if !found(problems, text, tc.field, tc.says) {
			t.Errorf("%s: problems\n%v\nwant %s: …%s…", tc.name, err, tc.field, tc.says)
		}
		for _, p := range problems {
			if p.Line < 1 || p.File != "plaza.yaml" {
				t.Errorf("%s: %q has no place", tc.name, p)
			}
		}
	}
}

// found looks for a problem whose line holds the last step of its field.
func found(problems earshot.Problems, text, field, says string) bool {
	lines := strings.Split(text, "\n")
	for _, p := range problems {
		if !strings.HasPrefix(p.Field, field) || !strings.Contains(p.Message, says) {
			continue
		}
		step := strings.FieldsFunc(p.Field, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
		last := step[len(step)-1]
		if strings.Contains(lines[p.Line-1], last) || strings.HasSuffix(p.Field, "]") || missing(says) {
			return true
		}
	}
	return false
}

// missing is said of what is not there, and so has the line of what it should
// be in.
func missing(says string) bool {
	return strings.Contains(says, "told nothing") || strings.Contains(says, "must end by itself") || strings.Contains(says, "above 0") ||
		strings.Contains(says, "this harsher one")
}

// All problems come at once, by line, also where some fields cannot be read.
func TestAllProblemsTogether(t *testing.T) {
	text := string(DefaultYAML())
	for from, to := range map[string]string{
		"automatic: mute": "automatic: nothing", "wait: 50ms": "wait: 1h", "half_life: 7d": "half_life: [7d]",
		"do: kick, by: person": "do: kick", "evidence: 30d": "evidences: 30d", "{ toxicity: 0.05 }": "{ toxicity: 2 }",
	} {
		text = strings.Replace(text, from, to, 1)
	}
	_, err := Parse("f", []byte(text))
	var problems earshot.Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	last := 0
	for _, p := range problems {
		if p.Line < last {
			t.Errorf("%q comes after line %d", p, last)
		}
		last = p.Line
	}
	for _, field := range []string{"automatic", "hold.wait", "strikes.half_life", "retention.evidences", "cases[0].given.scores.toxicity"} {
		if !strings.Contains(err.Error(), " "+field) {
			t.Errorf("no problem with %s in\n%v", field, err)
		}
	}
	if n := strings.Count(err.Error(), " strikes.half_life"); n != 1 {
		t.Errorf("the half-life is told %d times in\n%v", n, err)
	}
}

// What is no policy at all, or is made to cost.
func TestHostileFiles(t *testing.T) {
	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	for text, says := range map[string]string{
		"": "empty", "# nothing": "empty", "- 1": "want a mapping", "42": "want a mapping", "a: b\n---\nc: d": "second document",
		"a: &x 1\nb: *x": "anchors", "a: [*x]": "unknown anchor", "<<: {version: 1}": "merging", "a: " + deep: "deep", "\xff\xfe\xfd": "",
		"version: 1\nversion: 1":         "already defined",
		strings.Repeat(" ", MaxYAML+1):   "at most",
		"categories: {a: 1, b: [], c: }": "cannot be a number, want a mapping", "categories: {a: }": "no category",
		"automatic: [mute]":     "cannot be a list, want text",
		"ladder: [null, {}, ~]": "one of nudge",
	} {
		if p, err := Parse("", []byte(text)); err == nil || p != nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Parse(%.40q) = %v, %.200v, want %q", text, p, err, says)
		}
	}
	var many strings.Builder
	many.WriteString("ladder:\n")
	for i := range 5000 {
		fmt.Fprintf(&many, "  - { at: -%d, do: x%d }\n", i, i)
	}
	var problems earshot.Problems
	if _, err := Parse("", []byte(many.String())); !errors.As(err, &problems) || len(problems) > maxProblems {
		t.Errorf("%d problems, want at most %d", len(problems), maxProblems)
	}
}
