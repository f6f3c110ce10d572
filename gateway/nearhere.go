package gateway

import (
	"cmp"
	"context"
	"slices"
	"time"

	"earshot"
	"earshot/gateway/near"
	"earshot/presence/cluster"
	"earshot/presence/directory"
)

// apparent are the flags by which others may be told of s: see
// directory.Shown. Who is behind a sealed wall is there, and nobody outside is told
// where.
func (in *Instance) apparent(s *session) uint8 {
	switch {
	case s.hidden || !in.space.Apparent(s.participant):
		return 0
	case in.zones.Load().Sealed(s.within()):
		return directory.Shown
	}
	return directory.Shown | directory.Located
}

// isPerson reports whether s is somebody, and no NPC.
func (s *session) isPerson() bool {
	return s.resident == nil && !(s.ghost != nil && s.claims.Kind == KindNPC)
}

// parted reports whether either of two blocks the other, each by the word of the
// instance where they are.
func parted(a, b *session) bool {
	return a.in.space.Shuns(a.participant, b.participant) || b.in.space.Shuns(b.participant, a.participant)
}

// sessionOf is somebody's session in one of some instances: of a world, or of any
// where that is empty.
func sessionOf(all []*Instance, id earshot.ParticipantID, world string) *session {
	var before *session // who has gone over is where they went, if that is here
	for _, in := range all {
		if s := in.live.Load().byID[id]; s != nil && s.isPerson() && (world == "" || in.world == world) {
			if !s.over.Load() {
				return s
			}
			before = s
		}
	}
	return before
}

// nearHere is near for what this node itself knows: exact, and as of now.
func (l *lookout) nearHere(ctx context.Context, q nearQuestion) (a nearAnswer, err error) {
	all := l.g.running()
	me := sessionOf(all, q.viewer, q.world)
	if me == nil || me.in.apparent(me)&directory.Shown == 0 || l.g.outcast(q.world, q.viewer, time.Now()) {
		return a, unseen(q.world)
	}
	var friends []earshot.ParticipantID
	if q.friends {
		if friends, err = l.mutual(ctx, q.viewer); err != nil {
			return a, err
		}
	}
	a.complete = true
	if q.place != nil {
		a.place = *q.place
	} else {
		pose, _ := me.in.space.Pose(q.viewer)
		a.place = pose.Root
	}
	for _, in := range all {
		if in.world != q.world || in != me.in && !openToAll(in.id, in.world) {
			continue
		}
		for _, s := range in.live.Load().all {
			if s == me || s.participant == q.viewer || !s.isPerson() || in.apparent(s)&directory.Located == 0 ||
				parted(me, s) || q.friends && !slices.Contains(friends, s.participant) {
				continue
			}
			pose, here := in.space.Pose(s.participant)
			if distance := float64(pose.Root.Distance(a.place)); here && distance <= q.radius {
				p := in.introduce(s)
				p.Here = in == me.in
				p.Place(pose.Root, distance)
				a.people = append(a.people, p)
			}
		}
	}
	slices.SortFunc(a.people, func(a, b near.Person) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Participant, b.Participant))
	})
	a.people = a.people[:min(len(a.people), q.limit)]
	return a, nil
}

// unseen refuses one who asks and cannot be seen.
func unseen(world string) error {
	return earshot.Errorf(earshot.CodeFailedPrecondition, "you are not in world %q, or not seen there; join it first: who sees is seen", world)
}

func (in *Instance) introduce(s *session) near.Person {
	in.mu.Lock()
	defer in.mu.Unlock()
	return near.Person{Participant: s.participant, Name: s.called(), Kind: s.claims.Kind, Instance: in.id, Muted: s.muted || s.moderated}
}

// friendsHere are where friends of viewer are on this node, in worlds of which it
// knows everybody.
func (l *lookout) friendsHere(ctx context.Context, who *seeker, friends []earshot.ParticipantID) map[earshot.ParticipantID]friendEntry {
	all, now, viewer := l.g.running(), time.Now(), who.id
	me := sessionOf(all, viewer, "")
	out := make(map[earshot.ParticipantID]friendEntry)
	if me != nil && !me.hidden && me.ready.Load() && !me.in.space.Apparent(viewer) {
		return out // isolated
	}
	for _, id := range friends {
		s := sessionOf(all, id, "")
		if s == nil || !l.local(s.in.world) || s.in.apparent(s)&directory.Shown == 0 || l.g.outcast(s.in.world, viewer, now) ||
			s.in.space.Shuns(id, viewer) || me != nil && me.in.space.Shuns(viewer, id) {
			continue
		}
		e := friendEntry{Online: true, Name: s.called(), World: s.in.world}
		if own := me != nil && me.in == s.in; own || l.g.manager.mayKnow(ctx, who.claims, s.in.id) {
			e.Instance, e.Since = s.in.id, wireTime(s.created)
			if pose, here := s.in.space.Pose(id); here && s.in.apparent(s)&directory.Located != 0 {
				var p near.Person
				p.Place(pose.Root, 0)
				e.Position = &p.Position
			}
		}
		out[id] = e
	}
	return out
}

// openToAll reports whether everybody may enter an instance, and so know of it.
func openToAll(id earshot.InstanceID, world string) bool {
	kind, made := madeKind(id)
	return publicID(id, world) || made && kind == cluster.KindEvent
}

// densityHere counts people by cell.
func (l *lookout) densityHere(world string) map[[2]int16]int {
	cells := make(map[[2]int16]int)
	for _, in := range l.g.running() {
		if in.world != world || !openToAll(in.id, world) {
			continue
		}
		for _, s := range in.live.Load().all {
			if !s.isPerson() || in.apparent(s)&directory.Located == 0 {
				continue
			}
			if pose, here := in.space.Pose(s.participant); here {
				cells[directory.CellOf(pose.Root)]++
			}
		}
	}
	return cells
}
