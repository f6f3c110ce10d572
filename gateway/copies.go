package gateway

import (
	"strconv"
	"strings"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/cluster"
)

// The first instance of a world has its name, in_plaza; further ones have a
// copy's name after it: in_plaza_2 where one opened because the others were
// full, in_plaza_birthday where a token asked for it.
const (
	instancePrefix = "in_"
	maxCopyName    = 24
)

// fillTo is the share of its capacity up to which newcomers are brought together
// in one instance; the rest is kept for those who ask for it by name, and for when
// no other may be opened.
const fillTo = 0.85

// firstOf is the instance of a world that is there from the start.
func firstOf(world string) earshot.InstanceID { return earshot.InstanceID(instancePrefix + world) }

// worldOf returns the name of the world of an instance id, empty where id is
// none: names of worlds and copies are told apart by an underscore, which
// neither may contain.
func worldOf(id earshot.InstanceID) string {
	if !id.Valid() {
		return ""
	}
	world, copied, named := strings.Cut(string(id[len(instancePrefix):]), "_")
	if !worldName.MatchString(world) || named && (!worldName.MatchString(copied) || len(copied) > maxCopyName) {
		return ""
	}
	return world
}

// roomName is the name by which LiveKit's SDKs know the instance.
func (in *Instance) roomName() string { return string(in.id[len(instancePrefix):]) }

// instance returns the instance that claims are good for, the first of their
// world unless they name one, started if it does not run.
func (g *Gateway) instance(claims *Claims) (*Instance, error) {
	id, world, err := g.named(claims, "")
	if err != nil {
		return nil, err
	}
	if id == "" {
		id = firstOf(world)
	}
	return g.run(id, world)
}

// named checks what claims and a request say of where to go. id is empty where
// any instance of the world will do.
func (g *Gateway) named(claims *Claims, asked earshot.InstanceID) (id earshot.InstanceID, world string, err error) {
	id, world = claims.Instance, claims.World
	if asked != "" {
		switch {
		case worldOf(asked) == "":
			return "", "", invalid("instance %q is none: ids are in_WORLD or in_WORLD_COPY; GET /v1/worlds lists those that run", clip(string(asked)))
		case id != "" && id != asked:
			return "", "", earshot.Errorf(earshot.CodePermissionDenied, "the token is for instance %s alone, not for %s", id, asked)
		case id == "" && asked != firstOf(world) && !g.runs(asked) && !g.fleet.lists(asked):
			return "", "", earshot.Errorf(earshot.CodeNotFound, "instance %s does not run; GET /v1/worlds lists those that do, and a token that names one opens it", asked)
		}
		id = asked
	}
	if id == "" {
		return "", world, nil
	}
	of := worldOf(id)
	if world != "" && world != of {
		return "", "", earshot.Errorf(earshot.CodePermissionDenied, "the token names world %q, but instance %q belongs to another; ask for a token that names one of the two", world, id)
	}
	return id, of, nil
}

func (g *Gateway) runs(id earshot.InstanceID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.instances[id] != nil
}

// run returns an instance of a world of this node, with the NPCs there.
func (g *Gateway) run(id earshot.InstanceID, world string) (*Instance, error) {
	w, ok := g.worldConfig(world)
	if !ok {
		return nil, noWorld(world)
	}
	if r, ok := g.manager.rules(id); ok && r.Kind != cluster.KindPublic {
		w.Capacity = min(w.Capacity, r.Hard)
	}
	in, err := g.open(id, world, w)
	if err == nil {
		in.populate()
	}
	return in, err
}

// public reports whether newcomers are sent there.
func (in *Instance) public() bool { return publicID(in.id, in.world) }

// publicID reports whether id is the first instance of a world or one of its
// numbered copies. A copy with a name is for those who know it.
func publicID(id earshot.InstanceID, world string) bool {
	rest := strings.TrimPrefix(string(id), string(firstOf(world)))
	n, err := strconv.Atoi(strings.TrimPrefix(rest, "_"))
	return rest == "" || err == nil && n > 1
}

// replaceElsewhere ends sessions of the participant of s in other instances of
// the world: nobody is in two.
func (g *Gateway) replaceElsewhere(s *session) {
	for _, in := range g.running() {
		if in == s.in || in.world != s.in.world {
			continue
		}
		if old := in.live.Load().byID[s.participant]; old != nil && old.resident == nil && !old.over.Load() && s.leads.Load() != old {
			in.remove(old, protocol.ReasonReplaced)
			old.end(protocol.ReasonReplaced, &protocol.Bye{
				Code: earshot.CodeAborted, Message: "you joined another instance of this world",
			})
		}
	}
}

// retire ends an instance that nobody has been in for a while, unless it is the
// first of its world or somebody records or watches it. It reports whether it
// did; no one is let in afterwards.
func (in *Instance) retire(now time.Time) bool {
	if in.id == firstOf(in.world) {
		return false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	live := in.live.Load()
	if in.retired.Load() && live.clients == 0 && in.taping == nil { // it was ended
		if in.room.open {
			in.closeRoom(now)
		}
		return true
	}
	if live.clients > 0 || in.span.home() && live.ghosts > 0 || in.taping != nil || in.audience.size() > 0 || in.room.open {
		in.deserted = time.Time{}
		in.review.close.Store(false)
		return false
	}
	if in.deserted.IsZero() {
		in.deserted = now
	}
	if !in.mayClose(now.Sub(in.deserted)) {
		return false
	}
	in.retired.Store(true)
	return true
}

// forget takes an instance that has ended out of the node.
func (g *Gateway) forget(in *Instance) {
	g.mu.Lock()
	if g.instances[in.id] == in {
		delete(g.instances, in.id)
	}
	g.mu.Unlock()
	if g.fleet != nil && !g.cfg.Cluster.spans(in.world) {
		g.fleet.Yield(in.id) // unless somebody has just come to it again
	}
}
