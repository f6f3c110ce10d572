package loadtest

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	checkEvery  = 50 * time.Millisecond // until an address answers
	aliveEvery  = 2 * time.Second       // consent (RFC 7675), as pion has it
	reportEvery = 2 * time.Second
	lostAfter   = 5 * time.Second  // without an answer: disconnected
	goneAfter   = 30 * time.Second // without an answer: failed (RFC 7675)
)

// leanLink is a link without a PeerConnection: its own ICE, SRTP and SDP, with
// pion's DTLS and SCTP. It says on the wire what a PeerConnection says, and
// costs a fraction: a voice packet goes from the socket to the bot in one
// call, on the goroutine of a lane.
type leanLink struct {
	cfg    *Config
	sink   sink
	meters *meters
	host   *Host
	lane   *lane

	described description
	packets   packetIDs
	redundant redundant     // of the microphone
	reached   chan struct{} // closed when the first leg is chosen
	once      sync.Once
	data      *leanData
	media     atomic.Pointer[leanMedia]
	chosen    atomic.Pointer[leg]
	pulse     *beat

	taking sync.Mutex // what arrives is handled one at a time

	mu       sync.Mutex
	legs     []*leg // tried, and the chosen one
	trying   bool   // no leg of this generation has been chosen
	checked  time.Time
	reported time.Time
	answered atomic.Int64 // ns: the last answer to a check
	failed   bool
	closed   bool
}

// packetIDs is how the microphone's packets are marked.
type packetIDs struct {
	voice, camera uint32 // SSRCs
	level         uint8  // id of the header extension; 0 is none
}

var _ link = (*leanLink)(nil)

func newLeanLink(cfg *Config, s sink, m *meters, h *Host, l *lane) *leanLink {
	var seed [8]byte
	rand.Read(seed[:]) // never fails
	link := &leanLink{cfg: cfg, sink: s, meters: m, host: h, lane: l, reached: make(chan struct{})}
	link.described = description{
		fingerprint: h.fingerprint, slots: cfg.Slots, video: cfg.VideoSlots, nack: cfg.NACK, repair: cfg.Repair,
	}
	link.packets.voice = binary.BigEndian.Uint32(seed[:]) | 1
	if cfg.Speak {
		link.described.microphone = link.packets.voice
	}
	link.packets.camera = binary.BigEndian.Uint32(seed[4:]) | 1
	if cfg.Video != nil {
		link.described.camera = link.packets.camera
		link.described.rids = cfg.Video.rids()
	}
	link.data = newLeanData(link)
	return link
}

func (l *leanLink) connect(ctx context.Context, exchange exchange) error {
	a, err := l.negotiate(ctx, exchange)
	if err != nil {
		return err
	}
	l.sink.reach(answered)
	l.packets.level = a.level
	l.pulse = l.lane.every(l.cfg.Now(), l.beat)
	select {
	case <-l.reached:
	case <-ctx.Done():
		return fmt.Errorf("no answer from %v over UDP: %w", a.candidates, ctx.Err())
	}
	l.sink.reach(reachable)
	state, profile, err := l.data.handshake(ctx, a.fingerprint)
	if err != nil {
		return fmt.Errorf("DTLS: %w", err)
	}
	media, err := newLeanMedia(state, profile, l.packets.voice, a, l.cfg)
	if err != nil {
		return err
	}
	l.media.Store(media)
	l.sink.reach(agreed)
	if err := l.data.open(ctx); err != nil {
		return fmt.Errorf("SCTP: %w", err)
	}
	l.sink.reach(opened)
	l.settle()
	return nil
}

// settle ends the time in which each step waits for the server.
func (l *leanLink) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.legs {
		g.attention(false)
	}
}

func (l *leanLink) restart(ctx context.Context, exchange exchange) error {
	_, err := l.negotiate(ctx, exchange)
	if err == nil {
		l.lane.sooner(l.pulse)
	}
	return err
}

