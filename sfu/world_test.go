package sfu

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"earshot"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/transport/v4/vnet"
	"github.com/pion/webrtc/v4"
)

// world is an SFU and its clients on a simulated network, inside a synctest
// bubble.
type world struct {
	t      *testing.T
	sfu    *SFU
	router *vnet.Router
	drop   atomic.Pointer[func(vnet.Chunk) bool] // packets to lose
	ctx    context.Context
	cancel context.CancelFunc
	ran    chan error
	next   int
	all    []*person
	lazy   bool // clients leave opening the DTLS association to a server that offers
}

// inWorld runs f in a bubble with an SFU and checks afterwards that everything
// ended: a goroutine that is left over fails the bubble.
func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		router, err := vnet.NewRouter(&vnet.RouterConfig{
			CIDR: "10.0.0.0/16", LoggerFactory: quiet{}, QueueSize: 4096,
		})
		check(t, err)
		w := &world{t: t, router: router, ran: make(chan error, 1), next: 2}
		cfg := DefaultConfig()
		cfg.UDP = "10.0.0.1:3478"
		n := w.host("10.0.0.1")
		router.AddChunkFilter(func(c vnet.Chunk) bool {
			drop := w.drop.Load()
			return drop == nil || !(*drop)(c)
		})
		check(t, router.Start())
		w.sfu, err = New(cfg, Deps{Net: n})
		check(t, err)
		w.ctx, w.cancel = context.WithCancel(context.Background())
		go func() { w.ran <- w.sfu.Run(w.ctx) }()
		defer w.tearDown() // also when f fails: what it started would hold the bubble up
		f(w)
	})
}

// tearDown closes one side at a time: were both to close in the same instant,
// pion would wait for a timer with a lock held, and a bubble's clock stands
// still while a goroutine waits for a lock.
func (w *world) tearDown() {
	time.Sleep(time.Second)
	for _, p := range w.all {
		if err := p.pc.GracefulClose(); err != nil {
			w.t.Error(err)
		}
	}
	time.Sleep(time.Second)
	w.stop()
	if err := w.router.Stop(); err != nil {
		w.t.Error(err)
	}
	time.Sleep(time.Minute)
}

func (w *world) stop() {
	if w.ctx.Err() != nil {
		return
	}
	start := time.Now()
	w.cancel()
	if err := <-w.ran; err != nil {
		w.t.Error(err)
	}
	const soon = 2 * time.Second
	if d := time.Since(start); d > soon {
		w.t.Errorf("Run returned %v after its context, want at most %v", d, soon)
	}
}

// lose drops the packets that f names from now on; nil ends it.
func (w *world) lose(f func(vnet.Chunk) bool) {
	if f == nil {
		w.drop.Store(nil)
		return
	}
	w.drop.Store(&f)
}

func (w *world) host(ip string) *vnet.Net {
	n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
	check(w.t, err)
	check(w.t, w.router.AddNet(n))
	return n
}

// person is a client: a plain pion PeerConnection, not the SFU's own code.
type person struct {
	w       *world
	id      earshot.ParticipantID
	api     *webrtc.API
	pc      *webrtc.PeerConnection
	session *Session
	answer  string

	control, poseUp, poseDown *webrtc.DataChannel
	mic, camera               *source
	repairs                   bool
	micSeq                    uint16
	micTS                     uint32

	mu      sync.Mutex
	states  []ConnectionState
	opens   int
	got     []string // control messages at the server
	poses   []string // at the server
	heard   []string // control messages at the client
	seen    []string // poses at the client
	packets map[string][]arrival
}

// arrival is a packet as the client received it.
type arrival struct {
	at time.Time
	rtp.Header
	payload string
	again   bool // on a stream of repairs
}

func (p *person) OnControlOpen() { p.note(func() { p.opens++ }) }

func (p *person) OnControl(msg []byte) { p.note(func() { p.got = append(p.got, string(msg)) }) }

