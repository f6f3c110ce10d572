package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

const (
	ada  = earshot.ParticipantID("pa_ada")
	bob  = earshot.ParticipantID("pa_bob")
	cleo = earshot.ParticipantID("pa_cleo")
)

// kept opens a journal; again closes it and opens it anew where that makes
// sense.
type kept struct {
	*Journal
	t   *testing.T
	dir string // "" in memory
	cfg Config
}

func (k *kept) again() {
	k.t.Helper()
	if k.dir == "" {
		return
	}
	if err := k.Close(); err != nil {
		k.t.Fatal(err)
	}
	j, err := Open(k.dir, k.cfg)
	if err != nil {
		k.t.Fatal(err)
	}
	k.Journal = j
}

// both runs a test over a folder and over memory.
func both(t *testing.T, test func(t *testing.T, k *kept)) {
	cfg := Config{MaxFile: 4 << 10} // a few lines each
	t.Run("file", func(t *testing.T) {
		dir := t.TempDir()
		j, err := Open(dir, cfg)
		if err != nil {
			t.Fatal(err)
		}
		k := &kept{j, t, dir, cfg}
		defer func() { k.Close() }()
		test(t, k)
		if _, err := k.Verify(t.Context()); err != nil {
			t.Errorf("Verify = %v", err)
		}
	})
	t.Run("memory", func(t *testing.T) {
		j, err := NewMemory(cfg)
		if err != nil {
			t.Fatal(err)
		}
		test(t, &kept{j, t, "", cfg})
		if _, err := j.Verify(t.Context()); err != nil {
			t.Errorf("Verify = %v", err)
		}
	})
}

func incident(id string, who earshot.ParticipantID, at time.Time, acts ...policy.Act) *Incident {
	in := &Incident{Incident: policy.Incident{
		ID: id, World: "plaza", Who: who, At: at, Text: "secret words of " + string(who),
		Signal:   policy.Signal{Kind: policy.Chat, Source: policy.Tier0, Scores: policy.Scores{policy.Hate: 0.9}, At: at.Add(-time.Second)},
		Decision: policy.Decision{Actions: acts, Strike: &policy.Strike{Weight: 1, Rule: "hate", At: at}, Rule: "hate", Automatic: true, Review: true},
	}, Name: "Name of " + string(who)}
	if len(acts) > 0 {
		in.Order = &Order{ID: "or_" + id, Who: who, Acts: acts, At: at}
	}
	return in
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code earshot.Code) {
	t.Helper()
	if earshot.CodeOf(err) != code {
		t.Errorf("error = %v, want %s", err, code)
	}
}

func TestOrdersSurvive(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		ctx := t.Context()
		mute := policy.Act{Action: policy.Mute, For: time.Hour}
		must(t, k.Decide(ctx, incident("ic_1", ada, start, mute)))
		must(t, k.Decide(ctx, incident("ic_2", bob, start.Add(time.Second), mute)))
		wantCode(t, k.Decide(ctx, incident("ic_1", ada, start)), earshot.CodeAlreadyExists)
		again := incident("ic_3", ada, start, mute)
		again.Order.ID = "or_ic_1"
		wantCode(t, k.Decide(ctx, again), earshot.CodeAlreadyExists)
		k.again()
		open, _ := k.OpenOrders(ctx)
		if len(open) != 2 || open[0].ID != "or_ic_1" || open[0].Who != ada || open[0].Incident != "ic_1" || open[0].World != "plaza" || open[1].Who != bob {
			t.Fatalf("OpenOrders = %+v, want those of ada and bob", open)
		}
		must(t, k.Applied(ctx, Applied{Order: "or_ic_1", At: start.Add(2 * time.Second)}))
		must(t, k.Applied(ctx, Applied{Order: "or_ic_1", At: start.Add(3 * time.Second)})) // nothing to do
		wantCode(t, k.Applied(ctx, Applied{Order: "or_x", At: start}), earshot.CodeNotFound)
		k.again()
		if open, _ = k.OpenOrders(ctx); len(open) != 1 || open[0].ID != "or_ic_2" {
			t.Fatalf("OpenOrders = %+v, want that of bob", open)
		}
		item, err := k.Item(ctx, "ic_1")
		must(t, err)
		if len(item.Applied) != 1 || !item.Applied[0].At.Equal(start.Add(2*time.Second)) {
			t.Errorf("Applied = %+v, want once", item.Applied)
		}
		must(t, k.Order(ctx, &Order{Who: ada, World: "plaza", Lift: true, At: start}))
		if open, _ = k.OpenOrders(ctx); len(open) != 2 || open[1].Who != ada || open[1].ID == "" {
			t.Fatalf("OpenOrders = %+v, want a lifting one for ada", open)
		}
	})
}

