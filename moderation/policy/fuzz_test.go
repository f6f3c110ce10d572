package policy

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hang is far above what anything here takes: reaching it means unbounded work.
const hang = 10 * time.Second

// exercise does with a file all that can be done. It reports whether it was
// accepted.
func exercise(t *testing.T, text []byte, signals []Signal) bool {
	t.Helper()
	begin := time.Now()
	p, err := Parse("fuzzed", text)
	if (p == nil) == (err == nil) {
		t.Fatalf("Parse = %v, %v", p, err)
	}
	if err != nil {
		if len(err.Error()) == 0 || len(err.Error()) > maxProblems*4096 {
			t.Fatalf("%d bytes of problems", len(err.Error()))
		}
	} else {
		p.RunCases()
		r := &Record{}
		for _, s := range signals {
			d := p.Decide(s, r, noon)
			soundDecision(t, p, &s, &d)
			r = r.With(d, "i", noon)
		}
	}
	if took := time.Since(begin); took > hang {
		t.Fatalf("took %v:\n%s", took, text)
	}
	return err == nil
}

// fuzzSignals climb every ladder that there is.
func fuzzSignals() (out []Signal) {
	for _, k := range []Kind{Chat, Voice, Name, NPC} {
		for _, c := range Categories() {
			for _, score := range []float64{0.5, 0.9, 1} {
				out = append(out, Signal{Kind: k, Source: Tier0, Scores: Scores{c: score}, Unverified: score == 0.5, Reporters: 3, At: noon})
			}
		}
		out = append(out, Signal{Kind: k, Source: Tier1, Terms: []string{"hate/severe", "mild/x", "spam/strong"}, At: noon})
	}
	return out
}

// compact is the default policy without comments and cases, to be fast.
func compact() []string {
	var lines []string
	for line := range strings.Lines(string(DefaultYAML())) {
		if strings.HasPrefix(line, "cases:") {
			break
		}
		if code, _, _ := strings.Cut(line, "  #"); strings.TrimSpace(code) != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimRight(code, "\n"))
		}
	}
	return append(lines, "cases: [{name: a, given: {scores: {toxicity: 1}}, expect: {strike: 1}}]")
}

// Ten thousand policies, each changed in one to four places: numbers, words,
// lines and bytes. Some are refused, some are good; none does harm, and none
// goes beyond what it says may be automatic.
func TestTenThousandFuzzedPolicies(t *testing.T) {
	n := fuzzedPolicies
	if testing.Short() {
		n = 500
	}
	random := rand.New(rand.NewPCG(4, 2026))
	lines, signals := compact(), fuzzSignals()
	accepted, slowest := 0, time.Duration(0)
	for range n {
		text := mutated(random, lines)
		begin := time.Now()
		if exercise(t, text, signals) {
			accepted++
		}
		slowest = max(slowest, time.Since(begin))
	}
	if accepted < n/20 || accepted > n*19/20 {
		t.Errorf("%d of %d were accepted: the changes are too wild or too tame to try anything", accepted, n)
	}
	t.Logf("%d of %d accepted, the slowest took %v", accepted, n, slowest)
}

var fuzzWords = []string{
	"0", "1", "-1", "0.5", "0.97", "1e308", ".nan", ".inf", "-.inf", "99999999999999999999", "~", "{}", "[]", "''", "mute", "kick", "suspend", "nudge", "hold",
	"mask", "none", "person", "pass", "true", "10m", "30d", "1000d", "hate", "tier1", "'(a*)*$'", "'((x{20}){20}){20}'", "!!binary aGk=", "!x y", "&a 1", "*a", "? x", "\"\\u0000\"",
}

var decimal = regexp.MustCompile(`\b[0-9]+\.[0-9]+\b`)

func mutated(r *rand.Rand, lines []string) []byte {
	out := append([]string{}, lines...)
	for range 1 + r.IntN(4) {
		i := r.IntN(len(out))
		switch r.IntN(12) {
		case 0:
			out[i] = ""
		case 1:
			out[i] = out[r.IntN(len(out))]
		case 2: // a byte
			if b := []byte(out[i]); len(b) > 0 {
				b[r.IntN(len(b))] = byte(r.IntN(256))
				out[i] = string(b)
			}
		case 3, 4, 5: // a word or number
			fields := strings.FieldsFunc(out[i], func(c rune) bool { return strings.ContainsRune(" {}[],:", c) })
			if len(fields) > 0 {
				out[i] = strings.Replace(out[i], fields[r.IntN(len(fields))], fuzzWords[r.IntN(len(fuzzWords))], 1)
			}
		default: // a number, a little
			out[i] = decimal.ReplaceAllStringFunc(out[i], func(number string) string {
				v, _ := strconv.ParseFloat(number, 64)
				return strconv.FormatFloat(v*(0.9+0.2*r.Float64()), 'g', 3, 64)
			})
		}
	}
	return []byte(strings.Join(out, "\n"))
}

func FuzzParse(f *testing.F) {
	f.Add(DefaultYAML())
	f.Add(MinorsYAML())
	f.Add([]byte(strings.Join(compact(), "\n")))
	f.Add([]byte("version: 1\nladder: [{at: 1, do: mute}]\nunverified: {chat: hold}\ncategories: {hate: {tier0: {mask: .nan}}}"))
	signals := fuzzSignals()
	f.Fuzz(func(t *testing.T, text []byte) { exercise(t, text, signals) })
}

// FuzzDecide takes an incident as it might stand in a file.
func FuzzDecide(f *testing.F) {
	p, minors := Default(), Minors()
	f.Add([]byte(`{"signal":{"kind":"chat","source":"tier0","scores":{"hate":0.98,"spam":null},"terms":["hate/severe"],"at":"2026-01-05T12:00:00Z"},"record":{"strikes":[{"weight":3,"at":"2026-01-05T12:00:00Z"}],"in_force":[{"action":"mask","until":"2026-02-05T12:00:00Z"}],"age":"minor"},"at":"2026-01-05T12:01:00Z"}`))
	f.Add([]byte(`{"signal":{"kind":"report","source":"report","reporters":1e308},"record":{"strikes":[{"weight":-1e308,"at":"0001-01-01T00:00:00Z"},{"weight":1e308,"at":"9999-01-01T00:00:00Z"}]}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		in, err := DecodeIncident(line)
		if err != nil {
			return
		}
		for _, p := range []*Policy{p, minors} {
			d := p.Decide(in.Signal, &in.Record, in.At)
			soundDecision(t, p, &in.Signal, &d)
			in.Decision = d
			if again := p.Redecide(in); again.Change != Same {
				t.Fatalf("%+v, the same again is %s", d, again.Change)
			}
		}
		out, err := json.Marshal(in)
		if err != nil {
			return // a year above 9999
		}
		if back, err := DecodeIncident(out); err != nil || back.ID != in.ID {
			t.Fatalf("written as %s, read as %v, %v", out, back, err)
		} else if again, _ := json.Marshal(back); !bytes.Equal(out, again) {
			t.Fatalf("written as\n%s\nthen as\n%s", out, again)
		}
	})
}
