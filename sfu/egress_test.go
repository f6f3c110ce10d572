//go:build linux

package sfu

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
	"earshot/sfu/forward"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// onLoopback is an SFU on a real socket, where packets leave in batches.
func onLoopback(t *testing.T) *world {
	t.Helper()
	return onSockets(t, func(*Config) {})
}

// onSockets is onLoopback with another configuration.
func onSockets(t *testing.T, adjust func(*Config)) *world {
	t.Helper()
	cfg := DefaultConfig()
	cfg.UDP, cfg.Loopback, cfg.Egress = "127.0.0.1:0", true, EgressAuto
	adjust(&cfg)
	w := &world{t: t, ran: make(chan error, 1)}
	var err error
	w.sfu, err = New(cfg, Deps{})
	check(t, err)
	w.ctx, w.cancel = context.WithCancel(t.Context())
	go func() { w.ran <- w.sfu.Run(w.ctx) }()
	t.Cleanup(func() {
		for _, p := range w.all {
			check(t, p.pc.GracefulClose())
		}
		w.cancel()
		check(t, <-w.ran)
	})
	return w
}

// until waits for what happens on real sockets.
func (w *world) until(what string, cond func() bool) {
	w.t.Helper()
	deadline := time.After(20 * time.Second)
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for !cond() {
		select {
		case <-ticker.C:
		case <-deadline:
			w.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// enter joins a client that has voice and video slots and answers loss with
// NACK. adjust may change its settings.
func (w *world) enter(sh shape, adjust func(*webrtc.SettingEngine)) *person {
	w.t.Helper()
	p := w.newSocketClient(adjust)
	p.prepare(sh)
	p.gather(nil)
	sdp := p.pc.LocalDescription().SDP
	if !sh.repairs {
		sdp = withoutRTX(sdp)
	}
	session, answer, err := w.sfu.Join(w.ctx, Offer{
		SDP: sdp, Participant: p.id, Session: earshot.NewSessionID(), Handler: p,
		PublishAudio: true, PublishVideo: true, Subscribe: true,
	})
	check(w.t, err)
	p.session = session
	check(w.t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
	w.until("connected", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.states) > 0 && p.mic.out != nil && p.pc.ConnectionState() == webrtc.PeerConnectionStateConnected
	})
	return p
}

// newSocketClient prepares a client without media and channels on real sockets.
func (w *world) newSocketClient(adjust func(*webrtc.SettingEngine)) *person {
	w.t.Helper()
	p := &person{w: w, id: earshot.ParticipantID(fmt.Sprintf("pa_%d", len(w.all))), packets: map[string][]arrival{}}
	var s webrtc.SettingEngine
	s.LoggerFactory = quiet{}
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetSRTPReplayProtectionWindow(1024) // as browsers have; film here is faster than life
	s.SetIncludeLoopbackCandidate(true)
	s.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	if adjust != nil {
		adjust(&s)
	}
	media, chain := &webrtc.MediaEngine{}, &interceptor.Registry{}
	check(w.t, media.RegisterDefaultCodecs())
	check(w.t, media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI}, webrtc.RTPCodecTypeAudio))
	nacks, err := nack.NewGeneratorInterceptor()
	check(w.t, err)
	chain.Add(nacks)
	p.api = webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(chain))
	p.pc, err = p.api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	check(w.t, err)
	w.all = append(w.all, p)
	return p
}

// gather makes an offer with all candidates.
func (p *person) gather(o *webrtc.OfferOptions) {
	offer, err := p.pc.CreateOffer(o)
	check(p.w.t, err)
	done := webrtc.GatheringCompletePromise(p.pc)
	check(p.w.t, p.pc.SetLocalDescription(offer))
	<-done
}

// arrivals returns how many different packets came on a media line.
func (p *person) arrivals(mid string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := map[uint16]bool{}
	for _, a := range p.packets[mid] {
		seen[a.SequenceNumber] = true
	}
	return len(seen)
}

