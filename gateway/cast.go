package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/npc"
	"earshot/npc/director"
	"earshot/npc/library"
	"earshot/npc/persona"
	"earshot/npc/store"
)

// NPCs are what characters need of the node. A zero Library means that there
// are none; of the rest, what is nil is done without.
type NPCs struct {
	Library *library.Library
	Store   store.Store // for the worlds' parameters
	Memory  *npc.Memories
	Speaker *npc.Voices
	Hearing *npc.Transcriber
	Metrics *npc.ActorMetrics
	// Kept says where versions and memories are: memory, file or valkey.
	Kept string
	// Personas holds the files that worlds name, NAME.yaml.
	Personas fs.FS
	// Region is where answers are wanted, Models are acceptable ones.
	Region string
	Models []string
	// SpeechModel is asked where a persona's voice names none.
	SpeechModel string
	// Timing is when NPCs take and leave their turn; zero fields mean
	// director.DefaultTiming.
	Timing director.Timing
}

// role is an NPC of a world as its newest version has it.
type role struct {
	world, id string
	library.Meta
	owner     earshot.ParticipantID // of the place that a stand-in keeps
	character *persona.Character
	place     Place
}

// claims make an NPC a participant. Its id is the same on every node and after
// every restart, so that blocks hold; no token can name it, because no key may
// have the issuer's id.
func (r *role) claims() *Claims {
	c := &Claims{
		Issuer: renewalKeyID, Subject: "npc/" + r.world + "/" + r.id, Name: shortName(r.character.Persona().Called()),
		World: r.world, Kind: protocol.KindNPC, Expires: time.Unix(math.MaxInt32, 0),
	}
	if r.owner != "" {
		c.Subject, c.Kind = "stand-in/"+string(r.owner), protocol.KindStandIn
	}
	return c
}

// shortName cuts a name to what the protocol allows.
func shortName(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	for utf8.RuneCountInString(name) > protocol.MaxNameRunes {
		_, last := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-last]
	}
	return strings.TrimSpace(name)
}

// cast is who lives in the worlds.
type cast struct {
	g *Gateway

	// mu guards roles: by world, sorted by id.
	mu    sync.Mutex
	roles map[string][]*role
}

// bySeed is who publishes what comes from files.
const bySeed = "file"

// load publishes the personas that the configuration names, where a file is
// newer than what a designer made of it, and takes over all that are
// published.
func (c *cast) load(ctx context.Context) error {
	lib := c.g.deps.NPCs.Library
	if lib == nil {
		return nil
	}
	for world, w := range c.g.allWorlds() {
		if err := c.g.recall(ctx, world); err != nil {
			return err
		}
		for i := range w.NPCs {
			if err := c.seed(ctx, world, &w.NPCs[i]); err != nil {
				return err
			}
		}
		if err := c.reload(ctx, world); err != nil {
			return err
		}
	}
	return nil
}

// seed publishes a persona file, unless the newest version already says the
// same, or a designer has made one of their own.
func (c *cast) seed(ctx context.Context, world string, n *NPCConfig) error {
	at := "worlds." + world + ".npcs: " + n.ID
	text, err := fs.ReadFile(c.g.deps.NPCs.Personas, n.Persona+".yaml")
	if errors.Is(err, fs.ErrNotExist) {
		return invalid("%s: there is no persona %q: put %s.yaml into the folder npc.personas", at, n.Persona, n.Persona)
	}
	if err != nil {
		return invalid("%s: %v", at, err)
	}
	place, err := json.Marshal(placeOf(n))
	if err != nil {
		return err
	}
	lib := c.g.deps.NPCs.Library
	newest, err := lib.History(ctx, world, n.ID)
	version := 0
	switch {
	case earshot.CodeOf(err) == earshot.CodeNotFound:
	case err != nil:
		return err
	case newest.Deleted || newest.Versions[0].By != bySeed:
		return nil // a designer decided since
	default:
		version = newest.Versions[0].Version
		last, err := lib.Get(ctx, world, n.ID, version)
		if err != nil {
			return err
		}
		if bytes.Equal(last.YAML, text) && bytes.Equal(last.Place, place) {
			return nil
		}
	}
	if held := c.g.vet(ctx, world, n.ID, n.Persona+".yaml", text); held != nil {
		c.g.log.Warn("a persona file is not published: moderation holds what it says, see the console", "world", world, "npc", n.ID, "file", n.Persona+".yaml")
		return nil // a moderator decides; whatever version runs stays
	}
	_, err = lib.Publish(ctx, world, n.ID, library.Draft{YAML: text, Place: place, Note: n.Persona + ".yaml", By: bySeed}, version, time.Now())
	if earshot.CodeOf(err) == earshot.CodeAborted { // another node did, just now
		return nil
	}
	return personaError(at, err)
}

