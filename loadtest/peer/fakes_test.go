package peer

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"earshot/loadtest"
)

// fakeServer is a media server with a WebSocket: the test says what it answers.
type fakeServer struct {
	t      *testing.T
	client *Client // makes its PeerConnections too
	ear    *Ear    // what it receives
	http   *httptest.Server
}

func newFakeServer(t *testing.T, subprotocol string, serve func(f *fakeServer, r *http.Request, conn *websocket.Conn)) *fakeServer {
	client, err := NewClient(loopback)
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeServer{t: t, client: client, ear: NewEar(Audio)}
	upgrader := websocket.Upgrader{Subprotocols: []string{subprotocol}}
	f.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		serve(f, r, conn)
	}))
	t.Cleanup(f.http.Close)
	return f
}

// take answers an offer and listens to what comes.
func (f *fakeServer) take(sdp string) (answered string) {
	pc, err := f.client.connection(f.ear)
	if err != nil {
		f.t.Error(err)
		return ""
	}
	f.t.Cleanup(func() { pc.Close() })
	answered, err = answer(f.t.Context(), pc, sdp)
	if err != nil {
		f.t.Error(err)
	}
	return answered
}

// give offers n voices. What it returns takes the answer; the voices talk from
// then on.
func (f *fakeServer) give(n int) (sdp string, accepted func(answer string)) {
	pc, err := f.client.connection(nil)
	if err != nil {
		f.t.Error(err)
		return "", nil
	}
	f.t.Cleanup(func() { pc.Close() })
	var voices []*Sender
	for i := range n {
		s, err := newSender(pc, Audio, string(rune('a'+i)))
		if err != nil {
			f.t.Error(err)
		}
		voices = append(voices, s)
	}
	if sdp, err = offer(f.t.Context(), pc); err != nil {
		f.t.Error(err)
	}
	return sdp, func(answer string) { f.talk(pc, voices, answer) }
}

func (f *fakeServer) talk(pc *webrtc.PeerConnection, voices []*Sender, answer string) {
	if err := accept(pc, answer); err != nil {
		f.t.Error(err)
	}
	f.play(voices)
}

// play lets voices talk until the test ends.
func (f *fakeServer) play(voices []*Sender) {
	go func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for n := uint16(0); f.t.Context().Err() == nil; n++ {
			<-ticker.C
			for _, v := range voices {
				if v.write(voicePacket(n)) != nil {
					return
				}
			}
		}
	}()
}

func voicePacket(n uint16) *rtp.Packet {
	return &rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: n, Timestamp: uint32(n) * loadtest.SamplesPerFrame},
		Payload: loadtest.AppendFrame(nil, loadtest.Frame{Bot: 1, Tick: uint32(n), At: time.Now()}, loadtest.DefaultFrameBytes),
	}
}

// hears waits until ear has n streams.
func hears(ctx context.Context, t *testing.T, ear *Ear, n int, meanwhile func(tick uint16)) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for tick := uint16(0); ear.Streams() < n; tick++ {
		if meanwhile != nil {
			meanwhile(tick)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("%d streams came, want %d", ear.Streams(), n)
		}
	}
}