// heardSilence reports whether a frame of silence came on a media line.
func (p *person) heardSilence(mid string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.packets[mid], func(a arrival) bool { return a.payload == string(forward.SilenceFrame()) })
}

func (p *person) film(seq uint16, size int) {
	payload := append([]byte{0x10, 0}, bytes.Repeat([]byte{byte(seq)}, size)...) // a VP8 key frame in one packet
	check(p.w.t, p.camera.WriteRTP(&rtp.Packet{
		Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: 3000 * uint32(seq), Marker: true}, Payload: payload,
	}))
}

// capture is a client's socket that notes what came, and loses some of it.
type capture struct {
	net.PacketConn
	mu    sync.Mutex
	media [][]byte
	lose  func(packet []byte) bool
}

func (c *capture) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil || !c.note(b[:n]) {
			return n, from, err
		}
	}
}

func (c *capture) note(b []byte) (lost bool) {
	if len(b) < 12 || b[0]>>6 != 2 || b[1] >= 192 && b[1] <= 223 { // not RTP, but RTCP or another thing: RFC 5761
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.media = append(c.media, bytes.Clone(b))
	return c.lose != nil && c.lose(b)
}

func (c *capture) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.media)
}

// The whole of a session, captured: talkers that change, film with loss that is
// repaired, silence that ends talkspurts. Everything came from the batched
// sender, and no nonce was used for two packets.
func TestNoNonceHasTwoSenders(t *testing.T) {
	for name, repairs := range map[string]bool{"repairs in place": false, "repairs apart": true} {
		t.Run(name, func(t *testing.T) { testNonces(t, repairs) })
	}
}

func testNonces(t *testing.T, repairs bool) {
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	check(t, err)
	c, dice := &capture{PacketConn: socket}, rand.New(rand.NewPCG(1, 2))
	c.lose = func(b []byte) bool { return b[1]&0x7f != 111 && dice.IntN(7) == 0 } // some of the film
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: c, Logger: quiet{}.NewLogger("")})
	t.Cleanup(func() { mux.Close() })
	w := onLoopback(t)

	a, b := w.enter(shape{voice: 1, video: 1}, nil), w.enter(shape{voice: 1, video: 1}, nil)
	listener := w.enter(shape{voice: 1, video: 1, repairs: repairs}, func(s *webrtc.SettingEngine) { s.SetICEUDPMux(mux) })
	if listener.session.out.byPion() {
		t.Fatal("the session is not served in batches")
	}
	voice, video := listener.session.VoiceMIDs()[0], listener.session.VideoMIDs()[0]
	a.session.Video(SourceCamera).SetActive(true)
	listener.session.SetVideo([]*Publication{a.session.Video(SourceCamera)})
	for i := range 300 {
		if i%50 == 0 { // the slot goes from one to the other
			listener.session.SetVoice(time.Now(), []VoiceCandidate{{Publication: []*person{a, b}[i/50%2].session.Microphone()}})
		}
		n := listener.arrivals(voice) + listener.arrivals(video)
		a.sayFrame("from a, for a while", -20)
		b.sayFrame("from b, for a while", -20)
		a.film(uint16(i), 1000)
		w.until("something came", func() bool { return listener.arrivals(voice)+listener.arrivals(video) > n })
	}
	seq := uint16(300)
	for ; seq < 310; seq++ { // so that the loss of the end shows
		a.film(seq, 1000)
	}
	w.until("film is repaired", func() bool {
		if repairs { // pion hands them out with the next packet
			a.film(seq, 1000)
			seq++
		}
		return listener.arrivals(video) >= 300
	})
	w.until("silence ended the talk", func() bool { return listener.heardSilence(voice) })

	report, ok := listener.session.video[0].report(time.Now()).(*rtcp.SenderReport)
	if !ok || report.PacketCount < 300 || report.SSRC == 0 {
		t.Errorf("sender report %+v, want one of 300 packets and repairs", report)
	}
	w.until("the capture is whole", func() bool { return uint64(c.count()) == w.sfu.sender.Counters().Packets })
	c.mu.Lock()
	defer c.mu.Unlock()
	if got, sent := uint64(len(c.media)), w.sfu.sender.Counters().Packets; got != sent {
		t.Errorf("%d RTP packets came, %d were sent in batches: pion sent the others", got, sent)
	}
	again := checkNonces(t, c.media)
	if again == 0 && !repairs {
		t.Error("nothing was sent twice: the loss was not repaired, and this test shows nothing")
	}
	if repairs && (again != 0 || !slices.ContainsFunc(c.media, func(b []byte) bool { return b[1]&0x7f == 97 })) {
		t.Errorf("%d packets were sent twice, want 0, and some on the stream of repairs", again)
	}
}

