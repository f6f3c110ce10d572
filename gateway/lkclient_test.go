package gateway

import (
	"bytes"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/loadtest"
)

// lkBot is the number by which bots know the voice of a LiveKit client.
const lkBot = 700

// lkClient is a client of LiveKit's /rtc/v1 by pion, which knows nothing of
// Earshot: it announces, offers, and does what it is asked for.
type lkClient struct {
	n      *node
	token  string
	pc     *webrtc.PeerConnection
	down   *webrtc.PeerConnection // of version 0: for receiving, which the server offers
	ws     *websocket.Conn
	voice  *webrtc.TrackLocalStaticRTP
	socket *waitingSocket // of pc
	data   map[string]*webrtc.DataChannel

	writing     sync.Mutex // of ws
	negotiating sync.Mutex // held from an offer to its answer

	mu     sync.Mutex
	join   *wire.JoinResponse
	all    []*wire.SignalResponse
	people map[string]*wire.ParticipantInfo // by identity; those who are here
	mids   map[string]string                // sid by mid, of the last answer
	heard  map[string]*atomic.Int64         // packets by stream
	got    []*wire.DataPacket
	frames [][]byte // packets of data tracks
	closed bool
	over   bool // close was called

	sent atomic.Int64 // packets of its voice
}

// waitingSocket is a socket that loses RTP while its client waits for an answer: what
// comes before that, pion's receiver and its search for whom that is for read at
// once and without a lock (srtp v3.0.13, ReadStreamSRTP.Peek).
type waitingSocket struct {
	net.PacketConn
	waits atomic.Bool
}

func (s *waitingSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := s.PacketConn.ReadFrom(b)
		media := err == nil && n > 1 && b[0]>>6 == 2 && (b[1] < 192 || b[1] > 223) // RFC 7983, RFC 5761
		if !media || !s.waits.Load() {
			return n, from, err
		}
	}
}

// livekitToken is one of an application with the node's key.
func (n *node) livekitToken(identity string, change func(*livekit.Claims)) string {
	n.t.Helper()
	c := livekit.Claims{
		Identity: identity, Name: "Lk " + identity, Video: livekit.VideoGrant{RoomJoin: true, Room: "plaza"},
		Expires: time.Now().Add(time.Hour),
	}
	if change != nil {
		change(&c)
	}
	loaded, err := n.key.load()
	if err != nil {
		n.t.Fatal(err)
	}
	token, err := livekit.Sign(n.key.ID, loaded.sign.([]byte), c, time.Now())
	if err != nil {
		n.t.Fatal(err)
	}
	return token
}

// livekit joins with a voice to send, and three lines to receive voices by.
func (n *node) livekit(identity string, change func(*livekit.Claims)) *lkClient {
	n.t.Helper()
	return n.livekitClient(identity, change).begin()
}

// begin joins with three lines to receive voices by, and publishes one.
func (c *lkClient) begin() *lkClient {
	c.n.t.Helper()
	c.lines(3)
	c.ws = c.dial(&wire.JoinRequest{ConnectionSettings: &wire.ConnectionSettings{AutoSubscribe: true}})
	c.enter()
	return c
}

// livekit0 joins by version 0, with a connection each way.
func (n *node) livekit0(identity string, change func(*livekit.Claims)) *lkClient {
	n.t.Helper()
	c := n.livekitClient(identity, change)
	c.down = n.connection(nil)
	c.down.OnTrack(c.listen)
	c.down.OnDataChannel(func(dc *webrtc.DataChannel) {
		dc.OnMessage(func(m webrtc.DataChannelMessage) { c.takeFrom(dc.Label(), m.Data) })
	})
	c.ws = c.dial0("")
	c.enter()
	return c
}

// connection uses a socket of its own, or the one given.
func (n *node) connection(socket net.PacketConn) *webrtc.PeerConnection {
	n.t.Helper()
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	if socket != nil {
		s.SetICEUDPMux(ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket}))
	}
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	if err != nil {
		n.t.Fatal(err)
	}
	return pc
}

func (n *node) livekitClient(identity string, change func(*livekit.Claims)) *lkClient {
	n.t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = conn.Close() })
	socket := &waitingSocket{PacketConn: conn}
	pc := n.connection(socket)
	c := &lkClient{
		n: n, token: n.livekitToken(identity, change), pc: pc, data: make(map[string]*webrtc.DataChannel),
		people: make(map[string]*wire.ParticipantInfo), heard: make(map[string]*atomic.Int64), socket: socket,
	}
	n.t.Cleanup(c.close)
	pc.OnTrack(c.listen)
	unordered, none := false, uint16(0)
	for label, init := range map[string]*webrtc.DataChannelInit{
		"_reliable": {}, "_lossy": {Ordered: &unordered, MaxRetransmits: &none}, "_data_track": {Ordered: &unordered, MaxRetransmits: &none},
	} {
		dc, err := pc.CreateDataChannel(label, init)
		if err != nil {
			n.t.Fatal(err)
		}
		dc.OnMessage(func(m webrtc.DataChannelMessage) { c.takeFrom(label, m.Data) })
		c.data[label] = dc
	}
	return c
}

