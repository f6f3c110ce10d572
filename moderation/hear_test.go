package moderation

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// What one node decides is enforced, told and undone on the other, once.
func TestHear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fromA, fromB []journal.Shared
		a, b := newBench(t, nil, nil), newBench(t, nil, nil)
		defer a.stop()
		defer b.stop()
		a.journal.Share("https://a", func(s journal.Shared) { fromA = append(fromA, s) })
		b.journal.Share("https://b", func(s journal.Shared) { fromB = append(fromB, s) })
		said := map[*bench]int{}
		exchange := func(to *bench, list []journal.Shared) {
			t.Helper()
			if _, err := to.p.Hear(t.Context(), list[said[to]:]); err != nil {
				t.Fatal(err)
			}
			said[to] = len(list)
			synctest.Wait()
		}
		if _, err := a.p.Report(t.Context(), Report{World: "w", From: "pa_r", Who: "pa_x", Category: policy.Hate}); err != nil {
			t.Fatal(err)
		}
		id, err := a.p.Act(t.Context(), Act{World: "w", Who: "pa_x", Moderator: "m", Action: policy.Act{Action: policy.Mute}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.p.Standing("w", "pa_x") // it is in memory there
		exchange(b, fromA)
		standing := b.p.Standing("w", "pa_x")
		if _, muted := standing.Sanctioned(policy.Mute, time.Now()); !muted {
			t.Errorf("standing at the other node: %+v, want a mute", standing)
		}
		seen := b.seen()
		if len(seen.orders) != 1 || !seen.orders[0].Heard || len(seen.orders[0].InForce) != 1 || len(seen.notices) != 1 || seen.notices[0].Incident != id {
			t.Errorf("orders %+v and notices %+v there, want one of each", seen.orders, seen.notices)
		}
		if open, _ := b.journal.OpenOrders(t.Context()); len(open) != 0 {
			t.Errorf("open orders there: %+v", open)
		}

		if err := b.p.Undo(t.Context(), id, "n", ""); err != nil {
			t.Fatal(err)
		}
		items, _ := b.journal.Recent(t.Context(), "w", 10)
		at := slices.IndexFunc(items, func(it journal.Item) bool { return len(it.Reports) > 0 })
		if err := b.p.Judge(t.Context(), Judgement{Incident: items[at].ID, Moderator: "n", Verdict: policy.Right}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		exchange(a, fromB)
		standing = a.p.Standing("w", "pa_x")
		if len(standing.InForce) != 0 {
			t.Errorf("after the undo at the other node: %+v", standing)
		}
		last := a.seen().orders[len(a.seen().orders)-1]
		if !last.Heard || len(last.InForce) != 0 {
			t.Errorf("the last order is %+v, want the end of the mute", last)
		}
		told := func(at *bench, who earshot.ParticipantID, cause Cause) (n []Notice) {
			for _, one := range at.seen().notices {
				if one.Who == who && one.Cause == cause {
					n = append(n, one)
				}
			}
			return n
		}
		if n := told(a, "pa_x", CauseUndone); len(n) != 1 {
			t.Errorf("who was muted was told %+v", n)
		}
		if here, there := told(a, "pa_r", CauseReport), told(b, "pa_r", CauseReport); len(here) != 1 || here[0].Heard || !here[0].Upheld || len(there) != 1 || !there[0].Heard {
			t.Errorf("the reporter was told %+v, and there %+v", here, there)
		}
		orders := b.count()
		said[b] = 0
		exchange(b, append(fromA, fromB...)) // all of it again
		if b.count() != orders {
			t.Error("orders were carried out again")
		}
	})
}
