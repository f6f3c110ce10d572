package peer

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"earshot/loadtest/child"
)

// Server is a program that can be started and measured.
type Server interface {
	Kind() string // "earshot", "livekit", "janus"
	// Version asks the program.
	Version(ctx context.Context) (string, error)
	// prepare writes what the server needs into dir and says how it is started.
	prepare(dir string) (*launch, error)
}

// launch is how a server is started and reached.
type launch struct {
	argv, env []string
	url       string
	driver    Driver
	check     func(ctx context.Context) error // whether it answers
}

var loopback = net.IPv4(127, 0, 0, 1)

// door is what a server on loopback is reached by.
type door struct {
	web    int // port of TCP
	udp    int // port of UDP, and TCP
	secret string
	client *Client
}

func newDoor() (d door, err error) {
	if d.web, err = child.FreePort(); err != nil {
		return d, err
	}
	if d.udp, err = child.FreePort(); err != nil {
		return d, err
	}
	d.secret = newSecret()
	d.client, err = NewClient(loopback)
	return d, err
}

// EarshotServer is an earshot binary.
type EarshotServer struct {
	Binary  string
	LiveKit bool // joined by LiveKit's protocol instead of its own
	Dual    bool // then with two connections, as LiveKitServer.Dual
}

// Kind implements Server.
func (s EarshotServer) Kind() string {
	if s.LiveKit {
		return "earshot-livekit"
	}
	return "earshot"
}

// Version implements Server.
func (s EarshotServer) Version(ctx context.Context) (string, error) {
	text, err := printed(ctx, s.Binary, "version")
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(text, " ") // earshot VERSION go1.26 linux/amd64
	version, _, _ := strings.Cut(rest, " ")
	return version, nil
}

func (s EarshotServer) prepare(dir string) (*launch, error) {
	d, err := newDoor()
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(`listen: 127.0.0.1:%d
admin: ""
keys: [{ id: bench, algorithm: HS256, secret: %s }]
worlds:
  bench: { title: bench, capacity: 1000, max_near: 256, spawn: [0, 0, 0], spawn_radius: 0.5 }
max_joins: 256
media: { udp: "127.0.0.1:%d", loopback: true }
inference: { discover: "" }
log: { level: warn }
`, d.web, d.secret, d.udp)
	if err := os.WriteFile(filepath.Join(dir, "earshot.yaml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", d.web)
	start := &launch{
		argv: []string{s.Binary, "serve", "-config", "earshot.yaml"}, env: []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, url: url,
		driver: &Earshot{URL: url, World: "bench", KeyID: "bench", Secret: d.secret, Client: d.client},
		check:  child.Page(url + "/readyz"),
	}
	if s.LiveKit { // everybody gets everybody's tracks, as from LiveKit's server
		start.driver = &LiveKit{URL: url, Key: "bench", Secret: d.secret, Client: d.client, Room: "bench",
			Attributes: map[string]string{"earshot.audio": "tracks"}, Single: !s.Dual}
	}
	return start, nil
}

// LiveKitServer is a livekit-server binary.
type LiveKitServer struct {
	Binary string
	Dual   bool // clients have two connections (/rtc), as older SDKs, instead of one (/rtc/v1)
}

// Kind implements Server.
func (LiveKitServer) Kind() string { return "livekit" }

// Version implements Server.
func (s LiveKitServer) Version(ctx context.Context) (string, error) {
	return versionOf(ctx, s.Binary, "--version")
}

func (s LiveKitServer) prepare(dir string) (*launch, error) {
	d, err := newDoor()
	if err != nil {
		return nil, err
	}
	// LiveKit leaves loopback out unless told, and binds ICE over TCP to all
	// addresses. One UDP port for each core is what it recommends.
	config := fmt.Sprintf(`port: %d
bind_addresses: [127.0.0.1]
rtc:
  udp_port: %d
  tcp_port: 0
  node_ip: 127.0.0.1
  use_external_ip: false
  enable_loopback_candidate: true
  interfaces: { includes: [lo] }
  stun_servers: []
keys: { bench: %s }
logging: { level: error }
`, d.web, d.udp, d.secret)
	if err := os.WriteFile(filepath.Join(dir, "livekit.yaml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", d.web)
	return &launch{
		argv: []string{s.Binary, "--config", "livekit.yaml"}, env: []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, url: url,
		driver: &LiveKit{URL: url, Key: "bench", Secret: d.secret, Client: d.client, Single: !s.Dual},
		check:  child.Page(url + "/"),
	}, nil
}

// JanusServer is a janus binary with its plugins where its package puts them.
type JanusServer struct{ Binary string }

// Kind implements Server.
func (JanusServer) Kind() string { return "janus" }

// Version implements Server.
func (s JanusServer) Version(ctx context.Context) (string, error) {
	return versionOf(ctx, s.Binary, "--version")
}

func (s JanusServer) prepare(dir string) (*launch, error) {
	web, err := child.FreePort()
	if err != nil {
		return nil, err
	}
	// Janus's ICE fails over the loopback interface, so its media take the
	// machine's own address, which the kernel routes over loopback all the same.
	address, err := ownAddress()
	if err != nil {
		return nil, err
	}
	client, err := NewClient(address)
	if err != nil {
		return nil, err
	}
	// One event loop, as the server has one core: with a thread for each
	// connection, its default, Janus sends about half as much.
	files := map[string]string{
		"janus.jcfg": fmt.Sprintf(`general: { debug_level = 2, session_timeout = 60, event_loops = 1 }
media: { ipv6 = false }
nat: { ice_enforce_list = "%s", full_trickle = false }
plugins: { disable = "libjanus_duktape.so,libjanus_lua.so,libjanus_echotest.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so" }
transports: { disable = "libjanus_http.so,libjanus_pfunix.so,libjanus_nanomsg.so,libjanus_rabbitmq.so,libjanus_mqtt.so" }
loggers: { disable = "libjanus_jsonlog.so" }
events: { broadcast = false }
`, address),
		"janus.transport.websockets.jcfg": fmt.Sprintf("general: { json = \"compact\", ws = true, ws_port = %d, ws_ip = \"127.0.0.1\", wss = false }\nadmin: { admin_ws = false }\n", web),
		"janus.plugin.videoroom.jcfg":     "general: { }\n",
		"janus.plugin.audiobridge.jcfg":   "general: { }\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	url := fmt.Sprintf("ws://127.0.0.1:%d", web)
	driver := &Janus{URL: url, Client: client}
	return &launch{
		argv: []string{s.Binary, "-F", dir}, env: []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, url: url, driver: driver,
		check: func(ctx context.Context) error {
			h, err := driver.attach(ctx, videoRoom)
			if err != nil {
				return err
			}
			return h.Close()
		},
	}, nil
}
