package main

import (
	"os"
	"strings"
	"testing"
)

// What cannot be is said before any server is started.
func TestPeersCommandLine(t *testing.T) {
	plain := writeFile(t, "# No marks\n")
	for args, says := range map[string]string{
		"-cells smell:1x1":                        "audio:10x50",
		"-rounds 0":                               "0 rounds",
		"-seconds 0":                              "1 s to 10 min",
		"-video-fps 500":                          "500 frames",
		"-earshot off -livekit off -janus off":    "no server",
		"-livekit off -janus off -write " + plain: "there is no line",
		"-livekit off -janus off -write /nonexistent/performance.md": "no such file",
		"-rounds 1 now": `"now" is not a flag`,
	} {
		_, log, code := earshotCommand(t, nil, append([]string{"loadtest", "peers"}, strings.Fields(args)...)...)
		if code != exitUsage || !strings.Contains(log, says) {
			t.Errorf("loadtest peers %s: exit %d, %q; want exit 2 with %q", args, code, log, says)
		}
	}
	_, log, _ := earshotCommand(t, nil, "loadtest", "peers", "-livekit", "/nonexistent/livekit", "-janus", "off", "-rounds", "0")
	if !strings.Contains(log, "LIVEKIT IS NOT MEASURED") {
		t.Errorf("a server that is missing: %q, want that said loudly", log)
	}
	if text, err := os.ReadFile("../../docs/performance.md"); err != nil || strings.Count(string(text), "peers: written by earshot loadtest peers") != 1 {
		t.Errorf("docs/performance.md: %v; it needs the marks that make bench-peers writes between", err)
	}
}

// A table is published: it says nothing of the machine's folders.
func TestPeersCommandNamesNoFolders(t *testing.T) {
	got := typed("peers", []string{"-livekit", "/somewhere/livekit-server", "-out=/elsewhere/x", "-write", "docs/performance.md", "-cells", "audio:10x50"})
	want := "earshot loadtest peers -livekit livekit-server -out=x -write docs/performance.md -cells audio:10x50"
	if got != want {
		t.Errorf("typed = %q, want %q", got, want)
	}
}
