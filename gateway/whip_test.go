package gateway

import (
	"encoding/json"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/sfu"
	"earshot/sfu/turn"
)

// withStages gives the plaza two stages, and nobody who lives there.
func withStages(c *Config) {
	w := DefaultWorld()
	w.Stages = []StageConfig{{ID: "main", Position: [3]float32{0, 1, -5}, Yaw: 180}, {ID: "side", Position: [3]float32{8, 0, 0}}}
	c.Worlds["plaza"] = w
}

// TestWHIPLife is the whole life of a stream, as those in the instance and its
// publisher see it.
func TestWHIPLife(t *testing.T) {
	t.Parallel()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(`pass"word`), 0o600); err != nil {
		t.Fatal(err)
	}
	n := startNodeWith(t, withStages, nil, withMedia(t, func(c *sfu.Config) {
		c.TURN.Servers = []turn.External{
			{URLs: []string{"stun:stun.example.org"}},
			{URLs: []string{"turn:turn.example.org?transport=udp", "turns:turn.example.org"}, Username: "Main stage", CredentialFile: password},
		}
	}))
	ada := n.guest("ada", nil)
	stage := n.publisher(n.streamToken("Main stage"))
	header := stage.connect("/v1/whip/plaza")
	if !regexp.MustCompile(`^/v1/whip/plaza/se_[a-z2-7]{32}$`).MatchString(stage.url) || stage.etag != `"1"` ||
		header.Get("Content-Type") != typeSDP || header.Get("Accept-Patch") != typeFragment {
		t.Errorf("POST answered %v", header)
	}
	links := strings.Join(header.Values("Link"), "\n")
	if want := `<stun:stun.example.org>; rel="ice-server"` + "\n" +
		`<turn:turn.example.org?transport=udp>; rel="ice-server"; username="Main stage"; credential="pass\"word"; credential-type="password"` + "\n" +
		`<turns:turn.example.org>; rel="ice-server"; username="Main stage"; credential="pass\"word"; credential-type="password"`; links != want {
		t.Errorf("Link:\n%s\nwant\n%s", links, want)
	}

	joined := expect[*protocol.Joined](ada).Participants[0]
	if joined.Kind != protocol.KindStream || joined.Name != "Main stage" {
		t.Errorf("joined %+v, want the stream", joined)
	}
	if p := expect[*protocol.Published](ada); p.Participant != joined.ID || p.Source != protocol.SourceCamera || !p.Active {
		t.Errorf("published %+v, want the camera of the stream", p)
	}
	if s := expect[*protocol.Speaking](ada); len(s.Start) != 1 || s.Start[0] != joined.ID {
		t.Errorf("speaking %+v, want the stream: it sends no levels", s)
	}
	if at := n.place(joined.ID); at != [3]float32{0, 1, -5} {
		t.Errorf("the stream stands at %v, want the first stage", at)
	}

	candidate := "a=ice-ufrag:" + sdpValue(t, stage.pc.LocalDescription().SDP, "ice-ufrag") + "\r\na=ice-pwd:" +
		sdpValue(t, stage.pc.LocalDescription().SDP, "ice-pwd") + "\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 4444 typ host\r\na=end-of-candidates\r\n"
	patch := func(name, body string, want int, code earshot.Code, headers ...string) {
		t.Helper()
		status, text, header := stage.request("PATCH", stage.url, body, headers...)
		if status != want || code != "" && wireErrorOf(t, []byte(text)).Code != code {
			t.Errorf("%s: PATCH = %d %s, want %d %s", name, status, text, want, code)
		}
		if status == http.StatusUnsupportedMediaType && header.Get("Accept-Patch") != typeFragment {
			t.Errorf("%s: Accept-Patch %q", name, header.Get("Accept-Patch"))
		}
	}
	patch("trickle", candidate, 204, "", "Content-Type", typeFragment, "If-Match", `"1"`)
	patch("trickle, one of several tags", candidate, 204, "", "Content-Type", typeFragment, "If-Match", `"7", "1"`)
	patch("trickle, any tag", candidate, 204, "", "Content-Type", typeFragment, "If-Match", `*`)
	patch("no If-Match", candidate, 428, earshot.CodeFailedPrecondition, "Content-Type", typeFragment)
	patch("wrong tag", candidate, 412, earshot.CodeFailedPrecondition, "Content-Type", typeFragment, "If-Match", `"2"`)
	patch("an offer", stage.pc.LocalDescription().SDP, 415, earshot.CodeInvalidArgument, "Content-Type", typeSDP, "If-Match", `"1"`)
	patch("no type", candidate, 415, earshot.CodeInvalidArgument, "If-Match", `"1"`)
	patch("empty", "", 400, earshot.CodeInvalidArgument, "Content-Type", typeFragment, "If-Match", `"1"`)
	patch("too big", candidate+strings.Repeat("a=x\r\n", 4000), 413, earshot.CodeInvalidArgument, "Content-Type", typeFragment, "If-Match", `"1"`)
	patch("not a fragment", "hello", 400, earshot.CodeInvalidArgument, "Content-Type", typeFragment, "If-Match", `"1"`)
	patch("restart by a tag", strings.Replace(candidate, "a=ice-ufrag:", "a=ice-ufrag:other", 1), 400, earshot.CodeInvalidArgument, "Content-Type", typeFragment, "If-Match", `"1"`)
	patch("restart without password", "a=ice-ufrag:another\r\n", 400, earshot.CodeInvalidArgument, "Content-Type", typeFragment, "If-Match", `*`)

	watcher := n.player(n.viewerToken("wendy"))
	watcher.connect("/v1/whep/plaza")
	watcher.flows("before the restart", true, true)
	stage.restart()
	if stage.etag != `"2"` {
		t.Errorf("ETag %s after a restart, want \"2\"", stage.etag)
	}
	patch("the tag of before", candidate, 412, earshot.CodeFailedPrecondition, "Content-Type", typeFragment, "If-Match", `"1"`)
	watcher.flows("after the restart", true, true)
	watcher.restart()
	watcher.flows("after the player's restart", true, true)

	for _, token := range []string{n.streamToken("somebody else"), ""} {
		other := &caster{n: n, token: token}
		want := map[bool]int{true: 401, false: 403}[token == ""]
		for _, method := range []string{"DELETE", "PATCH"} {
			if status, text, _ := other.request(method, stage.url, candidate, "Content-Type", typeFragment, "If-Match", "*"); status != want {
				t.Errorf("%s by another = %d %s, want %d", method, status, text, want)
			}
		}
	}
	if status, text, _ := stage.request("PATCH", strings.Replace(stage.url, "/plaza/", "/other/", 1), candidate, "Content-Type", typeFragment, "If-Match", "*"); status != 404 {
		t.Errorf("PATCH in another world = %d %s, want 404", status, text)
	}
	if status, text, _ := stage.request("DELETE", "/v1/whip/plaza/whatever", ""); status != 404 {
		t.Errorf("DELETE of no session = %d %s, want 404", status, text)
	}
	if status, text, _ := stage.request("DELETE", strings.Replace(stage.url, "/v1/whip/plaza/", "/v1/sessions/", 1), ""); status != 404 {
		t.Errorf("DELETE of a participant's session = %d %s, want 404", status, text)
	}
	if status, text, _ := stage.request("DELETE", stage.url, ""); status != 200 {
		t.Errorf("DELETE = %d %s, want 200", status, text)
	}
	if left := expect[*protocol.Left](ada); left.Participant != joined.ID || left.Reason != protocol.ReasonLeft {
		t.Errorf("left %+v, want the stream", left)
	}
	for method, want := range map[string]int{"DELETE": 200, "PATCH": 404} { // nothing is left to delete
		if status, text, _ := stage.request(method, stage.url, candidate, "Content-Type", typeFragment, "If-Match", "*"); status != want {
			t.Errorf("%s after the end = %d %s, want %d", method, status, text, want)
		}
	}
}

