//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"earshot/npc/voice"
)

// TestFarCaller is the client on the far side of the tests in netns_test.go,
// which run it in a process of its own. What it finds it prints after "FAR:".
func TestFarCaller(t *testing.T) {
	way := os.Getenv("EARSHOT_FAR")
	if way == "" {
		t.Skip("runs as a part of TestUDPBlocked and TestNetworkChange")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := &caller{t: t, name: "far", changed: make(chan struct{}), quiet: hiss(t)}
	if names, ok := strings.CutPrefix(way, "change "); ok {
		wifi, mobile, _ := strings.Cut(names, " ")
		c.changeNetwork(ctx, wifi, mobile)
		return
	}
	c.adjust = func(s *webrtc.SettingEngine, config *webrtc.Configuration) { c.reach(ctx, way, s, config) }
	c.join(ctx, os.Getenv("EARSHOT_URL"), os.Getenv("EARSHOT_TOKEN"))
	defer c.close()
	within := patience
	if strings.HasSuffix(way, "udp") { // which is shut
		within = 5 * time.Second
	}
	in, stop := context.WithTimeout(ctx, within)
	defer stop()
	if !c.connected(in) {
		fmt.Println("FAR: no connection in", within)
		return
	}
	c.welcome(ctx)
	c.ready()
	go c.drone(ctx)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for c.heard() < 100 || c.sent.Load() < 150 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("heard %d packets, said %d", c.heard(), c.sent.Load())
		}
	}
	pair, err := c.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	c.check(err)
	fmt.Printf("FAR: heard %d packets by %s over %s\n", c.heard(), pair.Local.Typ, pair.Local.Protocol)
}

// reach sets up one way to the server: tcp and udp are direct, turn-tcp, turn-tls
// and turn-udp over the relay alone.
func (c *caller) reach(ctx context.Context, way string, s *webrtc.SettingEngine, config *webrtc.Configuration) {
	s.SetIncludeLoopbackCandidate(false)
	if way == "tcp" {
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	}
	kind, ok := strings.CutPrefix(way, "turn-")
	if !ok {
		return
	}
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4})
	s.DisableActiveTCP(true) // pion goes over TCP directly, whatever the policy
	config.ICETransportPolicy = webrtc.ICETransportPolicyRelay
	scheme := map[string]string{"udp": "turn:", "tcp": "turn:", "tls": "turns:"}[kind]
	for _, server := range c.iceServers(ctx) {
		for _, u := range server.URLs {
			if strings.HasPrefix(u, scheme) && strings.HasSuffix(u, "transport=udp") == (kind == "udp") {
				config.ICEServers = append(config.ICEServers, webrtc.ICEServer{URLs: []string{u}, Username: server.Username, Credential: server.Credential})
			}
		}
	}
	if len(config.ICEServers) != 1 {
		c.t.Fatalf("%d servers for %s, want 1", len(config.ICEServers), way)
	}
}

type iceServer struct {
	URLs                 []string
	Username, Credential string
}

// iceServers asks the server as a browser does.
func (c *caller) iceServers(ctx context.Context) []iceServer {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, os.Getenv("EARSHOT_URL")+"/v1/ice", nil)
	c.check(err)
	req.Header.Set("Authorization", "Bearer "+os.Getenv("EARSHOT_TOKEN"))
	res, err := http.DefaultClient.Do(req)
	c.check(err)
	defer res.Body.Close()
	var list struct {
		Servers []iceServer `json:"ice_servers"`
	}
	c.check(json.NewDecoder(res.Body).Decode(&list))
	return list.Servers
}

// connected waits for the connection.
func (c *caller) connected(ctx context.Context) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for c.pc.ConnectionState() != webrtc.PeerConnectionStateConnected {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// changeNetwork is in a session over one interface, which goes down. As a
// browser that is told so by the system it restarts ICE over the other, at once.
func (c *caller) changeNetwork(ctx context.Context, wifi, mobile string) {
	http.DefaultTransport.(*http.Transport).DisableKeepAlives = true // a browser drops connections of a network that is gone
	var use atomic.Pointer[string]
	use.Store(&wifi)
	c.adjust = func(s *webrtc.SettingEngine, _ *webrtc.Configuration) {
		s.SetIncludeLoopbackCandidate(false)
		s.SetInterfaceFilter(func(name string) bool { return name == *use.Load() })
	}
	token := os.Getenv("EARSHOT_TOKEN")
	session := c.join(ctx, os.Getenv("EARSHOT_URL"), token)
	defer c.close()
	c.welcome(ctx)
	c.ready()
	go c.drone(ctx)
	c.hears(ctx, 100)

	start := time.Now()
	for _, args := range [][]string{{"address", "flush", "dev", wifi}, {"link", "set", wifi, "down"}} {
		if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
			c.t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	use.Store(&mobile)
	offer, err := c.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	c.check(err)
	c.check(c.pc.SetLocalDescription(offer))
	answer, _ := c.exchange(ctx, http.MethodPatch, session, token, offer.SDP)
	c.check(c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
	c.hears(ctx, 150)
	fmt.Printf("FAR: silent for %d ms, with ICE by %s\n", c.longestSilence(start).Milliseconds(), mobile)
}

// hears waits for so many packets more.
func (c *caller) hears(ctx context.Context, more int) {
	c.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for want := c.heard() + more; c.heard() < want; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			c.t.Fatalf("heard %d packets, want %d", c.heard(), want)
		}
	}
}

// drone speaks without a pause until ctx ends.
func (c *caller) drone(ctx context.Context) {
	level := uint8(0)
	for _, e := range c.send.GetParameters().HeaderExtensions {
		if e.URI == levelURI {
			level = uint8(e.ID)
		}
	}
	ticker := time.NewTicker(frameTime)
	defer ticker.Stop()
	begin, packet := time.Now(), rtp.Packet{Header: rtp.Header{Version: 2}}
	for i := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for ; time.Since(begin) >= time.Duration(i)*frameTime; i++ {
			packet.SequenceNumber, packet.Timestamp, packet.Payload = uint16(i), uint32(i*voice.FrameSamples), c.quiet.Opus
			if packet.SetExtension(level, []byte{0x80 | 20}) != nil || c.mic.WriteRTP(&packet) != nil {
				return // closed
			}
			c.sent.Add(1)
		}
	}
}
