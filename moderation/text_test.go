package moderation

import (
	"context"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

func TestACleanLinePassesAndLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		if v := b.say("pa_a", clean); !v.Pass || v.Masked != "" || v.Hold || v.Unverified || v.Incident != "" {
			t.Errorf("a clean line: %+v", v)
		}
		if items, n, _ := b.journal.Queue(t.Context(), "", 10); n != 0 {
			t.Errorf("the journal has %v", items)
		}
	})
}

func TestARudeLineIsMaskedAndThePersonTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		v := b.say("pa_a", rude)
		if !v.Pass || strings.Contains(v.Masked, "moron") || !strings.HasPrefix(v.Masked, "you are such a ") || v.Incident == "" {
			t.Errorf("a rude line: %+v", v)
		}
		item, err := b.journal.Item(t.Context(), v.Incident)
		if err != nil {
			t.Fatalf("a verdict that was seen is not in the journal: %v", err)
		}
		synctest.Wait()
		if o := b.last(); o.Who != "pa_a" || o.Acts[0].Action != policy.Nudge || o.Incident != v.Incident {
			t.Errorf("order %+v, want a nudge", o)
		}
		item, _ = b.journal.Item(t.Context(), v.Incident)
		if len(item.Applied) != 1 {
			t.Errorf("the order is not written as applied: %+v", item)
		}
		if len(b.seen().notices) != 1 || b.seen().notices[0].Statement.Facts == "" || b.seen().notices[0].Statement.Redress == "" || !b.seen().notices[0].Appealable {
			t.Errorf("notices %+v, want one statement of reasons", b.seen().notices)
		}
	})
}

// Masking the listed words is enough only if nothing else is found in it.
func TestMaskCoversAllThatAModelFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, func(_ *Config, d *Deps) { d.Tier1 = answers(time.Millisecond, policy.Scores{policy.Hate: 0.7}) })
		defer b.stop()
		v := b.say("pa_a", uncertain)
		if !v.Pass || v.Unverified || v.Masked == "" || strings.ContainsAny(v.Masked, "aeiou") {
			t.Errorf("found by tier 1: %+v, want all of it masked", v)
		}
	})
}

func TestTier1DecidesIfItIsBackInTime(t *testing.T) {
	for _, tc := range []struct {
		story string
		guard Guard
		within,
		least time.Duration
		want Verdict
	}{
		{"in time and clean", answers(20*time.Millisecond, nothing), 30 * time.Millisecond, 20 * time.Millisecond, Verdict{Pass: true}},
		{"in time and found", answers(20*time.Millisecond, found), 30 * time.Millisecond, 20 * time.Millisecond, Verdict{Hold: true}},
		{"late", answers(200*time.Millisecond, found), 50 * time.Millisecond, 40 * time.Millisecond, Verdict{Pass: true, Unverified: true}},
		{"hanging", hangs(), 50 * time.Millisecond, 40 * time.Millisecond, Verdict{Pass: true, Unverified: true}},
		{"down", guardFunc(func(context.Context, []Event) ([]policy.Scores, error) { return nil, errDown }), 10 * time.Millisecond, 0, Verdict{Pass: true, Unverified: true}},
		{"answering nonsense", answers(0, policy.Scores{policy.Hate: 7}), 10 * time.Millisecond, 0, Verdict{Pass: true, Unverified: true}},
		{"not a number", answers(0, policy.Scores{policy.Hate: math.NaN()}), 10 * time.Millisecond, 0, Verdict{Pass: true, Unverified: true}},
		{"answering too little", guardFunc(func(context.Context, []Event) ([]policy.Scores, error) { return nil, nil }), 10 * time.Millisecond, 0, Verdict{Pass: true, Unverified: true}},
		{"not there", nil, 0, 0, Verdict{Pass: true, Unverified: true}},
	} {
		t.Run(tc.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, func(_ *Config, d *Deps) { d.Tier1 = tc.guard })
				defer b.stop()
				begun := time.Now()
				v := b.say("pa_a", uncertain)
				if took := time.Since(begun); took > tc.within || took < tc.least {
					t.Errorf("Text took %v, want %v to %v", took, tc.least, tc.within)
				}
				v.Incident = ""
				if v != tc.want {
					t.Errorf("verdict %+v, want %+v", v, tc.want)
				}
				if tc.want.Unverified && b.value("events_total", "chat", "unverified") != 1 {
					t.Error("an unverified line is not counted")
				}
			})
		})
	}
}

