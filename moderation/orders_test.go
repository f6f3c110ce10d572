package moderation

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// The process ends between verdict and action; the next one finishes, once.
func TestRestartFinishesOpenOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "journal")
		open := func() *journal.Journal {
			j, err := journal.Open(dir, journal.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return j
		}
		j := open()
		b := newBench(t, j, nil)
		b.fail(errDown)
		for range 8 {
			b.say("pa_a", severe)
		}
		b.say("pa_b", rude)
		synctest.Wait()
		b.stop()
		orders, _ := j.OpenOrders(t.Context())
		if b.count() != 0 || len(orders) != 9 {
			t.Fatalf("%d orders done, %d open; want 0 and 9", b.count(), len(orders))
		}
		j.Close()

		j = open()
		next := newBench(t, j, nil)
		time.Sleep(5 * time.Second)
		seen := map[string]int{}
		for _, o := range next.seen().orders {
			seen[o.ID]++
		}
		left, _ := j.OpenOrders(t.Context())
		if len(seen) != 9 || len(left) != 0 {
			t.Errorf("after the restart: orders %v, open %d", seen, len(left))
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("order %s came %d times", id, n)
			}
		}
		if _, ok := new(Order).Sanctioned(policy.Mute, time.Now()); ok {
			t.Error("an empty order mutes")
		}
		standing := next.p.Standing("w", "pa_a")
		if _, ok := standing.Sanctioned(policy.Mute, time.Now()); !ok {
			t.Errorf("after the restart: %+v, want a mute", standing)
		}
		next.stop()
		j.Close()
		j = open()
		third := newBench(t, j, nil)
		time.Sleep(5 * time.Second)
		if third.count() != 0 {
			t.Errorf("a second restart did %+v again", third.seen().orders)
		}
		third.stop()
		j.Close()
	})
}

// An enforcer that fails for a while gets the orders again, in their order.
func TestOrdersAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		b.fail(errDown)
		for range 6 {
			b.say("pa_a", severe)
		}
		time.Sleep(3 * time.Second)
		b.fail(nil)
		time.Sleep(20 * time.Second)
		if b.count() != 6 {
			t.Fatalf("%d orders, want 6", b.count())
		}
		for i := 1; i < len(b.seen().orders); i++ {
			if b.seen().orders[i].At.Before(b.seen().orders[i-1].At) {
				t.Error("out of order")
			}
		}
	})
}

// A flood beside an enforcer that is down is bounded, and nothing passes.
func TestAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, func(_ *Config, d *Deps) { d.Tier1 = hangs() })
		defer b.stop()
		b.fail(errDown)
		var work sync.WaitGroup
		for i := range 20 {
			work.Go(func() {
				for n := range 100 {
					v, err := b.p.Text(t.Context(), Event{Kind: policy.Chat, World: "w", Who: earshot.ParticipantID(fmt.Sprint("pa_", i)), Text: severe})
					if err != nil || v.Pass && v.Masked == "" {
						t.Errorf("line %d: %+v, %v", n, v, err)
					}
				}
			})
		}
		work.Wait()
		if n := b.p.orders.depth(); n > maxJobs || n > 20*maxJobsEach {
			t.Errorf("%d orders wait", n)
		}
		b.fail(nil)
		time.Sleep(2 * time.Minute)
		open, _ := b.journal.OpenOrders(t.Context())
		if len(open) != 0 {
			t.Errorf("%d orders are open after the flood", len(open))
		}
	})
}