// negotiate has an offer with new credentials answered and opens a leg to each
// of the server's addresses.
func (l *leanLink) negotiate(ctx context.Context, exchange exchange) (*answer, error) {
	local := newCredentials()
	d := &l.described
	d.ufrag, d.password = local.ufrag, local.password
	d.version++
	sdp, err := exchange(ctx, d.offer())
	if err != nil {
		return nil, err
	}
	a, err := d.readAnswer(sdp)
	if err != nil {
		return nil, err
	}
	var legs []*leg
	var errs []error
	for _, remote := range a.candidates {
		g, err := l.openLeg(remote, local, credentials{a.ufrag, a.password})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		legs = append(legs, g)
	}
	if len(legs) == 0 {
		return nil, errors.Join(errs...)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errors.Join(errEnded, closeLegs(legs))
	}
	l.legs = append(l.legs, legs...)
	l.trying, l.checked = true, time.Time{}
	return a, nil
}

func (l *leanLink) openLeg(remote netip.AddrPort, local, far credentials) (*leg, error) {
	var seed [8]byte
	rand.Read(seed[:])
	prepare := func(g *leg) *leg {
		g.local, g.far, g.tie = local, far, binary.BigEndian.Uint64(seed[:])
		write := g.write
		g.write = func(b []byte) error {
			l.meters.up.add(kindOf(b), len(b))
			return write(b)
		}
		return g
	}
	if l.cfg.Net == nil {
		g, ok, err := openPolled(l.lane, remote, prepare, l.take)
		if ok || err != nil {
			return g, err
		}
	}
	network, err := systemNet(l.cfg.Net)
	if err != nil {
		return nil, err
	}
	return openRead(network, l.cfg.Now, remote, prepare, l.take)
}

func closeLegs(legs []*leg) error {
	var errs []error
	for _, g := range legs {
		errs = append(errs, g.close())
	}
	return errors.Join(errs...)
}

// take handles a datagram that arrived on g. The memory is the caller's.
func (l *leanLink) take(g *leg, at time.Time, datagram []byte) {
	k := kindOf(datagram)
	l.meters.down.add(k, len(datagram))
	l.taking.Lock()
	defer l.taking.Unlock()
	switch k {
	case kindVoice, kindVideo:
		l.takeMedia(at, datagram)
	case kindRTCP:
		if m := l.media.Load(); m != nil {
			lacking, key := m.control(at, datagram)
			if key {
				l.sink.wantKey()
			}
			if len(lacking) > 0 {
				m.again(lacking, l.write)
			}
		}
	case kindData:
		l.data.take(at, datagram)
	default:
		if g.handle(datagram) {
			l.choose(g, at)
		}
	}
}

func (l *leanLink) takeMedia(at time.Time, datagram []byte) {
	m := l.media.Load()
	if m == nil {
		return
	}
	line, payload, lossy := m.receive(at, datagram)
	if lossy {
		l.lane.sooner(l.pulse)
	}
	switch {
	case line == nil:
	case line.kind == webrtc.RTPCodecTypeVideo:
		l.sink.saw(line.slot, at, &m.header, payload)
	default:
		l.hear(line, at, &m.header, payload)
	}
}

// choose notes that the server answered on g: the first of its generation
// carries everything from then on.
func (l *leanLink) choose(g *leg, at time.Time) {
	l.answered.Store(at.UnixNano())
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.trying || g.far != l.newest() {
		return
	}
	l.trying = false
	l.chosen.Store(g)
	l.checked = time.Time{}
	l.once.Do(func() { close(l.reached) })
	_ = g.check(true) // nominated again by the pulse
}

// newest is the server's credentials of this generation.
func (l *leanLink) newest() credentials { return l.legs[len(l.legs)-1].far }

