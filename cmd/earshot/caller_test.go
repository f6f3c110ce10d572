package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"earshot/gateway/protocol"
	"earshot/npc/voice"
)

const levelURI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

// silence is what the server sends when a talkspurt ended, so that decoders do
// not make up more of it. Nobody says it here, see hiss.
var silence = []byte{0xf8, 0xff, 0xfe}

// hiss is a frame of next to nothing, as a microphone in a quiet room makes it.
func hiss(t *testing.T) voice.Frame {
	enc, err := newCodecs().Encoder()
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	pcm := make([]float32, voice.FrameSamples)
	for i := range pcm {
		pcm[i] = float32(i%7-3) * 1e-4
	}
	packet, err := enc.Encode(nil, pcm)
	if err != nil || bytes.Equal(packet, silence) {
		t.Fatalf("a quiet room is % x, %v", packet, err)
	}
	return voice.Frame{Opus: packet, Level: -75}
}

// caller is a client over WebRTC with a microphone and one voice slot, which
// notes when everything arrives.
type caller struct {
	t    *testing.T
	name string
	pc   *webrtc.PeerConnection
	ctl  *webrtc.DataChannel
	mic  *webrtc.TrackLocalStaticRTP
	send *webrtc.RTPSender
	sent atomic.Uint64

	quiet voice.Frame // what it sends in a pause

	// adjust, unless nil, changes how it reaches the server.
	adjust func(*webrtc.SettingEngine, *webrtc.Configuration)

	mu      sync.Mutex
	changed chan struct{} // closed with every message
	got     []arrived
	packets int       // of speech
	latest  time.Time // of these
	times   []time.Time
	tail    time.Time // the last of the server's silence
}

// arrived is a message with its arrival.
type arrived struct {
	at  time.Time
	msg protocol.ServerMessage
}

// call brings somebody in who is ready.
func (n *running) call(ctx context.Context, t *testing.T, name string) *caller {
	t.Helper()
	c := &caller{t: t, name: name, changed: make(chan struct{}), quiet: hiss(t)}
	c.join(ctx, n.url, n.callerToken(t, name))
	c.welcome(ctx)
	c.ready()
	return c
}

// callerToken is a token for somebody who speaks, listens, moves and chats.
func (n *running) callerToken(t *testing.T, name string) string {
	if n.key.ID == "" {
		return n.developmentToken(t, name)
	}
	return n.token(t, name, protocol.GrantPublishAudio, protocol.GrantPublishPose, protocol.GrantSubscribe, protocol.GrantChat)
}

// developmentToken is what a server without keys gives to everybody.
func (n *running) developmentToken(t *testing.T, name string) string {
	t.Helper()
	res, err := http.Get(n.url + "/v1/dev/token?world=plaza&name=" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var token protocol.Token
	if err := json.NewDecoder(res.Body).Decode(&token); err != nil {
		t.Fatal(err)
	}
	return token.Token
}

// join makes the connection. It is not welcomed yet.
func (c *caller) join(ctx context.Context, url, token string) (session string) {
	c.t.Helper()
	c.prepare()
	offer, err := c.pc.CreateOffer(nil)
	c.check(err)
	c.check(c.pc.SetLocalDescription(offer))
	answer, session := c.exchange(ctx, http.MethodPost, url+"/v1/join", token, offer.SDP)
	c.check(c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
	return url + session
}

// exchange sends an offer and returns the answer, and where the session is.
func (c *caller) exchange(ctx context.Context, method, url, token, offer string) (answer, session string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(offer))
	c.check(err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/sdp")
	res, err := http.DefaultClient.Do(req)
	c.check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	c.check(err)
	if res.StatusCode/100 != 2 {
		c.t.Fatalf("%s: %s %s: %d %s", c.name, method, url, res.StatusCode, body)
	}
	return string(body), res.Header.Get("Location")
}

// ready asks for voices.
func (c *caller) ready() {
	c.check(c.ctl.SendText(string(protocol.EncodeClient(&protocol.Ready{}, ""))))
}

func (c *caller) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("%s: %v", c.name, err)
	}
}

// prepare makes the connection that the offer is of (PROTOCOL.md, section 2).
func (c *caller) prepare() {
	media := &webrtc.MediaEngine{}
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: voice.Rate, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"}
	c.check(media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: 111}, webrtc.RTPCodecTypeAudio))
	c.check(media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI}, webrtc.RTPCodecTypeAudio))
	setting := webrtc.SettingEngine{}
	setting.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	setting.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	setting.SetIncludeLoopbackCandidate(true)
	var config webrtc.Configuration
	if c.adjust != nil {
		c.adjust(&setting, &config)
	}
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(setting)).NewPeerConnection(config)
	c.check(err)
	c.pc = pc
	c.mic, err = webrtc.NewTrackLocalStaticRTP(opus, "microphone", c.name)
	c.check(err)
	line, err := pc.AddTransceiverFromTrack(c.mic, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	c.check(err)
	c.send = line.Sender()
	_, err = pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	c.check(err)
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { c.listen(track) })
	c.ctl = c.channel(protocol.ChannelControl, protocol.ChannelControlID)
	c.channel(protocol.ChannelPoseUp, protocol.ChannelPoseUpID)
	c.channel(protocol.ChannelPoseDown, protocol.ChannelPoseDownID)
	c.ctl.OnMessage(func(m webrtc.DataChannelMessage) { c.take(m.Data) })
}

