package npc

import (
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
	"earshot/npc/action"
	"earshot/npc/persona"
)

func innkeeper(t testing.TB) *persona.Persona {
	t.Helper()
	text, err := os.ReadFile("persona/testdata/mara.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := persona.Parse("mara.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDeeds(t *testing.T) {
	distance := 2.0
	d := NewDeeds("winter", func(npc string, player earshot.ParticipantID) (action.Situation, bool) {
		return action.Situation{Player: "pa_wrong", Distance: distance}, player != "pa_gone"
	})
	d.Cast("mara", innkeeper(t))
	key := map[string]any{"item": "room key"}
	permit := func(npc string, player earshot.ParticipantID, name string, args map[string]any, after time.Duration, want earshot.Code) Deed {
		t.Helper()
		deed, err := d.Permit(npc, player, name, args, metAt.Add(after))
		if earshot.CodeOf(err) != want {
			t.Errorf("%s for %s: %v, want %q", name, player, err, want)
		}
		return deed
	}
	permit("oake", "pa_ada", "wave", nil, 0, earshot.CodeNotFound)
	permit("mara", "pa_gone", "wave", nil, 0, earshot.CodeFailedPrecondition)
	permit("mara", "pa_ada", "burn", nil, 0, earshot.CodePermissionDenied)
	if got := permit("mara", "pa_ada", "give_item", key, 0, ""); got.To != "pa_ada" || got.Kind != "give" || got.Args["item"] != "room key" {
		t.Errorf("deed %+v", got)
	}
	if d.Stock("mara")["room key"] != 3 || d.Variables("mara")["sold"] != "1" || d.Variables("mara")["inn"] != "The Frozen Kettle" {
		t.Errorf("stock %v, variables %v", d.Stock("mara"), d.Variables("mara"))
	}
	permit("mara", "pa_ada", "give_item", key, 5*time.Second, earshot.CodeResourceExhausted)
	distance = 4
	permit("mara", "pa_bob", "give_item", key, 5*time.Second, earshot.CodeFailedPrecondition)
	distance = 2
	permit("mara", "pa_ada", "show_cellar", nil, 0, earshot.CodeFailedPrecondition)
	if err := d.SetVariables("mara", map[string]string{"quest": "done", "trust": "3"}); err != nil {
		t.Fatal(err)
	}
	permit("mara", "pa_ada", "show_cellar", nil, 0, "")
	permit("mara", "pa_ada", "show_cellar", nil, time.Hour, earshot.CodeFailedPrecondition)

	next := innkeeper(t)
	next.Actions = next.Actions[:2]
	d.Cast("mara", next) // a new version: the state stays
	permit("mara", "pa_ada", "show_cellar", nil, time.Hour, earshot.CodeFailedPrecondition)
	permit("mara", "pa_ada", "wave", nil, time.Hour, earshot.CodePermissionDenied)
	d.Forget("pa_ada")
	permit("mara", "pa_ada", "show_cellar", nil, time.Hour, "")

	if err := d.SetVariables("mara", map[string]string{"a": "1", "no name": "2"}); earshot.CodeOf(err) != earshot.CodeInvalidArgument || d.Variables("mara")["a"] != "" {
		t.Errorf("a wrong one among several: %v, variables %v", err, d.Variables("mara"))
	}
	if err := d.Restock("mara"); err != nil || d.Stock("mara")["room key"] != 4 {
		t.Errorf("restocked: %v %v", err, d.Stock("mara"))
	}
	d.Drop("mara")
	permit("mara", "pa_ada", "wave", nil, 0, earshot.CodeNotFound)
	if err := d.SetVariable("mara", "a", "b"); earshot.CodeOf(err) != earshot.CodeNotFound || d.Variables("mara") != nil || d.Stock("mara") != nil {
		t.Errorf("of an NPC that left: %v", err)
	}
}

// Of many who ask at the same time only as many get something as there is.
func TestDeedsAtOnce(t *testing.T) {
	d := NewDeeds("plaza", func(_ string, player earshot.ParticipantID) (action.Situation, bool) {
		return action.Situation{Distance: 1}, true
	})
	p := innkeeper(t)
	p.Actions[0].Cooldown = persona.Cooldown{}
	d.Cast("mara", p)
	var given atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				if _, err := d.Permit("mara", "pa_ada", "give_item", map[string]any{"item": "room key"}, metAt); err == nil {
					given.Add(1)
				}
				d.SetVariable("mara", "x", "y")
				d.Variables("mara")
			}
		})
	}
	all.Wait()
	if given.Load() != 4 || d.Stock("mara")["room key"] != 0 || d.Variables("mara")["sold"] != "4" {
		t.Errorf("%d keys given, %d left, sold %s: want 4, 0 and 4", given.Load(), d.Stock("mara")["room key"], d.Variables("mara")["sold"])
	}
}
