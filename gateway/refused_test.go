package gateway

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// TestRefusedJoins lists every way a join is refused: status, code, and a word
// of the message that says what to do.
func TestRefusedJoins(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(c *Config) {
		small := DefaultWorld()
		small.Capacity = 1
		c.Worlds["small"] = small
	})
	n.guest("first", func(c *Claims) { c.World = "small" })

	good := offer(t)
	foreign := GenerateDevelopmentKey()
	foreign.ID = n.key.ID
	forged, _, err := Issue(foreign, Claims{Subject: "x", Name: "X", World: "plaza", Expires: time.Now().Add(time.Minute)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	expired, _, err := Issue(n.key, Claims{Subject: "x", Name: "X", World: "plaza", Expires: time.Now().Add(-time.Hour)}, time.Now().Add(-2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	world := func(w string) func(*Claims) { return func(c *Claims) { c.World = w } }

	for _, c := range []struct {
		name, token, kind, body string
		status                  int
		code                    earshot.Code
		says                    string
	}{
		{"no token", "", typeSDP, good, 401, earshot.CodeUnauthenticated, "Bearer"},
		{"garbage token", "not.a.token", typeSDP, good, 401, earshot.CodeUnauthenticated, ""},
		{"token too long", strings.Repeat("a", protocol.MaxTokenBytes+1), typeSDP, good, 400, earshot.CodeInvalidArgument, "4096"},
		{"wrong signature", forged, typeSDP, good, 401, earshot.CodeUnauthenticated, "signature"},
		{"expired", expired, typeSDP, good, 401, earshot.CodeUnauthenticated, "expired"},
		{"unknown world", n.token(world("atlantis")), typeSDP, good, 404, earshot.CodeNotFound, "atlantis"},
		{"instance of another world", n.token(func(c *Claims) { c.Instance = "in_small" }), typeSDP, good, 403, earshot.CodePermissionDenied, "in_small"},
		{"no grant", n.token(func(c *Claims) { c.Grants = nil }), typeSDP, good, 403, earshot.CodePermissionDenied, "grants"},
		{"instance full", n.token(world("small")), typeSDP, good, 429, earshot.CodeResourceExhausted, "full"},
		{"wrong content type", n.token(nil), "application/json", "{}", 415, earshot.CodeInvalidArgument, typeSDP},
		{"empty offer", n.token(nil), typeSDP, "", 400, earshot.CodeInvalidArgument, "empty"},
		{"malformed offer", n.token(nil), typeSDP, "v=0\r\nthis is no SDP", 400, earshot.CodeInvalidArgument, ""},
		{"offer without fingerprint", n.token(nil), typeSDP, strip(good, "a=fingerprint"), 400, earshot.CodeInvalidArgument, "fingerprint"},
		{"offer without ICE", n.token(nil), typeSDP, strip(good, "a=ice-ufrag"), 400, earshot.CodeInvalidArgument, "ice"},
		{"oversized offer", n.token(nil), typeSDP, good + strings.Repeat("a=x\r\n", 20000), 413, earshot.CodeInvalidArgument, "65536"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body, _ := n.do("POST", "/v1/join", c.token, c.kind, []byte(c.body))
			e := wireErrorOf(t, body)
			if status != c.status || e.Code != c.code || !strings.Contains(strings.ToLower(e.Message), strings.ToLower(c.says)) {
				t.Errorf("POST /v1/join = %d %s %q, want %d %s with %q", status, e.Code, e.Message, c.status, c.code, c.says)
			}
		})
	}
}

// strip removes the lines of an SDP that start with prefix.
func strip(sdp, prefix string) string {
	var kept []string
	for _, line := range strings.Split(sdp, "\r\n") {
		if !strings.HasPrefix(line, prefix) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\r\n")
}

func TestRefusedBodies(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	post := func(encoding string, body []byte) (int, earshot.Error) {
		req, err := http.NewRequest("POST", n.url+"/v1/join", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+n.token(nil))
		req.Header.Set("Content-Type", typeSDP)
		req.Header.Set("Content-Encoding", encoding)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var buf bytes.Buffer
		_, _ = buf.ReadFrom(resp.Body)
		return resp.StatusCode, wireErrorOf(t, buf.Bytes())
	}
	for _, c := range []struct {
		name, encoding string
		body           []byte
		status         int
	}{
		{"gzip bomb", "gzip", zip(make([]byte, 10<<20)), 413},
		{"not gzip", "gzip", []byte("plain"), 400},
		{"cut gzip", "gzip", zip([]byte(strings.Repeat("v=0\r\n", 1000)))[:20], 400},
		{"unknown encoding", "br", []byte("x"), 415},
	} {
		if status, e := post(c.encoding, c.body); status != c.status || e.Code != earshot.CodeInvalidArgument {
			t.Errorf("%s: POST /v1/join = %d %s %q, want %d", c.name, status, e.Code, e.Message, c.status)
		}
	}
}

func zip(data []byte) []byte {
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	_, _ = zw.Write(data)
	_ = zw.Close()
	return buf.Bytes()
}

func TestRefusedSessionRequests(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	status, _, header := n.do("POST", "/v1/join", n.token(nil), typeSDP, []byte(offer(t)))
	if status != http.StatusCreated {
		t.Fatalf("POST /v1/join = %d, want 201", status)
	}
	url := header.Get("Location")
	other := n.token(func(c *Claims) { c.Subject = "eve" })
	for _, c := range []struct {
		name, method, path, token, kind, body string
		status                                int
		code                                  earshot.Code
	}{
		{"unknown session", "PATCH", "/v1/sessions/se_nobody", n.token(nil), typeSDP, "v=0", 404, earshot.CodeNotFound},
		{"somebody else's", "PATCH", url, other, typeSDP, "v=0", 403, earshot.CodePermissionDenied},
		{"somebody else leaves", "DELETE", url, other, "", "", 403, earshot.CodePermissionDenied},
		{"no token", "DELETE", url, "", "", "", 401, earshot.CodeUnauthenticated},
		{"wrong type", "PATCH", url, n.token(nil), "text/plain", "v=0", 415, earshot.CodeInvalidArgument},
		{"garbage restart", "PATCH", url, n.token(nil), typeSDP, "v=0", 400, earshot.CodeInvalidArgument},
		{"fragment too large", "PATCH", url, n.token(nil), typeFragment, strings.Repeat("a=x\r\n", 4000), 413, earshot.CodeInvalidArgument},
		{"no such page", "GET", "/v1/nothing", "", "", "", 404, earshot.CodeNotFound},
		{"not a WebSocket", "GET", "/v1/control", n.token(nil), "", "", 426, earshot.CodeInvalidArgument},
		{"development token", "GET", "/v1/dev/token", "", "", "", 404, earshot.CodeNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body, _ := n.do(c.method, c.path, c.token, c.kind, []byte(c.body))
			if e := wireErrorOf(t, body); status != c.status || e.Code != c.code {
				t.Errorf("%s %s = %d %s %q, want %d %s", c.method, c.path, status, e.Code, e.Message, c.status, c.code)
			}
		})
	}
	if status, _, _ := n.do("DELETE", url, n.token(nil), "", nil); status != http.StatusNoContent {
		t.Errorf("DELETE %s = %d, want 204", url, status)
	}
}

// TestRefusedMessages sends what a session may not: each gets one error, and
// the session goes on.
func TestRefusedMessages(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	g := n.guest("ada", func(c *Claims) { c.Grants = []string{protocol.GrantSubscribe} })
	for _, c := range []struct {
		name, message string
		code          earshot.Code
	}{
		{"not JSON", `{`, earshot.CodeInvalidArgument},
		{"unknown type", `{"type":"dance"}`, earshot.CodeInvalidArgument},
		{"join again", `{"type":"join","token":"x"}`, earshot.CodeInvalidArgument},
		{"chat without grant", `{"type":"chat","text":"hi"}`, earshot.CodePermissionDenied},
		{"moderate without grant", `{"type":"moderate","action":"kick","participant":"pa_x"}`, earshot.CodePermissionDenied},
		{"publish without grant", `{"type":"publish","source":"screen","active":true}`, earshot.CodePermissionDenied},
		{"block oneself", `{"type":"block","participant":"` + string(g.id()) + `","blocked":true}`, earshot.CodeInvalidArgument},
		{"too big", `{"type":"ping","t":1,"x":"` + strings.Repeat("x", protocol.MaxMessageBytes) + `"}`, earshot.CodeInvalidArgument},
		{"gain out of range", `{"type":"gain","participant":"pa_x","gain_db":100}`, earshot.CodeInvalidArgument},
	} {
		g.write([]byte(c.message))
		if e := expect[*protocol.Error](g); e.Code != c.code || e.Message == "" {
			t.Errorf("%s: error %s %q, want %s", c.name, e.Code, e.Message, c.code)
		}
	}
	g.say(&protocol.Ping{T: 7})
	if pong := expect[*protocol.Pong](g); pong.T != 7 {
		t.Errorf("pong.T = %v, want 7", pong.T)
	}
}

func TestTooManyMessages(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	g := n.guest("ada", nil)
	go func() {
		for g.conn.WriteMessage(1, []byte(`{"type":"ping","t":1}`)) == nil { // until it is thrown out
		}
	}()
	if e := expect[*protocol.Error](g); e.Code != earshot.CodeResourceExhausted {
		t.Errorf("error %s, want %s", e.Code, earshot.CodeResourceExhausted)
	}
	var bye *protocol.Bye
	for bye == nil {
		msg := g.next(patience)
		if msg == nil {
			t.Fatal("no bye came")
		}
		bye, _ = msg.(*protocol.Bye)
	}
	if bye.Code != earshot.CodeResourceExhausted || bye.Reconnect {
		t.Errorf("bye %+v, want %s without reconnect", bye, earshot.CodeResourceExhausted)
	}
}