func (p *person) OnPose(b []byte) { p.note(func() { p.poses = append(p.poses, string(b)) }) }

func (p *person) OnConnection(c ConnectionState) { p.note(func() { p.states = append(p.states, c) }) }

func (p *person) note(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *person) clear() { p.note(func() { p.packets = map[string][]arrival{} }) }

// received returns the packets that came on a media line.
func (p *person) received(mid string) []arrival {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]arrival(nil), p.packets[mid]...)
}

type shape struct {
	voice, video int
	repairs      bool // offers RTX and RED
}

// newPerson prepares a client with a microphone, a camera where it has video
// slots, and the channels.
func (w *world) newPerson(sh shape) *person {
	p := w.newClient(sh.repairs)
	p.prepare(sh)
	return p
}

// newClient prepares a client without media and channels.
func (w *world) newClient(repairs bool) *person {
	w.next++
	p := &person{
		w: w, id: earshot.ParticipantID(fmt.Sprintf("pa_%d", w.next)),
		packets: map[string][]arrival{}, repairs: repairs,
	}
	var s webrtc.SettingEngine
	s.LoggerFactory = quiet{}
	s.SetNet(w.host(fmt.Sprintf("10.0.%d.%d", w.next/250, w.next%250+2)))
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	if !w.lazy {
		check(w.t, s.SetAnsweringDTLSRole(webrtc.DTLSRoleClient))
	}
	s.DisableCloseByDTLS(true) // pion's own close would hold a lock over a timer, which stops a bubble's clock
	media := &webrtc.MediaEngine{}
	check(w.t, media.RegisterDefaultCodecs())
	if repairs {
		registerRED(w.t, media)
	}
	for _, uri := range []string{levelURI, sdp.SDESMidURI} {
		check(w.t, media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeAudio))
	}
	for _, uri := range []string{sdp.SDESMidURI, sdp.SDESRTPStreamIDURI} { // for cameras in layers
		check(w.t, media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo))
	}
	p.api = webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := p.api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	check(w.t, err)
	p.pc = pc
	w.all = append(w.all, p)
	return p
}

func (p *person) prepare(sh shape) {
	t := p.w.t
	p.mic = p.publish(webrtc.MimeTypeOpus, 48000)
	if sh.video > 0 {
		p.camera = p.publish(webrtc.MimeTypeVP8, 90000)
	}
	for kind, n := range map[webrtc.RTPCodecType]int{webrtc.RTPCodecTypeAudio: sh.voice, webrtc.RTPCodecTypeVideo: sh.video} {
		for range n {
			_, err := p.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
			check(t, err)
		}
	}
	yes, no, zero := true, false, uint16(0)
	ids := [3]uint16{0, 1, 2}
	var err error
	p.control, err = p.pc.CreateDataChannel("control", &webrtc.DataChannelInit{Negotiated: &yes, ID: &ids[0], Ordered: &yes})
	check(t, err)
	p.poseUp, err = p.pc.CreateDataChannel("pose-up", &webrtc.DataChannelInit{Negotiated: &yes, ID: &ids[1], Ordered: &no, MaxRetransmits: &zero})
	check(t, err)
	p.poseDown, err = p.pc.CreateDataChannel("pose-down", &webrtc.DataChannelInit{Negotiated: &yes, ID: &ids[2], Ordered: &no, MaxRetransmits: &zero})
	check(t, err)
	p.control.OnMessage(func(m webrtc.DataChannelMessage) { p.note(func() { p.heard = append(p.heard, string(m.Data)) }) })
	p.poseDown.OnMessage(func(m webrtc.DataChannelMessage) { p.note(func() { p.seen = append(p.seen, string(m.Data)) }) })
	p.pc.OnTrack(p.listen)
}

// source is a track of which a test can also send what pion would not.
type source struct {
	*webrtc.TrackLocalStaticRTP
	out  webrtc.TrackLocalWriter
	ssrc webrtc.SSRC
}

