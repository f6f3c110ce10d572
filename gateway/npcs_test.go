package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/npc"
	"earshot/npc/library"
	"earshot/npc/store"
	"earshot/presence/pose"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"
)

const keeper = `version: 1
name: Mara
description: keeps the fountain
lines:
  fallback: [The water took my words.]
perception_range: 6
`

// startCast starts a node whose plaza has Mara two metres before the spawn.
func startCast(t *testing.T, change func(*Config), servers ...*modelServer) *node {
	t.Helper()
	return startCastOn(t, store.NewMemory(), change, servers...)
}

func startCastOn(t *testing.T, kept store.Store, change func(*Config), servers ...*modelServer) *node {
	t.Helper()
	return startNodeWith(t, func(c *Config) {
		w := c.Worlds["plaza"]
		w.Spawn, w.SpawnRadius = [3]float32{0, 0, 0}, 0
		w.NPCs = []NPCConfig{{ID: "mara", Persona: "keeper", Position: [3]float32{0, 0, -2}, Yaw: 180}}
		c.Worlds["plaza"] = w
		if change != nil {
			change(c)
		}
	}, newInference(t, servers...), func(d *Deps) {
		d.NPCs = NPCs{
			Library: library.New(kept), Store: kept, Memory: npc.NewMemory(kept, npc.MemoryConfig{}), Kept: "memory",
			Personas: fstest.MapFS{"keeper.yaml": {Data: []byte(keeper)}},
		}
	})
}

// says passes over others until an NPC has said something to the end.
func (g *guest) says() *protocol.Caption {
	g.t.Helper()
	for {
		if c := expect[*protocol.Caption](g); c.Final {
			return c
		}
	}
}

// quiet fails when an NPC says something within d.
func (g *guest) quiet(d time.Duration) {
	g.t.Helper()
	until := time.Now().Add(d)
	for left := d; left > 0; left = time.Until(until) {
		if c, ok := g.next(left).(*protocol.Caption); ok {
			g.t.Errorf("an NPC said %q to one who may not hear it", c.Text)
		}
	}
}

func TestNPCAnswers(t *testing.T) {
	t.Parallel()
	n := startCast(t, nil, startModelServer(t, "I keep ", "the fountain."))
	ada := n.guest("ada", nil)
	mara := ada.npcs[0]
	if mara.Speaks != protocol.SpeaksModel {
		t.Errorf("npc %+v, want one that speaks by a model", mara)
	}
	ada.say(&protocol.SendChat{Text: "Who are you?"})
	c := ada.says()
	if c.Participant != mara.Participant || c.To != ada.id() || c.Text != "I keep the fountain." || c.Source != protocol.SpeaksModel || c.Degraded != "" {
		t.Errorf("caption %+v, want the model's words to ada", c)
	}
}

// Without a model server an NPC speaks its scripted lines, and says why.
func TestNPCWithoutModels(t *testing.T) {
	t.Parallel()
	n := startCast(t, nil)
	ada := n.guest("ada", nil)
	if mara := ada.npcs[0]; mara.Speaks != protocol.SpeaksScript || mara.Reason == "" {
		t.Errorf("npc %+v, want one that speaks by script and says why", mara)
	}
	ada.say(&protocol.SendChat{Text: "Who are you?"})
	if c := ada.says(); c.Text != "The water took my words." || c.Source != protocol.SpeaksScript || c.Degraded != "script" || c.Reason == "" {
		t.Errorf("caption %+v, want the scripted line and why", c)
	}
}

// Whom an NPC answers, only those in earshot read it: not one far away, and
// not one who blocked it.
func TestNPCIsHeardInEarshotOnly(t *testing.T) {
	t.Parallel()
	n := startCast(t, func(c *Config) {
		w := c.Worlds["plaza"]
		w.Voice.Range, w.Voice.Fade = 5, 1
		c.Worlds["plaza"] = w
	}, startModelServer(t, "Hello."))
	ada, blocker, far := n.guest("ada", nil), n.guest("bo", nil), n.guest("far", nil)
	mara := blocker.npcs[0].Participant
	blocker.say(&protocol.Block{Participant: mara, Blocked: true})
	expect[*protocol.Blocked](blocker)
	far.stand(earshot.Vec3{Z: 12})

	ada.say(&protocol.SendChat{Text: "Mara, are you there?"})
	if c := ada.says(); c.Text != "Hello." {
		t.Errorf("caption %+v, want Hello.", c)
	}
	blocker.quiet(300 * time.Millisecond)
	far.quiet(300 * time.Millisecond)
	blocker.say(&protocol.SendChat{Text: "Mara, and to me?"})
	ada.quiet(500 * time.Millisecond) // it does not hear who blocked it
}

