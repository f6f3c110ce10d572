package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot/moderation/policy"
)

func TestPolicyHelp(t *testing.T) {
	for _, args := range []string{"policy -help", "policy help", "help policy", "policy test -help", "policy replay -help"} {
		if out, log, code := earshotCommand(t, nil, strings.Fields(args)...); code != 0 || log != "" || !strings.Contains(out, "Examples\n") {
			t.Errorf("earshot %s: exit %d, %q, %q; want examples", args, code, out, log)
		}
	}
}

// What policy default prints passes policy test.
func TestPolicyTest(t *testing.T) {
	for _, which := range [][]string{{"policy", "default"}, {"policy", "default", "-minors"}} {
		text, _, code := earshotCommand(t, nil, which...)
		file := writeFile(t, text)
		if code != 0 {
			t.Fatalf("earshot %v: exit %d", which, code)
		}
		out, log, code := earshotCommand(t, nil, "policy", "test", file)
		if code != 0 || log != "" || !strings.Contains(out, " 0 failed\n") || !strings.Contains(out, "ok    a friendly line passes") || strings.Contains(out, "because") {
			t.Errorf("earshot policy test: exit %d, %q, %q", code, out, log)
		}
		for _, args := range [][]string{{"-trace", file}, {file, "-trace"}} {
			if out, _, code := earshotCommand(t, nil, append([]string{"policy", "test"}, args...)...); code != 0 || !strings.Contains(out, "because toxicity scores 0.") {
				t.Errorf("earshot policy test %v: exit %d, %q; want reasons", args, code, out)
			}
		}
	}
}

func TestPolicyTestFails(t *testing.T) {
	text := strings.Replace(string(policy.DefaultYAML()), "expect: { actions: [mask, mute 10m], review: false }", "expect: { actions: [kick], strike: 5 }", 1)
	out, log, code := earshotCommand(t, nil, "policy", "test", writeFile(t, text))
	for _, want := range []string{"FAIL  the fourth insult", "actions: want [kick], got [mask mute 10m]", "strike: want 5, got 1", "1 failed"} {
		if !strings.Contains(out, want) {
			t.Errorf("out %q, want %q", out, want)
		}
	}
	if code != exitFailed || !strings.Contains(log, "cases failed") {
		t.Errorf("exit %d, %q; want 1", code, log)
	}
	// Nothing in a file can write to the terminal but its letters.
	text = strings.Replace(string(policy.DefaultYAML()), "name: a friendly line passes", `name: "new\nline"`, 1)
	if out, _, _ := earshotCommand(t, nil, "policy", "test", writeFile(t, text)); !strings.Contains(out, `new\nline`) {
		t.Errorf("out %q", out)
	}
}

func TestPolicyRefused(t *testing.T) {
	text := string(policy.DefaultYAML())
	text = strings.Replace(text, "do: kick, by: person", "do: kick", 1)
	text = strings.Replace(text, "wait: 50ms", "wait: 1s", 1)
	file := writeFile(t, text)
	_, log, code := earshotCommand(t, nil, "policy", "test", file)
	for _, want := range []string{file + ":", ": hold.wait: ", ": ladder[6].do: would kick without a person", "problems: 2"} {
		if !strings.Contains(log, want) {
			t.Errorf("log %q, want %q", log, want)
		}
	}
	if code != exitUsage {
		t.Errorf("exit %d, want 2", code)
	}
	for args, says := range map[string]string{
		"": "test, replay or default", "check x": `no "check"`, "test": "which policy file", "test /nowhere": "no such file",
		"test " + file + " also": `"also" is not a flag`, "replay " + file: "-incidents", "replay -incidents x": "which policy file",
		"test -strict " + file: "not defined", "default now": `"now" is not a flag`, "replay " + file + " -incidents /nowhere": "refused",
	} {
		if _, log, code := earshotCommand(t, nil, append([]string{"policy"}, strings.Fields(args)...)...); code != exitUsage || !strings.Contains(log, says) {
			t.Errorf("earshot policy %s: exit %d, %q; want exit 2 with %q", args, code, log, says)
		}
	}
}

