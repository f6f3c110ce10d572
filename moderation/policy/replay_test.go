package policy

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// recorded returns an incident as it would have been decided by a policy.
func recorded(p *Policy, s Signal, r *Record, j *Judgement) Incident {
	s.At = noon
	if r == nil {
		r = &Record{}
	}
	return Incident{ID: "ev_1", World: "plaza", Policy: p.Spec.Name, At: noon, Signal: s, Record: *r, Decision: p.Decide(s, r, noon), Judgement: j}
}

func changed(t *testing.T, from, to string) *Policy {
	t.Helper()
	text := string(DefaultYAML())
	if !strings.Contains(text, from) {
		t.Fatalf("%q is not in the default policy", from)
	}
	p, err := Parse("new", []byte(strings.ReplaceAll(text, from, to)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReplay(t *testing.T) {
	old := Default()
	// The new one masks insults later, mutes for longer, and wants a person
	// for spam.
	next := changed(t, "tier0: { mask: 0.90, strike: 0.93 }", "tier0: { mask: 0.95, strike: 0.96 }")
	longer := changed(t, "{ at: 3.5, do: mute, for: 10m }", "{ at: 3.5, do: mute, for: 1h }")
	asking := changed(t, "tier0: { mask: 0.95, strike: 0.97 }", "tier0: { mask: 0.95, strike: 0.97, review: 0.5 }")
	insult := Signal{Kind: Chat, Source: Tier0, Scores: Scores{Toxicity: 0.94}}
	bad := &Record{Strikes: []Strike{{Weight: 3, At: noon}}}
	for _, tc := range []struct {
		name   string
		policy *Policy
		in     Incident
		change Change
		better int
	}{
		{"the same", old, recorded(old, insult, nil, nil), Same, 0},
		{"removed", next, recorded(old, insult, nil, nil), Removed, 0},
		{"removed what was wrong", next, recorded(old, insult, nil, &Judgement{Verdict: Wrong}), Removed, 1},
		{"removed what was too harsh", next, recorded(old, insult, nil, &Judgement{Verdict: TooHarsh}), Removed, 1},
		{"removed what was right", next, recorded(old, insult, nil, &Judgement{Verdict: Right}), Removed, -1},
		{"added", old, recorded(next, insult, nil, nil), Added, 0},
		{"added what was right to leave", old, recorded(next, insult, nil, &Judgement{Verdict: Right}), Added, -1},
		{"harsher", longer, recorded(old, insult, bad, &Judgement{Verdict: TooMild}), Harsher, 1},
		{"milder", old, recorded(longer, insult, bad, &Judgement{Verdict: TooMild}), Milder, -1},
		{"asked", asking, recorded(old, Signal{Scores: Scores{Spam: 0.6}}, nil, &Judgement{Verdict: Right}), Asked, 0},
		{"unasked", old, recorded(asking, Signal{Scores: Scores{Spam: 0.6}}, nil, nil), Unasked, 0},
		{"a person's decision", longer, recorded(old, Signal{Source: ByModerator, Scores: Scores{Toxicity: 1}}, bad, nil), Same, 0},
	} {
		// As it comes from a file.
		line, err := json.Marshal(tc.in)
		if err != nil {
			t.Fatal(err)
		}
		in, err := DecodeIncident(line)
		if err != nil {
			t.Fatal(err)
		}
		if got := tc.policy.Redecide(in); got.Change != tc.change || got.Better != tc.better {
			t.Errorf("%s: %s, better %d; want %s, %d\nwas %v\nnow %v", tc.name, got.Change, got.Better, tc.change, tc.better, in.Decision.Actions, got.Now.Actions)
		}
	}
}

func TestReplayCounts(t *testing.T) {
	old, next := Default(), changed(t, "tier0: { mask: 0.90, strike: 0.93 }", "tier0: { mask: 0.95, strike: 0.96 }")
	r := NewReplay(next, 2)
	for _, score := range []float64{0.1, 0.91, 0.94, 0.94, 0.955, 0.99} {
		r.Add(recorded(old, Signal{Kind: Chat, Scores: Scores{Toxicity: score}}, nil, &Judgement{Verdict: Wrong}))
	}
	// 0.955 is masked by both, but leaves a strike (and nudge) only with the old.
	if r.Incidents != 6 || r.Counts[Removed] != 3 || r.Counts[Milder] != 1 || r.Counts[Same] != 2 || r.Judged != 6 || r.Better != 4 || r.Worse != 0 {
		t.Errorf("%d incidents, %v, judged %d, better %d, worse %d", r.Incidents, r.Counts, r.Judged, r.Better, r.Worse)
	}
	if len(r.Kept[Removed]) != 2 || len(r.Kept[Same]) != 0 {
		t.Errorf("examples: %d removed, %d same; want 2 and 0", len(r.Kept[Removed]), len(r.Kept[Same]))
	}
	if s := r.Sorted(); len(s) != 1 || s[0] != (Shift{Mask, None}) || r.Shifts[s[0]] != 3 {
		t.Errorf("shifts %v", r.Shifts)
	}
}

// The format is kept by the journal for years: this line must stay readable.
func TestIncidentFormat(t *testing.T) {
	const line = `{"id":"ev_abc","world":"plaza","who":"pa_x","policy":"default","at":"2026-01-05T12:00:00Z",` +
		`"signal":{"kind":"chat","source":"tier1","scores":{"hate":0.9,"spam":null},"terms":["hate/severe"],"reporters":1.5,"unverified":true,"at":"2026-01-05T11:59:59Z"},` +
		`"record":{"strikes":[{"weight":1,"category":"hate","rule":"no-hate","at":"2026-01-01T12:00:00Z","incident":"ev_a"}],"in_force":[{"action":"mute","until":"2026-01-05T13:00:00Z"}],"age":"adult","language":"de"},` +
		`"decision":{"actions":[{"action":"mask"},{"action":"mute","for_s":600}],"proposed":[{"action":"kick"}],"strike":{"weight":2,"category":"hate","rule":"no-hate","at":"2026-01-05T12:00:00Z"},"rule":"no-hate","category":"hate","sum":3,"rung":4,"automatic":true,"review":true,"statement":{"language":"en","what":"w"}},` +
		`"judgement":{"verdict":"too_harsh","by":"pa_m","at":"2026-01-06T12:00:00Z","appeal":true,"actions":[{"action":"nudge"}]},"text":"…","of_a_later_version":1}`
	in, err := DecodeIncident([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := in.Decision.Has(Mute); !ok || a.For != 10*time.Minute || in.Judgement.Verdict != TooHarsh || in.Record.InForce[0].Action != Mute || in.Signal.Terms[0] != "hate/severe" {
		t.Errorf("read as %+v", in)
	}
	out, err := json.Marshal(in)
	if want := strings.Replace(line, `,"of_a_later_version":1`, "", 1); err != nil || string(out) != want {
		t.Errorf("written as\n%s (%v), want\n%s", out, err, want)
	}
	for _, bad := range []string{"", "x", "[]", `{"at":"yesterday"}`, strings.Repeat(" ", MaxIncident+1)} {
		if _, err := DecodeIncident([]byte(bad)); err == nil {
			t.Errorf("DecodeIncident(%.20q) succeeded", bad)
		}
	}
}
