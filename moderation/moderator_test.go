package moderation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

func TestTheLadderMutesAndTheMuteEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		o := b.untilMuted("pa_a")
		until, _ := o.Sanctioned(policy.Mute, time.Now())
		standing := b.p.Standing("w", "pa_a")
		if _, ok := standing.Sanctioned(policy.Mute, time.Now()); !ok {
			t.Errorf("Standing = %+v, want a mute: it has to outlive a reconnect", standing)
		}
		if other := b.p.Standing("elsewhere", "pa_a"); len(other.InForce) > 0 {
			t.Errorf("muted in another world, too: %+v", other)
		}
		time.Sleep(time.Until(until) - time.Second)
		if _, ok := sanctioned(b.last(), policy.Mute, time.Now()); !ok {
			t.Errorf("a second before its end: %+v", b.last())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if _, ok := sanctioned(b.last(), policy.Mute, time.Now()); ok || len(b.last().Acts) > 0 {
			t.Errorf("after its end: %+v, want an order without a mute", b.last())
		}
		if n := b.seen().notices[len(b.seen().notices)-1]; n.Cause != CauseEnded {
			t.Errorf("last notice %+v, want that it has ended", n)
		}
	})
}

func TestStrikesFade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		b.untilMuted("pa_a")
		time.Sleep(60 * 24 * time.Hour)
		b.say("pa_a", rude)
		synctest.Wait()
		if o := b.last(); len(o.Acts) != 1 || o.Acts[0].Action != policy.Nudge || len(o.InForce) > 0 {
			t.Errorf("two months later a rude line led to %+v, want a nudge", o)
		}
	})
}

func TestAModeratorUndoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		o := b.untilMuted("pa_a")
		if err := b.p.Undo(t.Context(), o.Incident, "mod1", "irony"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, ok := sanctioned(b.last(), policy.Mute, time.Now()); ok {
			t.Errorf("after the undoing: %+v", b.last())
		}
		if s := b.p.Standing("w", "pa_a"); len(b.p.record(subject{"w", "pa_a"}).Strikes) == 0 {
			t.Errorf("the other strikes went as well: %+v", s)
		}
		if slices.ContainsFunc(b.p.record(subject{"w", "pa_a"}).Strikes, func(s policy.Strike) bool { return s.Incident == o.Incident }) {
			t.Error("its strike stays")
		}
		if err := b.p.Undo(t.Context(), o.Incident, "mod1", ""); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
			t.Errorf("undone twice: %v", err)
		}
		if err := b.p.Undo(t.Context(), "ic_none", "mod1", ""); earshot.CodeOf(err) != earshot.CodeNotFound {
			t.Errorf("undone what is not there: %v", err)
		}
	})
}

// What one incident did ends; what another did stays.
func TestUndoingOneMuteLeavesTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		mute := func(d time.Duration) string {
			id, err := b.p.Act(t.Context(), Act{World: "w", Who: "pa_a", Moderator: "mod1", Action: policy.Act{Action: policy.Mute, For: d}, Category: policy.Harassment})
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		first, second := mute(time.Hour), mute(2*time.Hour)
		for i, id := range []string{first, second} {
			if err := b.p.Undo(t.Context(), id, "mod2", ""); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if _, ok := sanctioned(b.last(), policy.Mute, time.Now()); ok != (i == 0) {
				t.Errorf("after undoing %d of 2 mutes: %+v", i+1, b.last())
			}
		}
	})
}

func TestAppeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		ctx := t.Context()
		id := b.untilMuted("pa_a").Incident
		judge := func(by string, v policy.Verdict, appeal bool) error {
			return b.p.Judge(ctx, Judgement{Incident: id, Moderator: by, Verdict: v, Appeal: appeal})
		}
		if err := judge("mod1", policy.Right, false); err != nil {
			t.Fatal(err)
		}
		if err := b.p.Appeal(ctx, Appeal{Incident: id, Who: "pa_b", Text: "x"}); earshot.CodeOf(err) != earshot.CodePermissionDenied {
			t.Errorf("somebody else's appeal: %v", err)
		}
		if err := b.p.Appeal(ctx, Appeal{Incident: id, Who: "pa_a", Text: "it was a joke"}); err != nil {
			t.Fatal(err)
		}
		if err := b.p.Appeal(ctx, Appeal{Incident: id, Who: "pa_a", Text: "again"}); earshot.CodeOf(err) != earshot.CodeAlreadyExists {
			t.Errorf("a second appeal: %v", err)
		}
		if err := judge("mod1", policy.Wrong, true); earshot.CodeOf(err) != earshot.CodePermissionDenied {
			t.Errorf("the same moderator decides the appeal: %v", err)
		}
		if _, ok := sanctioned(b.last(), policy.Mute, time.Now()); !ok {
			t.Error("a refused judgement lifted the mute")
		}
		if err := judge("mod2", policy.Wrong, true); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, ok := sanctioned(b.last(), policy.Mute, time.Now()); ok {
			t.Errorf("overturned: %+v", b.last())
		}
		n := b.seen().notices[len(b.seen().notices)-1]
		for _, other := range b.seen().notices {
			if other.Cause == CauseAppeal && !other.Pending {
				n = other
			}
		}
		if n.Cause != CauseAppeal || n.Upheld || n.Statement.What == "" {
			t.Errorf("notice of the appeal %+v", n)
		}
		f, _ := b.journal.Figures(ctx, "w", time.Time{})
		if f.Appeals != 1 || f.Overturned != 1 {
			t.Errorf("figures %+v", f)
		}
	})
}

func TestAppealWithoutReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		if err := b.p.Appeal(t.Context(), Appeal{Incident: "ic_none", Who: "pa_a"}); earshot.CodeOf(err) != earshot.CodeNotFound {
			t.Errorf("of nothing: %v", err)
		}
		id := b.say("pa_a", severe).Incident
		time.Sleep(200 * 24 * time.Hour)
		if err := b.p.Appeal(t.Context(), Appeal{Incident: id, Who: "pa_a"}); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
			t.Errorf("after half a year and more: %v", err)
		}
	})
}

// A moderator who acted of their own accord was the first judge.
func TestTheActorDoesNotDecideTheAppeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		id, err := b.p.Act(t.Context(), Act{World: "w", Who: "pa_a", Moderator: "mod1", Action: policy.Act{Action: policy.Suspend, For: time.Hour}, Category: policy.Hate, Note: "seen it"})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.p.Appeal(t.Context(), Appeal{Incident: id, Who: "pa_a"}); err != nil {
			t.Fatal(err)
		}
		for by, want := range map[string]earshot.Code{"mod1": earshot.CodePermissionDenied} {
			if err := b.p.Judge(t.Context(), Judgement{Incident: id, Moderator: by, Verdict: policy.Right, Appeal: true}); earshot.CodeOf(err) != want {
				t.Errorf("%s decides the appeal: %v, want %s", by, err, want)
			}
		}
		if err := b.p.Judge(t.Context(), Judgement{Incident: id, Moderator: "mod2", Verdict: policy.TooHarsh, Appeal: true, Actions: []policy.Act{{Action: policy.Slow, For: time.Hour}}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		o := b.last()
		_, suspended := o.Sanctioned(policy.Suspend, time.Now())
		if _, slow := o.Sanctioned(policy.Slow, time.Now()); suspended || !slow {
			t.Errorf("too harsh: %+v, want slow in the place of suspend", o)
		}
	})
}

func TestActRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		for _, a := range []Act{
			{World: "w", Who: "pa_a", Action: policy.Act{Action: policy.Mute}},
			{World: "w", Who: "pa_a", Moderator: "m", Action: policy.Act{Action: "burn"}},
			{World: "w", Who: "pa_a", Moderator: "m", Action: policy.Act{Action: policy.Hold}},
			{Who: "pa_a", Moderator: "m", Action: policy.Act{Action: policy.Mute}},
			{World: "w", Who: "pa_a", Moderator: "m", Action: policy.Act{Action: policy.Mute, For: -1}},
		} {
			if _, err := b.p.Act(t.Context(), a); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
				t.Errorf("Act(%+v) = %v", a, err)
			}
		}
		err := b.p.Judge(t.Context(), Judgement{Incident: "ic_x", Moderator: "m", Verdict: policy.Right, Actions: []policy.Act{{Action: policy.Mute}}})
		if earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("actions with the verdict right: %v", err)
		}
	})
}

// A held text goes out when a moderator finds nothing in it.
func TestAModeratorReleases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		v := b.event(Event{Kind: policy.Name, World: "w", Who: "pa_a", Text: uncertain})
		if !v.Hold || v.Incident == "" {
			t.Fatalf("%+v", v)
		}
		if err := b.p.Judge(t.Context(), Judgement{Incident: v.Incident, Moderator: "mod1", Verdict: policy.Wrong}); err != nil {
			t.Fatal(err)
		}
		if len(b.seen().released) != 1 || b.seen().released[0].Event.Text != uncertain {
			t.Errorf("released %+v", b.seen().released)
		}
	})
}

func TestABrigadeOfNewAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		for i := range 50 {
			_, err := b.p.Report(t.Context(), Report{
				World: "w", Instance: "in_w", From: earshot.ParticipantID(fmt.Sprintf("pa_r%d", i)), Who: "pa_a",
				Category: policy.Harassment, Since: time.Now().Add(-time.Hour), Group: fmt.Sprint(i),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if b.count() != 0 || len(b.p.Standing("w", "pa_a").InForce) != 0 {
			t.Errorf("50 new accounts brought about %+v", b.seen().orders)
		}
		if b.p.watched(subject{"w", "pa_a"}, "in_w", time.Now()) {
			t.Error("50 new accounts weigh as much as two people")
		}
		if items, n, _ := b.journal.Queue(t.Context(), "w", 9); n != 1 || items[0].Severity > 0.1 {
			t.Errorf("%d in the queue, want one that hardly weighs: %+v", n, items)
		}
		if reports, _ := b.journal.Reports(t.Context(), "pa_a", 99); len(reports) != 50 {
			t.Errorf("%d reports are recorded, want 50", len(reports))
		}
	})
}

