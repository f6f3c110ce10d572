package gateway

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/loadtest/model"
	"earshot/npc/store"
	"earshot/spatialaudio/zone"
)

// roundZone is a cylinder around x and z.
func roundZone(id, kind string, x, z, r float64) zone.Zone {
	return zone.Zone{ID: id, Kind: kind, Shape: zone.Shape{Form: zone.FormCylinder, Height: 4, Center: [2]float64{x, z}, Radius: r}}
}

// edit makes zones hold as a designer does who needs no studio.
func (n *node) edit(list ...zone.Zone) {
	n.t.Helper()
	if _, err := n.tune("plaza", func(p *Parameters) error { p.Zones = list; return nil }); err != nil {
		n.t.Fatal(err)
	}
}

// Words are voices too: what is written at a private table, and what an NPC says
// there or hears there, stays there.
func TestWordsStayAtAPrivateTable(t *testing.T) {
	t.Parallel()
	table := roundZone("table", zone.KindTable, 10, 0, 2)
	table.Sealed = true
	n := startCast(t, func(c *Config) {
		w := c.Worlds["plaza"]
		w.Zones = zone.List{table}
		c.Worlds["plaza"] = w
	}, startModelServer(t, "Hello."))
	ada, bo, eve := n.guest("ada", nil), n.guest("bo", nil), n.guest("eve", nil)
	ada.stand(earshot.Vec3{X: 9.5})
	bo.stand(earshot.Vec3{X: 10.5})
	eve.stand(earshot.Vec3{X: 7})
	n.settled("table", 2)

	ada.say(&protocol.SendChat{Text: "between us"})
	if c := expect[*protocol.Chat](bo); c.Text != "between us" {
		t.Errorf("at the table: %q", c.Text)
	}
	eve.say(&protocol.SendChat{Text: "Mara, come here"})
	if c := expect[*protocol.Chat](eve); c.Text != "Mara, come here" {
		t.Errorf("outside one reads %q, which was said at the table", c.Text)
	}
	if c := eve.says(); c.Text != "Hello." {
		t.Errorf("Mara says %q", c.Text)
	}
	ada.quietOf(500*time.Millisecond, "a caption or a line from outside", "between us")

	// The table is put where Mara is, who is now alone with nobody.
	table.Shape.Center = [2]float64{0, -2}
	n.edit(table)
	ada.say(&protocol.SendChat{Text: "Mara, do you hear me?"})
	eve.quietOf(500*time.Millisecond, "an answer of one at the table", "Mara, do you hear me?")
}

// settled waits until so many are in a sealed zone, as the server has it.
func (n *node) settled(what string, want int) {
	n.t.Helper()
	eventually(n.t, fmt.Sprint(want, " at the ", what), func() bool {
		count := 0
		for _, s := range n.plaza().live.Load().all {
			if s.within() != 0 {
				count++
			}
		}
		return count == want
	})
}

// quietOf fails where the guest gets a line or a caption within d but those of
// but.
func (g *guest) quietOf(d time.Duration, what string, but ...string) {
	g.t.Helper()
	for end := time.Now().Add(d); ; {
		switch m := g.next(time.Until(end)).(type) {
		case nil:
			return
		case *protocol.Chat:
			if len(but) == 0 || m.Text != but[0] {
				g.t.Errorf("%s: %q", what, m.Text)
			}
		case *protocol.Caption:
			g.t.Errorf("%s: %q", what, m.Text)
		}
	}
}

// A designer edits the zones of the running world; what does not fit is
// refused with its place, and what does is kept.
func TestStudioEditsZones(t *testing.T) {
	t.Parallel()
	kept := store.NewMemory()
	n := startCastOn(t, kept, nil)
	ada, d := n.guest("ada", nil), n.designer()
	quiet := roundZone("quiet", zone.KindQuiet, 0, 0, 5)
	quiet.Speak = &zone.Speak{Who: zone.SpeakListed, Participants: []earshot.ParticipantID{ada.id()}}
	var world studioWorld
	if status := d.call("PATCH", "/v1/studio/worlds/plaza", map[string]any{"zones": zone.List{quiet}}, &world); status != http.StatusOK || len(world.Parameters.Zones) != 1 || len(world.Parameters.Zones[0].Speak.Participants) != 1 {
		t.Fatalf("PATCH = %d %+v", status, world)
	}
	if w := expect[*protocol.WorldChanged](ada); len(w.World.Zones) != 1 || w.World.Zones[0].Shape.Radius != 5 || w.World.Zones[0].Speak.Participants != nil {
		t.Errorf("others are told %+v, want the zone without whom it lists", w.World.Zones)
	}
	bob := n.guest("bob", nil) // who is not on the list, and stands in it
	if !bob.me.You.Hushed || bob.me.World.Zones[0].ID != "quiet" {
		t.Errorf("welcome %+v, want one who may not speak here", bob.me)
	}
	var e earshot.Error
	quiet.Fade = 9
	if status := d.call("PATCH", "/v1/studio/worlds/plaza", map[string]any{"zones": zone.List{quiet}}, &e); status != http.StatusBadRequest || !strings.Contains(e.Message, "zones[0].fade") {
		t.Errorf("a fade that does not fit: %d %v", status, e)
	}
	if status := d.call("PATCH", "/v1/studio/worlds/plaza", map[string]any{"zones": []any{map[string]any{"id": "x", "isolaton": 3}}}, &e); status != http.StatusBadRequest || !strings.Contains(e.Message, "isolaton") {
		t.Errorf("a misspelt member: %d %v", status, e)
	}
	bob.stand(earshot.Vec3{X: 20})
	for m := expect[*protocol.Muted](bob); m.Participant != bob.id() || m.Muted || m.By != protocol.ByZone; m = expect[*protocol.Muted](bob) {
	}
	n.stop()
	again := startCastOn(t, kept, nil)
	if w, _ := again.worldConfig("plaza"); len(w.Zones) != 1 || w.Zones[0].Shape.Radius != 5 {
		t.Errorf("after a restart zones %+v, want what was edited", w.Zones)
	}
}

