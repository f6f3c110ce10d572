package sfu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"earshot"
	"earshot/sfu/egress"
	"earshot/sfu/turn"

	"github.com/pion/ice/v4"
	"github.com/pion/transport/v4"
)

// socketBuffer is asked of the operating system for the one socket, in bytes.
const socketBuffer = 4 << 20

// closeWithin bounds how long Run waits for sessions to end. A program that wants
// to end sooner does so by itself.
const closeWithin = 10 * time.Second

// SFU is a media node: one UDP port and the sessions on it.
type SFU struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	engines *engines
	socket  net.PacketConn
	mux     *ice.UDPMuxDefault
	door    *tcpDoor   // nil: UDP only
	tcp     ice.TCPMux // pion's side of door
	relay   *turn.Server
	sender  *egress.Sender // nil: pion sends everything
	lanes   *lanes         // by which RTP comes in past pion
	pump    *pump          // nil: the socket has its reader only
	adapter adapter

	// mu guards what follows.
	mu       sync.Mutex
	closed   bool
	sessions map[*Session]struct{}
}

// New opens the socket. Run must be called to serve and, in the end, to close it.
func New(cfg Config, deps Deps) (*SFU, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, fmt.Errorf("sfu: metrics: %w", err)
	}
	socket, listener, err := listenBoth(cfg, deps.Net)
	if err != nil {
		return nil, err
	}
	socket, sender := openEgress(cfg, deps, socket)
	lanes := newLanes()
	gated := newGate(socket, lanes, m)
	s := &SFU{
		cfg: cfg, log: deps.Log, metrics: m, socket: socket, door: openDoor(cfg, listener),
		mux: ice.NewUDPMuxDefault(ice.UDPMuxParams{
			Logger: pionLogs{deps.Log}.NewLogger("mux"), UDPConn: gated, Net: deps.Net,
		}),
		sender: sender, lanes: lanes, adapter: adapter{sender: sender, pace: egress.Pace{Min: cfg.GatherMin, Max: cfg.GatherMax}},
		sessions: make(map[*Session]struct{}),
	}
	if g, ok := gated.(*addressedGate); ok {
		s.pump = g.pump
	}
	if s.door != nil {
		s.tcp = s.door.mux(pionLogs{deps.Log})
	}
	if err := s.open(deps); err != nil {
		return nil, fmt.Errorf("sfu: %w", errors.Join(err, s.shutDoors()))
	}
	return s, nil
}

// open makes what needs the sockets.
func (s *SFU) open(deps Deps) (err error) {
	if s.engines, err = newEngines(s.cfg, deps, s.mux, s.tcp); err != nil {
		return err
	}
	if err := s.openRelay(deps); err != nil {
		return err
	}
	return errors.Join(s.metrics.registerSent(deps.Metrics, s.sender), s.metrics.registerEgress(deps.Metrics, s.sender), s.metrics.registerDoors(deps.Metrics, s))
}

// shutDoors closes what is listened on.
func (s *SFU) shutDoors() error {
	var err error
	if s.relay != nil {
		err = s.relay.Close()
	}
	if s.tcp != nil {
		err = errors.Join(err, s.tcp.Close())
	}
	return errors.Join(err, s.mux.Close()) // which closes the socket too
}

func listen(address string, n transport.Net) (net.PacketConn, error) {
	addr, err := net.ResolveUDPAddr("udp4", address)
	if err != nil {
		return nil, fmt.Errorf("sfu: udp address: %w", err)
	}
	if addr.IP == nil {
		addr.IP = net.IPv4zero
	}
	if n != nil {
		socket, err := n.ListenUDP("udp4", addr)
		if err != nil {
			return nil, fmt.Errorf("sfu: listen on %s: %w", address, err)
		}
		return socket, nil
	}
	socket, err := net.ListenUDP("udp4", addr)
	if err != nil {
		return nil, fmt.Errorf("sfu: listen on %s: %w", address, err)
	}
	ignorePathMTU(socket)
	// The system caps these as it likes; smaller buffers work, with more loss in bursts.
	_ = socket.SetReadBuffer(socketBuffer)
	_ = socket.SetWriteBuffer(socketBuffer)
	return socket, nil
}

// Addr returns the address of the media socket.
func (s *SFU) Addr() net.Addr { return s.socket.LocalAddr() }

// Run serves until ctx ends, then closes all sessions and the socket. It
// returns when they have ended, or after two seconds with an error.
func (s *SFU) Run(ctx context.Context) error {
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	for tick := 0; ; tick++ {
		select {
		case now := <-ticker.C:
			s.tick(tick, now)
		case <-ctx.Done():
			return s.close()
		}
	}
}

func (s *SFU) close() error {
	sessions := s.shut()
	for _, session := range sessions {
		session.Stop()
	}
	deadline := time.NewTimer(closeWithin)
	defer deadline.Stop()
	var late error
wait:
	for i, session := range sessions {
		select {
		case <-session.Done():
		case <-deadline.C:
			late = fmt.Errorf("sfu: %d sessions did not end within %v", len(sessions)-i, closeWithin)
			break wait
		}
	}
	if s.sender != nil {
		s.sender.Close()
	}
	return errors.Join(late, s.shutDoors())
}

func (s *SFU) shut() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.snapshot()
}

func (s *SFU) snapshot() []*Session {
	sessions := make([]*Session, 0, len(s.sessions))
	for session := range s.sessions {
		sessions = append(sessions, session)
	}
	return sessions
}

func (s *SFU) add(session *Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return earshot.Errorf(earshot.CodeUnavailable, "this server is shutting down; join again in a moment")
	}
	s.sessions[session] = struct{}{}
	s.metrics.sessions.Inc()
	return nil
}

func (s *SFU) remove(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.sessions[session]; ok {
		delete(s.sessions, session)
		s.metrics.sessions.Dec()
	}
}
