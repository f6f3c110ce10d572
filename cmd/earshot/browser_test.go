package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"earshot/loadtest"
)

const webTest = "../../gateway/web/test"

// TestE2EVoice is the browser test: three Chromium pages with recorded speech
// against the real binary. What it measures is in voice.mjs.
//
// It takes a minute and needs Chromium, Node and the node modules, so it runs
// only with EARSHOT_E2E=1, which make test and make e2e set; then a missing
// tool is a failure.
func TestE2EVoice(t *testing.T) { runBrowserTest(t, "e2e/voice.mjs", alone) }

// TestE2ESession is the life of a session in a browser: refused, muted,
// interrupted and resumed, lost, ended by closing the page.
func TestE2ESession(t *testing.T) { runBrowserTest(t, "e2e/session.mjs", aloneUDP) }

// TestE2EQueue is a page that waits for a full world, and comes in by itself.
func TestE2EQueue(t *testing.T) {
	runBrowserTest(t, "e2e/queue.mjs", "worlds: {plaza: {title: Plaza, capacity: 2}}\n")
}

// TestE2EVideo is a shared screen and a camera in two browsers, down to the
// colour of the pixels: seen, repaired after loss, blocked, stopped.
func TestE2EVideo(t *testing.T) { runBrowserTest(t, "e2e/video.mjs", aloneUDP) }

// TestE2ESimulcast is a camera in three sizes, as simulcast in VP8 and H.264, as
// spatial layers in VP9 and AV1, seen in pictures of changing size and over a
// downlink that changes.
func TestE2ESimulcast(t *testing.T) {
	for _, codec := range []string{"vp8", "h264", "vp9", "av1"} {
		t.Run(codec, func(t *testing.T) { runBrowserTest(t, "e2e/simulcast.mjs", aloneUDP, "EARSHOT_CODEC="+codec) })
	}
}

// TestE2EEncryption is voices and videos that are encrypted end to end: heard
// with the key, silent with another one or none.
func TestE2EEncryption(t *testing.T) {
	for _, codec := range []string{"vp8", "h264"} {
		t.Run(codec, func(t *testing.T) { runBrowserTest(t, "e2e/e2ee.mjs", alone, "EARSHOT_CODEC="+codec) })
	}
}

// TestE2EBinaural is one stereo stream of all that a listener hears, mixed by the
// server.
func TestE2EBinaural(t *testing.T) { runBrowserTest(t, "e2e/binaural.mjs", alone) }

// TestE2EFriends is two who become friends, and a place of their own to which a
// third has an invitation. EARSHOT_SHOTS is a folder for pictures of it.
func TestE2EFriends(t *testing.T) { runBrowserTest(t, "e2e/friends.mjs", alone) }

// TestE2EModeration is an insult in a browser: masked for others, told to its
// author, and in the end a mute that holds after coming back.
func TestE2EModeration(t *testing.T) { runBrowserTest(t, "e2e/moderation.mjs", alone) }

// TestE2EConsole is a moderator at work in a browser, while it happens.
func TestE2EConsole(t *testing.T) {
	var clips atomic.Int32
	ears := http.NewServeMux()
	ears.HandleFunc("POST /v1/audio/transcriptions", func(w http.ResponseWriter, _ *http.Request) {
		text := "Shall we go down to the lake?"
		if clips.Add(1) == 2 {
			text = "You worthless idiot, you piece of shit."
		}
		_, _ = fmt.Fprintf(w, `{"text":%q}`, text)
	})
	server := httptest.NewServer(ears)
	t.Cleanup(server.Close)
	runBrowserTest(t, "e2e/console.mjs", fmt.Sprintf(`worlds: {plaza: {title: Plaza}}
moderation: {worlds: {plaza: {voice: true}}}
inference:
  discover: ""
  backends:
  - {id: ears, api: openai, url: %s, slots: 2, models: [{name: ears, capabilities: [transcription]}]}
`, server.URL))
}

// alone is a plaza without NPCs, who would be counted and talk in between.
const alone = "worlds: {plaza: {title: Plaza}}\n"

// loopback is the address of media that everything but libnice is content with.
const loopback = "127.0.0.1"

// aloneUDP is alone without media over TCP: Chromium pretends to lose packets on
// UDP only, and would go over to where none are lost.
const aloneUDP = alone + "media: {tcp: false}\n"

// runBrowserTest runs a script against a server with a configuration file.
func runBrowserTest(t *testing.T, script, config string, env ...string) {
	runBrowserTestOn(t, loopback, script, config, env...)
}

// runBrowserTestOn is runBrowserTest with media on another address.
func runBrowserTestOn(t *testing.T, media, script, config string, env ...string) {
	needE2E(t)
	page, admin := startServerOn(t, media, config)
	runNode(t, script, append([]string{"EARSHOT_URL=" + page, "EARSHOT_ADMIN=" + admin}, env...)...)
}

// needE2E skips a test that takes long and needs much, unless it is asked for.
func needE2E(t *testing.T) {
	t.Helper()
	if os.Getenv("EARSHOT_E2E") != "1" {
		t.Skip("=== THE BROWSER TEST DID NOT RUN: set EARSHOT_E2E=1, or make e2e ===")
	}
}

// runNode runs a script of webTest, which finds Chromium by EARSHOT_CHROMIUM.
func runNode(t *testing.T, script string, env ...string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is missing: run make tools")
	}
	if _, err := os.Stat(filepath.Join(webTest, "node_modules/playwright-core")); err != nil {
		t.Fatalf("%v: run make tools", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, script)
	cmd.Dir = webTest
	cmd.Env = append(append(os.Environ(), "EARSHOT_CHROMIUM="+browser(t)), env...)
	endGently(cmd)
	out, err := cmd.CombinedOutput()
	t.Logf("%s:\n%s", script, out)
	if err != nil && !crashedAtTheEnd(t, script, out, err) {
		t.Errorf("node %s: %v", script, err)
	}
}

