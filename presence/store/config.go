package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"

	"earshot"
)

// Config says where nodes keep what they share. The zero value is the process's
// memory: one node, alone.
type Config struct {
	// Addresses are HOST:PORT of Valkey or Redis servers, version 7 or later: one
	// server, the Sentinels that watch it, or some nodes of a cluster. A path is
	// a Unix socket. Empty: memory.
	Addresses []string `yaml:"addresses"`
	// SentinelMaster is the name under which the Sentinels at Addresses watch
	// the server.
	SentinelMaster string `yaml:"sentinel_master"`
	// Cluster says that Addresses are of Valkey Cluster or Redis Cluster.
	Cluster bool `yaml:"cluster"`
	// Database is the number of the database; a cluster has only 0.
	Database int `yaml:"database"`
	// Username is that of the server's ACL; empty: default.
	Username string `yaml:"username"`
	// PasswordFile holds the password.
	PasswordFile string `yaml:"password_file"`
	// SentinelUsername and SentinelPasswordFile are for the Sentinels themselves.
	SentinelUsername     string `yaml:"sentinel_username"`
	SentinelPasswordFile string `yaml:"sentinel_password_file"`
	// TLS says how to speak to servers and Sentinels.
	TLS TLSConfig `yaml:"tls"`
	// Prefix comes before every key and channel. Nodes with the same are one
	// deployment. Braces would put everything on one node of a cluster.
	Prefix string `yaml:"prefix"`
	// Replicas is how many replicas must have what must not be forgotten (who
	// owns what, who is where, orders) before it counts: 0 trusts the primary
	// alone, which may lose the last second when it fails over.
	Replicas int `yaml:"replicas"`
	// Patience bounds one call, at least 50 ms. It must be well below a lease's 3 s.
	Patience time.Duration `yaml:"patience"`
}

// TLSConfig is how to speak TLS 1.2 or later to the servers.
type TLSConfig struct {
	Enabled bool `yaml:"enabled"`
	// CAFile holds the authorities to trust, PEM; empty: the system's.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are this node's own, for servers that want them.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// ServerName is what the servers' certificates say, where that is not the
	// host of their address.
	ServerName string `yaml:"server_name"`
}

// DefaultConfig returns memory, with the values of a Valkey to be named.
func DefaultConfig() Config {
	return Config{Addresses: []string{}, Prefix: "earshot:", Patience: time.Second}
}

var prefixPattern = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,32}$`)

// Validate returns the first thing that is wrong, an *earshot.Error with code
// invalid_argument that names the field. It opens nothing.
func (c *Config) Validate() error {
	for _, address := range c.Addresses {
		if _, _, err := net.SplitHostPort(address); err != nil && !strings.HasPrefix(address, "/") {
			return earshot.Errorf(earshot.CodeInvalidArgument, "addresses: %.100q is not HOST:PORT or the path of a socket", address)
		}
	}
	switch {
	case c.Cluster && c.SentinelMaster != "":
		return earshot.Errorf(earshot.CodeInvalidArgument, "cluster, sentinel_master: give one of them")
	case c.Cluster && c.Database != 0:
		return earshot.Errorf(earshot.CodeInvalidArgument, "database: a cluster has only 0")
	case c.Database < 0:
		return earshot.Errorf(earshot.CodeInvalidArgument, "database: %d is below 0", c.Database)
	case !c.Cluster && c.SentinelMaster == "" && len(c.Addresses) > 1:
		return earshot.Errorf(earshot.CodeInvalidArgument, "addresses: one server has one; several are of Sentinels (sentinel_master) or of a cluster (cluster: true)")
	case c.SentinelMaster == "" && (c.SentinelUsername != "" || c.SentinelPasswordFile != ""):
		return earshot.Errorf(earshot.CodeInvalidArgument, "sentinel_username, sentinel_password_file: belong to sentinel_master")
	case !prefixPattern.MatchString(c.Prefix):
		return earshot.Errorf(earshot.CodeInvalidArgument, "prefix: %.64q is not 1 to 32 letters, digits and _ . : -", c.Prefix)
	case c.Replicas < 0 || c.Replicas > 16:
		return earshot.Errorf(earshot.CodeInvalidArgument, "replicas: %d; it must be 0 to 16", c.Replicas)
	case c.Patience < 50*time.Millisecond || c.Patience > time.Minute:
		return earshot.Errorf(earshot.CodeInvalidArgument, "patience: %v; it must be 50ms to 1m", c.Patience)
	case (c.TLS.CertFile == "") != (c.TLS.KeyFile == ""):
		return earshot.Errorf(earshot.CodeInvalidArgument, "tls.cert_file, tls.key_file: belong together")
	case !c.TLS.Enabled && c.TLS != (TLSConfig{}):
		return earshot.Errorf(earshot.CodeInvalidArgument, "tls: say enabled: true, or leave the rest out")
	}
	return nil
}

// Open opens what the configuration says. Errors are *earshot.Error, and name no
// secret: invalid_argument, or unavailable where no server answers.
func Open(ctx context.Context, cfg Config) (Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(cfg.Addresses) == 0 {
		return NewMemory(), nil
	}
	return OpenValkey(ctx, cfg)
}

// options are those of the client.
func (c *Config) options() (opt valkey.ClientOption, err error) {
	opt = valkey.ClientOption{
		InitAddress: c.Addresses, SelectDB: c.Database, Username: c.Username, ClientName: "earshot",
		ForceSingleClient: !c.Cluster && c.SentinelMaster == "",
		// What is kept changes too often for a cache beside it. Without one
		// nothing of RESP3 is needed, and with RESP2 subscriptions have a
		// connection of their own: what comes in bulk holds no call up.
		DisableCache: true, AlwaysRESP2: true,
		ConnWriteTimeout: max(10*c.Patience, 5*time.Second),
	}
	opt.Dialer = net.Dialer{Timeout: c.Patience, KeepAlive: time.Second}
	if opt.Password, err = secret("password_file", c.PasswordFile); err != nil {
		return opt, err
	}
	if len(c.Addresses) > 0 && strings.HasPrefix(c.Addresses[0], "/") {
		opt.DialCtxFn = func(ctx context.Context, path string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		}
	}
	if opt.TLSConfig, err = c.TLS.client(); err != nil {
		return opt, err
	}
	if c.SentinelMaster != "" {
		opt.Sentinel = valkey.SentinelOption{
			Dialer: opt.Dialer, TLSConfig: opt.TLSConfig, MasterSet: c.SentinelMaster,
			Username: c.SentinelUsername, ClientName: opt.ClientName,
			TopologyRefreshInterval: 5 * time.Second, // a missed +switch-master would bind us to the old one
		}
		if opt.Sentinel.Password, err = secret("sentinel_password_file", c.SentinelPasswordFile); err != nil {
			return opt, err
		}
	}
	if c.Cluster {
		opt.ClusterOption.ShardsRefreshInterval = 5 * time.Second
	}
	return opt, nil
}

const maxSecretFile = 4 << 10 // bytes

func secret(field, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", earshot.Errorf(earshot.CodeInvalidArgument, "%s: %v", field, err)
	}
	if len(data) > maxSecretFile {
		return "", earshot.Errorf(earshot.CodeInvalidArgument, "%s: %s has more than %d bytes", field, path, maxSecretFile)
	}
	return strings.TrimSpace(string(data)), nil
}

func (c *TLSConfig) client() (*tls.Config, error) {
	if !c.Enabled {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		data, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "tls.ca_file: %v", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(data) {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "tls.ca_file: %s has no certificate in PEM", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "tls.cert_file, tls.key_file: %v", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}
