package peer

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// janusRequest is what our client sends.
type janusRequest struct {
	Janus       string         `json:"janus"`
	Transaction string         `json:"transaction"`
	Session     uint64         `json:"session_id"`
	Handle      uint64         `json:"handle_id"`
	Plugin      string         `json:"plugin"`
	Body        map[string]any `json:"body"`
	JSEP        *jsep          `json:"jsep"`
}

// fakeJanus speaks as much of Janus's protocol as our client needs. The first
// subscription comes too early, as with the real one.
func fakeJanus(subscriptions *atomic.Int32) func(*fakeServer, *http.Request, *websocket.Conn) {
	return func(f *fakeServer, _ *http.Request, conn *websocket.Conn) {
		var accepted func(string)
		for {
			_, data, err := conn.ReadMessage()
			if err != nil {
				return
			}
			var r janusRequest
			if err := json.Unmarshal(data, &r); err != nil {
				f.t.Error(err)
				return
			}
			say := func(m map[string]any) {
				m["transaction"] = r.Transaction
				b, _ := json.Marshal(m)
				_ = conn.WriteMessage(websocket.TextMessage, b) // the client may have gone
			}
			event := func(data map[string]any, description *jsep) {
				say(map[string]any{"janus": "ack", "session_id": 11})
				say(map[string]any{"janus": "event", "plugindata": map[string]any{"data": data}, "jsep": description})
			}
			request, _ := r.Body["request"].(string)
			switch {
			case r.Janus == "create":
				say(map[string]any{"janus": "success", "data": map[string]any{"id": 11}})
			case r.Session != 11:
				say(map[string]any{"janus": "error", "error": map[string]any{"code": 458, "reason": "No such session"}})
			case r.Janus == "attach":
				say(map[string]any{"janus": "success", "data": map[string]any{"id": 22}})
			case request == "create":
				say(map[string]any{"janus": "success", "plugindata": map[string]any{"data": map[string]any{}}})
			case request == "join" && r.Body["ptype"] == "subscriber":
				if subscriptions.Add(1) == 1 {
					event(map[string]any{"error_code": 428, "error": "No such feed"}, nil)
					continue
				}
				sdp, then := f.give(2)
				accepted = then
				event(map[string]any{}, &jsep{"offer", sdp})
			case request == "join":
				event(map[string]any{"id": 33}, nil)
			case request == "publish" || request == "configure":
				event(map[string]any{}, &jsep{"answer", f.take(r.JSEP.SDP)})
			case request == "start":
				event(map[string]any{}, nil)
				accepted(r.JSEP.SDP)
			}
		}
	}
}

func TestJanusDriver(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, media := range []Media{Audio, Mixed} {
		var subscriptions atomic.Int32
		f := newFakeServer(t, "janus-protocol", fakeJanus(&subscriptions))
		driver := &Janus{URL: "ws" + strings.TrimPrefix(f.http.URL, "http"), Client: f.client}
		room, err := driver.Open(ctx, "hall", media)
		if err != nil {
			t.Fatal(err)
		}
		defer room.Close()
		talker, err := room.Publish(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer talker.Close()
		hears(ctx, t, f.ear, 1, func(n uint16) { talker.write(voicePacket(n)) })
		if media == Mixed {
			listener, err := room.Subscribe(ctx, 1, 1, NewEar(media))
			if err != nil {
				t.Fatal(err)
			}
			listener.Close()
			continue
		}
		ear := NewEar(media)
		listener, err := room.Subscribe(ctx, 1, 2, ear)
		if err != nil {
			t.Fatal(err)
		}
		hears(ctx, t, ear, 2, nil)
		if n := subscriptions.Load(); n != 2 {
			t.Errorf("%d subscriptions, want 2: one too early, one more", n)
		}
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestJanusRefusals(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f := newFakeServer(t, "janus-protocol", func(_ *fakeServer, _ *http.Request, conn *websocket.Conn) {
		_, data, _ := conn.ReadMessage()
		var r janusRequest
		_ = json.Unmarshal(data, &r)
		b, _ := json.Marshal(map[string]any{"janus": "error", "transaction": r.Transaction, "error": map[string]any{"code": 403, "reason": "go away"}})
		_ = conn.WriteMessage(websocket.TextMessage, b)
		_, _, _ = conn.ReadMessage()
	})
	_, err := (&Janus{URL: "ws" + strings.TrimPrefix(f.http.URL, "http"), Client: f.client}).Open(ctx, "hall", Audio)
	var refused *janusError
	if !errors.As(err, &refused) || refused.code != 403 || refused.text != "go away" {
		t.Errorf("%v, want Janus's 403", err)
	}
}

func FuzzJanus(f *testing.F) {
	f.Add([]byte(`{"janus":"event","transaction":"1","plugindata":{"data":{"id":1,"error_code":2}},"jsep":{"type":"offer","sdp":"v=0"}}`))
	f.Add([]byte(`{"janus":"success","data":{"id":18446744073709551615}}`))
	f.Add([]byte(`{"error":{"code":1e9}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeJanus(data)
		if (err == nil) != (r != nil) {
			t.Errorf("%v, %v", r, err)
		}
		earshotType(data)
	})
}