func (s *source) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	s.out, s.ssrc = c.WriteStream(), c.SSRC()
	return s.TrackLocalStaticRTP.Bind(c)
}

func (p *person) track(mime string, rate uint32) *source {
	static, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime, ClockRate: rate}, mime[6:], "p")
	check(p.w.t, err)
	return &source{TrackLocalStaticRTP: static}
}

func (p *person) publish(mime string, rate uint32) *source {
	track := p.track(mime, rate)
	tr, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	check(p.w.t, err)
	go drainSender(tr.Sender())
	return track
}

func drainSender(s *webrtc.RTPSender) {
	b := make([]byte, 1500)
	for {
		if _, _, err := s.Read(b); err != nil {
			return
		}
	}
}

func (p *person) listen(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	mid := ""
	for _, tr := range p.pc.GetTransceivers() {
		if tr.Receiver() == receiver {
			mid = tr.Mid()
		}
	}
	for {
		packet, attributes, err := track.ReadRTP()
		if err != nil {
			return
		}
		a := arrival{time.Now(), packet.Header, string(packet.Payload), attributes.Get(webrtc.AttributeRtxSsrc) != nil}
		p.note(func() { p.packets[mid] = append(p.packets[mid], a) })
	}
}

// join exchanges offer and answer and waits until the channels are open.
func (w *world) join(sh shape) *person {
	p := w.newPerson(sh)
	p.joinAs(Offer{PublishAudio: true, PublishVideo: true, Subscribe: true})
	return p
}

func (p *person) offer() string {
	offer, err := p.pc.CreateOffer(nil)
	check(p.w.t, err)
	check(p.w.t, p.pc.SetLocalDescription(offer))
	return p.pc.LocalDescription().SDP
}

func (p *person) joinAs(o Offer) {
	t := p.w.t
	t.Helper()
	o.SDP, o.Participant, o.Session, o.Handler = p.offer(), p.id, earshot.NewSessionID(), p
	if !p.repairs {
		o.SDP = withoutRTX(o.SDP)
	}
	ctx, cancel := context.WithTimeout(p.w.ctx, 5*time.Second)
	defer cancel()
	session, answer, err := p.w.sfu.Join(ctx, o)
	check(t, err)
	p.session, p.answer = session, answer
	check(t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
	for range 500 {
		if p.control.ReadyState() == webrtc.DataChannelStateOpen && p.pc.ConnectionState() == webrtc.PeerConnectionStateConnected {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	synctest.Wait()
	if p.control.ReadyState() != webrtc.DataChannelStateOpen {
		t.Fatalf("control of %s is %s, connection %s", p.id, p.control.ReadyState(), p.pc.ConnectionState())
	}
}

// say sends n frames of 20 ms with a level in dBov, each saying text.
func (p *person) say(text string, n int, dBov int) {
	for range n {
		p.sayFrame(text, dBov)
		time.Sleep(20 * time.Millisecond)
	}
}

func (p *person) sayFrame(text string, dBov int) {
	p.micSeq++
	p.micTS += 960
	packet := &rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: p.micSeq, Timestamp: p.micTS},
		Payload: []byte(text),
	}
	check(p.w.t, packet.SetExtension(1, []byte{0x80 | byte(-dBov)}))
	check(p.w.t, p.mic.WriteRTP(packet))
}

// hear makes the session of p hear the given talkers, all equally.
func (p *person) hear(talkers ...*person) bool {
	var wanted []VoiceCandidate
	for _, o := range talkers {
		wanted = append(wanted, VoiceCandidate{Publication: o.session.Microphone(), ScoreDB: -30})
	}
	return p.session.SetVoice(time.Now(), wanted)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
}

// quiet is a logger factory for clients whose complaints are not of interest.
type quiet struct{}

func (quiet) NewLogger(string) logging.LeveledLogger {
	return logging.NewDefaultLeveledLoggerForScope("", logging.LogLevelDisabled, io.Discard)
}