// retry publishes persona files of a world that moderation held, once
// something about a description was decided.
func (c *cast) retry(ctx context.Context, world string) error {
	w, ok := c.g.worldConfig(world)
	if !ok || c.g.deps.NPCs.Library == nil {
		return nil
	}
	for i := range w.NPCs {
		if err := c.seed(ctx, world, &w.NPCs[i]); err != nil {
			return err
		}
	}
	return c.reload(ctx, world)
}

// personaError is err as one *earshot.Error that says where.
func personaError(at string, err error) error {
	var problems earshot.Problems
	if errors.As(err, &problems) {
		return invalid("%s: %s", at, problems.Error())
	}
	var e *earshot.Error
	if errors.As(err, &e) {
		return earshot.Errorf(e.Code, "%s: %s", at, e.Message)
	}
	return within(at, err)
}

// reload takes over what is published for a world.
func (c *cast) reload(ctx context.Context, world string) error {
	lib := c.g.deps.NPCs.Library
	all, err := lib.List(ctx, world)
	if err != nil {
		return err
	}
	var roles []*role
	for _, e := range all {
		v, err := lib.Get(ctx, world, e.ID, e.Version)
		if err != nil {
			return err
		}
		r, err := newRole(world, e.ID, v)
		if err != nil { // of an older Earshot: the others live on
			c.g.log.Error("an NPC cannot live", "world", world, "npc", e.ID, "version", v.Version, "err", err)
			continue
		}
		roles = append(roles, r)
	}
	slices.SortFunc(roles, func(a, b *role) int { return strings.Compare(a.id, b.id) })
	c.mu.Lock()
	c.roles[world] = roles
	c.mu.Unlock()
	for _, in := range c.g.running() {
		if in.world == world {
			in.populate()
		}
	}
	return nil
}

func newRole(world, id string, v library.Version) (*role, error) {
	report := library.Check(v.YAML)
	if err := report.Problems.AsError(); err != nil {
		return nil, err
	}
	r := &role{world: world, id: id, Meta: v.Meta, character: report.Character}
	if len(v.Place) > 0 {
		if err := json.Unmarshal(v.Place, &r.place); err != nil {
			return nil, err
		}
	}
	return r, r.place.validate()
}

// of returns the roles of a world, of which the caller must not change anything.
func (c *cast) of(world string) []*role {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.roles[world]
}

// follow applies what designers publish, also on other nodes, until ctx ends.
func (c *cast) follow(ctx context.Context) {
	lib := c.g.deps.NPCs.Library
	if lib == nil {
		return
	}
	trouble := func(err error) { c.g.log.Warn("cannot read the NPCs", "err", err) }
	_ = lib.Watch(ctx, func(change library.Change) { // ends with ctx
		if c.has(change) {
			return
		}
		if err := c.reload(ctx, change.World); err != nil && ctx.Err() == nil {
			trouble(err)
		}
	}, trouble)
}

// has reports whether a change was taken over already, by the request that
// made it. Worlds of other nodes are none of ours.
func (c *cast) has(change library.Change) bool {
	if _, ours := c.g.worldConfig(change.World); !ours {
		return true
	}
	for _, r := range c.of(change.World) {
		if r.id == change.ID {
			return r.Version == change.Version
		}
	}
	return change.Version == 0
}

// out returns which of n NPCs are out at a density of 0 to 1.
func out(n int, density float64) int { return int(math.Ceil(float64(n) * density)) }

// populate lets in the NPCs that belong here and are not, gives those whose
// version changed their new character, and takes out the rest.
func (in *Instance) populate() {
	in.populating.Lock()
	defer in.populating.Unlock()
	if in.stopped || in.span != nil && !in.span.home() {
		return
	}
	roles := in.g.cast.of(in.world)
	roles = roles[:out(len(roles), in.cfg.Load().NPCDensity)]
	for id, r := range in.residents {
		at := slices.IndexFunc(roles, func(o *role) bool { return o.id == id })
		if at < 0 || !r.recast(roles[at]) {
			r.session.end(protocol.ReasonLeft, nil)
			delete(in.residents, id)
			if at < 0 {
				in.deeds.Drop(id)
			}
		}
	}
	for _, r := range roles {
		if _, here := in.residents[r.id]; here {
			continue
		}
		res, err := in.install(r, r.place.home())
		if err != nil {
			in.g.log.Warn("an NPC cannot come in", "instance", in.id, "npc", r.id, "err", err)
			continue
		}
		in.residents[r.id] = res
	}
}

// recast gives the NPC its new version. It reports false where that takes a
// new body: another name or another place.
func (r *resident) recast(next *role) bool {
	select {
	case <-r.ended: // a moderator took it out; a new version brings it back
		return r.version == next.Version
	default:
	}
	if r.version == next.Version {
		return true
	}
	if next.claims().Name != r.session.claims.Name || !next.place.equal(&r.role.place) {
		return false
	}
	r.version = next.Version
	r.in.deeds.Cast(next.id, next.character.Persona())
	r.actor.Recast(next.character)
	return true
}
