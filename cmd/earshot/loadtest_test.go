package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadtestTeaches(t *testing.T) {
	for args, want := range map[string][]string{
		"loadtest -h":          {"Examples\n", "-scenario", "-slo", "Exit codes"},
		"help loadtest":        {"Examples\n"},
		"loadtest capacity -h": {"Examples\n", "-factor"},
		"loadtest compare -h":  {"Examples\n", "noise"},
		"loadtest relay -h":    {"Examples\n", "-network"},
		"loadtest report -h":   {"Examples\n", "-out"},
		"loadtest -list":       {"smoke: ", "plaza: ", "npc-tavern: ", "people"},
		"loadtest -metrics":    {"voice.audible_share (share)", "voice.latency_ms (ms) .p50"},
		"loadtest -show":       {"name: smoke", "slo:"},
	} {
		out, log, code := earshotCommand(t, nil, strings.Fields(args)...)
		for _, w := range want {
			if code != 0 || log != "" || !strings.Contains(out, w) {
				t.Errorf("earshot %s: exit %d, %q, %q; want %q", args, code, out, log, w)
			}
		}
	}
}

func TestLoadtestRefuses(t *testing.T) {
	bad := writeFile(t, "voice.latency <= 3\n")
	for args, says := range map[string]string{
		"loadtest -scenario plazza":             `did you mean`,
		"loadtest -scenario ./none.yaml":        "no such file",
		"loadtest -set cuont=3":                 "-set",
		"loadtest -set count":                   "KEY=VALUE",
		"loadtest -slo " + bad:                  "voice.latency",
		"loadtest -url localhost:8080":          "http://localhost:8080",
		"loadtest now":                          `"now" is not a flag`,
		"loadtest compare a.json":               "A.json B.json",
		"loadtest report":                       "result.json",
		"loadtest relay -network moon":          "wifi",
		"loadtest capacity -from 5 -to 2":       "-from 5 -to 2",
		"loadtest -key-id main":                 "",
		"loadtest -config /nowhere/there.yaml ": "",
	} {
		_, log, code := earshotCommand(t, nil, strings.Fields(args)...)
		if code != exitUsage || !strings.Contains(log, says) {
			t.Errorf("earshot %s: exit %d, %q; want exit 2 with %q", args, code, log, says)
		}
	}
}

// A server that is not there is a failure, with what to do about it.
func TestLoadtestWithoutAServer(t *testing.T) {
	_, log, code := earshotCommand(t, nil, "loadtest", "-url", "http://127.0.0.1:9", "-out", "-", "-quiet")
	if code != exitFailed || !strings.Contains(log, "earshot serve") {
		t.Errorf("exit %d, %q; want exit 1 and how to start a server", code, log)
	}
}

// A result is made a page of again and held to other rules.
func TestLoadtestReport(t *testing.T) {
	dir := t.TempDir()
	result := filepath.Join(dir, "result.json")
	const text = `{"format":"earshot-loadtest-result","version":1,"scenario":"smoke","seed":1,"started":"2026-01-02T03:04:05Z",
"seconds":10,"participants":6,"target":{"kind":"earshot"},"machine":{},"metrics":{"voice.latency_ms.p99":80},
"timeline":{"start":"2026-01-02T03:04:05Z","step_seconds":1},"generator":{"cpu_share":0.1,"cores_used":0.1,"sched_p50_ms":0,"sched_p99_ms":0,"limited":false,"bytes_per_bot":0,"cpu_per_bot_percent":0}}`
	if err := os.WriteFile(result, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(dir, "page.html")
	for rule, want := range map[string]int{"voice.latency_ms.p99 <= 100": 0, "voice.latency_ms.p99 <= 50": exitRules} {
		out, log, code := earshotCommand(t, nil, "loadtest", "report", "-slo", writeFile(t, rule+"\n"), "-out", page, result)
		if code != want || !strings.Contains(out, page) {
			t.Errorf("%s: exit %d, %q, %q; want %d", rule, code, out, log, want)
		}
	}
	if data, err := os.ReadFile(page); err != nil || !strings.Contains(string(data), "</html>") {
		t.Errorf("the page: %d bytes, %v", len(data), err)
	}
}