// place returns where a participant stands.
func (n *node) place(id earshot.ParticipantID) [3]float32 {
	n.t.Helper()
	resp, err := http.Get(n.adm + "/v1/instances/in_plaza/participants")
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	var list []adminParticipant
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		n.t.Fatal(err)
	}
	for _, p := range list {
		if p.ID == id {
			for i, x := range p.Position { // poses travel in millimetres
				p.Position[i] = float32(math.Round(float64(x)*100) / 100)
			}
			return p.Position
		}
	}
	n.t.Fatalf("%s is nowhere", id)
	return [3]float32{}
}

// TestStreamsStandOnStages places streams by token and by request.
func TestStreamsStandOnStages(t *testing.T) {
	t.Parallel()
	n := startNode(t, withStages)
	side := func(c *Claims) { c.Stage = "side" }
	for _, c := range []struct {
		name, path string
		change     []func(*Claims)
		want       [3]float32
	}{
		{"first", "/v1/whip/plaza", nil, [3]float32{0, 1, -5}},
		{"asked", "/v1/whip/plaza?stage=side", nil, [3]float32{8, 0, 0}},
		{"by token", "/v1/whip/plaza", []func(*Claims){side}, [3]float32{8, 0, 0}},
		{"by both", "/v1/whip/plaza?stage=side", []func(*Claims){side}, [3]float32{8, 0, 0}},
	} {
		stage := n.publisher(n.streamToken(c.name, c.change...))
		stage.connect(c.path)
		if at := n.place(earshot.ParticipantFor("test", c.name)); at != c.want {
			t.Errorf("%s: stands at %v, want %v", c.name, at, c.want)
		}
	}
}

