package gateway

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"earshot"
	"earshot/gateway/near"
	"earshot/presence/directory"
)

// nearAnywhere is near over all nodes, by the directory. What this node itself
// knows of a block, a wall or an isolation counts at once.
func (l *lookout) nearAnywhere(ctx context.Context, q nearQuestion) (a nearAnswer, err error) {
	l.watch(ctx, q.world)
	all := l.g.running()
	me := sessionOf(all, q.viewer, q.world)
	if me != nil && me.in.apparent(me)&directory.Shown == 0 || l.g.outcast(q.world, q.viewer, time.Now()) {
		return a, unseen(q.world)
	}
	if me != nil && q.place == nil { // closer than what it wrote
		if pose, here := me.in.space.Pose(q.viewer); here {
			q.place = &pose.Root
		}
	}
	found, err := l.dir.Nearby(ctx, directory.Question{
		Viewer: q.viewer, World: q.world, Place: q.place, Radius: q.radius, Friends: q.friends, Limit: q.limit,
	})
	if err != nil {
		return a, err
	}
	a.place, a.complete = found.Place, found.Complete
	urls := l.urls()
	mine, _ := l.dir.Sighting(q.world, q.viewer)
	for i := range found.People {
		n := &found.People[i]
		if l.withheld(all, me, q.viewer, n.Participant, directory.Shown|directory.Located) {
			continue
		}
		p := introduced(&n.Sighting)
		p.URL, p.Here = urls[n.Node], n.Instance == mine.Instance
		p.Place(n.Position, n.Distance)
		a.people = append(a.people, p)
	}
	return a, nil
}

// withheld reports whether what this node knows keeps viewer from being told of
// somebody who needs flags for it.
func (l *lookout) withheld(all []*Instance, me *session, viewer, other earshot.ParticipantID, flags uint8) bool {
	if me != nil && me.in.space.Shuns(viewer, other) {
		return true
	}
	s := sessionOf(all, other, "")
	return s != nil && (s.in.space.Shuns(other, viewer) || s.in.apparent(s)&flags != flags)
}

// urls are the origins of the nodes.
func (l *lookout) urls() map[earshot.NodeID]string {
	out := make(map[earshot.NodeID]string)
	for _, n := range l.dir.Nodes() {
		out[n.Node] = n.URL
	}
	return out
}

func introduced(s *directory.Sighting) near.Person {
	var st state
	_ = json.Unmarshal(s.State, &st) // of another version, perhaps: then without a name
	return near.Person{Participant: s.Participant, Name: st.Name, Kind: st.Kind, Instance: s.Instance, Node: s.Node, Muted: st.Muted}
}

// friendsAnywhere are where friends of viewer are, over all nodes.
func (l *lookout) friendsAnywhere(ctx context.Context, who *seeker) (map[earshot.ParticipantID]friendEntry, error) {
	viewer := who.id
	friends, err := l.dir.Friends(ctx, viewer)
	if err != nil {
		return nil, err
	}
	unknown := make(map[string]struct{}) // worlds where they are that nobody has asked about yet
	for i := range friends {
		if f := &friends[i]; f.Sighting == nil && len(unknown) < friendsWorlds {
			unknown[f.World] = struct{}{}
		}
	}
	if len(unknown) > 0 {
		for world := range unknown {
			l.watch(ctx, world)
		}
		if friends, err = l.dir.Friends(ctx, viewer); err != nil {
			return nil, err
		}
	}
	all, urls := l.g.running(), l.urls()
	me := sessionOf(all, viewer, "")
	out := make(map[earshot.ParticipantID]friendEntry)
	for i := range friends {
		f := &friends[i]
		if f.Sighting == nil || l.withheld(all, me, viewer, f.Participant, directory.Shown) {
			continue
		}
		e := friendEntry{Online: true, Name: introduced(f.Sighting).Name, World: f.World}
		if mine, _ := l.dir.Sighting(f.World, viewer); f.Instance == mine.Instance || l.g.manager.mayKnow(ctx, who.claims, f.Instance) {
			e.Instance, e.Node, e.URL, e.Since = f.Instance, f.Node, urls[f.Node], wireTime(f.Since)
			if f.Sighting.Flags&directory.Located != 0 && !l.withheld(all, me, viewer, f.Participant, directory.Located) {
				var p near.Person
				p.Place(f.Sighting.Position, 0)
				e.Position = &p.Position
			}
		}
		out[f.Participant] = e
	}
	return out, nil
}

// whereFriends are where somebody's friends are.
func (l *lookout) whereFriends(ctx context.Context, who *seeker) (map[earshot.ParticipantID]friendEntry, error) {
	mutual, err := l.mutual(ctx, who.id)
	if err != nil {
		return nil, err
	}
	out := l.friendsHere(ctx, who, mutual)
	if l.dir != nil {
		elsewhere, err := l.friendsAnywhere(ctx, who)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, elsewhere)
	}
	for _, id := range mutual {
		e := out[id]
		e.Participant, e.Mutual = id, true
		out[id] = e
	}
	return out, nil
}

// density counts people by cell.
func (l *lookout) density(ctx context.Context, world string) (cells map[[2]int16]int, complete bool) {
	if l.local(world) {
		return l.densityHere(world), true
	}
	l.watch(ctx, world)
	list, complete := l.dir.Density(world)
	cells = make(map[[2]int16]int, len(list))
	for _, c := range list {
		cells[c.Cell] = c.Count
	}
	return cells, complete
}

func wireTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
