package moderation

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"earshot/moderation/policy"
)

// An NPC's sentence waits for tier 1 no longer than 50 ms. What comes later and
// is bad takes it back, and is an incident about nobody.
func TestASentenceOfAnNPC(t *testing.T) {
	strict := policy.Minors()
	for _, tc := range []struct {
		story    string
		text     string
		guard    Guard
		pol      *policy.Policy
		want     Sentence
		withdraw bool
		incident bool
	}{
		{"harmless", clean, nil, nil, Sentence{Text: clean, OK: true}, false, false},
		{"a listed word is covered", "you are such a moron, friend", nil, nil, Sentence{OK: false}, false, true},
		{"uncertain, no model", uncertain, nil, nil, Sentence{Text: uncertain, OK: true, Unverified: true}, false, false},
		{"uncertain, no model, for minors", uncertain, nil, strict, Sentence{Text: uncertain, OK: true, Unverified: true}, false, false},
		{"uncertain, found in time", uncertain, answers(20*time.Millisecond, found), nil, Sentence{Text: uncertain}, false, true},
		{"uncertain, clean in time", uncertain, answers(20*time.Millisecond, nothing), nil, Sentence{Text: uncertain, OK: true}, false, false},
		{"uncertain, found late", uncertain, answers(time.Second, found), nil, Sentence{Text: uncertain, OK: true, Unverified: true}, true, true},
		{"uncertain, late and clean", uncertain, answers(time.Second, nothing), nil, Sentence{Text: uncertain, OK: true, Unverified: true}, false, false},
		{"uncertain, hanging", uncertain, hangs(), nil, Sentence{Text: uncertain, OK: true, Unverified: true}, false, false},
		{"uncertain, late, for minors", uncertain, hangs(), strict, Sentence{Text: uncertain, Unverified: true}, false, true},
	} {
		t.Run(tc.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, func(c *Config, d *Deps) {
					d.Tier1, c.Worlds = tc.guard, map[string]WorldConfig{"w": {Policy: tc.pol}}
				})
				defer b.stop()
				var taken atomic.Value
				s := Speech{World: "w", Instance: "in_w", Name: "Mara", Withdraw: func(said string) { taken.Store(said) }}
				begun := time.Now()
				got := b.p.Say(t.Context(), s, tc.text)
				if took := time.Since(begun); took > 50*time.Millisecond {
					t.Errorf("Say took %v, want at most 50ms", took)
				}
				if got.OK != tc.want.OK || got.Unverified != tc.want.Unverified || tc.want.Text != "" && got.Text != tc.want.Text {
					t.Errorf("Say = %+v, want %+v", got, tc.want)
				}
				time.Sleep(3 * time.Second)
				if said, _ := taken.Load().(string); (said == tc.text) != tc.withdraw {
					t.Errorf("withdrawn %q, want withdrawn: %v", said, tc.withdraw)
				}
				items, err := b.journal.Recent(t.Context(), "w", 10)
				if err != nil || (len(items) == 1) != tc.incident || len(items) > 1 {
					t.Fatalf("incidents %+v, %v, want one: %v", items, err, tc.incident)
				}
				for _, it := range items {
					if _, d := it.Now(); it.Signal.Kind != policy.NPC || it.Who != "" || d.Strike != nil || b.count() != 0 {
						t.Errorf("incident %+v, want one about nobody, without strike or order", it)
					}
				}
			})
		})
	}
}

// The audit share is asked about and nobody waits for it.
func TestASentenceThatIsAudited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pol := policy.Default()
		pol.Spec.Uncertain.Audit = 1
		var asked atomic.Int32
		b := newBench(t, nil, func(c *Config, d *Deps) {
			d.Tier1, c.Worlds = answers(time.Second, found), map[string]WorldConfig{"w": {Policy: pol}}
		})
		defer b.stop()
		begun := time.Now()
		got := b.p.Say(t.Context(), Speech{World: "w", Name: "Mara", Withdraw: func(string) { asked.Add(1) }}, clean)
		if !got.OK || got.Unverified || time.Since(begun) > 10*time.Millisecond {
			t.Errorf("Say = %+v after %v, want it let through at once", got, time.Since(begun))
		}
		time.Sleep(2 * time.Second)
		if asked.Load() != 1 {
			t.Errorf("%d sentences withdrawn, want the one that the audit found", asked.Load())
		}
	})
}