// An NPC takes a new version while others look who it is.
func TestNPCIsRecastWhileOthersLook(t *testing.T) {
	n := startCast(t, nil)
	in, err := n.run("in_plaza", "plaza")
	if err != nil {
		t.Fatal(err)
	}
	before, recast := in.resident("mara"), make(chan struct{})
	go func() {
		defer close(recast)
		for i := range 20 {
			draft := library.Draft{YAML: []byte(strings.Replace(keeper, "the fountain", strings.Repeat("the fountain ", i+1), 1)), Note: "more water", By: "ada"}
			if _, err := n.deps.NPCs.Library.Publish(t.Context(), "plaza", "mara", draft, library.AnyVersion, time.Now()); err != nil {
				t.Error(err)
			}
			if err := n.cast.reload(t.Context(), "plaza"); err != nil {
				t.Error(err)
			}
		}
	}()
	for done := false; !done; {
		select {
		case <-recast:
			done = true
		default:
		}
		if in.resident("mara") != before {
			t.Fatal("Mara is not who she was")
		}
	}
	if in.populate(); before.version != 21 {
		t.Errorf("Mara plays version %d, want 21", before.version)
	}
}

// What a designer publishes holds at once, in the running world.
func TestStudioAppliesToTheRunningWorld(t *testing.T) {
	t.Parallel()
	n := startCast(t, nil)
	ada := n.guest("ada", nil)
	d := n.designer()

	var state studio
	d.get("/v1/studio", &state)
	if len(state.NPCs) != 1 || state.NPCs[0].ID != "mara" || state.NPCs[0].Version != 1 || !state.NPCs[0].Out || state.Kept != "memory" {
		t.Errorf("GET /v1/studio = %+v, want mara, version 1, out", state)
	}
	var refused struct{ Problems []problem }
	if status := d.call("PUT", "/v1/studio/npcs/mara", map[string]any{"yaml": keeper + "moood: bad\n", "note": "x", "if_version": 1}, &refused); status != http.StatusBadRequest || len(refused.Problems) != 1 || refused.Problems[0].Line != 7 {
		t.Errorf("a broken persona: %d %+v, want 400 and the line", status, refused)
	}
	edited := strings.Replace(keeper, "The water took my words.", "Ask the fish.", 1)
	var done struct{ Version int }
	if status := d.call("PUT", "/v1/studio/npcs/mara", map[string]any{"yaml": edited, "note": "fishier", "if_version": 1}, &done); status != http.StatusOK || done.Version != 2 {
		t.Fatalf("PUT = %d %+v, want version 2", status, done)
	}
	ada.say(&protocol.SendChat{Text: "Hello?"})
	if c := ada.says(); c.Text != "Ask the fish." {
		t.Errorf("after the change Mara says %q", c.Text)
	}
	var e earshot.Error
	if status := d.call("PUT", "/v1/studio/npcs/mara", map[string]any{"yaml": keeper, "note": "late", "if_version": 1}, &e); status != http.StatusConflict || e.Code != earshot.CodeAborted {
		t.Errorf("an edit of an old version: %d %v, want a conflict", status, e)
	}
	if status := d.call("POST", "/v1/studio/npcs/mara/rollback", map[string]any{"version": 1, "note": ""}, &done); status != http.StatusOK || done.Version != 3 {
		t.Errorf("rollback = %d %+v, want version 3", status, done)
	}
	ada.say(&protocol.SendChat{Text: "And now?"})
	if c := ada.says(); c.Text != "The water took my words." {
		t.Errorf("after the rollback Mara says %q", c.Text)
	}
	var history struct{ Versions []library.Meta }
	d.get("/v1/studio/npcs/mara/versions", &history)
	if len(history.Versions) != 3 || history.Versions[1].Note != "fishier" || history.Versions[1].By != "Designer" {
		t.Errorf("history %+v, want three versions with who and why", history)
	}
	var diff struct{ Hunks []library.Hunk }
	d.get("/v1/studio/npcs/mara/diff?from=1&to=2", &diff)
	if len(diff.Hunks) != 1 {
		t.Errorf("diff %+v, want one hunk", diff)
	}
	for _, format := range []string{"json", "png", "charx"} {
		if status, body, _ := d.n.do("GET", "/v1/studio/npcs/mara/card?format="+format, d.token, "", nil); status != http.StatusOK {
			t.Errorf("card as %s: %d %s", format, status, body)
		} else if status, _, _ := d.n.do("POST", "/v1/studio/import", d.token, "application/octet-stream", body); status != http.StatusOK {
			t.Errorf("import of the exported %s: %d", format, status)
		}
	}
	if status := d.call("DELETE", "/v1/studio/npcs/mara", nil, nil); status != http.StatusNoContent {
		t.Errorf("DELETE = %d", status)
	}
	if left := expect[*protocol.Left](ada); left.Reason != protocol.ReasonLeft {
		t.Errorf("left %+v, want Mara gone", left)
	}
	if status := d.call("POST", "/v1/studio/npcs", map[string]any{"id": "fish", "world": "plaza", "yaml": strings.Replace(keeper, "Mara", "Fish", 1), "note": ""}, &done); status != http.StatusCreated {
		t.Errorf("POST = %d", status)
	}
	if j := expect[*protocol.Joined](ada); j.Participants[0].Name != "Fish" || j.Participants[0].Kind != protocol.KindNPC {
		t.Errorf("joined %+v, want Fish", j)
	}
}

