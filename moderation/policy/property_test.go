package policy

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"earshot"
)

// anyFloat is a score or weight as it might come from a broken model.
func anyFloat() *rapid.Generator[float64] {
	return rapid.OneOf(rapid.Float64Range(0, 1), rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, 1, -1, 1e308}))
}

func anyCategory() *rapid.Generator[Category] {
	return rapid.SampledFrom(append(Categories(), "weather"))
}

func anyTerms() *rapid.Generator[[]string] {
	return rapid.SliceOfN(rapid.SampledFrom([]string{"hate/severe", "mild/terms", "self_harm/strong", "sexual/strong", "weather/severe", "x"}), 0, 40)
}

func anySignal(score *rapid.Generator[float64]) *rapid.Generator[Signal] {
	return rapid.Custom(func(t *rapid.T) Signal {
		return Signal{
			Kind:       rapid.SampledFrom([]Kind{Chat, Voice, Name, NPC, Persona, Report, "smell", ""}).Draw(t, "kind"),
			Source:     rapid.SampledFrom([]Source{Tier0, Tier1, Tier2, ByReport, ByModerator, "oracle", ""}).Draw(t, "source"),
			Scores:     rapid.MapOfN(anyCategory(), score, 0, 9).Draw(t, "scores"),
			Terms:      anyTerms().Draw(t, "terms"),
			Reporters:  score.Draw(t, "reporters"),
			Unverified: rapid.Bool().Draw(t, "unverified"),
			At:         anyTime().Draw(t, "at"),
		}
	})
}

func anyTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.IntRange(0, 20).Draw(t, "zero") == 0 {
			return time.Time{}
		}
		return noon.Add(time.Duration(rapid.Int64Range(-int64(400*day), int64(400*day)).Draw(t, "offset")))
	})
}

func anyRecord() *rapid.Generator[*Record] {
	return rapid.Custom(func(t *rapid.T) *Record {
		if rapid.IntRange(0, 9).Draw(t, "nil") == 0 {
			return nil
		}
		r := &Record{Age: rapid.SampledFrom([]Age{"", Minor, Adult, "old"}).Draw(t, "age"), Language: rapid.StringN(0, 5, 20).Draw(t, "language")}
		for range rapid.IntRange(0, 6).Draw(t, "strikes") {
			r.Strikes = append(r.Strikes, Strike{Weight: rapid.OneOf(anyFloat(), rapid.Float64Range(0, 5)).Draw(t, "weight"), At: anyTime().Draw(t, "at")})
		}
		for range rapid.IntRange(0, 3).Draw(t, "sanctions") {
			r.InForce = append(r.InForce, Sanction{Action: rapid.SampledFrom(append(Actions(), "ban")).Draw(t, "action"), Until: anyTime().Draw(t, "until")})
		}
		return r
	})
}

func ownPolicies() *rapid.Generator[*Policy] {
	return rapid.SampledFrom([]*Policy{Default(), Minors()})
}

// Whatever comes, there is an answer: the same each time, within what may be
// automatic, that can be recorded and told.
func TestDecideIsTotal(t *testing.T) {
	policies := ownPolicies()
	rapid.Check(t, func(t *rapid.T) {
		p, s, r := policies.Draw(t, "policy"), anySignal(anyFloat()).Draw(t, "signal"), anyRecord().Draw(t, "record")
		now := anyTime().Draw(t, "now")
		d := p.Decide(s, r, now)
		soundDecision(t, p, &s, &d)
		if again, _ := p.Explain(s, r, now); !reflect.DeepEqual(d, again) {
			t.Fatalf("Decide = %+v, then %+v", d, again)
		}
		r.With(d, "i", now)
	})
}

type fataler interface{ Fatalf(string, ...any) }