// incidentLines are what a journal exports: one insult that a moderator called
// wrong, one that they called right, and a mute.
func incidentLines(t *testing.T) string {
	t.Helper()
	at := time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)
	old := policy.Default()
	var lines strings.Builder
	for i, in := range []policy.Incident{
		{ID: "ev_1", Signal: policy.Signal{Scores: policy.Scores{policy.Toxicity: 0.91}}, Judgement: &policy.Judgement{Verdict: policy.Wrong}},
		{ID: "ev_2", Signal: policy.Signal{Scores: policy.Scores{policy.Toxicity: 0.92}}, Judgement: &policy.Judgement{Verdict: policy.Right}},
		{ID: "ev_3", Signal: policy.Signal{Scores: policy.Scores{policy.Toxicity: 0.99}}, Record: policy.Record{Strikes: []policy.Strike{{Weight: 3, At: at}}}},
		{ID: "ev_4", World: "hall", Signal: policy.Signal{Scores: policy.Scores{policy.Toxicity: 0.1}}},
	} {
		in.At, in.Who, in.Text = at, "pa_somebody", "you \x1b[31mfool"
		in.Signal.Kind, in.Signal.Source = policy.Chat, policy.Tier0
		in.Decision = old.Decide(in.Signal, &in.Record, at)
		if i == 0 {
			in.World = "plaza"
		}
		line, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(line)
		lines.WriteString("\n\n")
	}
	return lines.String()
}

func TestPolicyReplay(t *testing.T) {
	text := strings.Replace(string(policy.DefaultYAML()), "tier0: { mask: 0.90, strike: 0.93 }", "tier0: { mask: 0.95, strike: 0.96 }", 1)
	text = strings.Replace(text, "{ at: 3.5, do: mute, for: 10m }", "{ at: 3.5, do: mute, for: 2h }", 1)
	text = text[:strings.Index(text, "\ncases:")] + "\n"
	file, incidents := writeFile(t, text), writeFile(t, incidentLines(t))

	out, log, code := earshotCommand(t, nil, "policy", "replay", file, "-incidents", incidents)
	for _, want := range []string{
		"on 4 incidents: 3 would be decided differently", "2  removed", "1  harsher", "1  same", "0  added", "judged 2 of them: 1 would be nearer to what they said, 1 farther",
		"2 times none instead of mask", "a moderator said: wrong", "was: mask, mute 10m;", "now: mask, mute 2h;",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("out\n%s\nwant %q", out, want)
		}
	}
	if code != 0 || log != "" || strings.Contains(out, "fool") || strings.Contains(out, "pa_somebody") {
		t.Errorf("exit %d, %q, %q; want nobody's name or words", code, log, out)
	}
	out, _, _ = earshotCommand(t, nil, "policy", "replay", "-incidents", incidents, "-text", "-world", "plaza", "-examples", "1", file)
	if !strings.Contains(out, `pa_somebody: "you \x1b[31mfool"`) || !strings.Contains(out, "on 1 incidents") {
		t.Errorf("with -text: %q", out)
	}
	folder := filepath.Dir(incidents)
	if _, log, code := earshotCommand(t, nil, "policy", "replay", file, "-incidents", folder); code != exitUsage || !strings.Contains(log, "no *.jsonl") {
		t.Errorf("a folder of nothing: exit %d, %q", code, log)
	}
	if err := os.WriteFile(filepath.Join(folder, "a.jsonl"), []byte(incidentLines(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, code := earshotCommand(t, nil, "policy", "replay", file, "-incidents", folder); code != 0 || !strings.Contains(out, "on 4 incidents") {
		t.Errorf("a folder: exit %d, %q", code, out)
	}
	for _, bad := range []string{"{}\n{\n", "{}\n" + strings.Repeat("x", policy.MaxIncident+1)} {
		if _, log, code := earshotCommand(t, nil, "policy", "replay", file, "-incidents", writeFile(t, bad)); code != exitUsage || !strings.Contains(log, ":2: ") {
			t.Errorf("exit %d, %q; want the line", code, log)
		}
	}
}
