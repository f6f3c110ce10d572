package moderation

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"earshot/moderation/policy"
)

// described has a description judged.
func (b *bench) described(texts ...string) []HeldPart {
	b.t.Helper()
	held, err := b.p.Describe(b.t.Context(), Description{World: "w", Name: "smith", Designer: "Dora", Texts: texts})
	if err != nil {
		b.t.Fatal(err)
	}
	return held
}

// A description with a slur waits for a moderator, once however often it is
// published. When it is released it passes, wherever it stands; when it is
// found bad it does not.
func TestADescriptionWaitsForAModerator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		long := strings.Repeat("The forge is warm and the smith is kind to strangers.\n", 100)
		bad := "The smith says kys to whom he likes."
		first := b.described("A smith.", long+bad, long)
		if len(first) != 1 || first[0].Incident == "" || first[0].Found || !strings.HasSuffix(first[0].Text, bad) {
			t.Fatalf("held %+v, want the part with the slur", first)
		}
		again := b.described(long+bad, "A smith.")
		if len(again) != 1 || again[0] != first[0] {
			t.Errorf("published again: %+v, want the same incident", again)
		}
		items, n, err := b.journal.Queue(t.Context(), "w", 10)
		if err != nil || n != 1 || items[0].Signal.Kind != policy.Persona || items[0].Who != "" || items[0].Decision.Strike != nil {
			t.Fatalf("queue %+v, %d, %v, want one incident about nobody", items, n, err)
		}
		if err := b.p.Judge(t.Context(), Judgement{Incident: first[0].Incident, Moderator: "m", Verdict: policy.Wrong}); err != nil {
			t.Fatal(err)
		}
		if held := b.described("Another field.", long+bad); len(held) != 0 {
			t.Errorf("released, and held again: %+v", held)
		}

		worse := b.described("kys, traveller")
		if len(worse) != 1 {
			t.Fatalf("held %+v, want one part", worse)
		}
		if err := b.p.Judge(t.Context(), Judgement{Incident: worse[0].Incident, Moderator: "m", Verdict: policy.Right}); err != nil {
			t.Fatal(err)
		}
		if held := b.described("kys, traveller"); len(held) != 1 || !held[0].Found {
			t.Errorf("found bad by a moderator: %+v, want it held for good", held)
		}
	})
}

// With a guard, nobody talks while a description is judged, so the guard has
// its time; one that hangs leaves the description held, not passed.
func TestADescriptionWaitsForTier1(t *testing.T) {
	for _, tc := range []struct {
		story string
		guard Guard
		held  bool
	}{
		{"slow and clean", answers(time.Second, nothing), false},
		{"slow and found", answers(time.Second, found), true},
		{"hanging", hangs(), true},
		{"none: tier 0 is not sure of half of all texts", nil, false},
	} {
		t.Run(tc.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, func(_ *Config, d *Deps) { d.Tier1 = tc.guard })
				defer b.stop()
				begun := time.Now()
				if held := b.described(uncertain); (len(held) == 1) != tc.held {
					t.Errorf("held %+v, want held: %v", held, tc.held)
				}
				if took := time.Since(begun); took > 3*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// What a guard finds after the answer is taken into account the next time.
func TestADescriptionThatTier2Clears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, func(_ *Config, d *Deps) { d.Tier1, d.Tier2 = hangs(), answers(time.Second, nothing) })
		defer b.stop()
		if held := b.described(uncertain); len(held) != 1 {
			t.Fatalf("held %+v, want it held while nobody has judged it", held)
		}
		time.Sleep(10 * time.Second)
		if held := b.described(uncertain); len(held) != 0 || len(b.seen().released) != 1 {
			t.Errorf("held %+v, released %d: tier 2 cleared it", held, len(b.seen().released))
		}
	})
}

func TestPartsOf(t *testing.T) {
	for _, tc := range []struct {
		text string
		want int
	}{
		{"", 0}, {"  \n", 0}, {"a smith", 1}, {strings.Repeat("word ", 2000), 4}, {strings.Repeat("ß", 5000), 4}, {strings.Repeat("x", maxPart), 1}, {"\xff\xfe", 0},
	} {
		parts := partsOf(tc.text)
		if len(parts) != tc.want {
			t.Errorf("partsOf(%.20q) = %d parts, want %d", tc.text, len(parts), tc.want)
		}
		for _, p := range parts {
			if len(p) > maxPart || !utf8.ValidString(p) {
				t.Errorf("a part of %d bytes, valid UTF-8: %v", len(p), utf8.ValidString(p))
			}
		}
	}
	across := strings.Repeat("the forge is warm. ", maxPart/19) + "he says kill yourself to the " + strings.Repeat("the forge is warm. ", 50)
	seen := false
	for _, p := range partsOf(across) {
		seen = seen || strings.Contains(p, "kill yourself")
	}
	if !seen {
		t.Error("what is said across a cut is in no part")
	}
}