func soundDecision(t fataler, p *Policy, s *Signal, d *Decision) {
	for _, a := range d.Actions {
		if a.Action.Rank() <= 0 || a.For < 0 {
			t.Fatalf("%+v is nothing to do", a)
		}
		if s.Source != ByModerator && a.Action.Rank() > p.Spec.Automatic.Rank() {
			t.Fatalf("%s without a person, though %s is the most: %+v", a.Action, p.Spec.Automatic, d)
		}
	}
	if d.Automatic == (s.Source == ByModerator) {
		t.Fatalf("automatic %v, decided by %s", d.Automatic, s.Source)
	}
	if d.Strike != nil && (s.Kind == NPC || s.Kind == Persona || s.Source == ByReport || !finite(d.Strike.Weight) || !(d.Strike.Weight > 0)) {
		t.Fatalf("strike %+v for %s by %s", d.Strike, s.Kind, s.Source)
	}
	if !finite(d.Sum) || d.Sum < 0 || d.Sum > p.Spec.Strikes.Most {
		t.Fatalf("sum %v", d.Sum)
	}
	if told := d.Statement != (Statement{}); told != (len(d.Actions) > 0) {
		t.Fatalf("told %v of %v", told, d.Actions)
	}
	if (d.Rule == "") != (len(d.Actions) == 0 && !d.Review && d.Strike == nil) {
		t.Fatalf("rule %q for %+v", d.Rule, d)
	}
	if _, err := json.Marshal(struct {
		S *Signal
		D *Decision
	}{s, d}); err != nil && finite(s.Reporters) {
		t.Fatalf("cannot be recorded: %v", err)
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// More of anything never leads to less.
func TestDecideIsMonotone(t *testing.T) {
	policies := ownPolicies()
	rapid.Check(t, func(t *rapid.T) {
		p, mild, r := policies.Draw(t, "policy"), anySignal(rapid.Float64Range(0, 1)).Draw(t, "signal"), anyRecord().Draw(t, "record")
		now := anyTime().Draw(t, "now")
		bad := mild
		bad.Scores = Scores{}
		for c, v := range mild.Scores {
			bad.Scores[c] = v
		}
		c := anyCategory().Draw(t, "category")
		bad.Scores[c] = rapid.Float64Range(bad.Scores[c], 1).Draw(t, "more")
		bad.Terms = append(append([]string{}, mild.Terms...), anyTerms().Draw(t, "more terms")...)
		bad.Reporters = mild.Reporters + rapid.Float64Range(0, 10).Draw(t, "more reporters")
		bad.Unverified = mild.Unverified || rapid.Bool().Draw(t, "doubt")
		notLess(t, p.Decide(mild, r, now), p.Decide(bad, r, now))
	})
}

// More strikes on record never lead to less.
func TestDecideIsMonotoneInTheRecord(t *testing.T) {
	policies := ownPolicies()
	rapid.Check(t, func(t *rapid.T) {
		p, s, r := policies.Draw(t, "policy"), anySignal(rapid.Float64Range(0, 1)).Draw(t, "signal"), anyRecord().Draw(t, "record")
		now := anyTime().Draw(t, "now")
		worse := r.copy()
		worse.Strikes = append(worse.Strikes, Strike{Weight: rapid.Float64Range(0, 20).Draw(t, "weight"), At: anyTime().Draw(t, "strike")})
		notLess(t, p.Decide(s, r, now), p.Decide(s, worse, now))
	})
}

func notLess(t *rapid.T, mild, bad Decision) {
	if harsher(mild.Harshest(), bad.Harshest()) > 0 {
		t.Fatalf("%v, but for worse only %v", mild.Actions, bad.Actions)
	}
	if mild.Review && !bad.Review || mild.Strike != nil && (bad.Strike == nil || bad.Strike.Weight < mild.Strike.Weight) {
		t.Fatalf("%+v, but for worse only %+v", mild, bad)
	}
}

// A sum only gets smaller with time, and is half after a half-life.
func TestStrikesDecay(t *testing.T) {
	p := Default()
	half := time.Duration(p.Spec.Strikes.HalfLife)
	rapid.Check(t, func(t *rapid.T) {
		r := anyRecord().Draw(t, "record")
		now := noon.Add(400 * day)
		later := now.Add(time.Duration(rapid.Int64Range(0, int64(400*day)).Draw(t, "wait")))
		if a, b := p.Sum(r, now), p.Sum(r, later); b > a {
			t.Fatalf("sum %v, later %v", a, b)
		}
		w := rapid.Float64Range(0.01, 5).Draw(t, "weight")
		one := &Record{Strikes: []Strike{{Weight: w, At: noon}}}
		if got := p.Sum(one, noon.Add(half)); math.Abs(got-w/2) > 1e-9 {
			t.Fatalf("half of %v is %v", w, got)
		}
		if got := p.Sum(one, noon.Add(time.Duration(p.Spec.Strikes.Forget))); got != 0 {
			t.Fatalf("%v of what should be forgotten", got)
		}
	})
}

// A mob weighs no more for being larger: those of one group, and all new
// accounts, have a bound. Who reports again, and in what order, is the same.
func TestWeigh(t *testing.T) {
	p := Default()
	rapid.Check(t, func(t *rapid.T) {
		var reports []Reporter
		for range rapid.IntRange(0, 60).Draw(t, "n") {
			reports = append(reports, Reporter{
				Who: "pa_" + rapid.SampledFrom([]earshot.ParticipantID{"a", "b", "c", "d", "e", "f", "g"}).Draw(t, "who"),
				At:  noon.Add(-time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "ago"))), Group: "team",
				Since: anyTime().Draw(t, "since"), Confirmed: rapid.IntRange(-5, 50).Draw(t, "confirmed"), Rejected: rapid.IntRange(-5, 50).Draw(t, "rejected"),
			})
		}
		weight := p.Weigh(reports, noon)
		if weight < 0 || weight > p.Spec.Reports.Group+1e-9 {
			t.Fatalf("a group weighs %v, want at most %v", weight, p.Spec.Reports.Group)
		}
		if twice := p.Weigh(append(append([]Reporter{}, reports...), reports...), noon); math.Abs(twice-weight) > 1e-9 {
			t.Fatalf("reported twice weighs %v, once %v", twice, weight)
		}
		if again := p.Weigh(rapid.Permutation(reports).Draw(t, "order"), noon); math.Abs(again-weight) > 1e-9 {
			t.Fatalf("in another order %v, want %v", again, weight)
		}
	})
}
