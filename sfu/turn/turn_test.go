package turn

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"earshot"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	pion "github.com/pion/turn/v5"
)

type quiet struct{}

func (quiet) NewLogger(string) logging.LeveledLogger {
	return logging.NewDefaultLeveledLoggerForScope("", logging.LogLevelDisabled, io.Discard)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// site is a relay and the media socket that it leads to.
type site struct {
	t      *testing.T
	server *Server
	media  *net.UDPConn
	live   atomic.Bool
	roots  *x509.CertPool
}

// opened starts a relay on all three transports.
func opened(t *testing.T, adjust func(*Config)) *site {
	t.Helper()
	media, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4zero})
	check(t, err)
	t.Cleanup(func() { media.Close() })
	s := &site{t: t, media: media, roots: x509.NewCertPool()}
	s.live.Store(true)
	cfg := DefaultConfig()
	cfg.UDP, cfg.TCP, cfg.TLS, cfg.Host = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "relay.example"
	cfg.CertFile, cfg.KeyFile = selfSigned(t, t.TempDir(), s.roots)
	if adjust != nil {
		adjust(&cfg)
	}
	check(t, cfg.Validate())
	s.server, err = Open(cfg, Deps{
		Log: quiet{}, Media: media.LocalAddr().(*net.UDPAddr), Loopback: true,
		Live: func(string) bool { return s.live.Load() },
	})
	check(t, err)
	t.Cleanup(func() { check(t, s.server.Close()) })
	return s
}

func selfSigned(t *testing.T, dir string, roots *x509.CertPool) (certFile, keyFile string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"relay.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(t, err)
	certificate, err := x509.ParseCertificate(der)
	check(t, err)
	if roots != nil {
		roots.AddCert(certificate)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	check(t, err)
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	check(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	check(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}), 0o600))
	return certFile, keyFile
}

// client returns a TURN client over a transport, "udp", "tcp" or "tls", with
// credentials.
func (s *site) client(transport, name, password string) *pion.Client {
	s.t.Helper()
	url := s.server.urls[map[string]int{"udp": 0, "tcp": 1, "tls": 2}[transport]]
	_, port, _ := strings.Cut(url, "relay.example:")
	port, _, _ = strings.Cut(port, "?")
	at := "127.0.0.1:" + port
	var conn net.PacketConn
	switch transport {
	case "udp":
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		check(s.t, err)
		conn = c
	case "tcp":
		c, err := net.Dial("tcp4", at)
		check(s.t, err)
		conn = pion.NewSTUNConn(c)
	case "tls":
		c, err := tls.Dial("tcp4", at, &tls.Config{RootCAs: s.roots, ServerName: "relay.example"})
		check(s.t, err)
		conn = pion.NewSTUNConn(c)
	}
	client, err := pion.NewClient(&pion.ClientConfig{
		STUNServerAddr: at, TURNServerAddr: at, Conn: conn, Username: name, Password: password, LoggerFactory: quiet{}, RTO: 50 * time.Millisecond,
	})
	check(s.t, err)
	check(s.t, client.Listen())
	s.t.Cleanup(func() {
		client.Close()
		conn.Close()
	})
	return client
}

// allowed returns a client of pa_a with good credentials.
func (s *site) allowed(transport string) *pion.Client {
	name, password := s.server.secret.issue("pa_a", time.Now().Add(time.Hour))
	return s.client(transport, name, password)
}

func (s *site) mediaAt() *net.UDPAddr {
	return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.media.LocalAddr().(*net.UDPAddr).Port}
}

// echo answers what comes to media, once.
func (s *site) echo() (said string) {
	s.t.Helper()
	b := make([]byte, 1500)
	check(s.t, s.media.SetReadDeadline(time.Now().Add(30*time.Second)))
	n, from, err := s.media.ReadFromUDP(b)
	check(s.t, err)
	_, err = s.media.WriteToUDP(append([]byte("re: "), b[:n]...), from)
	check(s.t, err)
	return string(b[:n])
}

func hear(t *testing.T, c net.PacketConn) (string, net.Addr) {
	t.Helper()
	b := make([]byte, 1500)
	check(t, c.SetReadDeadline(time.Now().Add(30*time.Second)))
	n, from, err := c.ReadFrom(b)
	check(t, err)
	return string(b[:n]), from
}

func TestRelaysToMedia(t *testing.T) {
	s := opened(t, nil)
	for _, transport := range []string{"udp", "tcp", "tls"} {
		relayed, err := s.allowed(transport).Allocate()
		check(t, err)
		_, err = relayed.WriteTo([]byte("over "+transport), s.mediaAt())
		check(t, err)
		if got := s.echo(); got != "over "+transport {
			t.Errorf("%s: media got %q", transport, got)
		}
		got, from := hear(t, relayed)
		if got != "re: over "+transport || from.String() != s.mediaAt().String() {
			t.Errorf("%s: %q from %v came back, want it from %v", transport, got, from, s.mediaAt())
		}
	}
	if got := s.server.Counters(); got.Allocations != 3 || got.Up < 3 || got.Down < 3 || got.Connections != 2 {
		t.Errorf("Counters() = %+v", got)
	}
}