func TestRecordAndLadder(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		ctx := t.Context()
		check := func(who earshot.ParticipantID, now time.Time, strikes, force int) {
			t.Helper()
			for range 2 {
				r, _ := k.Record(ctx, "plaza", who, now)
				if len(r.Strikes) != strikes || len(r.InForce) != force {
					t.Errorf("Record(%s) = %d strikes, %d in force, want %d, %d: %+v", who, len(r.Strikes), len(r.InForce), strikes, force, r)
				}
				k.again()
			}
		}
		mute := policy.Act{Action: policy.Mute, For: time.Hour}
		must(t, k.Decide(ctx, incident("ic_1", ada, start, mute)))
		must(t, k.Decide(ctx, incident("ic_2", ada, start.Add(time.Minute), policy.Act{Action: policy.Suspend})))
		check(ada, start.Add(2*time.Minute), 2, 2)
		check(ada, start.Add(2*time.Hour), 2, 1)
		if r, _ := k.Record(ctx, "other", ada, start); len(r.Strikes) != 0 {
			t.Errorf("Record in another world = %+v, want nothing", r)
		}
		all, _ := k.Standings(ctx, start.Add(2*time.Minute))
		if len(all) != 1 || all[0].Who != ada || len(all[0].Record.InForce) != 2 {
			t.Errorf("Standings = %+v, want ada", all)
		}
		must(t, k.Revise(ctx, &Revision{Incident: "ic_1", At: start.Add(time.Minute), Decision: policy.Decision{Review: true}}))
		check(ada, start.Add(2*time.Minute), 1, 1)
		must(t, k.Judge(ctx, &Judgement{Incident: "ic_2", Judgement: policy.Judgement{
			Verdict: policy.TooHarsh, By: "mo_1", At: start.Add(3 * time.Minute), Actions: []policy.Act{mute}}}))
		check(ada, start.Add(4*time.Minute), 1, 1)
		if r, _ := k.Record(ctx, "plaza", ada, start.Add(4*time.Minute)); r.InForce[0].Action != policy.Mute {
			t.Errorf("in force = %+v, want a mute", r.InForce)
		}
		wantCode(t, k.Revise(ctx, &Revision{Incident: "ic_2", At: start}), earshot.CodeFailedPrecondition)
		must(t, k.Undo(ctx, &Undo{Incident: "ic_2", By: "mo_1", At: start.Add(5 * time.Minute), Order: &Order{Who: ada, Lift: true, At: start}}))
		wantCode(t, k.Undo(ctx, &Undo{Incident: "ic_2", By: "mo_1", At: start}), earshot.CodeFailedPrecondition)
		check(ada, start.Add(6*time.Minute), 0, 0)
	})
}

