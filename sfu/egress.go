package sfu

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"earshot/sfu/egress"

	"github.com/pion/dtls/v3"
	"github.com/pion/webrtc/v4"
)

// The values of Config.Egress.
const (
	EgressAuto = "auto" // batched where it can be
	EgressPion = "pion" // packet by packet, by pion
)

// Why pion sends the packets of a session, as the metrics call it.
const (
	pionProfile   = "profile"   // another SRTP profile or cipher suite
	pionHandshake = "handshake" // its keys were not seen
	pionTransport = "transport" // not IPv4
)

// openEgress takes the socket over where packets can be sent in batches. It
// returns the socket for pion, and nil where pion sends everything.
func openEgress(cfg Config, deps Deps, socket net.PacketConn) (net.PacketConn, *egress.Sender) {
	conn, ok := socket.(*net.UDPConn)
	if !ok || cfg.Egress == EgressPion || deps.Net != nil {
		return socket, nil
	}
	own, err := egress.Open(conn)
	if err != nil {
		deps.Log.Debug("batched egress", "error", err)
		return socket, nil
	}
	return own, egress.NewSender(own)
}

// watch makes an engine's settings for one session whose handshake is seen.
func watch(s webrtc.SettingEngine, h *egress.Handshake) webrtc.SettingEngine {
	s.SetDTLSKeyLogWriter(h)
	s.SetDTLSServerHelloMessageHook(h.ServerHello)
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	return s
}

// outgoing is how a session's RTP leaves: in batches, or by pion. It is decided
// once, when the session is connected, before anything is sent; and with it how
// RTP comes in.
type outgoing struct {
	peer      egress.Peer
	sender    *egress.Sender    // nil: by pion
	handshake *egress.Handshake // nil: by pion
	door      *tcpDoor          // nil: there is no TCP
	lane      *lane
	lanes     *lanes // of all

	// mu guards what follows.
	mu      sync.Mutex
	decided bool
	ended   bool
	context *egress.Context // nil: not decided yet, by pion, or ended
}

// byPion reports whether pion sends, and never anybody else.
func (o *outgoing) byPion() bool {
	if o.sender == nil {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.decided && o.context == nil && !o.ended
}

// stream returns the batched sender of an SSRC, nil where there is none (yet).
func (o *outgoing) stream(ssrc uint32, window int) *egress.Stream {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.context == nil {
		return nil
	}
	return o.context.Stream(ssrc, window)
}

// decide chooses once, and returns why pion has to send, "" where it has not.
func (o *outgoing) decide(pair *webrtc.ICECandidatePair) (reason string, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.decided {
		return "", false
	}
	o.decided = true
	defer o.handshake.Close()
	if !o.followLocked(pair) {
		return pionTransport, true
	}
	context, inbound, err := o.handshake.Contexts()
	switch {
	case errors.Is(err, egress.ErrProfile):
		return pionProfile, true
	case err != nil:
		return pionHandshake, true
	}
	o.context = context
	o.lane.open(inbound)
	return "", true
}

// follow sends another way from now on, and reports whether that can be done:
// a session whose packets we seal stays with us, because pion must not go on
// with its nonces.
func (o *outgoing) follow(pair *webrtc.ICECandidatePair) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.context == nil {
		return true
	}
	return o.followLocked(pair)
}

func (o *outgoing) followLocked(pair *webrtc.ICECandidatePair) bool {
	if pair == nil || pair.Local == nil || pair.Remote == nil || pair.Local.Typ == webrtc.ICECandidateTypeRelay {
		return false
	}
	ip, err := netip.ParseAddr(pair.Remote.Address)
	if err != nil || !ip.Unmap().Is4() {
		return false
	}
	to, from := netip.AddrPortFrom(ip.Unmap(), pair.Remote.Port), o.peer.Address()
	o.lanes.move(o.lane, from, netip.AddrPort{})
	switch {
	case pair.Local.Protocol == webrtc.ICEProtocolUDP:
		o.peer.Move(to)
		o.lanes.move(o.lane, from, to)
	case o.door == nil:
		return false
	default:
		o.overTCP(to)
	}
	return true
}

// overTCP sends on the connection from an address. Where that was closed in the
// meantime packets are dropped until ICE finds another way, or gives up.
func (o *outgoing) overTCP(from netip.AddrPort) {
	if c := o.door.connection(from); c != nil {
		o.peer.MoveTo(c)
		return
	}
	o.peer.Move(netip.AddrPort{})
}

// close wipes the keys. No stream may be used any more.
func (o *outgoing) close() {
	if o.sender == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.decided, o.ended = true, true
	o.handshake.Close()
	o.lanes.move(o.lane, o.peer.Address(), netip.AddrPort{})
	o.lane.close()
	if o.context != nil {
		o.context.Close()
		o.context = nil
	}
}

// followPath makes packets go where ICE says, whenever that changes.
func (s *Session) followPath() {
	if s.out.sender == nil {
		return
	}
	s.pc.SCTP().Transport().ICETransport().OnSelectedCandidatePairChange(func(pair *webrtc.ICECandidatePair) {
		if !s.out.follow(pair) {
			s.log.Debug("the connection has left IPv4; the client has to join again")
			s.Stop()
		}
	})
}

// choosePath decides how packets leave. The session is connected.
func (s *Session) choosePath() {
	m := s.sfu.metrics
	if s.out.sender == nil {
		return
	}
	reason, first := s.out.decide(s.selectedPair())
	if !first {
		return
	}
	s.sfu.pump.hold(time.Now())          // everybody is told of it now
	if !s.out.follow(s.selectedPair()) { // it may have changed meanwhile
		s.Stop()
	}
	if reason != "" {
		m.egressPion.WithLabelValues(reason).Inc()
		s.log.Debug("packets are sent by pion", "reason", reason)
	} else {
		m.egressBatched.Inc()
	}
	for _, sl := range s.slots() {
		sl.begin()
	}
}

// selectedPair returns where ICE sends at present, or nil.
func (s *Session) selectedPair() *webrtc.ICECandidatePair {
	pair, err := s.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil {
		return nil
	}
	return pair
}

// endPath ends sending: the keys are gone when it returns.
func (s *Session) endPath() {
	for _, sl := range s.slots() {
		sl.end()
	}
	s.out.close()
}

// burst returns a collection for the packets of one event; it takes none where
// pion sends everything.
func (s *SFU) burst() egress.Burst {
	if s.sender == nil {
		return egress.Burst{}
	}
	return s.sender.Burst()
}

// adapter lets the sender gather as long as the load asks for.
type adapter struct {
	sender *egress.Sender
	pace   egress.Pace
}

func (a *adapter) tick(now time.Time) {
	if a.sender != nil {
		a.sender.Adapt(now, &a.pace)
	}
}