// What is not our media cannot be named as a peer, and does not get a packet
// where the address is ours but the port is not.
func TestIsNoOpenRelay(t *testing.T) {
	s := opened(t, nil)
	other, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	defer other.Close()
	relayed, err := s.allowed("udp").Allocate()
	check(t, err)
	if _, err := relayed.WriteTo([]byte("out"), &net.UDPAddr{IP: net.IPv4(192, 0, 2, 77), Port: 53}); err == nil {
		t.Error("a packet to 192.0.2.77 was accepted, want a refused permission")
	}
	_, err = relayed.WriteTo([]byte("in"), other.LocalAddr())
	check(t, err) // the address has a permission, so the client cannot know
	_, err = relayed.WriteTo([]byte("media"), s.mediaAt())
	check(t, err)
	if got := s.echo(); got != "media" {
		t.Errorf("media got %q", got)
	}
	hear(t, relayed)
	_, err = relayed.WriteTo([]byte("in again"), other.LocalAddr())
	check(t, err)
	_, err = relayed.WriteTo([]byte("media again"), s.mediaAt())
	check(t, err)
	s.echo() // in order on one goroutine, so the one before was dealt with
	check(t, other.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	if n, _, err := other.ReadFrom(make([]byte, 100)); err == nil {
		t.Errorf("another service got %d bytes through the relay", n)
	}
	if got := s.server.Counters(); got.RefusedPeers == 0 || got.Misdirected < 2 {
		t.Errorf("Counters() = %+v, want refused peers and misdirected packets", got)
	}
	// Nor does anybody but media get a packet in: the relayed socket is connected.
	s.server.relays.mu.Lock()
	for c := range s.server.relays.open {
		stranger, err := net.Dial("udp4", c.LocalAddr().String())
		check(t, err)
		defer stranger.Close()
		_, err = stranger.Write([]byte("from a stranger"))
		check(t, err)
	}
	s.server.relays.mu.Unlock()
	_, err = relayed.WriteTo([]byte("last"), s.mediaAt())
	check(t, err)
	s.echo()
	for _, want := range []string{"re: media again", "re: last"} {
		if got, _ := hear(t, relayed); got != want {
			t.Errorf("the client got %q, want %q", got, want)
		}
	}
}

func TestCredentials(t *testing.T) {
	s := opened(t, func(c *Config) { c.TCP, c.TLS = "", "" })
	good, password := s.server.secret.issue("pa_a", time.Now().Add(time.Hour))
	old, oldPassword := s.server.secret.issue("pa_a", time.Now().Add(-time.Second))
	_, another := s.server.secret.issue("pa_b", time.Now().Add(time.Hour))
	for _, c := range []struct{ why, name, password string }{
		{"ended", old, oldPassword},
		{"another's password", good, another},
		{"a later end", strings.Replace(good, "1", "2", 1), password},
		{"no end", "pa_a", s.server.secret.password("pa_a")},
		{"nobody", "9999999999:", s.server.secret.password("9999999999:")},
	} {
		if _, err := s.client("udp", c.name, c.password).Allocate(); err == nil {
			t.Errorf("%s: an allocation was made", c.why)
		}
	}
	if _, err := s.client("udp", good, password).Allocate(); err != nil {
		t.Errorf("good credentials: %v", err)
	}
}

// What was opened is kept for one in a session, not for one who has none.
func TestEndedCredentialsKeepWhatIsOpen(t *testing.T) {
	s := opened(t, nil)
	name, _ := s.server.secret.issue("pa_a", time.Now().Add(-time.Hour))
	for _, c := range []struct {
		method     stun.Method
		live, want bool
	}{{stun.MethodRefresh, true, true}, {stun.MethodRefresh, false, false}, {stun.MethodAllocate, true, false}} {
		s.live.Store(c.live)
		r := &pion.RequestAttributes{Username: name, Realm: realm, Method: c.method}
		if user, _, ok := s.server.authenticate(r); ok != c.want || ok && user != "pa_a" {
			t.Errorf("%s, live %v: %q, %v; want %v", c.method, c.live, user, ok, c.want)
		}
	}
}

func TestQuota(t *testing.T) {
	s := opened(t, func(c *Config) { c.MaxPerParticipant, c.MaxAllocations = 2, 3 })
	for range 2 {
		_, err := s.allowed("udp").Allocate()
		check(t, err)
	}
	if _, err := s.allowed("udp").Allocate(); err == nil {
		t.Error("a third allocation of one participant was made")
	}
	name, password := s.server.secret.issue("pa_b", time.Now().Add(time.Hour))
	first := s.client("udp", name, password)
	relayed, err := first.Allocate()
	check(t, err)
	if _, err := s.client("udp", name, password).Allocate(); err == nil {
		t.Error("a fourth allocation of three was made")
	}
	check(t, relayed.Close())
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for s.server.Counters().Allocations != 2 {
		<-ticker.C // the test's own deadline ends it
	}
	if _, err := s.client("udp", name, password).Allocate(); err != nil {
		t.Errorf("after one was given back: %v", err)
	}
}

func TestBucket(t *testing.T) {
	start := time.Unix(1, 0)
	b := newBucket(8000) // 1000 bytes a second
	passed := 0
	for i := range 10_000 { // ten seconds of 10,000 bytes a second
		if b.take(10, start.Add(time.Duration(i)*time.Millisecond)) {
			passed += 10
		}
	}
	if passed < 10_300 || passed > 10_510 {
		t.Errorf("%d bytes passed in 10 s, want 10,000 and the 500 that were saved", passed)
	}
}

func TestICEServers(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		check(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	s := opened(t, func(c *Config) {
		c.SecretFile = write("own", "a secret of some length\n")
		c.Servers = []External{
			{URLs: []string{"stun:stun.example:3478"}},
			{URLs: []string{"turn:turn.example"}, SecretFile: write("coturn", "north of the other wall\n")},
			{URLs: []string{"turns:turn.example?transport=tcp"}, Username: "u", CredentialFile: write("password", "p\n")},
		}
	})
	now := time.Unix(1795262400, 0)
	list, until := s.server.ICEServers("pa_a", now.Add(10*time.Minute), now)
	if want := now.Add(10 * time.Minute); !until.Equal(want) || len(list) != 4 {
		t.Fatalf("%d servers until %v, want 4 until the token ends, %v", len(list), until, want)
	}
	if list[0].Username != "1795263000:pa_a" || len(list[0].URLs) != 3 || !strings.HasPrefix(list[0].URLs[2], "turns:relay.example:") {
		t.Errorf("our own is %+v", list[0])
	}
	if list[1].Credential != "" || list[3].Username != "u" || list[3].Credential != "p" {
		t.Errorf("others are %+v", list)
	}
	// What coturn makes of static-auth-secret: echo -n NAME | openssl dgst -sha1 -hmac SECRET -binary | base64
	if list[2].Credential != secret("north of the other wall").password("1795263000:pa_a") || list[2].Username != "1795263000:pa_a" {
		t.Errorf("coturn's are %+v", list[2])
	}
	if _, until := s.server.ICEServers("pa_a", now.Add(24*time.Hour), now); !until.Equal(now.Add(time.Hour)) {
		t.Errorf("credentials end at %v, want after the configured hour", until)
	}
}

func TestConfigRefuses(t *testing.T) {
	for says, adjust := range map[string]func(*Config){
		"udp":        func(c *Config) { c.UDP = "everywhere" },
		"key_file":   func(c *Config) { c.TLS = "0.0.0.0:443" },
		"host":       func(c *Config) { c.Host = "turn.example:443" },
		"ttl":        func(c *Config) { c.TTL = time.Second },
		"max_":       func(c *Config) { c.MaxPerParticipant = 0 },
		"urls":       func(c *Config) { c.Servers = []External{{URLs: []string{"http://turn.example"}}} },
		"servers[0]": func(c *Config) { c.Servers = []External{{URLs: []string{"turn:turn.example"}, Username: "u"}} },
	} {
		cfg := DefaultConfig()
		adjust(&cfg)
		if err := cfg.Validate(); earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want a complaint about %s", err, says)
		}
	}
	cfg := DefaultConfig()
	cfg.UDP = "0.0.0.0:0"
	_, err := Open(cfg, Deps{Log: quiet{}, Media: &net.UDPAddr{IP: net.IPv4zero, Port: 1}})
	if earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), "host") {
		t.Errorf("Open without a host = %v, want a complaint", err)
	}
}

