package gateway

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"earshot/moderation"
	"earshot/moderation/journal"
	"earshot/npc"
	"earshot/npc/library"
	"earshot/npc/store"
)

// startModeratedCast starts a node with moderation whose plaza has Mara, of a
// file that says text. change may do more.
func startModeratedCast(t *testing.T, text string, inference *npc.Inference, change func(*Deps)) *node {
	t.Helper()
	j, err := journal.NewMemory(journal.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	kept := store.NewMemory()
	return startNodeWith(t, func(c *Config) {
		w := c.Worlds["plaza"]
		w.Spawn, w.SpawnRadius = [3]float32{0, 0, 0}, 0
		w.NPCs = []NPCConfig{{ID: "mara", Persona: "keeper", Position: [3]float32{0, 0, -2}, Yaw: 180}}
		c.Worlds["plaza"] = w
	}, inference, func(d *Deps) {
		d.Moderation = Moderation{Config: moderation.DefaultConfig(), Journal: j, Kept: "memory"}
		d.NPCs = NPCs{
			Library: library.New(kept), Store: kept, Memory: npc.NewMemory(kept, npc.MemoryConfig{}), Kept: "memory",
			Personas: fstest.MapFS{"keeper.yaml": {Data: []byte(text)}},
		}
		if change != nil {
			change(d)
		}
	})
}

const slur = "\npersonality: says kys to everybody\n"

// A designer who publishes what moderation holds is told so; the version that
// runs stays, and goes when a moderator has released the new one.
func TestAPersonaIsJudgedBeforeItIsPublished(t *testing.T) {
	t.Parallel()
	n := startModeratedCast(t, keeper, nil, nil)
	d, m := n.designer(), n.moderator("mod")
	publish := func(version int) (status int, problems []problem) {
		var refused struct{ Problems []problem }
		status = d.call("PUT", "/v1/studio/npcs/mara", map[string]any{"yaml": keeper + slur, "note": "ruder", "if_version": version}, &refused)
		return status, refused.Problems
	}
	status, problems := publish(1)
	if status != http.StatusBadRequest || len(problems) != 1 || problems[0].Field != "" || !strings.Contains(problems[0].Message, "moderator") || !strings.Contains(problems[0].Message, "ic_") {
		t.Fatalf("publishing a slur = %d %+v, want a problem of no field that names the incident", status, problems)
	}
	var running struct{ Version int }
	if d.get("/v1/studio/npcs/mara", &running); running.Version != 1 {
		t.Errorf("version %d runs, want 1", running.Version)
	}
	var list struct{ Incidents []consoleIncident }
	m.get("/v1/moderation/incidents?state=open", &list)
	if len(list.Incidents) != 1 || list.Incidents[0].Kind != "persona" || list.Incidents[0].Who != "" || list.Incidents[0].Name != "an NPC" {
		t.Fatalf("incidents %+v, want that of the persona", list.Incidents)
	}
	var detail struct {
		Name, Text string
		Context    []journal.Line
	}
	m.get("/v1/moderation/incidents/"+list.Incidents[0].ID, &detail)
	if detail.Name != "mara" || !strings.Contains(detail.Text, "kys") || len(detail.Context) != 1 {
		t.Errorf("incident %+v, want what the part says, of which NPC and who publishes it", detail)
	}
	if status, _ := publish(1); status != http.StatusBadRequest {
		t.Errorf("again = %d, want it still held", status)
	}
	if status := m.call("POST", "/v1/moderation/incidents/"+list.Incidents[0].ID+"/judge", map[string]any{"verdict": "wrong", "note": "a villain"}, nil); status != http.StatusOK {
		t.Fatalf("judge = %d", status)
	}
	if status, problems := publish(1); status != http.StatusOK {
		t.Errorf("released, and published: %d %+v", status, problems)
	}
}

// A file with a slur brings no character in, until a moderator releases it.
func TestAPersonaFileIsHeldAtTheStart(t *testing.T) {
	t.Parallel()
	n := startModeratedCast(t, keeper+slur, nil, nil)
	m := n.moderator("mod")
	ada := n.guest("ada", nil)
	if len(ada.npcs) != 0 {
		t.Fatalf("a held character is here: %+v", ada.npcs)
	}
	var list struct{ Incidents []consoleIncident }
	eventually(t, "one incident", func() bool { // what is judged late on a busy machine is written down late
		m.get("/v1/moderation/incidents?state=open", &list)
		return len(list.Incidents) == 1
	})
	if status := m.call("POST", "/v1/moderation/orders/"+list.Incidents[0].ID+"/undo", map[string]any{"note": "satire"}, nil); status != http.StatusNoContent {
		t.Fatalf("undo = %d", status)
	}
	var npcs studio
	eventually(t, "it is released, and here", func() bool {
		n.designer().get("/v1/studio", &npcs)
		return len(npcs.NPCs) == 1
	})
}