// TestWHIPRefusals lists how a stream, or a player, is refused.
func TestWHIPRefusals(t *testing.T) {
	t.Parallel()
	n := startNode(t, withStages)
	good := n.publisher("").offer()
	watch := n.player("").offer()
	for _, c := range []struct {
		name, path, token, kind, body string
		status                        int
		code                          earshot.Code
		says                          string
	}{
		{"no token", "whip/plaza", "", typeSDP, good, 401, earshot.CodeUnauthenticated, "Bearer"},
		{"wrong type", "whip/plaza", n.streamToken("x"), "application/json", good, 415, earshot.CodeInvalidArgument, typeSDP},
		{"empty", "whip/plaza", n.streamToken("x"), typeSDP, "", 400, earshot.CodeInvalidArgument, "empty"},
		{"too big", "whip/plaza", n.streamToken("x"), typeSDP, good + strings.Repeat("a=x\r\n", 20000), 413, earshot.CodeInvalidArgument, "65536"},
		{"no SDP", "whip/plaza", n.streamToken("x"), typeSDP, "hello", 400, earshot.CodeInvalidArgument, "SDP"},
		{"another world", "whip/atlantis", n.streamToken("x"), typeSDP, good, 403, earshot.CodePermissionDenied, "atlantis"},
		{"no such world", "whip/atlantis", n.streamToken("x", func(c *Claims) { c.World = "atlantis" }), typeSDP, good, 404, earshot.CodeNotFound, "atlantis"},
		{"no such stage", "whip/plaza?stage=moon", n.streamToken("x"), typeSDP, good, 404, earshot.CodeNotFound, "main, side"},
		{"another stage", "whip/plaza?stage=main", n.streamToken("x", func(c *Claims) { c.Stage = "side" }), typeSDP, good, 403, earshot.CodePermissionDenied, "side"},
		{"may not publish", "whip/plaza", n.viewerToken("x"), typeSDP, good, 403, earshot.CodePermissionDenied, "publish"},
		{"may not publish video", "whip/plaza", n.streamToken("x", func(c *Claims) { c.Grants = c.Grants[:1] }), typeSDP, good, 403, earshot.CodePermissionDenied, "publish.video"},
		{"a player's offer", "whip/plaza", n.streamToken("x"), typeSDP, watch, 400, earshot.CodeInvalidArgument, "WHEP"},
		{"a participant's offer", "whip/plaza", n.streamToken("x"), typeSDP, offer(t), 400, earshot.CodeInvalidArgument, "application"},
		{"may not watch", "whep/plaza", n.streamToken("x"), typeSDP, watch, 403, earshot.CodePermissionDenied, "subscribe"},
		{"a publisher's offer", "whep/plaza", n.viewerToken("x"), typeSDP, good, 400, earshot.CodeInvalidArgument, "WHIP"},
		{"watch no stage", "whep/plaza?stage=moon", n.viewerToken("x"), typeSDP, watch, 404, earshot.CodeNotFound, "main, side"},
		{"watch nobody", "whep/plaza?publisher=ada", n.viewerToken("x"), typeSDP, watch, 400, earshot.CodeInvalidArgument, "pa_"},
	} {
		client := &caster{n: n, token: c.token}
		status, text, header := client.request("POST", "/v1/"+c.path, c.body, "Content-Type", c.kind)
		e := wireErrorOf(t, []byte(text))
		if status != c.status || e.Code != c.code || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: POST = %d %s, want %d %s with %q", c.name, status, text, c.status, c.code, c.says)
		}
		if status == 401 && header.Get("WWW-Authenticate") != "Bearer" || status == 415 && header.Get("Accept-Post") != typeSDP {
			t.Errorf("%s: headers %v", c.name, header)
		}
	}
	if in := n.running(); len(in) > 0 && in[0].size()+in[0].audience.size() > 0 {
		t.Error("somebody who was refused is there")
	}
}

