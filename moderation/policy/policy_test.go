package policy

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)

// What comes with Earshot parses, does what its cases say, and has a case for
// every category and action.
func TestOwnPolicies(t *testing.T) {
	for _, p := range []*Policy{Default(), Minors()} {
		results := p.RunCases()
		if len(results) < 10 {
			t.Errorf("%s: %d cases", p.Spec.Name, len(results))
		}
		for _, r := range results {
			if len(r.Failures) > 0 {
				t.Errorf("%s: %s: %v\n%s", p.Spec.Name, r.Case.Name, r.Failures, strings.Join(r.Trace, "\n"))
			}
		}
		if p.Spec.Automatic != Mute {
			t.Errorf("%s: automatic up to %s, want mute", p.Spec.Name, p.Spec.Automatic)
		}
		if got, want := p.Spec.Retention.Evidence, Duration(30*day); got != want {
			t.Errorf("%s: evidence is kept %s, want %s", p.Spec.Name, got, want)
		}
	}
	if !Minors().Spec.Minors.World {
		t.Error("the policy of minors' worlds is not checked as one")
	}
}

// Minors' worlds are nowhere laxer: whatever leads to something with the
// default leads to at least as much.
func TestMinorsIsStricter(t *testing.T) {
	adults, minors := Default(), Minors()
	for _, c := range Categories() {
		for score := 0.0; score <= 1; score += 0.01 {
			s := Signal{Kind: Chat, Source: Tier0, Scores: Scores{c: score}}
			a, m := adults.Decide(s, nil, noon), minors.Decide(s, nil, noon)
			if harsher(a.Harshest(), m.Harshest()) > 0 && a.Harshest().Action != m.Harshest().Action || a.Review && !m.Review {
				t.Errorf("%s %.2f: adults %v review %v, minors %v review %v", c, score, a.Actions, a.Review, m.Actions, m.Review)
			}
		}
	}
}

func TestUncertain(t *testing.T) {
	p := Default()
	for _, tc := range []struct {
		scores Scores
		want   bool
	}{
		{nil, false},
		{Scores{Toxicity: 0.29}, false},
		{Scores{Toxicity: 0.30}, true},
		{Scores{Toxicity: 0.949}, true},
		{Scores{Toxicity: 0.95}, false},
		{Scores{Toxicity: 0.99, Hate: 0.5}, true},
		{Scores{Toxicity: math.NaN()}, true},
		{Scores{"weather": 0.5}, false},
	} {
		if got := p.Uncertain(tc.scores); got != tc.want {
			t.Errorf("Uncertain(%v) = %v, want %v", tc.scores, got, tc.want)
		}
	}
}

// withGerman adds a language to the default policy: everything twice.
func withGerman(t *testing.T) *Policy {
	t.Helper()
	text := string(DefaultYAML())
	text = regexp.MustCompile(`(?m)^      en: (.*)$`).ReplaceAllString(text, "      en: $1\n      de: auf Deutsch")
	begin, end := strings.Index(text, "  en:\n    what:"), strings.Index(text, "# Tests of this very file")
	words := text[begin:end]
	words = strings.Replace(words, "  en:", "  de:", 1)
	words = strings.ReplaceAll(words, "Nobody hears or reads you", "Niemand hört oder liest dich")
	p, err := Parse("german", []byte(text[:begin]+words+text[begin:]))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStatementSpeaksTheLanguage(t *testing.T) {
	p := withGerman(t)
	past := []Strike{{Weight: 3, At: noon}}
	for language, want := range map[string]string{
		"de": "de", "de-AT": "de", "DE-ch": "de", "en": "en", "pt-BR": "en", "": "en", "-": "en",
	} {
		d := p.Decide(Signal{Kind: Chat, Source: Tier1, Scores: Scores{Toxicity: 1}}, &Record{Strikes: past, Language: language}, noon)
		if d.Statement.Language != want || strings.Contains(d.Statement.What, "Niemand") != (want == "de") {
			t.Errorf("language %q: %q in %q, want %q", language, d.Statement.What, d.Statement.Language, want)
		}
	}
}

// Every action on anybody comes with all that Article 17 DSA asks for.
func TestStatementIsComplete(t *testing.T) {
	for _, p := range []*Policy{Default(), Minors()} {
		for _, c := range Categories() {
			for _, k := range []Kind{Chat, Voice, Name, NPC, Persona, "smell"} {
				for _, source := range []Source{Tier0, Tier1, Tier2, ByModerator, "oracle"} {
					d := p.Decide(Signal{Kind: k, Source: source, Scores: Scores{c: 1}, Terms: []string{"hate/severe"}}, nil, noon)
					s := d.Statement
					if len(d.Actions) == 0 {
						continue
					}
					if s.What == "" || s.Facts == "" || s.Automation == "" || s.Rule == "" || s.Redress == "" || strings.ContainsAny(s.String(), "{}") {
						t.Errorf("%s %s %s: %+v", c, k, source, s)
					}
				}
			}
		}
	}
}

// What a moderator decides still says that a machine found it.
func TestImposeTellsWhatFoundIt(t *testing.T) {
	p := Default()
	d := p.Impose(Hate, []Act{{Action: Kick}, {Action: "hug"}, {Mute, -5}}, Signal{Kind: Chat, Source: Tier1}, nil, noon)
	if got := d.Statement.Automation; !strings.Contains(got, "language model found") || !strings.Contains(got, "moderator decided") {
		t.Errorf("Automation = %q", got)
	}
	if len(d.Actions) != 2 || d.Harshest().Action != Kick || d.Automatic || d.Strike == nil || d.Rule != "no-hate" {
		t.Errorf("Impose = %+v", d)
	}
	if d := p.Impose(Hate, []Act{{Action: Hold}}, Signal{Kind: NPC}, nil, noon); d.Strike != nil {
		t.Errorf("an NPC got a strike: %+v", d)
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"50ms": 50 * time.Millisecond, "10m": 10 * time.Minute, "1h30m": 90 * time.Minute, "30d": 30 * day, "2w": 14 * day, "0s": 0,
	} {
		d, err := ParseDuration(text)
		if back, again := ParseDuration(d.String()); err != nil || again != nil || time.Duration(d) != want || back != d {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v; written %q", text, time.Duration(d), err, want, d)
		}
	}
	for _, text := range []string{"", "10", "m", "-1h", "1.5h", "1h 30m", "99999999999h", "999999999d", "1y", strings.Repeat("1s", 7)} {
		if d, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %s, want an error", text, d)
		}
	}
}