// enter waits for the join response and publishes a voice.
func (c *lkClient) enter() {
	c.n.t.Helper()
	go c.read(c.ws)
	c.until("the join response", func() bool { return c.join != nil })
	c.publish()
}

// publish announces a voice and offers it.
func (c *lkClient) publish() {
	c.n.t.Helper()
	c.voice = c.publishAudio("mic", wire.SourceMicrophone)
}

// publishAudio announces a track of sound and offers it.
func (c *lkClient) publishAudio(cid string, source wire.TrackSource) *webrtc.TrackLocalStaticRTP {
	c.n.t.Helper()
	c.send(&wire.SignalRequest{AddTrack: &wire.AddTrack{CID: cid, Type: wire.Audio, Source: source}})
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, cid, "stream")
	if err == nil {
		_, err = c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	}
	if err != nil {
		c.n.t.Fatal(err)
	}
	c.offer(nil)
	return track
}

func (c *lkClient) lines(n int) {
	for range n {
		if _, err := c.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			c.fail("a line", err)
		}
	}
}

// fail fails the test, unless the client is being closed: what the server says
// then may find its connection gone.
func (c *lkClient) fail(what string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.n.t.Errorf("%s: %v", what, err)
	}
}

// dial opens the signal connection.
func (c *lkClient) dial(join *wire.JoinRequest) *websocket.Conn {
	c.n.t.Helper()
	wrapped := wire.Marshal(&wire.WrappedJoinRequest{JoinRequest: wire.Marshal(join)})
	query := url.Values{"access_token": {c.token}, "join_request": {base64.StdEncoding.EncodeToString(wrapped)}}
	ws, _, err := websocket.DefaultDialer.Dial(strings.Replace(c.n.url, "http", "ws", 1)+"/rtc/v1?"+query.Encode(), nil)
	if err != nil {
		c.n.t.Fatal(err)
	}
	return ws
}

// dial0 opens the signal connection of version 0.
func (c *lkClient) dial0(more string) *websocket.Conn {
	c.n.t.Helper()
	header := http.Header{"Authorization": {"Bearer " + c.token}}
	ws, _, err := websocket.DefaultDialer.Dial(strings.Replace(c.n.url, "http", "ws", 1)+"/rtc?auto_subscribe=1&protocol=16&sdk=go"+more, header)
	if err != nil {
		c.n.t.Fatal(err)
	}
	return ws
}

// answer takes an offer of the server's.
func (c *lkClient) answer(offer *wire.SessionDescription) {
	err := c.down.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer.SDP})
	if err == nil {
		var answer webrtc.SessionDescription
		if answer, err = c.down.CreateAnswer(nil); err == nil {
			gathered := webrtc.GatheringCompletePromise(c.down)
			err = c.down.SetLocalDescription(answer)
			<-gathered
		}
	}
	if err != nil {
		c.fail("the server's offer", err)
		return
	}
	c.send(&wire.SignalRequest{Answer: &wire.SessionDescription{Type: "answer", SDP: c.down.LocalDescription().SDP, ID: offer.ID}})
}

func (c *lkClient) send(r *wire.SignalRequest) { c.write(wire.Marshal(r)) }

func (c *lkClient) write(data []byte) {
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = c.ws.WriteMessage(websocket.BinaryMessage, data) // the reader notices that it is closed
}

// offer negotiates. It returns when the offer was sent.
func (c *lkClient) offer(options *webrtc.OfferOptions) {
	c.negotiating.Lock()
	c.socket.waits.Store(true)
	o, err := c.pc.CreateOffer(options)
	if err == nil {
		err = c.pc.SetLocalDescription(o)
	}
	if err != nil {
		c.socket.waits.Store(false)
		c.negotiating.Unlock()
		c.fail("an offer", err)
		return
	}
	<-webrtc.GatheringCompletePromise(c.pc)
	c.send(&wire.SignalRequest{Offer: &wire.SessionDescription{Type: "offer", SDP: c.pc.LocalDescription().SDP, ID: 1}})
}

func (c *lkClient) read(ws *websocket.Conn) {
	for {
		_, data, err := ws.ReadMessage()
		if err != nil {
			c.mu.Lock()
			c.closed = c.ws == ws
			c.mu.Unlock()
			return
		}
		var r wire.SignalResponse
		if err := wire.Unmarshal(data, &r); err != nil {
			c.n.t.Errorf("a response that is none: %v", err)
			return
		}
		c.on(&r)
	}
}

