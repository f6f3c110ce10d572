package gateway

import (
	"bytes"
	"compress/gzip"
	"log/slog"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"earshot"
	"earshot/gateway/livekit/webhook"
	"earshot/gateway/protocol"
)

// FuzzBody gives the reader of bodies whatever may be posted.
func FuzzBody(f *testing.F) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte("v=0\r\n"))
	_ = w.Close()
	f.Add([]byte("v=0\r\n"), "")
	f.Add(packed.Bytes(), "gzip")
	f.Add(packed.Bytes()[:12], "gzip")
	f.Add([]byte("x"), "br")
	app := fiber.New(fiber.Config{DisableStartupMessage: true, DisableDefaultDate: true})
	const limit = 4096
	f.Fuzz(func(t *testing.T, raw []byte, encoding string) {
		var request fasthttp.RequestCtx
		request.Request.SetBodyRaw(raw)
		request.Request.Header.Set(fiber.HeaderContentEncoding, encoding)
		c := app.AcquireCtx(&request)
		defer app.ReleaseCtx(c)
		text, err := body(c, limit)
		if err == nil && (len(text) == 0 || len(text) > limit) {
			t.Fatalf("a body of %d bytes", len(text))
		}
		if err != nil {
			if status, e := wireError(err); status < 400 || status > 499 || e.Message == "" {
				t.Fatalf("%v becomes %d %v", err, status, e)
			}
		}
	})
}

// FuzzSession gives a session whatever may come on its channels or its
// WebSocket, each message behind a byte of kind and two of length.
func FuzzSession(f *testing.F) {
	one := func(kind byte, text string) []byte {
		return append([]byte{kind, byte(len(text) >> 8), byte(len(text))}, text...)
	}
	for _, text := range []string{
		`{"type":"ready","blocks":["pa_2222222222222222"]}`, `{"type":"chat","text":"hello","ref":"1"}`, `{"type":"renew"}`,
		`{"type":"view","heights":[1,2]}`, `{"type":"publish","source":"camera","active":true}`, `{"type":"gain","participant":"pa_x","gain_db":3}`,
	} {
		f.Add(one(0, text))
	}
	f.Add(one(0, `{"type":"leave"}`))
	f.Add(one(1, "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	key := GenerateDevelopmentKey()
	keys, err := NewKeys([]Key{key})
	if err != nil {
		f.Fatal(err)
	}
	g := &Gateway{
		cfg: DefaultConfig(), log: slog.New(slog.DiscardHandler), keys: keys,
		metrics: newMetrics(prometheus.NewRegistry()), sessions: make(map[earshot.SessionID]*session),
		hooks: webhook.New(webhook.Config{}, webhook.Deps{Metrics: prometheus.NewRegistry()}),
	}
	if g.manager, err = newManager(g, g.cfg.Instances); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in, err := newInstance(g, "in_plaza", "plaza", DefaultWorld())
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		s := newSession(in, &Claims{
			Subject: "x", Name: "X", World: "plaza", Expires: now.Add(time.Minute), Issuer: key.ID,
			Grants: []string{protocol.GrantSubscribe, protocol.GrantPublishPose, protocol.GrantPublishVideo, protocol.GrantChat},
		}, now)
		s.line = mute{}
		if err := in.enter(s, now); err != nil {
			t.Fatal(err)
		}
		s.OnControlOpen()
		for range 100 {
			if len(b) < 3 {
				break
			}
			n := min(int(b[1])<<8|int(b[2]), len(b)-3)
			if message := b[3 : 3+n]; b[0]%2 == 0 {
				s.OnControl(message)
			} else {
				s.OnPose(message)
			}
			b = b[3+n:]
		}
		s.end(protocol.ReasonLeft, nil)
		g.work.Wait()
	})
}

// mute is a line to nobody. It takes no goodbye, which would have to travel.
type mute struct{}

func (mute) SendControl(msg []byte) error {
	if bytes.Contains(msg, []byte(`"bye"`)) {
		return errSlow
	}
	return nil
}
func (mute) SendPose([]byte) bool { return true }
func (mute) Close()               {}
