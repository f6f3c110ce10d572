package peer

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/protobuf/encoding/protowire"
)

const livekitSecret = "0123456789abcdef0123456789abcdef"

// fakeLiveKit speaks as much of LiveKit's protocol as our client needs.
func fakeLiveKit(f *fakeServer, r *http.Request, conn *websocket.Conn) {
	claims := jwt.MapClaims{}
	if _, err := jwt.ParseWithClaims(r.FormValue("access_token"), claims, func(*jwt.Token) (any, error) { return []byte(livekitSecret), nil }); err != nil {
		f.t.Errorf("token: %v", err)
	}
	if video, _ := claims["video"].(map[string]any); claims["iss"] != "key" || video["room"] != "hall" || video["roomJoin"] != true {
		f.t.Errorf("claims: %v", claims)
	}
	say := func(b []byte) { _ = conn.WriteMessage(websocket.BinaryMessage, b) } // the client may have gone
	say(message(nil, responseJoin, message(number(nil, 11, 5), 12, text(nil, 2, "fake"))))
	var accepted func(string)
	if r.FormValue("auto_subscribe") == "1" {
		sdp, then := f.give(2)
		accepted = then
		say(encodeSession(responseOffer, "offer", sdp))
	}
	for {
		_, data, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if err := fields(data, func(field protowire.Number, _ uint64, data []byte) error {
			switch field {
			case requestAddTrack:
				say(message(nil, responsePublished, text(nil, 1, "talker-1")))
			case requestOffer:
				sdp, err := decodeSDP(data)
				say(encodeSession(responseAnswer, "answer", f.take(sdp)))
				return err
			case requestAnswer:
				sdp, err := decodeSDP(data)
				accepted(sdp)
				return err
			}
			return nil
		}); err != nil {
			f.t.Error(err)
		}
	}
}

func TestLiveKitDriver(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f := newFakeServer(t, "", fakeLiveKit)
	driver := &LiveKit{URL: f.http.URL, Key: "key", Secret: livekitSecret, Client: f.client}
	room, err := driver.Open(ctx, "hall", Audio)
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
	if _, err := driver.Open(ctx, "hall", Mixed); err == nil {
		t.Error("LiveKit opened a room that mixes")
	}
}

func TestLiveKitSaysLeave(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, said := range map[string][]byte{"reason 6": message(nil, responseLeave, number(nil, 2, 6)), "no protobuf": {0x0a, 0x05}} {
		f := newFakeServer(t, "", func(_ *fakeServer, _ *http.Request, conn *websocket.Conn) {
			_ = conn.WriteMessage(websocket.BinaryMessage, said)
			_, _, _ = conn.ReadMessage()
		})
		room, err := (&LiveKit{URL: f.http.URL, Key: "key", Secret: livekitSecret, Client: f.client}).Open(ctx, "hall", Audio)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := room.Publish(ctx, 1); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want an error that says %q", err, name)
		}
	}
}