// beat checks what has to be checked and reports what was received.
func (l *leanLink) beat(now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return now.Add(time.Hour)
	}
	if l.trying {
		for _, g := range l.legs {
			if g.far == l.newest() {
				_ = g.check(false) // lost is as good: it is sent again
			}
		}
	}
	g := l.chosen.Load()
	if g == nil {
		return now.Add(checkEvery)
	}
	l.drop(g)
	if !l.trying && now.Sub(l.checked) >= aliveEvery {
		l.checked = now
		_ = g.check(true)
	}
	again := now.Add(aliveEvery)
	if m := l.media.Load(); m != nil {
		if now.Sub(l.reported) >= reportEvery {
			l.reported = now
			_ = m.report(now, g.write)
		}
		if next := m.repair(now, g.write); !next.IsZero() && next.Before(again) {
			again = next
		}
	}
	if !l.failed && l.silence(now) > goneAfter {
		l.failed = true
		go l.sink.gone()
	}
	if l.trying {
		return now.Add(checkEvery)
	}
	return again
}

// drop closes the legs of this generation that were not chosen, and all of
// older ones, once nothing is being tried. A socket of the lane cannot be
// closed from the lane's own goroutine while it is read, so another does it.
func (l *leanLink) drop(keep *leg) {
	if l.trying || len(l.legs) == 1 {
		return
	}
	var rest []*leg
	for _, g := range l.legs {
		if g != keep {
			rest = append(rest, g)
		}
	}
	l.legs = []*leg{keep}
	l.data.work.Go(func() { _ = closeLegs(rest) })
}

func (l *leanLink) silence(now time.Time) time.Duration {
	return now.Sub(time.Unix(0, l.answered.Load()))
}

// write sends a datagram by the chosen leg.
func (l *leanLink) write(b []byte) error {
	g := l.chosen.Load()
	if g == nil {
		return errEnded
	}
	return g.write(b)
}

func (l *leanLink) control(text []byte) error {
	l.meters.up.add(kindControl, len(text))
	return l.data.control(text)
}

func (l *leanLink) pose(datagram []byte) {
	if l.data.pose(datagram) {
		l.meters.up.add(kindPose, len(datagram))
	}
}

func (l *leanLink) speak(p *rtp.Packet, level byte) error {
	m := l.media.Load()
	if m == nil {
		return errEnded
	}
	p.SSRC, p.PayloadType = l.packets.voice, opusPayload
	if l.packets.level != 0 {
		p.SetExtension(l.packets.level, []byte{level}) // one byte under an id below 15 always fits
	}
	if own := p.Payload; l.cfg.RED > 0 {
		l.redundant.pack(p, l.cfg.RED)
		defer func() { p.Payload = own }() // the caller writes its next frame there
	}
	return m.send(p, l.cfg.Now(), false, l.write)
}

func (l *leanLink) show(layer int, p *rtp.Packet) error {
	m := l.media.Load()
	if m == nil {
		return errEnded
	}
	p.SSRC = l.packets.camera + uint32(layer)
	rids := l.described.rids
	if layer < len(rids) { // short values under ids below 15 always fit
		p.SetExtension(midID, []byte(l.described.cameraMID()))
		p.SetExtension(ridID, []byte(rids[layer]))
	}
	return m.send(p, l.cfg.Now(), len(rids) == 0, l.write)
}

func (l *leanLink) state() webrtc.PeerConnectionState {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return webrtc.PeerConnectionStateClosed
	case l.media.Load() == nil:
		return webrtc.PeerConnectionStateConnecting
	case l.failed:
		return webrtc.PeerConnectionStateFailed
	case l.silence(l.cfg.Now()) > lostAfter:
		return webrtc.PeerConnectionStateDisconnected
	}
	return webrtc.PeerConnectionStateConnected
}

func (l *leanLink) close() error {
	err := l.data.close()
	l.mu.Lock()
	l.closed = true
	legs := l.legs
	l.legs = nil
	l.mu.Unlock()
	if l.pulse != nil {
		l.lane.cease(l.pulse)
	}
	l.data.work.Wait()
	return errors.Join(err, closeLegs(legs))
}