func TestStudioTalksAndTunes(t *testing.T) {
	t.Parallel()
	kept := store.NewMemory()
	n := startCastOn(t, kept, nil, startModelServer(t, "Splash."))
	ada := n.guest("ada", nil)
	d := n.designer()
	body, _ := json.Marshal(map[string]any{"yaml": keeper, "world": "plaza", "turns": []map[string]any{{"own": false, "speaker": "D", "text": "hi"}}})
	_, events, header := n.do("POST", "/v1/studio/talk", d.token, "application/json", body)
	if header.Get("Content-Type") != "text/event-stream" || !strings.Contains(string(events), `{"text":"Splash. "}`) || !strings.Contains(string(events), `"source":"model"`) {
		t.Errorf("talk: %s", events)
	}
	if status := d.call("POST", "/v1/studio/speech", map[string]any{"yaml": keeper, "text": "hi"}, nil); status != http.StatusPreconditionFailed {
		t.Errorf("speech without a voice: %d, want 412", status)
	}
	var world studioWorld
	if status := d.call("PATCH", "/v1/studio/worlds/plaza", map[string]any{"chat_range": 7, "voice": map[string]any{"range": 12}}, &world); status != http.StatusOK || world.Parameters.ChatRange != 7 || world.Parameters.Voice.Range != 12 {
		t.Errorf("PATCH = %d %+v", status, world)
	}
	if w := expect[*protocol.WorldChanged](ada); w.World.ChatRange != 7 || w.World.Voice.Range != 12 || w.World.Voice.Ref != 1.5 {
		t.Errorf("world %+v, want the new ranges and the rest as it was", w)
	}
	var e earshot.Error
	if status := d.call("PATCH", "/v1/studio/worlds/plaza", map[string]any{"voice": map[string]any{"range": 1000}}, &e); status != http.StatusBadRequest || !strings.Contains(e.Message, "view_range") {
		t.Errorf("a range beyond the view: %d %v", status, e)
	}
	if status := d.call("PATCH", "/v1/studio/worlds/plaza", map[string]any{"npc_density": 0}, &world); status != http.StatusOK {
		t.Errorf("PATCH npc_density = %d", status)
	}
	expect[*protocol.Left](ada)
	n.stop()

	again := startCastOn(t, kept, nil)
	if w, _ := again.worldConfig("plaza"); w.ChatRange != 7 || w.NPCDensity != 0 {
		t.Errorf("after a restart chat_range %g and density %g, want what was tuned", w.ChatRange, w.NPCDensity)
	}
}

func TestStudioIsForDesigners(t *testing.T) {
	t.Parallel()
	n := startCast(t, nil)
	for _, tc := range []struct {
		name, token string
		status      int
	}{
		{"nobody", "", http.StatusUnauthorized},
		{"a player", n.token(nil), http.StatusForbidden},
		{"a designer of another world", n.token(func(c *Claims) { c.World, c.Grants = "moon", []string{protocol.GrantDesign} }), http.StatusNotFound},
	} {
		for _, path := range []string{"/v1/studio", "/v1/studio/npcs/mara", "/v1/studio/npcs/mara/card"} {
			if status, body, _ := n.do("GET", path, tc.token, "", nil); status != tc.status {
				t.Errorf("%s at %s: %d %s, want %d", tc.name, path, status, body, tc.status)
			}
		}
	}
	// Only a designer may send a large body.
	large := []byte(`{"yaml":"` + strings.Repeat("#", protocol.MaxSDPBytes) + `"}`)
	if status, _, _ := n.do("POST", "/v1/studio/check", n.token(nil), "application/json", large); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body of a player: %d, want 413", status)
	}
	if status, body, _ := n.do("POST", "/v1/studio/check", n.designer().token, "application/json", large); status != http.StatusOK {
		t.Errorf("a large body of a designer: %d %s, want 200", status, body)
	}
}

