package gateway

import (
	"context"
	"encoding/json"
	"maps"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/npc/store"
	"earshot/spatialaudio"
	"earshot/spatialaudio/zone"
)

// Parameters are what a designer tunes while a world runs.
type Parameters struct {
	Voice      spatialaudio.Curve `json:"voice"`
	ViewRange  float64            `json:"view_range"`  // metres
	ChatRange  float64            `json:"chat_range"`  // metres
	NPCDensity float64            `json:"npc_density"` // share of the world's NPCs that are out, 0 to 1
	Zones      zone.List          `json:"zones"`
}

func (w *WorldConfig) parameters() Parameters {
	return Parameters{Voice: w.Voice, ViewRange: w.ViewRange, ChatRange: w.ChatRange, NPCDensity: w.NPCDensity, Zones: w.Zones}
}

func (p *Parameters) over(w WorldConfig) WorldConfig {
	w.Voice, w.ViewRange, w.ChatRange, w.NPCDensity, w.Zones = p.Voice, p.ViewRange, p.ChatRange, p.NPCDensity, p.Zones
	return w
}

// worldConfig returns what a world is like now.
func (g *Gateway) worldConfig(name string) (WorldConfig, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w, ok := g.worlds[name]
	return w, ok
}

// allWorlds returns what the worlds are like now.
func (g *Gateway) allWorlds() map[string]WorldConfig {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.worlds)
}

// tune changes the parameters of a world, and of its running instances at
// once. change works on a copy; what Validate then refuses is not applied.
func (g *Gateway) tune(name string, change func(*Parameters) error) (WorldConfig, error) {
	g.tuning.Lock()
	defer g.tuning.Unlock()
	w, ok := g.worldConfig(name)
	if !ok {
		return w, earshot.Errorf(earshot.CodeNotFound, "there is no world %.64q; GET /v1/worlds lists those there are", name)
	}
	p := w.parameters()
	if err := change(&p); err != nil {
		return w, err
	}
	w = p.over(w)
	if err := w.validate(name); err != nil {
		return w, err
	}
	g.mu.Lock()
	g.worlds[name] = w
	var running []*Instance
	for _, in := range g.instances {
		if in.world == name {
			running = append(running, in)
		}
	}
	g.mu.Unlock()
	for _, in := range running {
		in.retune(w)
		in.populate()
	}
	return w, g.keep(name, p)
}

func parametersKey(world string) string { return "worlds/" + store.Name(world) + "/parameters" }

// keep stores what a designer tuned, for the next start.
func (g *Gateway) keep(world string, p Parameters) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	ctx, cancel := g.brief()
	defer cancel()
	return g.put(ctx, parametersKey(world), data)
}

// put stores data, whatever was there before.
func (g *Gateway) put(ctx context.Context, key string, data []byte) error {
	kept := g.deps.NPCs.Store
	if kept == nil {
		return nil
	}
	var revision uint64
	switch old, err := kept.Get(ctx, key); {
	case err == nil:
		revision = old.Revision
	case earshot.CodeOf(err) != earshot.CodeNotFound:
		return err
	}
	_, err := kept.Put(ctx, key, data, revision, 0)
	return err
}

// recall takes over what a designer tuned before: it goes over the
// configuration.
func (g *Gateway) recall(ctx context.Context, world string) error {
	kept := g.deps.NPCs.Store
	if kept == nil {
		return nil
	}
	v, err := kept.Get(ctx, parametersKey(world))
	if earshot.CodeOf(err) == earshot.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	w, _ := g.worldConfig(world)
	p := w.parameters()
	if err := json.Unmarshal(v.Data, &p); err != nil {
		return err
	}
	w = p.over(w)
	if err := w.validate(world); err != nil {
		g.log.Warn("what a designer tuned does not fit any more; the configuration holds", "world", world, "err", err)
		return nil
	}
	g.mu.Lock()
	g.worlds[world] = w
	g.mu.Unlock()
	g.log.Info("a designer tuned this world: that goes over the configuration", "world", world)
	return nil
}

// retune makes w hold from now on and tells everybody.
func (in *Instance) retune(w WorldConfig) {
	_ = in.space.SetViewRange(w.ViewRange) // was validated
	in.rebuildWalls(w.Zones)
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.most > 0 {
		w.Capacity = min(w.Capacity, in.most)
	}
	in.cfg.Store(&w)
	in.broadcast(&protocol.WorldChanged{World: in.describe()})
}

// describe is the world as clients are told.
func (in *Instance) describe() protocol.World {
	w := in.cfg.Load()
	return protocol.World{
		Name: in.world, Title: w.Title, Scene: w.Scene,
		ViewRange: w.ViewRange, ChatRange: w.ChatRange, Voice: w.Voice, Zones: w.Zones.Public(),
		VoiceModeration: in.g.hears(in.world, w.E2EE), E2EE: in.g.encryption(in.world, w.E2EE),
	}
}
