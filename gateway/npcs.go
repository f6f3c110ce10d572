package gateway

import (
	"encoding/json"
	"net/http"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/npc"
	"earshot/npc/action"
)

// newActor makes the mind of an NPC. A stand-in does nothing but talk, and
// remembers nobody.
func (g *Gateway) newActor(r *role, in *Instance, res *resident) (*npc.Actor, error) {
	d := &g.deps.NPCs
	var memory npc.Memory
	var world npc.ActionWorld
	if r.owner == "" {
		in.deeds.Cast(r.id, r.character.Persona())
		world = in.deeds
		if d.Memory != nil {
			memory = d.Memory.In(in.world)
		}
	}
	var speaker npc.Speaker
	if d.Speaker != nil {
		speaker = d.Speaker
	}
	var hearing npc.Hearing
	if d.Hearing != nil {
		hearing = d.Hearing
	}
	var body npc.Body = res
	var screen func(string) (string, bool)
	if g.pipeline != nil {
		c := &censor{pipeline: g.pipeline, body: res}
		body, screen = &censored{res, c}, c.screen
	}
	return npc.NewActor(npc.ActorConfig{
		ID: r.id, World: in.world, Region: d.Region, Labels: in.cfg.Load().DataLabels, Models: d.Models,
		SpeechModel: d.SpeechModel, Character: r.character, Place: r.place.director(), Timing: d.Timing,
	}, npc.ActorDeps{
		Inference: g.deps.Inference, Memory: memory, Speaker: speaker, Hearing: hearing, World: world, Screen: screen,
		Body: body, Log: g.log, Metrics: d.Metrics,
	})
}

// onForget erases what NPCs remember of the sender.
func (s *session) onForget() error {
	memory := s.in.g.deps.NPCs.Memory
	if memory == nil {
		s.send(&protocol.Forgotten{})
		return nil
	}
	if !s.forgetting.CompareAndSwap(false, true) {
		return earshot.Errorf(earshot.CodeAborted, "the NPCs are forgetting you already; wait for forgotten")
	}
	s.in.g.work.Go(func() {
		defer s.forgetting.Store(false)
		ctx, cancel := s.in.g.brief()
		defer cancel()
		if err := memory.Forget(ctx, s.participant); err != nil {
			s.refuse("", err)
			return
		}
		for _, in := range s.in.g.running() { // what they have in their heads
			in.deeds.Forget(s.participant)
			for _, other := range in.live.Load().all {
				if other.resident != nil {
					other.resident.lose(s.participant)
				}
			}
		}
		s.send(&protocol.Forgotten{})
	})
	return nil
}

// situate tells the rules of actions where a player is for an NPC.
func (in *Instance) situate(id string, player earshot.ParticipantID) (action.Situation, bool) {
	r := in.resident(id)
	if r == nil {
		return action.Situation{}, false
	}
	at, here := in.space.Pose(r.session.participant)
	them, there := in.space.Pose(player)
	return action.Situation{
		Player: player, Distance: float64(at.Root.Distance(them.Root)), Waypoints: r.role.place.names(),
	}, here && there
}

// resident returns the NPC of an id, nil where it is not out.
func (in *Instance) resident(id string) *resident {
	for _, s := range in.live.Load().all {
		if r := s.resident; r != nil && r.role.owner == "" && r.role.id == id {
			return r
		}
	}
	return nil
}

// maxEvent bounds what a game reports at once, in bytes.
const maxEvent = 64 << 10

// adminEvent takes what a game server reports to an NPC: an event, which may
// activate goals, and variables.
func (g *Gateway) adminEvent(w http.ResponseWriter, r *http.Request) {
	in := g.adminInstance(w, r)
	if in == nil {
		return
	}
	var event struct {
		Name      string            `json:"name"`
		Variables map[string]string `json:"variables"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxEvent))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&event); err != nil {
		adminError(w, invalid(`the body is not {"name":"…","variables":{"…":"…"}}: %v`, err))
		return
	}
	npc := in.resident(r.PathValue("npc"))
	if npc == nil {
		adminError(w, earshot.Errorf(earshot.CodeNotFound, "no NPC %.64q is out in %s", r.PathValue("npc"), in.id))
		return
	}
	if err := in.deeds.SetVariables(npc.role.id, event.Variables); err != nil {
		adminError(w, err)
		return
	}
	npc.actor.Event(event.Name, event.Variables)
	w.WriteHeader(http.StatusNoContent)
}