func (c *caller) channel(label string, id uint16) *webrtc.DataChannel {
	negotiated := true
	channel, err := c.pc.CreateDataChannel(label, &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id})
	c.check(err)
	return channel
}

func (c *caller) take(data []byte) {
	msg, err := protocol.Decode(data)
	if err != nil {
		return // of a type that this client does not know
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, arrived{time.Now(), msg})
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *caller) listen(track *webrtc.TrackRemote) {
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		now := time.Now()
		c.mu.Lock()
		if bytes.Equal(packet.Payload, silence) {
			c.tail = now
		} else {
			c.packets, c.latest, c.times = c.packets+1, now, append(c.times, now)
		}
		c.mu.Unlock()
	}
}

// heard is how many packets of somebody's came.
func (c *caller) heard() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.packets
}

// longestSilence returns the longest time without a packet of speech since from.
func (c *caller) longestSilence(from time.Time) (longest time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, at := range c.times {
		if at.After(from) {
			longest, from = max(longest, at.Sub(from)), at
		}
	}
	return longest
}

// silenceAfter returns the longest time without a packet of speech that ended
// within the 4 s after a moment, or these where none came.
func (c *caller) silenceAfter(moment time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	longest, end := time.Duration(0), moment.Add(4*time.Second)
	for i := 1; i < len(c.times); i++ {
		if at := c.times[i]; at.After(moment) && at.Before(end) {
			longest = max(longest, at.Sub(c.times[i-1]))
		}
	}
	if longest == 0 {
		return end.Sub(moment)
	}
	return longest
}

// last is when the last packet of somebody's came, and the last of the server's
// own silence.
func (c *caller) last() (speech, tail time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.latest, c.tail
}

// await returns the first message that fits, old or new; without one when ctx
// ends.
func (c *caller) await(ctx context.Context, fits func(protocol.ServerMessage) bool) arrived {
	for next := 0; ; {
		c.mu.Lock()
		list, changed := c.got[next:], c.changed
		next = len(c.got)
		c.mu.Unlock()
		for _, m := range list {
			if fits(m.msg) {
				return m
			}
		}
		select {
		case <-ctx.Done():
			return arrived{}
		case <-changed:
		}
	}
}

func (c *caller) welcome(ctx context.Context) *protocol.Welcome {
	c.t.Helper()
	w, ok := c.await(ctx, func(m protocol.ServerMessage) bool { _, ok := m.(*protocol.Welcome); return ok }).msg.(*protocol.Welcome)
	if !ok {
		c.t.Fatalf("%s was never welcomed", c.name)
	}
	return w
}

// pause is how many silent frames come after a sentence: enough to end a window
// of speech.
const pause = 35

// speak says one and the other in turn until ctx ends, with a frame
// every 20 ms as from a microphone without DTX. What is late is sent at once.
func (c *caller) speak(ctx context.Context, one, other *recording) {
	level := uint8(0)
	for _, e := range c.send.GetParameters().HeaderExtensions {
		if e.URI == levelURI {
			level = uint8(e.ID)
		}
	}
	if level == 0 {
		c.t.Errorf("%s: the answer has no extension for levels", c.name)
		return
	}
	var script []voice.Frame
	for _, r := range []*recording{one, other} {
		script = append(script, r.frames...)
		for range pause {
			script = append(script, c.quiet)
		}
	}
	ticker := time.NewTicker(frameTime)
	defer ticker.Stop()
	begin, packet := time.Now(), rtp.Packet{Header: rtp.Header{Version: 2}}
	for i := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for ; time.Since(begin) >= time.Duration(i)*frameTime; i++ {
			f := script[i%len(script)]
			bits := uint8(-f.Level)
			if f.Level > -50 {
				bits |= 0x80
			}
			packet.SequenceNumber, packet.Timestamp = uint16(i), uint32(i*voice.FrameSamples)
			packet.Payload = f.Opus
			if packet.SetExtension(level, []byte{bits}) != nil || c.mic.WriteRTP(&packet) != nil {
				return // closed
			}
			c.sent.Add(1)
		}
	}
}

func (c *caller) close() { _ = c.pc.GracefulClose() }

// wait returns at a time, or when ctx ends.
func wait(ctx context.Context, until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