// checkNonces fails where one SSRC and index has two packets. Nothing here comes
// near a rollover, so that the sequence number is the index.
func checkNonces(t *testing.T, media [][]byte) (again int) {
	t.Helper()
	type nonce struct {
		ssrc uint32
		seq  uint16
	}
	first := map[nonce][]byte{}
	for _, b := range media {
		n := nonce{binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint16(b[2:])}
		if was, ok := first[n]; !ok {
			first[n] = b
		} else if again++; !bytes.Equal(was, b) {
			t.Fatalf("SSRC %d, sequence number %d, was used for two packets", n.ssrc, n.seq)
		}
	}
	return again
}

// When SetMuted, Deny and DenyVoice return, nothing is sent that they forbid, although
// packets are gathered.
func TestNothingLeavesAfterMute(t *testing.T) {
	w := onLoopback(t)
	a, b := w.enter(shape{voice: 1, video: 0}, nil), w.enter(shape{voice: 1, video: 0}, nil)
	b.session.SetVoice(time.Now(), []VoiceCandidate{{Publication: a.session.Microphone()}})
	in := func() uint64 { return b.session.Packets(a.session.Microphone().ID()) }
	said, stop := a.talkOn()
	defer stop()
	for round := range 10 {
		w.sfu.sender.SetGather(5 * time.Millisecond)
		before := in()
		w.until("heard", func() bool { return in() > before+20 })
		forbid := func(on bool) { a.session.Microphone().SetMuted(on) }
		switch round % 3 {
		case 1:
			forbid = func(on bool) { b.session.Deny(a.id, on) }
		case 2:
			forbid = func(on bool) { b.session.DenyVoice(a.id, on) }
		}
		forbid(true)
		sent := w.sfu.sender.Counters().Packets
		fed := said.Load()
		w.until("more was said", func() bool { return said.Load() > fed+20 })
		if got := w.sfu.sender.Counters().Packets - sent; got > 0 && !onlyTails(got) {
			t.Fatalf("round %d: %d packets left after it was forbidden", round, got)
		}
		forbid(false)
		b.session.SetVoice(time.Now(), []VoiceCandidate{{Publication: a.session.Microphone()}})
	}
}

// talkOn has somebody talk until stop: a frame a millisecond, as many as said.
func (p *person) talkOn() (said *atomic.Int64, stop func()) {
	said = new(atomic.Int64)
	end := make(chan struct{})
	var talking sync.WaitGroup
	talking.Go(func() {
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p.sayFrame("text", -20)
				said.Add(1)
			case <-end:
				return
			}
		}
	})
	return said, func() {
		close(end)
		talking.Wait()
	}
}

// onlyTails reports whether packets may be the silence after a talkspurt.
func onlyTails(packets uint64) bool { return packets == 3 }

