package peer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
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

// EarshotServer is an earshot binary.
type EarshotServer struct{ Binary string }

// Kind implements Server.
func (EarshotServer) Kind() string { return "earshot" }

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
	web, err := freePort("tcp")
	if err != nil {
		return nil, err
	}
	udp, err := freePort("udp")
	if err != nil {
		return nil, err
	}
	client, err := NewClient(loopback)
	if err != nil {
		return nil, err
	}
	secret := newSecret()
	config := fmt.Sprintf(`listen: 127.0.0.1:%d
admin: ""
keys: [{ id: bench, algorithm: HS256, secret: %s }]
worlds:
  bench: { title: bench, capacity: 1000, max_near: 256, spawn: [0, 0, 0], spawn_radius: 0.5 }
max_joins: 256
media: { udp: "127.0.0.1:%d", loopback: true }
inference: { discover: "" }
log: { level: warn }
`, web, secret, udp)
	if err := os.WriteFile(filepath.Join(dir, "earshot.yaml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", web)
	return &launch{
		argv: []string{s.Binary, "serve", "-config", "earshot.yaml"}, env: []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, url: url,
		driver: &Earshot{URL: url, World: "bench", KeyID: "bench", Secret: secret, Client: client},
		check:  answers(url + "/readyz"),
	}, nil
}

// LiveKitServer is a livekit-server binary.
type LiveKitServer struct{ Binary string }

// Kind implements Server.
func (LiveKitServer) Kind() string { return "livekit" }

// Version implements Server.
func (s LiveKitServer) Version(ctx context.Context) (string, error) {
	return versionOf(ctx, s.Binary, "--version")
}

func (s LiveKitServer) prepare(dir string) (*launch, error) {
	web, err := freePort("tcp")
	if err != nil {
		return nil, err
	}
	udp, err := freePort("udp")
	if err != nil {
		return nil, err
	}
	client, err := NewClient(loopback)
	if err != nil {
		return nil, err
	}
	secret := newSecret()
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
`, web, udp, secret)
	if err := os.WriteFile(filepath.Join(dir, "livekit.yaml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", web)
	return &launch{
		argv: []string{s.Binary, "--config", "livekit.yaml"}, env: []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, url: url,
		driver: &LiveKit{URL: url, Key: "bench", Secret: secret, Client: client},
		check:  answers(url + "/"),
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
	web, err := freePort("tcp")
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
	files := map[string]string{
		"janus.jcfg": fmt.Sprintf(`general: { debug_level = 2, session_timeout = 60 }
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

// answers returns a check whether a page is there.
func answers(page string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		return nil
	}
}

// freePort returns a port of 127.0.0.1 that nobody has at the moment.
func freePort(network string) (int, error) {
	if network == "udp" {
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		defer c.Close()
		return c.LocalAddr().(*net.UDPAddr).Port, nil
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// ownAddress returns an IPv4 address of this machine other than loopback.
func ownAddress() (net.IP, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.To4(), nil
		}
	}
	return nil, errors.New("peer: this machine has no IPv4 address besides 127.0.0.1, over which Janus's ICE does not work: give it one, or leave Janus out with -janus off")
}

func newSecret() string {
	b := make([]byte, 24)
	rand.Read(b) // does not fail
	return hex.EncodeToString(b)
}

var dotted = regexp.MustCompile(`\d+\.\d+(\.\d+)?[-+.\w]*`)

// versionOf runs a program that prints its version among other things.
func versionOf(ctx context.Context, binary string, args ...string) (string, error) {
	text, err := printed(ctx, binary, args...)
	if v := dotted.FindString(text); v != "" {
		return v, nil
	}
	if err == nil {
		err = fmt.Errorf("%s prints no version but %.100q", binary, text)
	}
	return "", err
}

// printed returns the first line that a program prints.
func printed(ctx context.Context, binary string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, args...).CombinedOutput()
	text, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		return text, fmt.Errorf("%s %s: %w", binary, strings.Join(args, " "), err)
	}
	return text, nil
}