func TestALateAnswerTakesTheTextBack(t *testing.T) {
	for _, tc := range []struct {
		story  string
		scores policy.Scores
		masked bool
	}{
		{"mask", policy.Scores{policy.Hate: 0.7}, true},
		{"hold", found, false},
	} {
		t.Run(tc.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, func(_ *Config, d *Deps) { d.Tier1 = answers(200*time.Millisecond, tc.scores) })
				defer b.stop()
				id := earshot.NewEventID()
				b.event(Event{ID: id, Kind: policy.Chat, World: "w", Who: "pa_a", Text: uncertain})
				time.Sleep(time.Second)
				synctest.Wait()
				if len(b.seen().retracted) != 1 || b.seen().retracted[0].Event != id || (b.seen().retracted[0].Masked != "") != tc.masked {
					t.Errorf("retracted %+v", b.seen().retracted)
				}
				if items, _ := b.journal.History(t.Context(), "pa_a", 9); len(items) != 1 || items[0].Signal.Source != policy.Tier1 {
					t.Errorf("the journal has %+v", items)
				}
			})
		})
	}
}

// What is held goes out when a later tier finds nothing, and not after its time.
func TestAHeldNameIsReleased(t *testing.T) {
	for _, tc := range []struct {
		story string
		after time.Duration
		want  int
	}{{"in time", 3 * time.Second, 1}, {"too late", 0, 0}} {
		t.Run(tc.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, func(c *Config, d *Deps) {
					c.Tier2.Deadline = 4 * time.Minute
					d.Tier1 = hangs()
					d.Tier2 = answers(max(tc.after, time.Millisecond), nothing)
					if tc.after == 0 {
						d.Tier2 = answers(3*time.Minute, nothing)
					}
				})
				defer b.stop()
				v := b.event(Event{Kind: policy.Name, World: "w", Who: "pa_a", Text: uncertain})
				if !v.Hold || !v.Unverified {
					t.Errorf("a name that could not be checked: %+v, want it held", v)
				}
				time.Sleep(4 * time.Minute)
				synctest.Wait()
				if len(b.seen().released) != tc.want {
					t.Errorf("released %+v, want %d", b.seen().released, tc.want)
				}
			})
		})
	}
}

func TestADeadGuardCostsNoWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		b := newBench(t, nil, func(c *Config, d *Deps) {
			c.Tier1.Deadline = 100 * time.Millisecond
			d.Tier1 = guardFunc(func(ctx context.Context, _ []Event) ([]policy.Scores, error) {
				asked.Add(1)
				<-ctx.Done()
				return nil, ctx.Err()
			})
		})
		defer b.stop()
		for range 5 {
			b.say("pa_a", uncertain)
			time.Sleep(200 * time.Millisecond)
		}
		before := asked.Load()
		begun := time.Now()
		for range 100 {
			if v := b.say("pa_a", uncertain); !v.Unverified {
				t.Fatal("a silent pass")
			}
		}
		if took := time.Since(begun); took != 0 || asked.Load() != before {
			t.Errorf("100 lines beside a dead guard waited %v and asked it %d times, want neither", took, asked.Load()-before)
		}
		time.Sleep(6 * time.Second) // the rest is over: one try, for which nobody waits
		begun = time.Now()
		b.say("pa_a", uncertain)
		took := time.Since(begun)
		time.Sleep(10 * time.Millisecond)
		if took != 0 || asked.Load() != before+1 {
			t.Errorf("the try: waited %v, asked %d times", took, asked.Load()-before)
		}
	})
}

func TestMicroBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sizes []int
		b := newBench(t, nil, func(_ *Config, d *Deps) {
			d.Tier1 = guardFunc(func(_ context.Context, batch []Event) ([]policy.Scores, error) {
				mu.Lock()
				sizes = append(sizes, len(batch))
				mu.Unlock()
				return answers(0, nothing)(context.Background(), batch)
			})
		})
		defer b.stop()
		var work sync.WaitGroup
		for range 11 {
			work.Go(func() { b.say("pa_a", uncertain) })
		}
		begun := time.Now()
		work.Wait()
		mu.Lock()
		defer mu.Unlock()
		if took := time.Since(begun); took > 6*time.Millisecond || len(sizes) != 2 || sizes[0]+sizes[1] != 11 || max(sizes[0], sizes[1]) != 8 {
			t.Errorf("11 lines at once went in batches of %v within %v, want 8 at once and 3 after 5 ms", sizes, took)
		}
	})
}

func TestTheAuditFindsWhatTier0Missed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pol := policy.Default()
		pol.Spec.Uncertain.Audit = 1
		b := newBench(t, nil, func(c *Config, d *Deps) {
			c.Worlds = map[string]WorldConfig{"w": {Policy: pol}}
			d.Tier1 = answers(30*time.Millisecond, found)
		})
		defer b.stop()
		begun := time.Now()
		if v := b.say("pa_a", clean); !v.Pass || v.Unverified || time.Since(begun) != 0 {
			t.Errorf("an audited line: %+v after %v, want it to pass at once", v, time.Since(begun))
		}
		time.Sleep(time.Second)
		if len(b.seen().retracted) != 1 || b.value("audits_total", "found") != 1 {
			t.Errorf("retracted %v, audits found %v; want 1 and 1", b.seen().retracted, b.value("audits_total", "found"))
		}
	})
}

func TestTextRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		for _, e := range []Event{
			{Kind: "shout", World: "w", Who: "pa_a", Text: "x"},
			{Kind: policy.Chat, Who: "pa_a", Text: "x"},
			{Kind: policy.Chat, World: "w", Text: "x"},
			{Kind: policy.Chat, World: "w", Who: "pa_a", Text: strings.Repeat("x", MaxText+1)},
		} {
			v, err := b.p.Text(t.Context(), e)
			if earshot.CodeOf(err) != earshot.CodeInvalidArgument || v.Pass || !v.Hold {
				t.Errorf("Text(%.20v) = %+v, %v", e, v, err)
			}
		}
		b.stop()
		if v, err := b.p.Text(t.Context(), Event{Kind: policy.Chat, World: "w", Who: "pa_a", Text: "x"}); earshot.CodeOf(err) != earshot.CodeUnavailable || !v.Hold {
			t.Errorf("after the end: %+v, %v", v, err)
		}
	})
}

// Abuse far into a long text is found.
func TestLongTexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		v := b.event(Event{Kind: policy.Persona, World: "w", Who: "pa_a", Text: strings.Repeat("a fine day. ", 3000) + severe})
		if v.Pass && v.Masked == "" {
			t.Errorf("a slur after 36 kB: %+v", v)
		}
		v = b.event(Event{Kind: policy.Chat, World: "w", Who: "pa_a", Text: strings.Repeat("\xff\u202e\u0300", 5000)})
		if !v.Pass && !v.Hold {
			t.Errorf("garbage: %+v", v)
		}
	})
}

func TestScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		screen := b.p.Screen("w")
		for _, tc := range []struct {
			in   string
			want string
			ok   bool
		}{{clean, clean, true}, {severe, "", false}} {
			if got, ok := screen(tc.in); ok != tc.ok || ok && got != tc.want {
				t.Errorf("Screen(%q) = %q, %v; want %q, %v", tc.in, got, ok, tc.want, tc.ok)
			}
		}
		if _, ok := screen(strings.Repeat("x", MaxText+1)); ok {
			t.Error("a sentence of 64 kB may be said")
		}
	})
}