func TestQueueAppealFigures(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		ctx := t.Context()
		mute := policy.Act{Action: policy.Mute, For: time.Hour}
		must(t, k.Decide(ctx, incident("ic_mild", ada, start)))
		must(t, k.Decide(ctx, incident("ic_hard", ada, start.Add(time.Minute), mute)))
		must(t, k.Applied(ctx, Applied{Order: "or_ic_hard", At: start.Add(time.Minute + time.Second)}))
		must(t, k.Report(ctx, &Report{ID: "re_1", About: ada, By: bob, Incident: "ic_hard", Text: "he said it", At: start.Add(2 * time.Minute)}))
		wantCode(t, k.Report(ctx, &Report{ID: "re_1", About: ada, By: bob, At: start}), earshot.CodeAlreadyExists)
		wantCode(t, k.Report(ctx, &Report{About: ada, By: bob, Incident: "ic_none", At: start}), earshot.CodeNotFound)
		k.again()
		items, total, err := k.Queue(ctx, "plaza", 1)
		must(t, err)
		if total != 2 || len(items) != 1 || items[0].ID != "ic_hard" || items[0].Text != "" {
			t.Fatalf("Queue = %d items of %d, want ic_hard without its text: %+v", len(items), total, items)
		}
		judge := func(id, by string, v policy.Verdict, appeal bool) error {
			return k.Judge(ctx, &Judgement{Incident: id, Note: "a note", Judgement: policy.Judgement{Verdict: v, By: by, Appeal: appeal, At: start.Add(time.Hour)}})
		}
		must(t, judge("ic_hard", "mo_1", policy.Right, false))
		must(t, judge("ic_mild", "mo_1", policy.Wrong, false))
		wantCode(t, judge("ic_hard", "mo_1", policy.Right, true), earshot.CodeFailedPrecondition)
		wantCode(t, judge("ic_hard", "mo_1", "maybe", true), earshot.CodeInvalidArgument)
		if r, _ := k.Reporter(ctx, bob); r != (Reporter{Reports: 1, Confirmed: 1}) {
			t.Errorf("Reporter(bob) = %+v", r)
		}
		wantCode(t, k.Appeal(ctx, Appeal{Incident: "ic_hard", Who: bob, At: start}), earshot.CodePermissionDenied)
		must(t, k.Appeal(ctx, Appeal{Incident: "ic_hard", Who: ada, Text: "it was a quote", At: start.Add(2 * time.Hour)}))
		wantCode(t, k.Appeal(ctx, Appeal{Incident: "ic_hard", Who: ada, At: start}), earshot.CodeAlreadyExists)
		if _, total, _ := k.Queue(ctx, "", 9); total != 1 {
			t.Errorf("Queue with an open appeal = %d, want 1", total)
		}
		wantCode(t, judge("ic_hard", "mo_1", policy.Right, true), earshot.CodePermissionDenied)
		must(t, judge("ic_hard", "mo_2", policy.Wrong, true))
		k.again()
		f, _ := k.Figures(ctx, "plaza", time.Time{})
		want := Figures{Incidents: 2, Acted: 1, Automatic: 1, Judged: 2, Precision: 0, ActionP50: 2 * time.Second, ActionP95: 2 * time.Second,
			JudgedP50: 59 * time.Minute, JudgedP95: time.Hour, Appeals: 1, Decided: 1, Overturned: 1, OverturnRate: 1}
		if f != want {
			t.Errorf("Figures =\n%+v, want\n%+v", f, want)
		}
		item, err := k.Read(ctx, Access{Incident: "ic_hard", By: "mo_2", Purpose: "appeal", At: start.Add(3 * time.Hour)})
		must(t, err)
		if item.Text != "secret words of pa_ada" || item.Name != "Name of pa_ada" || item.Appeal.Text != "it was a quote" || item.Reports[0].Text != "he said it" ||
			item.Reports[0].By != bob || len(item.Judgements) != 2 || item.Judgements[0].Note != "a note" || item.Judgement.Verdict != policy.Wrong || len(item.Accesses) != 1 {
			t.Errorf("Read = %+v", item)
		}
		if r, _ := k.Recent(ctx, "plaza", 1); len(r) != 1 || r[0].ID != "ic_hard" {
			t.Errorf("Recent = %+v, want the newest", r)
		}
		if h, _ := k.History(ctx, ada, 9); len(h) != 2 || h[0].ID != "ic_hard" {
			t.Errorf("History = %+v, want two, newest first", h)
		}
		if r, _ := k.Reports(ctx, ada, 9); len(r) != 1 || r[0].ID != "re_1" || r[0].Text != "" {
			t.Errorf("Reports = %+v", r)
		}
	})
}

