package policy

import (
	"math"
	"testing"
	"time"
)

// Friday evening lasts until Saturday morning, by the clock of the world.
func TestQuietHours(t *testing.T) {
	p := changed(t, "quiet_hours: []", `quiet_hours: [{ days: [fri], from: "22:00", to: "06:00", lower_by: 0.1 }, { from: "12:00", to: "13:00", lower_by: 0.05 }]`)
	night := changed(t, "timezone: UTC ", "timezone: Asia/Kolkata ") // five hours and a half ahead, all year
	night.Spec.Quiet = p.Spec.Quiet
	for _, tc := range []struct {
		at          string
		utc, indian bool // whether 0.82 is masked: 0.90 by day
	}{
		{"fri 21:59", false, true}, {"fri 22:00", true, true}, {"sat 00:29", true, true}, {"sat 00:30", true, false}, {"sat 05:59", true, false}, {"sat 06:00", false, false},
		{"fri 05:00", false, false}, {"thu 23:00", false, false}, {"sat 22:30", false, false}, {"fri 16:29", false, false}, {"fri 16:30", false, true}, {"mon 12:30", false, false},
	} {
		at, err := caseTime(tc.at, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		s := Signal{Kind: Chat, Scores: Scores{Toxicity: 0.82}}
		for policy, want := range map[*Policy]bool{p: tc.utc, night: tc.indian} {
			if d := policy.Decide(s, nil, at); (len(d.Actions) > 0) != want {
				t.Errorf("%s UTC in %s: %v, want masked %v", tc.at, policy.Spec.Timezone, d.Actions, want)
			}
		}
	}
}

func TestLoweringHasAFloor(t *testing.T) {
	never := math.Inf(1)
	for _, tc := range []struct {
		by       lowering
		at, want limits
	}{
		{lowering{}, limits{0.1, 0.5, never, 1, never}, limits{0.1, 0.5, never, 1, never}},
		{lowering{all: 0.1}, limits{0.1, 0.5, never, 1, 0.25}, limits{0.1, 0.4, never, 0.9, floor}},
		{lowering{gentle: 0.2}, limits{0.3, 0.5, 0.9, 0.9, never}, limits{floor, 0.3, 0.7, 0.9, never}},
		{lowering{all: 0.4, gentle: 0.4}, limits{1, 0.9, 0.6, 0.9, never}, limits{0.5, 0.4, floor, 0.5, never}},
	} {
		got := tc.at
		tc.by.apply(&got)
		for i := range got {
			if got[i] != tc.want[i] && math.Abs(got[i]-tc.want[i]) > 1e-9 {
				t.Errorf("%+v lowered by %+v is %+v, want %+v", tc.at, tc.by, got, tc.want)
			}
		}
	}
}

// Weights that make no sense count as little as they can.
func TestSumOfNonsense(t *testing.T) {
	p := Default()
	for weight, want := range map[float64]float64{math.NaN(): 0, math.Inf(-1): 0, -5: 0, 0: 0, 2: 1, math.Inf(1): p.Spec.Strikes.Most, 1e308: p.Spec.Strikes.Most} {
		r := &Record{Strikes: []Strike{{Weight: weight, At: noon}}}
		if got := p.Sum(r, noon.Add(7*day)); got != want {
			t.Errorf("a strike of %v sums to %v after a half-life, want %v", weight, got, want)
		}
	}
	r := &Record{Strikes: []Strike{{Weight: math.Inf(1), At: noon}}}
	if got := p.Sum(r, noon.Add(70*day)); got > 0.1 {
		t.Errorf("after ten half-lives %v, want it nearly gone", got)
	}
	r = &Record{Strikes: []Strike{{Weight: 1, At: noon.Add(time.Hour)}}}
	if got := p.Sum(r, noon); got != 1 {
		t.Errorf("a strike of a clock that is ahead counts %v, want 1", got)
	}
}

// It is enough that one of several findings concerns minors.
func TestMinorsBringAPerson(t *testing.T) {
	p := Default()
	s := Signal{Kind: Chat, Scores: Scores{Sexual: 0.92, Toxicity: 0.95}} // masked; a strike
	for age, want := range map[Age]bool{Minor: true, Adult: false, "": false} {
		if d := p.Decide(s, &Record{Age: age}, noon); d.Review != want || d.Rule != "be-civil" {
			t.Errorf("age %q: review %v by %s, want %v by be-civil", age, d.Review, d.Rule, want)
		}
	}
}

// A category that is not in the file is allowed in that world.
func TestMissingCategoryIsAllowed(t *testing.T) {
	p := changed(t, "  spam:\n    rule: no-spam\n    weight: 0.5\n    text:\n      en: Say it once. No advertising, no floods.\n    tier0: { mask: 0.95, strike: 0.97 }\n", "")
	d := p.Decide(Signal{Kind: Chat, Scores: Scores{Spam: 1}, Terms: []string{"spam/severe"}}, nil, noon)
	if len(d.Actions) != 0 || d.Strike != nil || d.Review {
		t.Errorf("spam is not in the file, and yet %+v", d)
	}
}

func TestWeighForgetsAndDoubts(t *testing.T) {
	p := Default()
	old := noon.Add(-400 * day)
	for _, tc := range []struct {
		name string
		r    Reporter
		want float64
	}{
		{"somebody", Reporter{At: noon, Since: old}, 1},
		{"often right", Reporter{At: noon, Since: old, Confirmed: 98}, 1.5},
		{"often wrong", Reporter{At: noon, Since: old, Rejected: 98}, 0.02},
		{"new", Reporter{At: noon, Since: noon.Add(-time.Hour)}, 0.25},
		{"never seen", Reporter{At: noon}, 0.25},
		{"long ago", Reporter{At: noon.Add(-61 * time.Minute), Since: old}, 0},
		{"tomorrow", Reporter{At: noon.Add(day), Since: old}, 0},
	} {
		if got := p.Weigh([]Reporter{tc.r}, noon); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%s weighs %v, want %v", tc.name, got, tc.want)
		}
	}
}