func TestReportsRaiseAttention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		old := time.Now().Add(-1000 * time.Hour)
		report := func(from earshot.ParticipantID) error {
			_, err := b.p.Report(t.Context(), Report{World: "w", Instance: "in_w", From: from, Who: "pa_a", Category: policy.Harassment, Since: old, Note: "rude"})
			return err
		}
		for _, from := range []earshot.ParticipantID{"pa_1", "pa_2", "pa_3"} {
			if err := report(from); err != nil {
				t.Fatal(err)
			}
		}
		if err := report("pa_1"); earshot.CodeOf(err) != earshot.CodeAlreadyExists {
			t.Errorf("a second report: %v", err)
		}
		if err := report("pa_a"); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("of oneself: %v", err)
		}
		synctest.Wait()
		if !b.p.watched(subject{"w", "pa_a"}, "in_w", time.Now()) || b.p.watched(subject{"w", "pa_b"}, "in_w", time.Now()) {
			t.Error("three reports do not raise attention to the one reported")
		}
		if b.count() != 0 {
			t.Errorf("reports alone brought about %+v", b.seen().orders)
		}
		items, n, _ := b.journal.Queue(t.Context(), "w", 9)
		if n != 1 || len(items[0].Reports) != 3 {
			t.Fatalf("queue %+v, want one incident with three reports", items)
		}
		if err := b.p.Judge(t.Context(), Judgement{Incident: items[0].ID, Moderator: "mod1", Verdict: policy.Wrong}); err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, n := range b.seen().notices {
			if n.Cause == CauseReport && !n.Upheld {
				told++
			}
		}
		if h, _ := b.journal.Reporter(t.Context(), "pa_1"); told != 3 || h.Rejected != 1 {
			t.Errorf("%d reporters told, history %+v", told, h)
		}
		if err := report("pa_4"); err != nil {
			t.Errorf("a report after the judgement: %v", err)
		}
		time.Sleep(2 * time.Hour)
		if b.p.watched(subject{"w", "pa_a"}, "in_w", time.Now()) {
			t.Error("still watched two hours later")
		}
	})
}

func TestOnePersonCannotReportEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		var last error
		for i := range reportsAnHour + 1 {
			_, last = b.p.Report(t.Context(), Report{World: "w", From: "pa_r", Who: earshot.ParticipantID(fmt.Sprint("pa_", i))})
		}
		if earshot.CodeOf(last) != earshot.CodeResourceExhausted {
			t.Errorf("report %d of an hour: %v", reportsAnHour+1, last)
		}
	})
}

// Neither words nor names of people get into the log, whatever fails.
func TestTheLogHasNoWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, func(c *Config, d *Deps) {
			d.Tier1 = guardFunc(func(ctx, []Event) ([]policy.Scores, error) { return nil, errDown })
			d.Tier2 = hangs()
		})
		b.fail(errors.New("the SFU is away"))
		for _, text := range []string{clean, uncertain, rude, severe} {
			b.say("pa_a", text)
		}
		_, _ = b.p.Report(t.Context(), Report{World: "w", From: "pa_r", Who: "pa_a", Note: "zebrafish"})
		_, _ = b.p.Act(t.Context(), Act{World: "w", Who: "pa_a", Name: "Ann", Moderator: "mod", Action: policy.Act{Action: policy.Mute}, Note: "giraffe"})
		time.Sleep(time.Minute)
		b.stop()
		log := b.log.String()
		if !strings.Contains(log, "tried again") {
			t.Errorf("nothing was logged: %q", log)
		}
		for _, word := range []string{"moron", "kys", "dumb", "disgusting", "zebrafish", "giraffe", "Ann"} {
			if strings.Contains(log, word) {
				t.Errorf("the log has %q:\n%s", word, log)
			}
		}
	})
}

// No label of a metric names a person, an instance, a world or an incident.
func TestMetricsHaveNoIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, nil)
		defer b.stop()
		b.untilMuted("pa_a")
		families, err := b.metrics.Gather()
		if err != nil || len(families) == 0 {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					if !slices.Contains([]string{"kind", "result", "tier", "outcome", "source", "action", "what", "lane"}, l.GetName()) || strings.Contains(l.GetValue(), "_a") {
						t.Errorf("%s has the label %s=%s", f.GetName(), l.GetName(), l.GetValue())
					}
				}
			}
		}
	})
}