// native is LiveKit's SDK for Node, of which most is a library in Rust and C++.
const native = "@livekit/rtc-node"

// allPassed is the last of what node:test prints where nothing failed.
var allPassed = regexp.MustCompile(`(?s)\n# pass [1-9]\d*\n# fail 0\n# cancelled 0\n# skipped \d+\n# todo \d+\n# duration_ms [\d.]+\n`)

// crashedAtTheEnd reports whether a script ended by a fault of LiveKit's native
// library while node was ending it, after every test had passed and been
// reported: seen once, on a machine with a load of 12.
func crashedAtTheEnd(t *testing.T, script string, out []byte, err error) bool {
	t.Helper()
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		return false
	}
	status, ok := ended.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGSEGV && status.Signal() != syscall.SIGABRT {
		return false
	}
	source, err := os.ReadFile(filepath.Join(webTest, script))
	if err != nil || !bytes.Contains(source, []byte(native)) || !allPassed.Match(out) {
		return false
	}
	t.Logf("=== %s: %s crashed (%v) as node ended, after all tests had passed ===", script, native, ended)
	return true
}

// Only a crash of the native library after the last line of a report without a
// failure is passed over.
func TestCrashAtTheEnd(t *testing.T) {
	const passed = "ok 1 - x\n1..1\n# tests 1\n# suites 0\n# pass 1\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0\n# duration_ms 12.5\n"
	by := func(how string) error { return exec.Command("sh", "-c", how).Run() }
	for _, tc := range []struct {
		name, script, out string
		err               error
		want              bool
	}{
		{"it crashed at the end", "e2e/livekit-mixed.mjs", passed, by("kill -SEGV $$"), true},
		{"it aborted at the end", "e2e/livekit-mixed.mjs", passed, by("kill -ABRT $$"), true},
		{"a test failed", "e2e/livekit-mixed.mjs", strings.Replace(passed, "# fail 0", "# fail 1", 1), by("kill -SEGV $$"), false},
		{"no test ran", "e2e/livekit-mixed.mjs", strings.Replace(passed, "# pass 1", "# pass 0", 1), by("kill -SEGV $$"), false},
		{"it crashed before", "e2e/livekit-mixed.mjs", "ok 1 - x\n", by("kill -SEGV $$"), false},
		{"it was killed", "e2e/livekit-mixed.mjs", passed, by("kill -KILL $$"), false},
		{"it exited with an error", "e2e/livekit-mixed.mjs", passed, by("exit 1"), false},
		{"a script without the library", "e2e/voice.mjs", passed, by("kill -SEGV $$"), false},
	} {
		if got := crashedAtTheEnd(t, tc.script, []byte(tc.out), tc.err); got != tc.want {
			t.Errorf("%s: passed over %v, want %v", tc.name, got, tc.want)
		}
	}
}

// endGently has the end of its context end a script: Playwright ends its browsers
// on SIGTERM.
func endGently(cmd *exec.Cmd) {
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
}

func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("Chromium is missing: run make tools")
	return ""
}

// startServer runs earshot on free loopback ports until the test ends. It returns
// the URLs of the page and of the admin listener.
func startServer(t *testing.T, config string) (page, admin string) {
	t.Helper()
	return startServerOn(t, loopback, config)
}

// startServerOn is startServer with media on another address.
func startServerOn(t *testing.T, media, config string) (page, admin string) {
	t.Helper()
	return startServerAt(t, "127.0.0.1:0", media, config)
}

// startServerAt is startServerOn with the page on an address that is known before.
func startServerAt(t *testing.T, listen, media, config string) (page, admin string) {
	t.Helper()
	cmd := exec.Command(earshotBinary(t), "serve", "-listen", listen, "-admin", "127.0.0.1:0", "-udp", media+":0", "-config", writeFile(t, config))
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "EARSHOT_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopServer(t, cmd, &log) })

	greeting := bufio.NewScanner(stdout)
	url := regexp.MustCompile(`http://[^\s/]+`)
	for _, into := range []*string{&page, &admin} {
		if !greeting.Scan() {
			t.Fatalf("earshot serve ended at once:\n%s", log.String())
		}
		if *into = url.FindString(greeting.Text()); *into == "" {
			t.Fatalf("earshot serve said %q, want a line with a URL", greeting.Text())
		}
	}
	go func() { // so that later output cannot block the server
		for greeting.Scan() {
		}
	}()
	return page, admin
}

// stopServer says Ctrl-C and expects the server to end well, and within its limit,
// unless timers here were late meanwhile, so that it hardly got to run.
func stopServer(t *testing.T, cmd *exec.Cmd, log *bytes.Buffer) {
	late := loadtest.Lateness()
	_ = cmd.Process.Signal(os.Interrupt)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		err = errors.Join(errors.New("did not end"), <-ended)
	}
	if err != nil || t.Failed() {
		t.Logf("earshot serve: %v\n%s", err, log.String())
	}
	if most := late(); err != nil && most > shutdownLimit/10 && strings.Contains(log.String(), "did not end in time") {
		t.Logf("=== the server ended at its limit; not judged, for timers were %v late ===", most)
		return
	}
	if err != nil {
		t.Errorf("earshot serve after Ctrl-C: %v, want a clean end", err)
	}
}
