package gateway

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"earshot/gateway/protocol"
)

// caster is a client of WHIP or WHEP by pion, which knows nothing of Earshot.
type caster struct {
	n      *node
	pc     *webrtc.PeerConnection
	token  string
	url    string // of the session, relative
	etag   string
	answer string

	voice, video *webrtc.TrackLocalStaticRTP // of a publisher
	heard, seen  atomic.Int64                // packets that came to a player
}

func (n *node) newCaster(token string) *caster {
	n.t.Helper()
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = pc.GracefulClose() })
	return &caster{n: n, pc: pc, token: token}
}

// streamToken names who may publish, and do nothing else.
func (n *node) streamToken(name string, change ...func(*Claims)) string {
	return n.token(func(c *Claims) {
		c.Subject, c.Name, c.Grants = name, name, []string{protocol.GrantPublishAudio, protocol.GrantPublishVideo}
		for _, f := range change {
			f(c)
		}
	})
}

// viewerToken names who may watch, and do nothing else.
func (n *node) viewerToken(name string) string {
	return n.token(func(c *Claims) { c.Subject, c.Name, c.Grants = name, name, []string{protocol.GrantSubscribe} })
}

// publisher is a client with a voice and a picture to send.
func (n *node) publisher(token string) *caster {
	n.t.Helper()
	c := n.newCaster(token)
	c.voice, c.video = c.send(webrtc.MimeTypeOpus, 48000), c.send(webrtc.MimeTypeVP8, 90000)
	return c
}

func (c *caster) send(mime string, rate uint32) *webrtc.TrackLocalStaticRTP {
	c.n.t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime, ClockRate: rate}, mime[6:], "cast")
	if err == nil {
		_, err = c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	}
	if err != nil {
		c.n.t.Fatal(err)
	}
	return track
}

// player is a client that takes a voice and a picture.
func (n *node) player(token string) *caster {
	n.t.Helper()
	c := n.newCaster(token)
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := c.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			n.t.Fatal(err)
		}
	}
	c.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		count := &c.heard
		if track.Kind() == webrtc.RTPCodecTypeVideo {
			count = &c.seen
		}
		for {
			packet, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			if !bytes.Equal(packet.Payload, []byte{0xf8, 0xff, 0xfe}) { // the end of a talkspurt
				count.Add(1)
			}
		}
	})
	return c
}

func (c *caster) offer() string {
	c.n.t.Helper()
	o, err := c.pc.CreateOffer(nil)
	if err == nil {
		err = c.pc.SetLocalDescription(o)
	}
	if err != nil {
		c.n.t.Fatal(err)
	}
	return o.SDP
}

// request makes a request with the headers given as name, value.
func (c *caster) request(method, path, body string, headers ...string) (int, string, http.Header) {
	c.n.t.Helper()
	header := http.Header{}
	if c.token != "" {
		header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	status, data, answered := c.n.send(method, path, header, []byte(body))
	return status, string(data), answered
}

// connect posts the offer to an endpoint and waits until media flows.
func (c *caster) connect(path string) http.Header {
	c.n.t.Helper()
	connected := make(chan struct{})
	var once sync.Once
	c.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(connected) })
		}
	})
	status, answer, header := c.request("POST", path, c.offer(), "Content-Type", typeSDP)
	if status != http.StatusCreated {
		c.n.t.Fatalf("POST %s = %d %s", path, status, answer)
	}
	c.url, c.etag, c.answer = header.Get("Location"), header.Get("ETag"), answer
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		c.n.t.Fatal(err)
	}
	select {
	case <-connected:
	case <-time.After(patience):
		c.n.t.Fatalf("%s: not connected after %v", path, patience)
	}
	if c.voice != nil {
		c.play()
	}
	return header
}

// play sends voice and picture until the test ends.
func (c *caster) play() {
	stop, stopped := make(chan struct{}), make(chan struct{})
	c.n.t.Cleanup(func() { close(stop); <-stopped })
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for n := uint32(1); ; n++ {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			_ = c.voice.WriteRTP(&rtp.Packet{
				Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: n * 960}, Payload: []byte("a voice"),
			})
			_ = c.video.WriteRTP(&rtp.Packet{
				Header:  rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: n * 1800, Marker: true},
				Payload: []byte{0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 2, 0, 2, 0}, // a VP8 key frame
			})
		}
	}()
}

// flows waits until voice and picture come, and watches for half a second that
// those that should not come do not.
func (c *caster) flows(what string, voice, video bool) {
	c.n.t.Helper()
	pause(200 * time.Millisecond) // what was on its way has come
	heard, seen := c.heard.Load(), c.seen.Load()
	enough := func(n int64, wanted bool) bool { return !wanted || n > 5 }
	var h, s int64
	for i, deadline := 0, time.Now().Add(patience); time.Now().Before(deadline); i++ {
		pause(50 * time.Millisecond)
		h, s = c.heard.Load()-heard, c.seen.Load()-seen
		if !voice && h > 0 || !video && s > 0 {
			break
		}
		if i >= 10 && enough(h, voice) && enough(s, video) {
			return
		}
	}
	c.n.t.Fatalf("%s: %d packets of voice came (wanted: %v) and %d of video (wanted: %v)", what, h, voice, s, video)
}

func sdpValue(t *testing.T, text, key string) string {
	t.Helper()
	m := regexp.MustCompile("a=" + key + `:(\S+)`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no a=%s in\n%s", key, text)
	}
	return m[1]
}

// restart restarts ICE as RFC 9725, section 4.3.3, has it.
func (c *caster) restart() {
	t := c.n.t
	t.Helper()
	o, err := c.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err == nil {
		err = c.pc.SetLocalDescription(o)
	}
	if err != nil {
		t.Fatal(err)
	}
	fragment := "a=ice-options:trickle ice2\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" +
		"a=ice-ufrag:" + sdpValue(t, o.SDP, "ice-ufrag") + "\r\na=ice-pwd:" + sdpValue(t, o.SDP, "ice-pwd") + "\r\n"
	status, body, header := c.request("PATCH", c.url, fragment, "Content-Type", typeFragment, "If-Match", "*")
	if status != http.StatusOK || header.Get("Content-Type") != typeFragment || header.Get("ETag") == c.etag || header.Get("ETag") == "" {
		t.Fatalf("PATCH to restart = %d %v %s, want 200, a fragment and another ETag than %s", status, header, body, c.etag)
	}
	next := c.answer
	for _, key := range []string{"ice-ufrag", "ice-pwd"} {
		next = strings.ReplaceAll(next, sdpValue(t, c.answer, key), sdpValue(t, body, key))
	}
	if next == c.answer || !strings.Contains(body, "a=candidate:") {
		t.Errorf("the server restarted nothing, or has no candidates:\n%s", body)
	}
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: next}); err != nil {
		t.Fatal(err)
	}
	c.answer, c.etag = next, header.Get("ETag")
}