// One who may not speak where they stand is muted apart from what they and
// moderators want, NPCs too.
func TestHushIsAReasonOfItsOwn(t *testing.T) {
	t.Parallel()
	n := startCast(t, nil)
	ada := n.guest("ada", nil)
	in := n.plaza()
	mara := in.resident("mara")
	quiet := roundZone("quiet", zone.KindQuiet, 0, 0, 5)
	quiet.Speak = &zone.Speak{Who: zone.SpeakNobody}
	n.edit(quiet)
	if mara.source.Publication().Active() {
		t.Error("an NPC's voice is open in a quiet place")
	}
	if m := expect[*protocol.Muted](ada); !m.Muted || m.By != protocol.ByZone {
		t.Errorf("muted %+v, want by the zone", m)
	}
	ada.say(&protocol.Mute{Muted: false})
	s := in.live.Load().byID[ada.id()]
	in.mu.Lock()
	hushed := s.hushed
	in.mu.Unlock()
	if !hushed {
		t.Error("ada unmuted herself in a quiet place")
	}
	n.edit()
	if !mara.source.Publication().Active() {
		t.Error("an NPC's voice stays shut after the quiet place is gone")
	}
}

// A player stands nowhere: it gets no voice of a stream behind a sealed wall,
// and its picture still.
func TestWallsHoldForPlayers(t *testing.T) {
	t.Parallel()
	n := startNode(t, withStages)
	n.publisher(n.streamToken("main")).connect("/v1/whip/plaza")
	player := n.player(n.viewerToken("wendy"))
	player.connect("/v1/whep/plaza")
	player.flows("at first", true, true)
	studio := roundZone("studio", zone.KindRoom, 0, -5, 3)
	studio.Sealed = true
	n.edit(studio)
	player.flows("the stage is sealed", false, true)
	late := n.player(n.viewerToken("late"))
	late.connect("/v1/whep/plaza")
	late.flows("it was sealed before", false, true)
	studio.Megaphone = &zone.Megaphone{Gain: -6}
	n.edit(studio)
	player.flows("with a megaphone to the world", true, true)
	studio.Megaphone = nil
	studio.Speak = &zone.Speak{Who: zone.SpeakNobody}
	studio.Sealed = false
	n.edit(studio)
	player.flows("nobody may speak there", false, true)
	studio.Speak.Who = zone.SpeakPerformers
	n.edit(studio)
	player.flows("a stream is a performer", true, true)
}

// The example of the documentation is a world that works.
func TestZonesOfTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../docs/zones.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/zones.md has no example")
	}
	cfg := DefaultConfig()
	cfg.Worlds = nil
	dec := yaml.NewDecoder(strings.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&cfg); err != nil {
		t.Fatal(err)
	}
	w := DefaultWorld()
	w.Zones = cfg.Worlds["plaza"].Zones
	if err := w.validate("worlds.plaza"); err != nil || len(w.Zones) < 5 {
		t.Errorf("%d zones: %v", len(w.Zones), err)
	}
	w.Zones[0].Shape.Height = 0
	if err := w.validate("worlds.plaza"); earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), "worlds.plaza: zones[0].shape.height") {
		t.Errorf("validate = %v, want the place of the fault", err)
	}
}

// statue is a bot that stands.
type statue earshot.Vec3

func (s statue) Pose(time.Time) earshot.Pose { return earshot.Standing(earshot.Vec3(s), 0) }

// A mix is made of voices that may be heard: a wall and a block each keep one
// out, and lifting one does not lift the other.
func TestWallsHoldInMixes(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(c *Config) { c.Worlds["plaza"] = DefaultWorld() })
	join := func(number uint32, x float32) *session {
		name := fmt.Sprint("bot ", number)
		bot, err := loadtest.Join(t.Context(), loadtest.Config{
			URL: n.url, Token: n.token(func(c *Claims) { c.Subject, c.Name, c.Kind = name, name, "bot" }), Number: number,
			Speak: true, Talk: model.Unending(), Slots: 2, Move: statue{X: x},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = bot.Close() })
		return n.plaza().live.Load().byID[bot.ID()]
	}
	talker, s := join(1, 2), join(2, 0)
	if err := s.onSetAudio(&protocol.SetAudio{Mode: protocol.AudioBinaural}); err != nil {
		t.Fatal(err)
	}
	mixed := func(what string, want bool) {
		t.Helper()
		heard := func() bool {
			l := s.ears.mix.Load()
			return l != nil && len(l.Audible(nil)) > 0
		}
		if want {
			eventually(t, what+": the voice in the mix", heard)
			return
		}
		for range 16 {
			if pause(20 * time.Millisecond); heard() {
				t.Fatalf("%s: the voice is in the mix", what)
			}
		}
	}
	mixed("in the open", true)
	table := roundZone("table", zone.KindTable, 2, 0, 1)
	table.Sealed = true
	walled := false
	for _, step := range []struct {
		what        string
		wall, block bool
	}{
		{"walled", true, false}, {"walled and blocked", true, true}, {"walled, unblocked", true, false},
		{"both", true, true}, {"blocked, the wall gone", false, true}, {"neither", false, false},
	} {
		if err := n.plaza().block(s, talker.participant, step.block); err != nil {
			t.Fatal(err)
		}
		if walled != step.wall {
			walled = step.wall
			if n.edit(); walled {
				n.edit(table)
			}
		}
		mixed(step.what, !step.wall && !step.block)
	}
}