// One who drops and allowed it is replaced by a stand-in until they are back,
// and who blocked them does not see it either.
func TestStandIn(t *testing.T) {
	t.Parallel()
	n := startCast(t, func(c *Config) {
		w := c.Worlds["plaza"]
		w.NPCDensity = 0
		c.Worlds["plaza"] = w
	})
	witness, enemy := n.guest("witness", nil), n.guest("enemy", nil)
	ada := n.guest("ada", nil)
	enemy.say(&protocol.Block{Participant: ada.id(), Blocked: true})
	expect[*protocol.Blocked](enemy)
	ada.say(&protocol.StandIn{Allowed: true, Text: "Back at nine."})
	ada.say(&protocol.Ping{})
	expect[*protocol.Pong](ada)
	ada.conn.Close()
	var standIn protocol.Participant
	for standIn.Kind != protocol.KindStandIn {
		standIn = expect[*protocol.Joined](witness).Participants[0]
	}
	if standIn.Of != ada.id() || standIn.Name != "ada (away)" {
		t.Errorf("stand-in %+v, want that of ada", standIn)
	}
	witness.say(&protocol.SendChat{Text: "ada, when are you back?"})
	if c := witness.says(); c.Participant != standIn.ID || !strings.Contains(c.Text, "ada is away") {
		t.Errorf("caption %+v, want the stand-in's word", c)
	}
	enemy.quiet(300 * time.Millisecond)
	n.guest("ada", nil)
	if left := expect[*protocol.Left](witness); left.Participant != standIn.ID || left.Reason != protocol.ReasonReplaced {
		t.Errorf("left %+v, want the stand-in replaced", left)
	}
}

func TestForgetMe(t *testing.T) {
	t.Parallel()
	n := startCast(t, nil, startModelServer(t, "Hello."))
	ada := n.guest("ada", nil)
	ada.say(&protocol.SendChat{Text: "Mara, my name is Ada and I like fish."})
	ada.says()
	ada.say(&protocol.Forget{})
	expect[*protocol.Forgotten](ada)
}

// drawingDesk is a designer at the API.
type drawingDesk struct {
	n     *node
	token string
}

func (n *node) designer() *drawingDesk {
	return &drawingDesk{n, n.token(func(c *Claims) { c.Subject, c.Name, c.Grants = "d", "Designer", []string{protocol.GrantDesign} })}
}

func (d *drawingDesk) get(path string, into any) {
	d.n.t.Helper()
	if status := d.call("GET", path, nil, into); status != http.StatusOK {
		d.n.t.Fatalf("GET %s = %d", path, status)
	}
}

func (d *drawingDesk) call(method, path string, body, into any) int {
	d.n.t.Helper()
	var data []byte
	if body != nil {
		data, _ = json.Marshal(body)
	}
	status, reply, _ := d.n.do(method, path, d.token, "application/json", data)
	if into != nil {
		if err := json.Unmarshal(reply, into); err != nil {
			d.n.t.Fatalf("%s %s = %d %s", method, path, status, reply)
		}
	}
	return status
}

// stand moves the guest.
func (g *guest) stand(at earshot.Vec3) {
	g.t.Helper()
	var up pose.Uplink
	p := earshot.Standing(at, 0)
	if err := g.conn.WriteMessage(websocket.BinaryMessage, up.Next(&p, 1)); err != nil {
		g.t.Fatal(err)
	}
	g.say(&protocol.Ping{})
	expect[*protocol.Pong](g)
}

// An answer that comes piece by piece is not cut by the limit of others.
func TestStreamsMayTakeLong(t *testing.T) {
	t.Parallel()
	n := startCast(t, nil)
	for path, want := range map[string]time.Duration{
		"/v1/chat/completions": maxStream, "/v1/studio/talk?x=1": maxStream, "/v1/worlds": 0, "/v1/chat/completions/x": 0,
	} {
		var h fasthttp.RequestHeader
		h.SetRequestURI(path)
		if got := n.requestLimits(&h).WriteTimeout; got != want {
			t.Errorf("the write timeout of %s is %v, want %v", path, got, want)
		}
	}
}