func TestEvidence(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		in := incident("ic_1", ada, start)
		in.Evidence = []string{"ed_1"}
		must(t, k.Decide(t.Context(), in))
		must(t, k.Revise(t.Context(), &Revision{Incident: "ic_1", At: start, Evidence: []string{"ed_2"}}))
		k.again()
		if !k.HasEvidence("ed_1") || !k.HasEvidence("ed_2") || k.HasEvidence("ed_3") {
			t.Error("HasEvidence is wrong")
		}
		item, err := k.Item(t.Context(), "ic_1")
		must(t, err)
		if !slices.Equal(item.Evidence, []string{"ed_1", "ed_2"}) {
			t.Errorf("Evidence = %v", item.Evidence)
		}
		_, err = k.Sweep(t.Context(), start.Add(400*day))
		must(t, err)
		if k.again(); k.HasEvidence("ed_1") {
			t.Error("HasEvidence of a forgotten incident")
		}
	})
}

func TestReplayableIncidents(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		for i := range 5 {
			must(t, k.Decide(t.Context(), incident(fmt.Sprint("ic_", i), ada, start.Add(time.Duration(i)*time.Minute))))
		}
		must(t, k.Judge(t.Context(), &Judgement{Incident: "ic_3", Judgement: policy.Judgement{Verdict: policy.TooMild, By: "mo", At: start}}))
		for _, words := range []bool{false, true} {
			var got []policy.Incident
			must(t, k.Incidents(t.Context(), start.Add(2*time.Minute), words, func(in policy.Incident) error {
				line, err := json.Marshal(in)
				must(t, err)
				in, err = policy.DecodeIncident(line)
				got = append(got, in)
				return err
			}))
			if len(got) != 3 || got[0].ID != "ic_2" || got[1].Judgement == nil || got[1].Judgement.Verdict != policy.TooMild {
				t.Fatalf("Incidents = %+v", got)
			}
			if (got[0].Text != "") != words || (got[0].Who == ada) != words {
				t.Errorf("Incidents(words %v) = %q by %s", words, got[0].Text, got[0].Who)
			}
		}
	})
}

// Nothing that anybody said or is called is in the files in the clear, and
// after erasure nothing opens it.
func TestErasure(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		ctx := t.Context()
		one := incident("ic_1", ada, start, policy.Act{Action: policy.Mute, For: time.Hour})
		one.Context = []Line{{Who: bob, Name: "Bobby", Text: "secret answer", At: start}, {Who: ada, Text: "secret before", At: start.Add(-time.Second)}}
		must(t, k.Decide(ctx, one))
		other := incident("ic_2", bob, start)
		other.Context = []Line{{Who: ada, Text: "secret of ada", At: start}, {Who: cleo, Text: "secret of cleo", At: start}}
		must(t, k.Decide(ctx, other))
		must(t, k.Report(ctx, &Report{About: ada, By: cleo, Text: "secret report", At: start}))
		must(t, k.Applied(ctx, Applied{Order: "or_ic_1", At: start}))
		before := k.export(t, ada)
		for _, want := range []string{"secret words of pa_ada", "secret before", "secret of ada", "Name of pa_ada"} {
			if !strings.Contains(before, want) {
				t.Errorf("Export(ada) lacks %q:\n%s", want, before)
			}
		}
		for _, not := range []string{"secret answer", "Bobby", "secret of cleo", "pa_cleo", "secret report"} {
			if strings.Contains(before, not) {
				t.Errorf("Export(ada) has %q of another", not)
			}
		}
		k.inFiles(t, "secret", false)
		k.inFiles(t, "Bobby", false)
		if n, err := k.Erase(ctx, ada, "mo_1", start.Add(time.Minute)); err != nil || n != 5 {
			t.Errorf("Erase = %d, %v, want 5 parts", n, err) // her words, two contexts about her, one of hers elsewhere, the report
		}
		k.again()
		item, err := k.Read(ctx, Access{Incident: "ic_1", By: "mo_1", At: start})
		must(t, err)
		if item.Text != "" || item.Name != "" || len(item.Context) != 0 || !item.Shredded || item.Who != ada {
			t.Errorf("Read after Erase = %+v: want nothing said, but who it is while a mute is in force", item)
		}
		if item, _ = k.Read(ctx, Access{Incident: "ic_2", By: "mo_1", At: start}); item.Text == "" || len(item.Context) != 1 || item.Context[0].Text != "secret of cleo" {
			t.Errorf("Read of bob's = %+v, want all but ada's line", item)
		}
		r, _ := k.Record(ctx, "plaza", ada, start.Add(2*time.Minute))
		if len(r.Strikes) != 0 || len(r.InForce) != 1 {
			t.Errorf("Record after Erase = %+v, want the mute alone", r)
		}
		if k.dir != "" {
			k.inFiles(t, string(ada), true)
		}
		if _, err := k.Sweep(ctx, start.Add(2*time.Hour)); err != nil { // the mute has ended
			t.Fatal(err)
		}
		k.inFiles(t, string(ada), false)
		k.again()
		item, _ = k.Item(ctx, "ic_1")
		if !strings.HasPrefix(string(item.Who), aliasPrefix) {
			t.Errorf("Who = %s, want an alias", item.Who)
		}
		if after := k.export(t, ada); strings.Contains(after, "ic_1") {
			t.Errorf("Export after all is over = %s", after)
		}
		must(t, k.Decide(ctx, incident("ic_9", ada, start.Add(3*time.Hour)))) // she comes back
		if h, _ := k.History(ctx, ada, 9); len(h) != 1 {
			t.Errorf("History of who came back = %d, want 1", len(h))
		}
		wantCode(t, k.Decide(ctx, incident("ic_10", item.Who, start)), earshot.CodeInvalidArgument)
	})
}

