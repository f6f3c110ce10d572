package sfu

import (
	"context"
	"strings"
	"testing"
	"time"

	"earshot"

	"github.com/pion/webrtc/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// TestLoopback joins over a real socket.
func TestLoopback(t *testing.T) {
	cfg := DefaultConfig()
	cfg.UDP, cfg.Loopback = "127.0.0.1:0", true
	registry := prometheus.NewRegistry()
	node, err := New(cfg, Deps{Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- node.Run(ctx) }()

	setting := webrtc.SettingEngine{LoggerFactory: quiet{}}
	setting.SetIncludeLoopbackCandidate(true)
	setting.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(setting)).NewPeerConnection(webrtc.Configuration{})
	check(t, err)
	yes, id := true, uint16(0)
	control, err := pc.CreateDataChannel("control", &webrtc.DataChannelInit{Negotiated: &yes, ID: &id})
	check(t, err)
	heard := make(chan string, 1)
	control.OnMessage(func(m webrtc.DataChannelMessage) { heard <- string(m.Data) })
	offer, err := pc.CreateOffer(nil)
	check(t, err)
	check(t, pc.SetLocalDescription(offer))
	session, answer, err := node.Join(ctx, Offer{SDP: offer.SDP, Session: earshot.NewSessionID(), Handler: &person{}})
	check(t, err)
	check(t, session.SendControl([]byte("welcome")))
	check(t, pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
	select {
	case got := <-heard:
		if got != "welcome" {
			t.Errorf("the client heard %q, want welcome", got)
		}
	case <-time.After(30 * time.Second):
		t.Error("the client heard nothing in 30 s")
	}

	cancel()
	if err := <-ran; err != nil { // it says so where sessions did not end within closeWithin
		t.Errorf("Run = %v, want nil", err)
	}
	check(t, pc.GracefulClose())
	families, err := registry.Gather()
	check(t, err)
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "earshot_sfu_") {
			t.Errorf("metric %s has another prefix", f.GetName())
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() != "reason" && l.GetName() != "code" && l.GetName() != "kind" {
					t.Errorf("metric %s has label %s", f.GetName(), l.GetName())
				}
			}
		}
	}
}

func TestPublicIP(t *testing.T) {
	cfg := DefaultConfig()
	cfg.UDP, cfg.Loopback, cfg.PublicIPs = "127.0.0.1:0", true, []string{"203.0.113.7"}
	node, err := New(cfg, Deps{})
	check(t, err)
	session, answer, err := node.Join(context.Background(), Offer{SDP: compose(testChannels), Handler: &person{}})
	check(t, err)
	if !strings.Contains(answer, "203.0.113.7") || strings.Contains(answer, "candidate:1 1 udp 1 127.0.0.1") {
		t.Errorf("the answer does not name the public address alone:\n%s", answer)
	}
	session.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	check(t, node.Run(ctx))
}

func TestSlowClient(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.newPerson(shape{})
		session, _, err := w.sfu.Join(context.Background(), Offer{SDP: p.offer(), Handler: p})
		check(t, err)
		for i := range w.sfu.cfg.ControlQueue {
			if err := session.SendControl([]byte("x")); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
		}
		if err := session.SendControl([]byte("x")); err != ErrSlow {
			t.Errorf("one message too many: %v, want %v", err, ErrSlow)
		}
		if session.SendPose([]byte("x")) {
			t.Error("SendPose before the channel is open = true, want false")
		}
		session.Close()
	})
}

func TestConfigValidate(t *testing.T) {
	good := DefaultConfig()
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"udp":             func(c *Config) { c.UDP = "nowhere" },
		"public_ips":      func(c *Config) { c.PublicIPs = []string{"example"} },
		"max_voice_slots": func(c *Config) { c.MaxVoiceSlots = 0 },
		"max_video_slots": func(c *Config) { c.MaxVideoSlots = -1 },
		"max_media_lines": func(c *Config) { c.MaxMediaLines = 1 << 20 },
		"max_sdp_bytes":   func(c *Config) { c.MaxSDPBytes = 0 },
		"control_queue":   func(c *Config) { c.ControlQueue = 0 },
		"interrupted":     func(c *Config) { c.Interrupted = time.Millisecond },
		"resume":          func(c *Config) { c.Resume = time.Hour },
		"connect":         func(c *Config) { c.Connect = 0 },
	} {
		c := DefaultConfig()
		spoil(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: Validate = %v, want an error that names it", name, err)
		}
	}
}
