package main

import (
	"net"
	"os"
	"os/exec"
	"testing"
)

// TestE2EStreaming publishes by WHIP and plays by WHEP with clients that nobody
// here wrote: GStreamer, and Chromium with the npm package whip-whep. What it
// measures is in streaming.mjs.
func TestE2EStreaming(t *testing.T) {
	if os.Getenv("EARSHOT_E2E") == "1" {
		gst := exec.Command("/usr/bin/python3", "-c", `import gi; gi.require_version("GstWebRTC", "1.0"); from gi.repository import Gst, GstWebRTC; Gst.init(None)
for e in "webrtcbin nicesrc vp8enc x264enc avdec_h264 opusenc".split(): assert Gst.ElementFactory.find(e), e`)
		if out, err := gst.CombinedOutput(); err != nil {
			t.Fatalf("GStreamer is missing: run make tools\n%s", out)
		}
	}
	runBrowserTestOn(t, ownAddress(), "e2e/streaming.mjs", "worlds: {plaza: {title: Plaza, stages: [{id: main, position: [0, 0, -4], yaw: 180}]}}\n"+
		// whip-whep 1.2.0 restarts ICE with one candidate only: it joins several by commas.
		"media: {tcp: false}\n")
}

// ownAddress returns the IPv4 address from which this machine would go out, or
// that of the loopback: libnice goes from no other address to that.
func ownAddress() string {
	conn, err := net.Dial("udp4", "198.51.100.1:9") // sends nothing
	if err != nil {
		return loopback
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).IP.String()
}