func (k *kept) export(t *testing.T, who earshot.ParticipantID) string {
	t.Helper()
	var b bytes.Buffer
	must(t, k.Export(t.Context(), &b, who, "mo_1", start))
	if !json.Valid(b.Bytes()) {
		t.Fatalf("Export is no JSON: %s", b.String())
	}
	return b.String()
}

// inFiles says whether some text is in any file.
func (k *kept) inFiles(t *testing.T, text string, want bool) {
	t.Helper()
	if k.dir == "" {
		return
	}
	names, err := filepath.Glob(filepath.Join(k.dir, "*"))
	must(t, err)
	found := ""
	for _, name := range names {
		data, err := os.ReadFile(name)
		must(t, err)
		if bytes.Contains(data, []byte(text)) {
			found = name
		}
		if info, _ := os.Stat(name); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", name, info.Mode())
		}
	}
	if (found != "") != want {
		t.Errorf("%q in the files: %q, want %v", text, found, want)
	}
}

func TestRetention(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		ctx := t.Context()
		must(t, k.Decide(ctx, incident("ic_1", ada, start)))
		must(t, k.Decide(ctx, incident("ic_2", bob, start)))
		must(t, k.Appeal(ctx, Appeal{Incident: "ic_2", Who: bob, Text: "no", At: start.Add(10 * day)}))
		sweep := func(at time.Duration, want int) {
			t.Helper()
			k.again()
			if n, err := k.Sweep(ctx, start.Add(at)); err != nil || n != want {
				t.Errorf("Sweep at %v = %d, %v, want %d", at, n, err, want)
			}
			k.again()
		}
		words := func(id string) bool {
			item, err := k.Read(ctx, Access{Incident: id, By: "mo", At: start})
			must(t, err)
			return item.Text != ""
		}
		sweep(30*day-time.Second, 0)
		sweep(30*day, 1)
		if words("ic_1") || !words("ic_2") {
			t.Errorf("after 30 days: ic_1 %v, ic_2 %v, want only the appealed one", words("ic_1"), words("ic_2"))
		}
		sweep(190*day-time.Second, 0)
		sweep(190*day, 2)
		if words("ic_2") {
			t.Error("ic_2 can be read after 180 days since its appeal")
		}
		k.inFiles(t, string(ada), true)
		sweep(376*day, 0) // nobody is known any more
		k.inFiles(t, string(ada), false)
		k.inFiles(t, string(bob), false)
		if _, err := k.Item(ctx, "ic_1"); earshot.CodeOf(err) != earshot.CodeNotFound {
			t.Errorf("Item after a year = %v, want not_found", err)
		}
	})
}