// A certificate that is renewed is served without a restart; one that is half
// written is not.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := selfSigned(t, dir, nil)
	c, err := newCertificate(certFile, keyFile)
	check(t, err)
	first := c.get(time.Now())
	later := time.Now().Add(time.Hour)
	check(t, os.WriteFile(certFile, []byte("half"), 0o600))
	check(t, os.Chtimes(certFile, later, later))
	if c.get(later) != first {
		t.Error("a broken certificate came into force")
	}
	selfSigned(t, dir, nil)
	check(t, os.Chtimes(certFile, later.Add(time.Hour), later.Add(time.Hour)))
	if c.get(later.Add(recheck/2)) != first {
		t.Error("it was looked at again too early")
	}
	if got := c.get(later.Add(recheck)); got == first || bytes.Equal(got.Certificate[0], first.Certificate[0]) {
		t.Error("the new certificate is not in force")
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 1, 0, 4, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3, 4})
	f.Add([]byte{0x40, 0, 0, 3, 1, 2, 3, 0, 0x40, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(data), 2*maxFrame)
		rest, b := data, make([]byte, maxFrame+1)
		for {
			n, err := readFrame(r, b)
			if err != nil {
				return
			}
			if n < 4 || n > maxFrame || n%4 != 0 || !bytes.Equal(b[:n], rest[:n]) {
				t.Fatalf("a frame of %d bytes: % x", n, b[:n])
			}
			rest = rest[n:]
		}
	})
}
