package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pythonSDK and pythonAgents are the releases of LiveKit's SDK and agents for
// Python that are driven.
const (
	pythonSDK    = "livekit==1.2.1"
	pythonAgents = "livekit-agents==1.8.9"
)

// livekitSecret signs the tokens of these tests.
const livekitSecret = "no secret: 32 bytes or more, only for these tests"

// livekitDoor is a server that speaks LiveKit.
type livekitDoor struct {
	name, url string
}

// env names the server for livekit-stage.mjs.
func (d livekitDoor) env() []string {
	return []string{
		"EARSHOT_LIVEKIT_URL=" + d.url, "EARSHOT_LIVEKIT_KEY=test", "EARSHOT_LIVEKIT_SECRET=" + livekitSecret, "EARSHOT_LIVEKIT_ROOM=plaza",
		"NODE_ENV=production", // @livekit/rtc-node writes its debug log otherwise
	}
}

// earshotDoor starts Earshot and returns it with the address of its admin listener.
func earshotDoor(t *testing.T) (door livekitDoor, admin string) {
	t.Helper()
	needE2E(t)
	// Without media over TCP, to which Chromium would go over when UDP is cut.
	page, admin := startServer(t, fmt.Sprintf("keys: [{id: test, algorithm: HS256, secret: %q}]\n", livekitSecret)+aloneUDP)
	return livekitDoor{"earshot", page}, admin
}

// livekitDoors starts Earshot and, where LIVEKIT names its program, LiveKit's own
// server: a test that this fails asks for what LiveKit does not do.
func livekitDoors(t *testing.T) []livekitDoor {
	t.Helper()
	earshot, _ := earshotDoor(t)
	doors := []livekitDoor{earshot}
	program := os.Getenv("LIVEKIT")
	if program == "" {
		t.Log("=== NOT RUN against LiveKit's own server: LIVEKIT=/path/to/livekit-server does that too ===")
		return doors
	}
	return append(doors, livekitDoor{"livekit-server", startLiveKit(t, program)})
}

// TestE2ELiveKitClient is livekit-client, as npm has it, in two browsers: voice,
// simulcast, data, calls, reconnects, an admin. See livekit-client.mjs.
func TestE2ELiveKitClient(t *testing.T) { runLiveKit(t, "e2e/livekit-client.mjs") }

// TestE2ELiveKitNode is @livekit/rtc-node, whose core Unity, Python and C++ share.
func TestE2ELiveKitNode(t *testing.T) { runLiveKit(t, "e2e/livekit-rtc.mjs") }

// TestE2ELiveKitBinaural is the server's own mix, left and right, in rtc-node.
func TestE2ELiveKitBinaural(t *testing.T) {
	door, _ := earshotDoor(t)
	runNode(t, "e2e/livekit-binaural.mjs", door.env()...)
}

// TestE2ELiveKitBinauralPage is the same mix in livekit-client in a browser.
func TestE2ELiveKitBinauralPage(t *testing.T) {
	door, _ := earshotDoor(t)
	runNode(t, "e2e/livekit-binaural-page.mjs", door.env()...)
}

// TestE2ELiveKitMixed is one instance with our own page, livekit-client and
// rtc-node: side, level, range and blocks between all of them.
func TestE2ELiveKitMixed(t *testing.T) {
	door, admin := earshotDoor(t)
	runNode(t, "e2e/livekit-mixed.mjs", append(door.env(), "EARSHOT_URL="+door.url, "EARSHOT_ADMIN="+admin)...)
}

// TestE2ELiveKitPython is livekit for Python, where pip finds it.
func TestE2ELiveKitPython(t *testing.T) {
	needE2E(t)
	runLiveKit(t, "e2e/livekit-python.mjs", "EARSHOT_PYTHON="+python(t, pythonSDK, "from livekit import rtc"))
}

// TestE2ELiveKitAgent is an agent of LiveKit's framework for Python, where pip
// finds it, that an application puts into a world.
func TestE2ELiveKitAgent(t *testing.T) {
	door, _ := earshotDoor(t)
	runNode(t, "e2e/livekit-agent.mjs", append(door.env(), "EARSHOT_PYTHON="+python(t, pythonAgents, "import livekit.agents"))...)
}

func runLiveKit(t *testing.T, script string, env ...string) {
	for _, door := range livekitDoors(t) {
		t.Run(door.name, func(t *testing.T) { runNode(t, script, append(door.env(), env...)...) })
	}
}

// python returns a Python that has an SDK, such as livekit==1.2.1, if it can be
// installed: in a folder that stays, since it is fetched from the network. says
// is a line that works where it is.
func python(t *testing.T, sdk, says string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(cache, "earshot", "python-"+strings.ReplaceAll(sdk, "==", "-"))
	program := filepath.Join(folder, "bin", "python")
	if exec.Command(program, "-c", says).Run() == nil {
		return program
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, step := range [][]string{{"python3", "-m", "venv", folder}, {program, "-m", "pip", "install", "-q", sdk}} {
		if out, err := exec.CommandContext(ctx, step[0], step[1:]...).CombinedOutput(); err != nil {
			t.Skipf("=== NOT RUN: LiveKit's Python SDK (%s) cannot be installed: %v ===\n%s", sdk, err, out)
		}
	}
	return program
}

// startLiveKit runs a LiveKit server on loopback until the test ends and returns
// its URL. LiveKit leaves loopback out unless told, and cannot choose ports.
func startLiveKit(t *testing.T, program string) string {
	t.Helper()
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	media, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := web.Addr().(*net.TCPAddr).Port
	config := fmt.Sprintf(`{port: %d, bind_addresses: [127.0.0.1], keys: {test: %q}, logging: {level: error},
rtc: {udp_port: %d, tcp_port: 0, node_ip: 127.0.0.1, use_external_ip: false, enable_loopback_candidate: true, interfaces: {includes: [lo]}, stun_servers: []}}
`, port, livekitSecret, media.LocalAddr().(*net.UDPAddr).Port)
	web.Close()
	media.Close()
	cmd := exec.Command(program, "--config", writeFile(t, config))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(patience); ; {
		res, err := http.Get(url)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			return url
		}
		if time.Now().After(deadline) {
			t.Fatalf("LiveKit's server does not answer: %v", err)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("LiveKit's server does not answer")
		}
	}
}