// TestWHIPOptions asks what may be sent, as a browser does and as others do.
func TestWHIPOptions(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	client := &caster{n: n}
	session := "/plaza/" + string(earshot.NewSessionID())
	for _, door := range []string{"/v1/whip", "/v1/whep"} {
		for path, accept := range map[string][2]string{"/plaza": {"Accept-Post", typeSDP}, session: {"Accept-Patch", typeFragment}} {
			for _, headers := range [][]string{nil, {"Origin", "https://page.example"}, {"Origin", "https://page.example", "Access-Control-Request-Method", "POST"}} {
				status, _, header := client.request("OPTIONS", door+path, "", headers...)
				if status != 200 || header.Get(accept[0]) != accept[1] {
					t.Errorf("OPTIONS %s%s with %v = %d %v, want 200 and %v", door, path, headers, status, header, accept)
				}
				if len(headers) == 4 && (header.Get("Access-Control-Allow-Origin") != "*" ||
					!strings.Contains(header.Get("Access-Control-Allow-Methods"), "PATCH") ||
					!strings.Contains(header.Get("Access-Control-Allow-Headers"), "If-Match")) {
					t.Errorf("preflight of %s%s = %v", door, path, header)
				}
			}
		}
		for path, allow := range map[string]string{"/plaza": "POST, OPTIONS", session: "PATCH, DELETE, OPTIONS"} {
			for _, method := range []string{"GET", "HEAD", "PUT"} {
				if status, _, header := client.request(method, door+path, ""); status != 405 || header.Get("Allow") != allow {
					t.Errorf("%s %s%s = %d, Allow %q, want 405 and %q", method, door, path, status, header.Get("Allow"), allow)
				}
			}
		}
		if status, _, _ := client.request("DELETE", door+"/plaza", ""); status != 405 {
			t.Errorf("DELETE %s/plaza = %d, want 405", door, status)
		}
	}
	status, _, header := client.request("POST", "/v1/whip/plaza", "", "Origin", "https://page.example")
	exposed := header.Get("Access-Control-Expose-Headers")
	for _, name := range []string{"Location", "ETag", "Link"} {
		if !strings.Contains(exposed, name) {
			t.Errorf("POST = %d exposes %q, want %s too", status, exposed, name)
		}
	}
}

func TestStagesAreValidated(t *testing.T) {
	for name, spoil := range map[string]func(*WorldConfig){
		"id":          func(w *WorldConfig) { w.Stages[0].ID = "The Stage" },
		"twice":       func(w *WorldConfig) { w.Stages = append(w.Stages, w.Stages[0]) },
		"position":    func(w *WorldConfig) { w.Stages[0].Position[1] = float32(math.NaN()) },
		"yaw":         func(w *WorldConfig) { w.Stages[0].Yaw = 400 },
		"stages":      func(w *WorldConfig) { w.Stages = make([]StageConfig, maxStages+1) },
		"max_viewers": func(w *WorldConfig) { w.MaxViewers = -1 },
	} {
		w := DefaultWorld()
		w.Stages = []StageConfig{{ID: "main"}}
		if err := w.validate("w"); err != nil {
			t.Fatal(err)
		}
		spoil(&w)
		if err := w.validate("w"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: validate = %v, want an error that names it", name, err)
		}
	}
	if _, err := (&WorldConfig{}).stage("main"); earshot.CodeOf(err) != earshot.CodeNotFound {
		t.Errorf("stage(main) of a world without = %v, want not_found", err)
	}
	w := DefaultWorld()
	if s, err := w.stage(""); err != nil || s.Position != w.Spawn {
		t.Errorf("stage of a world without = %+v, %v, want the spawn", s, err)
	}
}

func TestEntityTags(t *testing.T) {
	for header, want := range map[string]string{"": "", "*": "*", `"*"`: "*", `"1"`: `"1"`, ` "1" , "2"`: `"1"|"2"`} {
		if got := strings.Join(entityTags(header), "|"); got != want {
			t.Errorf("entityTags(%s) = %s, want %s", header, got, want)
		}
	}
}
