package turn

import (
	"net"
	"net/netip"
	"strings"
	"time"

	"earshot"
)

// Config says where the relay listens, and which others clients are told of.
// The zero lists and addresses turn it off.
type Config struct {
	// UDP, TCP and TLS are HOST:PORT to listen on; empty ones are off. None may
	// be the port of media with the same transport.
	UDP string `yaml:"udp"`
	TCP string `yaml:"tcp"`
	TLS string `yaml:"tls"`
	// CertFile and KeyFile are what TLS needs, in PEM. They are read again when
	// they change.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// Host is the name or address clients are told; empty is the first public
	// address of media, or the address that is listened on. With TLS it is a name
	// the certificate is for.
	Host string `yaml:"host"`
	// SecretFile holds what credentials are made of. Empty is one that the
	// process makes for itself.
	SecretFile string `yaml:"secret_file"`
	// TTL is how long credentials are good for, at most as long as the token.
	TTL time.Duration `yaml:"ttl"`
	// MaxAllocations and MaxPerParticipant bound the relayed addresses,
	// MaxConnections those over TCP and TLS, MaxBitrate each way of each
	// allocation, in bit/s.
	MaxAllocations    int `yaml:"max_allocations"`
	MaxPerParticipant int `yaml:"max_per_participant"`
	MaxConnections    int `yaml:"max_connections"`
	MaxBitrate        int `yaml:"max_bitrate"`
	// Servers are others that clients are told of.
	Servers []External `yaml:"servers"`
}

// External is a STUN or TURN server that is not ours. Its credentials are made
// of the secret in SecretFile for each participant (coturn's use-auth-secret),
// or they are Username and what CredentialFile holds, or it needs none.
type External struct {
	URLs           []string `yaml:"urls"`
	SecretFile     string   `yaml:"secret_file,omitempty"`
	Username       string   `yaml:"username,omitempty"`
	CredentialFile string   `yaml:"credential_file,omitempty"`
}

// Limits of lists.
const (
	maxServers = 8
	maxURLs    = 8
)

// DefaultConfig is off.
func DefaultConfig() Config {
	return Config{
		TTL:            time.Hour,
		MaxAllocations: 4096, MaxPerParticipant: 16, MaxConnections: 4096,
		MaxBitrate: 10_000_000,
		Servers:    []External{},
	}
}

// On reports whether anything is listened on.
func (c *Config) On() bool { return c.UDP != "" || c.TCP != "" || c.TLS != "" }

// Validate returns an *earshot.Error that names the first field that cannot be.
func (c *Config) Validate() error {
	for _, f := range []struct{ name, value string }{{"udp", c.UDP}, {"tcp", c.TCP}, {"tls", c.TLS}} {
		if f.value == "" {
			continue
		}
		if a, err := net.ResolveTCPAddr("tcp4", f.value); err != nil || a.IP != nil && a.IP.To4() == nil {
			return invalid("%s: %q is not an IPv4 address with a port, such as 0.0.0.0:5349", f.name, f.value)
		}
	}
	if c.TLS != "" && (c.CertFile == "" || c.KeyFile == "") {
		return invalid("cert_file, key_file: TLS needs both")
	}
	if strings.ContainsAny(c.Host, ":/?@ ") {
		return invalid("host: %q is not a name or IPv4 address; ports follow from udp, tcp and tls", c.Host)
	}
	if c.TTL < time.Minute || c.TTL > 24*time.Hour {
		return invalid("ttl: %v is not between 1m and 24h", c.TTL)
	}
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"max_allocations", c.MaxAllocations, 1 << 16},
		{"max_per_participant", c.MaxPerParticipant, 1024},
		{"max_connections", c.MaxConnections, 1 << 20},
		{"max_bitrate", c.MaxBitrate, 1 << 30},
	} {
		if f.value < 1 || f.value > f.max {
			return invalid("%s: %d is not between 1 and %d", f.name, f.value, f.max)
		}
	}
	return c.validateServers()
}

func (c *Config) validateServers() error {
	if len(c.Servers) > maxServers {
		return invalid("servers: %d, at most %d", len(c.Servers), maxServers)
	}
	for i, s := range c.Servers {
		if len(s.URLs) < 1 || len(s.URLs) > maxURLs {
			return invalid("servers[%d].urls: %d, not between 1 and %d", i, len(s.URLs), maxURLs)
		}
		for _, u := range s.URLs {
			if !iceURL(u) {
				return invalid("servers[%d].urls: %q is not such as turn:turn.example:3478?transport=tcp (RFC 7065)", i, u)
			}
		}
		if (s.Username == "") != (s.CredentialFile == "") || s.Username != "" && s.SecretFile != "" {
			return invalid("servers[%d]: give secret_file, or username and credential_file, or none of them", i)
		}
	}
	return nil
}

// iceURL reports whether u is a URL of RFC 7064 or 7065, by its outside.
func iceURL(u string) bool {
	scheme, rest, _ := strings.Cut(u, ":")
	host, query, _ := strings.Cut(rest, "?")
	switch scheme {
	case "stun", "stuns", "turn", "turns":
	default:
		return false
	}
	switch query {
	case "", "transport=udp", "transport=tcp":
	default:
		return false
	}
	return host != "" && len(u) <= 256 && !strings.ContainsAny(host, "/@ \"<>;,") && printable(host)
}

func printable(s string) bool {
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return true
}

// host returns what clients are told, "" where it has to be configured.
func (c *Config) host(public []string) string {
	if c.Host != "" {
		return c.Host
	}
	if len(public) > 0 {
		return public[0]
	}
	for _, listen := range []string{c.TLS, c.TCP, c.UDP} {
		if at, err := netip.ParseAddrPort(listen); err == nil && !at.Addr().IsUnspecified() {
			return at.Addr().String()
		}
	}
	return ""
}

func invalid(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}