func (c *lkClient) on(r *wire.SignalResponse) {
	c.mu.Lock()
	c.all = append(c.all, r)
	var infos []*wire.ParticipantInfo
	switch {
	case r.Join != nil:
		c.join, infos = r.Join, r.Join.OtherParticipants
	case r.Update != nil:
		infos = r.Update.Participants
	case r.Answer != nil:
		c.mids = r.Answer.MIDToTrackID
	}
	for _, p := range infos {
		if c.people[p.Identity] = p; p.State == wire.StateDisconnected {
			delete(c.people, p.Identity)
		}
	}
	c.mu.Unlock()
	switch {
	case r.Answer != nil:
		if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: r.Answer.SDP}); err != nil {
			c.fail("the answer", err)
		}
		c.socket.waits.Store(false)
		c.negotiating.Unlock()
	case r.Offer != nil:
		c.answer(r.Offer)
	case r.MediaSectionsRequirement != nil:
		c.lines(int(r.MediaSectionsRequirement.NumAudios))
		go c.offer(nil) // an answer to come may be before it, and this reads answers
	}
}

func (c *lkClient) listen(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	c.mu.Lock()
	count := c.heard[track.StreamID()]
	if count == nil {
		count = new(atomic.Int64)
		c.heard[track.StreamID()] = count
	}
	c.mu.Unlock()
	for {
		if _, _, err := track.ReadRTP(); err != nil {
			return
		}
		count.Add(1)
	}
}

func (c *lkClient) takeFrom(label string, data []byte) {
	if label != "_data_track" {
		c.take(data)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames = append(c.frames, bytes.Clone(data))
}

func (c *lkClient) take(data []byte) {
	var p wire.DataPacket
	if err := wire.Unmarshal(data, &p); err != nil {
		c.n.t.Errorf("a data packet that is none: %v", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, &p)
}

// speak sends voice until the test ends.
func (c *lkClient) speak() { c.send20ms(c.voice, lkBot, &c.sent) }

// sound sends what a bot of a number would say, until the test ends.
func (c *lkClient) sound(track *webrtc.TrackLocalStaticRTP, bot uint32) {
	c.send20ms(track, bot, new(atomic.Int64))
}

func (c *lkClient) send20ms(track *webrtc.TrackLocalStaticRTP, bot uint32, sent *atomic.Int64) {
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for seq := uint16(1); ; seq++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			_ = track.WriteRTP(&rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: 111, SequenceNumber: seq, Timestamp: uint32(seq) * 960},
				Payload: loadtest.AppendFrame(nil, loadtest.Frame{Bot: bot, Tick: uint32(seq), Sent: uint32(seq), Into: 1, At: time.Now()}, 60),
			})
			sent.Add(1)
		}
	})
	c.n.t.Cleanup(func() { close(stop); done.Wait() })
}

// say sends a packet on a data channel, once that is open.
func (c *lkClient) say(label string, p *wire.DataPacket) {
	c.n.t.Helper()
	dc := c.data[label]
	c.until(label+" to open", func() bool { return dc.ReadyState() == webrtc.DataChannelStateOpen })
	if err := dc.Send(wire.Marshal(p)); err != nil {
		c.n.t.Error(err)
	}
}

// until waits for something to hold, for as long as patience lasts.
func (c *lkClient) until(what string, f func() bool) {
	c.n.t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		c.mu.Lock()
		ok := f()
		c.mu.Unlock()
		if ok {
			return
		}
		<-time.After(step)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n.t.Fatalf("%s: did not come within %v; the responses were %d, the people %v, the tracks %v", what, patience, len(c.all), c.people, c.mids)
}

// person is what the client was told of somebody last; nil: nothing.
func (c *lkClient) person(identity string) *wire.ParticipantInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.people[identity]
}

// response is one of those that have come.
func (c *lkClient) response(i int) *wire.SignalResponse {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[i]
}

// packets returns how many came of somebody's tracks.
func (c *lkClient) packets(of earshot.ParticipantID) (n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for stream, count := range c.heard {
		if strings.HasPrefix(stream, livekit.ParticipantSID(of)+"|") {
			n += count.Load()
		}
	}
	return n
}

// packet returns the newest data packet that f is about.
func (c *lkClient) packet(what string, f func(*wire.DataPacket) bool) (found *wire.DataPacket) {
	c.n.t.Helper()
	c.until(what, func() bool {
		for _, p := range c.got {
			if f(p) {
				found = p
			}
		}
		return found != nil
	})
	return found
}

func (c *lkClient) close() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	_ = c.ws.Close()
	_ = c.pc.GracefulClose()
	if c.down != nil {
		_ = c.down.GracefulClose()
	}
}

// boundTo reports whether a line of the last answer is for a track of somebody.
func (c *lkClient) boundTo(id earshot.ParticipantID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, sid := range c.mids {
		if t, ok := livekit.TrackOf(sid); ok && t.Of == id {
			return true
		}
	}
	return false
}
