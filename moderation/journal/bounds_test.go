package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// Many write at once: everything is there, each once, lines are shared, and
// no answer comes before its line.
func TestTogether(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		ctx := t.Context()
		var wg sync.WaitGroup
		const people, each = 16, 8
		for i := range people {
			wg.Go(func() {
				who := earshot.ParticipantID(fmt.Sprintf("pa_%d", i))
				for n := range each {
					in := incident("", who, start.Add(time.Duration(n)*time.Second), policy.Act{Action: policy.Mute, For: time.Hour})
					in.Order.ID = ""
					in.Context = []Line{{Who: "pa_everybody", Text: "hey", At: start}}[:n%2]
					if err := k.Decide(ctx, in); err != nil {
						t.Error(err)
						return
					}
					if got, err := k.Item(ctx, in.ID); err != nil || got.ID != in.ID {
						t.Errorf("Item right after Decide = %v, %v", got.ID, err)
					}
					if err := k.Applied(ctx, Applied{Order: in.Order.ID, At: start}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		k.again()
		for i := range people {
			r, _ := k.Record(ctx, "plaza", earshot.ParticipantID(fmt.Sprintf("pa_%d", i)), start)
			if len(r.Strikes) != each {
				t.Errorf("person %d has %d strikes, want %d", i, len(r.Strikes), each)
			}
		}
		v, err := k.Verify(ctx)
		must(t, err)
		if v.Entries != 2*people*each {
			t.Errorf("%d entries, want %d", v.Entries, 2*people*each)
		}
		t.Logf("%d entries in %d lines", v.Entries, v.Lines)
	})
}

func TestMemoryIsBounded(t *testing.T) {
	j, err := NewMemory(Config{MaxMemory: 8 << 10})
	must(t, err)
	for i := range 100 {
		must(t, j.Decide(t.Context(), incident(fmt.Sprint("ic_", i), ada, start)))
	}
	v, err := j.Verify(t.Context())
	must(t, err)
	if v.First == 1 || v.Lines < 2 || v.Lines > 20 {
		t.Errorf("Verify = %+v, want the newest few", v)
	}
	if _, err := j.Item(t.Context(), "ic_0"); earshot.CodeOf(err) != earshot.CodeNotFound {
		t.Errorf("Item of the first = %v, want not_found", err)
	}
	if items, total, err := j.Queue(t.Context(), "", 200); err != nil || total != 100 || len(items) > 20 {
		t.Errorf("Queue = %d of %d, %v", len(items), total, err)
	}
}

// What is read while the oldest lines go is whole: they go in place.
func TestMemoryIsReadWhileLinesGo(t *testing.T) {
	j, err := NewMemory(Config{MaxMemory: 8 << 10})
	must(t, err)
	written := make(chan struct{})
	go func() {
		defer close(written)
		for i := range 300 {
			if err := j.Decide(context.Background(), incident(fmt.Sprint("ic_", i), ada, start)); err != nil {
				t.Error(err)
			}
		}
	}()
	for done := false; !done; {
		select {
		case <-written:
			done = true
		default:
		}
		if _, err := j.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever somebody sends, and however much they have done, it is written down.
func TestWorstCase(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		ctx := t.Context()
		for _, bad := range []string{"\x00", "<", "\xff", "\u2028", "\U0001F600", "\""} {
			id := NewIncidentID()
			in := incident(id, ada, start, policy.Act{Action: policy.Mute}, policy.Act{Action: policy.Isolate})
			in.Text, in.Name = strings.Repeat(bad, 70_000), strings.Repeat(bad, 1000)
			for i := range 40 {
				in.Context = append(in.Context, Line{Who: earshot.ParticipantID(fmt.Sprintf("pa_%061d", i)), Name: in.Name, Text: in.Text, At: start})
			}
			for i := range 3000 {
				in.Record.Strikes = append(in.Record.Strikes, policy.Strike{Weight: 1, Category: policy.Harassment, Rule: strings.Repeat("r", 64), At: start, Incident: NewIncidentID()})
				in.Record.InForce = append(in.Record.InForce, policy.Sanction{Action: policy.Actions()[i%9], Until: start.Add(time.Duration(i%2) * time.Hour), Incident: NewIncidentID()})
			}
			must(t, k.Decide(ctx, in))
			item, err := k.Read(ctx, Access{Incident: id, By: "mo", At: start})
			must(t, err)
			if want := in.Text[:len(item.Text)]; item.Text != want || len(item.Text) < MaxText-4 || len(item.Context) != MaxContext || !strings.HasPrefix(in.Text, item.Context[9].Text) {
				t.Errorf("%q: kept %d bytes and %d lines", bad, len(item.Text), len(item.Context))
			}
		}
		for i := range 200 {
			must(t, k.Decide(ctx, incident(fmt.Sprint("ic_b", i), bob, start.Add(time.Duration(i)*time.Second), policy.Act{Action: policy.Mute, For: 10 * time.Hour / time.Duration(i+1)})))
		}
		r, _ := k.Record(ctx, "plaza", bob, start.Add(time.Minute))
		until, ok := r.Sanctioned(policy.Mute, start)
		if len(r.Strikes) != maxStrikes || !ok || !until.Equal(start.Add(10*time.Hour)) || len(r.InForce) != maxSameActs+1 {
			t.Errorf("Record = %d strikes, %d in force until %v, want %d, and the longest mute", len(r.Strikes), len(r.InForce), until, maxStrikes)
		}
	})
}

func TestBounds(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		ctx := t.Context()
		in := incident("ic_1", ada, start)
		in.Text = strings.Repeat("ä", MaxText)
		for range 100 {
			in.Context = append(in.Context, Line{Who: bob, Text: strings.Repeat("x", 10_000), At: start})
		}
		must(t, k.Decide(ctx, in))
		item, err := k.Read(ctx, Access{Incident: "ic_1", By: "mo", At: start})
		must(t, err)
		if len(item.Text) != MaxText || len(item.Context) != MaxContext || len(item.Context[0].Text) != MaxOf {
			t.Errorf("kept %d bytes, %d lines of %d", len(item.Text), len(item.Context), len(item.Context[0].Text))
		}
		big := incident("ic_2", ada, start)
		big.Evidence = slices.Repeat([]string{strings.Repeat("e", 1000)}, 200)
		wantCode(t, k.Decide(ctx, big), earshot.CodeInvalidArgument)
		for _, bad := range []*Incident{incident("ic with spaces", ada, start), incident("ic_3", "pa_"+earshot.ParticipantID(strings.Repeat("x", 70)), start), incident("ic_3", ada, time.Time{})} {
			wantCode(t, k.Decide(ctx, bad), earshot.CodeInvalidArgument)
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if err := k.Decide(ended, incident("ic_4", ada, start)); err == nil {
			t.Error("Decide with an ended context = nil")
		}
	})
}