// What is recorded can be read back, whatever a model said.
func TestJSON(t *testing.T) {
	in := Signal{Kind: Voice, Source: Tier2, Scores: Scores{Hate: math.NaN(), Spam: math.Inf(1), Toxicity: 0.5, Sexual: -3}, At: noon}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out Signal
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	if s := out.Scores; !math.IsNaN(s[Hate]) || s[Spam] != 1 || s[Toxicity] != 0.5 || s[Sexual] != 0 {
		t.Errorf("%s read as %v", text, s)
	}
	d := Default().Decide(Signal{Kind: Chat, Scores: Scores{Hate: 1}}, nil, noon)
	text, err = json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var again Decision
	if err := json.Unmarshal(text, &again); err != nil || again.Harshest() != d.Harshest() || again.Statement != d.Statement || *again.Strike != *d.Strike {
		t.Errorf("%s read as %+v (%v)", text, again, err)
	}
}

func TestRecord(t *testing.T) {
	r := (*Record)(nil).With(Decision{Actions: []Act{{Mute, time.Hour}, {Action: Mask}, {Action: Kick}}, Strike: &Strike{Weight: 1, At: noon}}, "i1", noon)
	if len(r.InForce) != 1 || len(r.Strikes) != 1 || r.Strikes[0].Incident != "i1" {
		t.Fatalf("record %+v, want a mute and a strike", r)
	}
	if _, ok := r.Sanctioned(Mute, noon.Add(time.Hour)); ok {
		t.Error("muted for an hour, and still after it")
	}
	longer := r.With(Decision{Actions: []Act{{Mute, 0}}}, "i2", noon.Add(time.Minute))
	if until, ok := longer.Sanctioned(Mute, noon.Add(1000*time.Hour)); !ok || !until.IsZero() {
		t.Errorf("muted until %v, %v, want until lifted", until, ok)
	}
	if back := longer.Without("i2"); len(back.InForce) != 1 || len(longer.InForce) != 2 {
		t.Errorf("without i2: %+v", back)
	}
	if left := longer.Without("i2").With(Decision{}, "i3", noon.Add(2*time.Hour)); len(left.InForce) != 0 {
		t.Errorf("what has ended is kept: %+v", left)
	}
}

// Most messages are clean. Deciding about one costs next to nothing.
func TestCleanMessageDoesNotAllocate(t *testing.T) {
	p := Default()
	s := Signal{Kind: Chat, Source: Tier0, Scores: Scores{Toxicity: 0.1, Hate: 0.02}, At: noon}
	r := &Record{Strikes: []Strike{{Weight: 1, At: noon}}}
	if n := testing.AllocsPerRun(100, func() { p.Decide(s, r, noon) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkDecideClean(b *testing.B) {
	p := Default()
	s := Signal{Kind: Chat, Source: Tier0, Scores: Scores{Toxicity: 0.1, Hate: 0.02}, At: noon}
	b.ReportAllocs()
	for b.Loop() {
		p.Decide(s, nil, noon)
	}
}

func BenchmarkDecideStrike(b *testing.B) {
	p := Default()
	s := Signal{Kind: Chat, Source: Tier0, Scores: Scores{Hate: 0.95}, Terms: []string{"hate/severe"}, At: noon}
	r := &Record{Strikes: []Strike{{Weight: 1, At: noon}}}
	b.ReportAllocs()
	for b.Loop() {
		p.Decide(s, r, noon)
	}
}

func BenchmarkParse(b *testing.B) {
	text := DefaultYAML()
	for b.Loop() {
		if _, err := Parse("default.yaml", text); err != nil {
			b.Fatal(err)
		}
	}
}