// From the bytes of a publisher to the system call nothing allocates.
func TestBatchesDoNotAllocate(t *testing.T) {
	w := onLoopback(t)
	p := w.enter(shape{voice: 1, video: 0}, nil)
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	defer sink.Close() // nobody reads it: a client in this process would allocate
	p.session.out.peer.Move(sink.LocalAddr().(*net.UDPAddr).AddrPort())
	source := w.sfu.NewSource("pa_npc")
	defer source.Close()
	p.session.SetVoice(time.Now(), []VoiceCandidate{{Publication: source.Publication()}})
	now, frame := time.Now(), make([]byte, 80)
	for _, gather := range []time.Duration{0, 100 * time.Microsecond} {
		w.sfu.sender.SetGather(gather)
		speak := func() {
			now = now.Add(frameTime)
			source.Write(frame, -20, now)
			w.sfu.sender.SetGather(gather)
		}
		for range 100 {
			speak()
		}
		sent := w.sfu.sender.Counters().Packets
		if n := testing.AllocsPerRun(2000, speak); n != 0 {
			t.Errorf("gather %v: %v allocations a packet, want 0", gather, n)
		}
		w.sfu.sender.Flush()
		if got := w.sfu.sender.Counters().Packets - sent; got < 1900 {
			t.Errorf("gather %v: %d packets left, want about 2000", gather, got)
		}
	}
}

// A client that cannot do AES-128-GCM is served by pion.
func TestOtherProfilesByPion(t *testing.T) {
	w := onLoopback(t)
	a := w.enter(shape{voice: 1, video: 0}, nil)
	b := w.enter(shape{voice: 1, video: 0}, func(s *webrtc.SettingEngine) { s.SetSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_80) })
	if a.session.out.byPion() || !b.session.out.byPion() {
		t.Fatalf("by pion: %v and %v, want false and true", a.session.out.byPion(), b.session.out.byPion())
	}
	b.session.SetVoice(time.Now(), []VoiceCandidate{{Publication: a.session.Microphone()}})
	a.session.SetVoice(time.Now(), []VoiceCandidate{{Publication: b.session.Microphone()}})
	for i := range 20 {
		a.sayFrame("text", -20)
		b.sayFrame("text", -20)
		w.until("both hear", func() bool {
			return a.arrivals(a.session.VoiceMIDs()[0]) > i && b.arrivals(b.session.VoiceMIDs()[0]) > i
		})
	}
}

// After an ICE restart from another port, packets go there.
func TestPacketsFollowTheClient(t *testing.T) {
	w := onLoopback(t)
	a, b := w.enter(shape{voice: 1, video: 0}, nil), w.enter(shape{voice: 1, video: 0}, nil)
	b.session.SetVoice(time.Now(), []VoiceCandidate{{Publication: a.session.Microphone()}})
	was := b.session.out.peer.Address()
	b.gather(&webrtc.OfferOptions{ICERestart: true})
	answer, err := b.session.Restart(w.ctx, b.pc.LocalDescription().SDP)
	check(t, err)
	check(t, b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
	w.until("packets go elsewhere", func() bool { return b.session.out.peer.Address() != was })
	n := b.arrivals(b.session.VoiceMIDs()[0])
	w.until("heard there", func() bool {
		a.sayFrame("text", -20)
		return b.arrivals(b.session.VoiceMIDs()[0]) > n+5
	})
}

// Keys are gone when a session has ended, also where it never connected.
func TestKeysAreWiped(t *testing.T) {
	w := onLoopback(t)
	p := w.enter(shape{voice: 1, video: 1}, nil)
	p.session.Close()
	o := &p.session.out
	if o.context != nil || o.byPion() || p.session.voice[0].stream != nil || p.session.video[0].stream != nil {
		t.Error("an ended session still has keys, or pion may send")
	}
	if o.lane.keys != nil || len(w.sfu.lanes.at) > 0 {
		t.Error("an ended session still has the keys of its client, or its address")
	}
	if _, _, err := o.handshake.Contexts(); err == nil {
		t.Error("the handshake still has its secret")
	}
}

// The configuration says who sends.
func TestEgressConfig(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Egress = "fast"
	var e *earshot.Error
	if _, err := New(cfg, Deps{}); !errors.As(err, &e) || !strings.Contains(e.Message, "egress") {
		t.Errorf("New with egress %q: %v, want a complaint", cfg.Egress, err)
	}
	cfg.UDP, cfg.Egress = "127.0.0.1:0", EgressPion
	s, err := New(cfg, Deps{})
	check(t, err)
	if s.sender != nil {
		t.Error("egress is pion, but there is a batched sender")
	}
	check(t, s.close())
}
