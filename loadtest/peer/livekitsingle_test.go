package peer

import (
	"context"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/encoding/protowire"
)

// fakeSingle is fakeLiveKit for clients with one connection. It asks for lines in
// two steps, the first before it has answered the first offer.
func fakeSingle(f *fakeServer, r *http.Request, conn *websocket.Conn) {
	if r.URL.Path != "/rtc/v1" {
		f.t.Errorf("path %q, want /rtc/v1", r.URL.Path)
	}
	wrapped, err := base64.StdEncoding.DecodeString(r.FormValue("join_request"))
	subscribes := false
	each := func(b []byte, want protowire.Number, f func(data []byte, value uint64)) {
		if fields(b, func(field protowire.Number, value uint64, data []byte) error {
			if field == want {
				f(data, value)
			}
			return nil
		}) != nil {
			err = errWire
		}
	}
	each(wrapped, 2, func(request []byte, _ uint64) {
		each(request, 2, func(settings []byte, _ uint64) {
			each(settings, 1, func(_ []byte, auto uint64) { subscribes = auto == 1 })
		})
	})
	if err != nil {
		f.t.Errorf("join_request: %v", err)
	}
	say := func(b []byte) { _ = conn.WriteMessage(websocket.BinaryMessage, b) } // the client may have gone
	say(message(nil, responseJoin, message(number(nil, 11, 5), 12, text(nil, 2, "fake"))))
	pc, err := f.client.connection(f.ear)
	if err != nil {
		f.t.Error(err)
		return
	}
	f.t.Cleanup(func() { pc.Close() })
	offers := 0
	for {
		_, data, err := conn.ReadMessage()
		if err != nil {
			return
		}
		each(data, requestAddTrack, func([]byte, uint64) { say(message(nil, responsePublished, text(nil, 1, "talker-1"))) })
		each(data, requestOffer, func(b []byte, _ uint64) {
			if offers++; subscribes && offers <= 2 {
				say(message(nil, responseSections, number(nil, 1, 1)))
			}
			sdp, _ := decodeSDP(b)
			say(encodeSession(responseAnswer, "answer", f.extend(pc, sdp)))
		})
	}
}

// extend answers an offer, with a voice on each line that asks for one.
func (f *fakeServer) extend(pc *webrtc.PeerConnection, sdp string) string {
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp}); err != nil {
		f.t.Error(err)
		return ""
	}
	var voices []*Sender
	for _, line := range pc.GetTransceivers() {
		if line.Direction() != webrtc.RTPTransceiverDirectionSendonly || line.Sender() != nil {
			continue
		}
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, line.Mid(), "voices")
		if err != nil {
			f.t.Error(err)
		}
		sender, err := pc.AddTrack(track) // to a line that the client offered
		if err != nil {
			f.t.Error(err)
		}
		voices = append(voices, &Sender{media: Audio, track: track, sender: sender, end: pc})
	}
	d, err := pc.CreateAnswer(nil)
	if err != nil {
		f.t.Error(err)
		return ""
	}
	answered, err := gathered(f.t.Context(), pc, d)
	if err != nil {
		f.t.Error(err)
	}
	f.play(voices)
	return answered
}

func TestLiveKitDriverWithOneConnection(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f := newFakeServer(t, "", fakeSingle)
	room, err := (&LiveKit{URL: f.http.URL, Key: "key", Secret: livekitSecret, Client: f.client, Room: "hall", Single: true}).Open(ctx, "bench", Audio)
	if err != nil {
		t.Fatal(err)
	}
	talker, err := room.Publish(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer talker.Close()
	hears(ctx, t, f.ear, 1, func(n uint16) { talker.write(voicePacket(n)) })
	ear := NewEar(Audio)
	listener, err := room.Subscribe(ctx, 1, 2, ear)
	if err != nil {
		t.Fatal(err)
	}
	hears(ctx, t, ear, 2, nil)
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
}
