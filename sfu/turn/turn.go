package turn

import (
	"errors"
	"net"
	"sync"
	"time"

	"earshot/sfu/gate"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	pion "github.com/pion/turn/v5"
)

// realm is the same everywhere: user names say all there is to say.
const realm = "earshot"

// Limits of connections over TCP and TLS.
const (
	unproven    = 64               // of one address, without an allocation
	proveWithin = 15 * time.Second // until the first allocation, the TLS handshake included
	writeBuffer = 64 << 10         // asked of the system, in bytes
)

// lifetime of an allocation that is not refreshed. Clients refresh before.
const lifetime = 5 * time.Minute

// Deps is what a Server needs from outside.
type Deps struct {
	Log logging.LoggerFactory
	// Media is the socket that packets are relayed to.
	Media *net.UDPAddr
	// PublicIPs are the addresses clients know it by; none: those of this machine,
	// with Loopback 127.0.0.1 too.
	PublicIPs []string
	Loopback  bool
	// Live reports whether a participant has a session.
	Live func(user string) bool
}

// ICEServer is an entry of RTCConfiguration.iceServers.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Server is the relay, and knows of the others that are configured.
type Server struct {
	cfg      Config
	deps     Deps
	now      func() time.Time
	secret   secret
	external []external
	urls     []string // of this server
	relays   relays
	counters counters
	pion     *pion.Server // nil: nothing is listened on
	gates    []*gate.Listener

	// mu guards streams: connections over TCP and TLS, by both addresses.
	mu      sync.Mutex
	streams map[string]*stream
}

// Open begins to serve. With a Config that is off it listens on nothing. An
// *earshot.Error names the field that cannot be.
func Open(cfg Config, deps Deps) (*Server, error) {
	s := &Server{cfg: cfg, deps: deps, now: time.Now, streams: make(map[string]*stream)}
	s.relays = relays{server: s, open: make(map[*relay]struct{}), users: make(map[string]int)}
	var err error
	if s.external, err = loadExternal(cfg.Servers); err != nil {
		return nil, err
	}
	if !cfg.On() {
		return s, nil
	}
	if s.secret, err = newSecret(cfg.SecretFile); err != nil {
		return nil, err
	}
	host := cfg.host(deps.PublicIPs)
	if host == "" {
		return nil, invalid("host: give the name or address of this server that clients are told, or public_ips")
	}
	config := pion.ServerConfig{
		Realm: realm, LoggerFactory: deps.Log, AuthHandler: s.authenticate, QuotaHandler: s.relays.room,
		AllocationLifetime: lifetime,
		EventHandler:       pion.EventHandler{OnAllocationCreated: s.prove, OnAuth: s.counters.auth},
	}
	if err := s.listen(&config, host); err != nil {
		return nil, errors.Join(err, s.closeListeners(&config))
	}
	if s.pion, err = pion.NewServer(config); err != nil {
		return nil, errors.Join(err, s.closeListeners(&config))
	}
	return s, nil
}

// listen opens what is configured.
func (s *Server) listen(config *pion.ServerConfig, host string) error {
	if s.cfg.UDP != "" {
		conn, err := net.ListenPacket("udp4", s.cfg.UDP)
		if err != nil {
			return invalid("udp: %v", err)
		}
		config.PacketConnConfigs = append(config.PacketConnConfigs, pion.PacketConnConfig{
			PacketConn: conn, RelayAddressGenerator: &s.relays, PermissionHandler: s.permit,
		})
		s.tell("turn", host, conn.LocalAddr(), "udp")
	}
	if s.cfg.TCP != "" {
		if err := s.listenStream(config, s.cfg.TCP, nil); err != nil {
			return invalid("tcp: %v", err)
		}
		s.tell("turn", host, s.gates[len(s.gates)-1].Addr(), "tcp")
	}
	if s.cfg.TLS != "" {
		certificate, err := newCertificate(s.cfg.CertFile, s.cfg.KeyFile)
		if err != nil {
			return err
		}
		if err := s.listenStream(config, s.cfg.TLS, certificate); err != nil {
			return invalid("tls: %v", err)
		}
		s.tell("turns", host, s.gates[len(s.gates)-1].Addr(), "tcp")
	}
	return nil
}

func (s *Server) listenStream(config *pion.ServerConfig, address string, c *certificate) error {
	inner, err := net.Listen("tcp4", address)
	if err != nil {
		return err
	}
	limits := gate.Limits{
		Connections: s.cfg.MaxConnections, Unproven: unproven, ProveWithin: proveWithin, WriteBuffer: writeBuffer,
	}
	if c != nil {
		limits.TLS = c.config()
	}
	g := gate.Listen(inner, limits)
	s.gates = append(s.gates, g)
	config.ListenerConfigs = append(config.ListenerConfigs, pion.ListenerConfig{
		Listener: &streams{Listener: g, server: s}, RelayAddressGenerator: &s.relays, PermissionHandler: s.permit,
	})
	return nil
}

// tell adds a URL (RFC 7065) of this server.
func (s *Server) tell(scheme, host string, at net.Addr, transport string) {
	_, port, _ := net.SplitHostPort(at.String())
	s.urls = append(s.urls, scheme+":"+net.JoinHostPort(host, port)+"?transport="+transport)
}

// URLs returns where clients reach it, as they are told.
func (s *Server) URLs() []string { return s.urls }

// permit reports whether a client may name an address as its peer: where media
// is. What it names decides nothing else.
func (s *Server) permit(_ net.Addr, peer net.IP) bool {
	ok := s.ours(peer)
	if !ok {
		s.counters.refusedPeers.Add(1)
	}
	return ok
}

func (s *Server) ours(peer net.IP) bool {
	if len(s.deps.PublicIPs) > 0 {
		for _, p := range s.deps.PublicIPs {
			if peer.Equal(net.ParseIP(p)) {
				return true
			}
		}
		return false
	}
	if !s.deps.Media.IP.IsUnspecified() {
		return peer.Equal(s.deps.Media.IP)
	}
	if peer.IsLoopback() {
		return s.deps.Loopback
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(peer) {
			return true
		}
	}
	return false
}

// opens reports whether a request opens something, rather than keeps it open.
func opens(r *pion.RequestAttributes) bool {
	return r.Method == stun.MethodAllocate || r.Method == stun.MethodConnect || r.Method == stun.MethodConnectionBind
}

// ICEServers returns what a participant may use: first this server, then the
// others. Credentials end with the token, at until, or after the configured
// time; it returns when, and until where there are none.
func (s *Server) ICEServers(user string, until, now time.Time) ([]ICEServer, time.Time) {
	if end := now.Add(s.cfg.TTL); end.Before(until) {
		until = end
	}
	list := make([]ICEServer, 0, 1+len(s.external))
	if len(s.urls) > 0 {
		name, password := s.secret.issue(user, until)
		list = append(list, ICEServer{URLs: s.urls, Username: name, Credential: password})
	}
	for i := range s.external {
		list = append(list, s.external[i].server(user, until))
	}
	return list, until
}

// Close ends serving, with all allocations and connections.
func (s *Server) Close() error {
	if s.pion == nil {
		return nil
	}
	err := s.pion.Close()
	s.relays.close()
	return err
}

func (s *Server) closeListeners(config *pion.ServerConfig) error {
	var err error
	for _, c := range config.PacketConnConfigs {
		err = errors.Join(err, c.PacketConn.Close())
	}
	for _, g := range s.gates {
		err = errors.Join(err, g.Close())
	}
	return err
}
