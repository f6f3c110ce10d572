package store

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/store/servertest"
)

// A cluster refuses a command or script whose keys have several hash tags, also
// where one node has all slots.
func TestCluster(t *testing.T) {
	t.Parallel()
	bus := servertest.FreePort(t)
	server := servertest.Start(t, "--cluster-enabled", "yes", "--cluster-port", bus)
	client, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{server.Address}, ForceSingleClient: true, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Do(t.Context(), client.B().ClusterAddslotsrange().StartSlotEndSlot().StartSlotEndSlot(0, 16383).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the cluster is not up", func() bool {
		info, err := client.Do(t.Context(), client.B().ClusterInfo().Build()).ToString()
		return err == nil && strings.Contains(info, "cluster_state:ok")
	})
	conform(t, func(t *testing.T) subject {
		change := prefixed()
		return subject{openTest(t, func(c *Config) { change(c); c.Cluster = true }, server.Address),
			func(d time.Duration) { <-time.After(d + d/20) }}
	})
}

func TestSentinel(t *testing.T) {
	server := servertest.Start(t)
	_, port, _ := net.SplitHostPort(server.Address)
	config := filepath.Join(t.TempDir(), "sentinel.conf")
	if err := os.WriteFile(config, []byte("sentinel monitor plaza 127.0.0.1 "+port+" 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := startSentinel(t, config)
	v := openTest(t, func(c *Config) { c.SentinelMaster = "plaza" }, sentinel.Address)
	testFenced(t, subject{Store: v})
	testDeltas(t, subject{Store: openTest(t, func(c *Config) { c.SentinelMaster, c.Prefix = "plaza", "other:" }, sentinel.Address)})
}

// startSentinel starts one that reads a file, which it writes anew.
func startSentinel(t *testing.T, config string) *servertest.Server {
	s := servertest.Start(t)
	s.Kill()
	port := s.Address[strings.LastIndex(s.Address, ":")+1:]
	s.Args = []string{s.Args[0], config, "--sentinel", "--port", port, "--bind", "127.0.0.1"}
	s.Restart(t)
	return s
}

// What must not be forgotten waits for a replica; the rest does not.
func TestReplicas(t *testing.T) {
	t.Parallel()
	primary := servertest.Start(t)
	host, port, _ := net.SplitHostPort(primary.Address)
	replica := servertest.Start(t, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")
	v := openTest(t, func(c *Config) { c.Replicas, c.Patience = 1, 2*time.Second }, primary.Address)
	eventually(t, "no replica ever has it", func() bool {
		r, err := v.Do(t.Context(), claim("in_x", "nd_a", hour))
		return err == nil && r.Status == cluster.OK
	})
	replica.Kill()
	_, err := v.Do(t.Context(), cluster.Renew{Instance: "in_x", Node: "nd_a", Epoch: 100, TTL: hour})
	wantCode(t, err, earshot.CodeUnavailable, "Renew without a replica")
	want(t, v, cluster.Put{Instance: "in_x", Node: "nd_a", Epoch: 100, Seq: 1}, cluster.OK)
}

func TestTLSAndACL(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir)
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tlsPort := servertest.FreePort(t)
	servertest.Start(t, "--tls-port", tlsPort, "--tls-cert-file", dir+"/cert.pem", "--tls-key-file", dir+"/key.pem",
		"--tls-ca-cert-file", dir+"/cert.pem", "--tls-auth-clients", "yes",
		"--user", "gateway", "on", ">sesame", "~earshot:*", "&earshot:*", "+@all", "-@dangerous", "--user", "default", "off")
	secure := func(c *Config) {
		c.Username, c.PasswordFile = "gateway", password
		c.TLS = TLSConfig{Enabled: true, CAFile: dir + "/cert.pem", CertFile: dir + "/cert.pem", KeyFile: dir + "/key.pem"}
	}
	address := net.JoinHostPort("127.0.0.1", tlsPort)
	v := openTest(t, secure, address)
	testOwner(t, subject{Store: v})
	testDeltas(t, subject{Store: openTest(t, func(c *Config) { secure(c); c.Prefix = "earshot:other:" }, address)})
	for what, spoil := range map[string]func(*Config){
		"no certificate":  func(c *Config) { c.TLS.CertFile, c.TLS.KeyFile = "", "" },
		"wrong authority": func(c *Config) { c.TLS.CAFile = "" },
		"another name":    func(c *Config) { c.TLS.ServerName = "elsewhere.example" },
		"no password":     func(c *Config) { c.PasswordFile = "" },
		"other keys":      func(c *Config) { c.Prefix = "foreign:" },
	} {
		cfg := DefaultConfig()
		cfg.Addresses = []string{address}
		secure(&cfg)
		spoil(&cfg)
		v, err := OpenValkey(t.Context(), cfg)
		if err == nil {
			v.Close()
		}
		wantCode(t, err, earshot.CodeUnavailable, what)
		if err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the error %q has the password", what, err)
		}
	}
}

// writeCertificate makes one for 127.0.0.1 that is its own authority.
func writeCertificate(t *testing.T, dir string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "earshot test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// kill -9 of the server: calls fail soon, and when it is back, empty, an owner
// is told so, and who follows hears again.
func TestOutage(t *testing.T) {
	server := servertest.Start(t)
	v := openTest(t, nil, server.Address)
	want(t, v, claim("in_x", "nd_a", hour), cluster.OK)
	began, deltas := make(chan struct{}, 100), make(chan cluster.Delta, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			v.Follow(ctx, "in_x", func() { began <- struct{}{} }, func(d cluster.Delta) { deltas <- d })
		}
	}()
	defer func() { cancel(); <-ended }()
	next(t, began, "it never began")
	server.Kill()
	_, err := v.Do(t.Context(), cluster.Renew{Instance: "in_x", Node: "nd_a", Epoch: 100, TTL: hour})
	wantCode(t, err, earshot.CodeUnavailable, "Renew without a server")
	server.Restart(t)
	eventually(t, "the store never came back", func() bool {
		r, err := v.Do(t.Context(), cluster.Renew{Instance: "in_x", Node: "nd_a", Epoch: 100, TTL: hour})
		if err == nil && (r.Status != cluster.OK || !r.Fresh) {
			t.Errorf("the owner is told %+v, want that the store has forgotten", r)
		}
		return err == nil
	})
	next(t, began, "it did not begin again")
	record := house("in_x")
	record.Owner, record.Epoch = "nd_a", 100
	for _, op := range []cluster.Op{cluster.Write{Record: record}, cluster.Put{Instance: "in_x", Node: "nd_a", Epoch: 100, Seq: 70, Full: true}} {
		eventually(t, fmt.Sprintf("%T never gets through", op), func() bool { // each connection of the pool must find out
			r, err := v.Do(t.Context(), op)
			return err == nil && r.Status == cluster.OK
		})
	}
	if d := next(t, deltas, "no delta after the outage"); d.Seq != 70 || !d.Full {
		t.Errorf("delta %+v", d)
	}
}

func TestUnreachable(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Addresses = []string{net.JoinHostPort("127.0.0.1", servertest.FreePort(t))}
	s, err := Open(t.Context(), cfg)
	if err == nil {
		s.Close()
	}
	wantCode(t, err, earshot.CodeUnavailable, "nobody there")
	if err != nil && !strings.Contains(err.Error(), cfg.Addresses[0]) {
		t.Errorf("error %q does not name the address", err)
	}
}

// eventually asks every 20 ms.
func eventually(t testing.TB, complaint string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(complaint)
		}
	}
}
