package directory

import (
	"cmp"
	"slices"
	"time"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/lww"
)

// Sighting is somebody in an instance, as its owner last wrote it.
type Sighting struct {
	Participant earshot.ParticipantID
	World       string
	Instance    earshot.InstanceID
	Node        earshot.NodeID
	Position    earshot.Vec3 // metres, right to 4 m
	Flags       uint8
	HLC         cluster.HLC // when it was so
	State       []byte      // the gateway's, not to be changed
}

// The flags of a member that the directory goes by. The rest are the gateway's.
const (
	// Shown: others may get to know that they are there.
	Shown uint8 = 1 << iota
	// Located: and where.
	Located
)

// is reports whether all of these flags are set.
func (s *Sighting) is(flags uint8) bool { return s.Flags&flags == flags }

// maxPending is how many deltas wait for the snapshot before them.
const maxPending = 64

// view is what is known of others, as a value: deltas, snapshots and lists come
// in with the time. It is not safe for concurrent use.
type view struct {
	nodes     []cluster.NodeRecord
	listed    []cluster.InstanceRecord
	worlds    map[string]*world
	instances map[earshot.InstanceID]*instance // those followed
}

// world is everybody in all instances of a world. One who is in two, on the way
// from one to the other, is where the later word has them.
type world struct {
	watchers int
	listed   bool // by a survey since it is watched
	people   lww.Map[earshot.ParticipantID, Sighting]
	cells    map[[2]int16]map[earshot.ParticipantID]struct{}
}

// instance is how far an instance has been followed.
type instance struct {
	id      earshot.InstanceID
	world   *world
	name    string // of the world
	epoch   cluster.Epoch
	seq     uint64
	known   bool // nothing was missed since the last snapshot
	live    bool // it has an owner
	pending []cluster.Delta
	members map[earshot.ParticipantID]struct{}
}

func newView() *view {
	return &view{worlds: map[string]*world{}, instances: map[earshot.InstanceID]*instance{}}
}

// watch begins to keep a world, or to keep it for one more.
func (v *view) watch(name string) {
	w := v.worlds[name]
	if w == nil {
		w = &world{cells: map[[2]int16]map[earshot.ParticipantID]struct{}{}}
		v.worlds[name] = w
	}
	w.watchers++
}

// unwatch ends one watch.
func (v *view) unwatch(name string) {
	if w := v.worlds[name]; w != nil {
		if w.watchers--; w.watchers == 0 {
			delete(v.worlds, name)
		}
	}
}

// list takes a survey in, and returns the instances to begin and to stop
// following, and those to read because they have an owner again. At most most
// are followed. patient: a store that was away may not have heard of everybody
// again; who is not there yet stays.
func (v *view) list(r cluster.Reply, most int, patient bool) (begin, stop, read []earshot.InstanceID) {
	v.nodes, v.listed = r.Nodes, r.Instances
	for _, w := range v.worlds {
		w.listed = true
	}
	wanted := make(map[earshot.InstanceID]bool, len(v.instances))
	for i := range r.Instances {
		rec := &r.Instances[i]
		w := v.worlds[rec.World]
		if w == nil {
			continue
		}
		in := v.instances[rec.Instance]
		if in != nil && in.world != w { // the world was unwatched and watched again
			v.drop(in)
			in = nil
			stop = append(stop, rec.Instance)
		}
		if in == nil {
			if len(v.instances) >= most {
				continue
			}
			in = &instance{id: rec.Instance, world: w, name: rec.World, members: map[earshot.ParticipantID]struct{}{}}
			v.instances[rec.Instance] = in
			begin = append(begin, rec.Instance)
		}
		wanted[rec.Instance] = true
		in.live = rec.State != cluster.Orphaned
		switch {
		case !in.live && in.epoch <= rec.Epoch && !patient:
			v.empty(in)
		case in.live && !in.known:
			read = append(read, rec.Instance)
		}
	}
	for id, in := range v.instances {
		if !wanted[id] && !(patient && v.worlds[in.name] == in.world) {
			v.drop(in)
			stop = append(stop, id)
		}
	}
	return begin, stop, read
}

func (v *view) drop(in *instance) {
	v.empty(in)
	delete(v.instances, in.id)
}

// empty forgets an instance's members: its owner is gone, and the next one will
// say who is there.
func (v *view) empty(in *instance) {
	for id := range in.members {
		if s, _, ok := in.world.people.Get(id); ok && s.Instance == in.id {
			in.world.leaveCell(s)
			in.world.people.Forget(id)
		}
	}
	clear(in.members)
	in.known, in.pending = false, nil
}

// apply takes a delta in. It reports false where something before it was lost:
// then the instance must be read, and until then deltas wait.
func (v *view) apply(d cluster.Delta, now time.Time) bool {
	in := v.instances[d.Instance]
	switch {
	case in == nil || d.Epoch < in.epoch || d.Epoch == in.epoch && d.Seq <= in.seq:
		return true // nobody asks, or it is late, or comes twice
	case d.Full:
		v.reset(d.Instance, d.Epoch, d.Seq, d.Set, now)
		return true
	case !in.known || d.Epoch > in.epoch || d.Seq != in.seq+1:
		in.known = false
		if len(in.pending) < maxPending {
			in.pending = append(in.pending, d)
		}
		return false
	}
	in.seq = d.Seq
	for _, id := range d.Gone {
		v.leave(in, id, now)
	}
	for i := range d.Set {
		v.enter(in, &d.Set[i])
	}
	return true
}

// reset makes members all who are in an instance as of a sequence number, then
// applies what waited. It reports false where even that leaves a gap.
func (v *view) reset(id earshot.InstanceID, epoch cluster.Epoch, seq uint64, members []cluster.Presence, now time.Time) bool {
	in := v.instances[id]
	if in == nil {
		return true
	}
	if epoch < in.epoch || epoch == in.epoch && seq < in.seq {
		return in.known // read before something that came meanwhile
	}
	if epoch > in.epoch { // another owner: it may say again what the last one said
		v.empty(in)
	}
	in.epoch, in.seq, in.known = epoch, seq, true
	present := make(map[earshot.ParticipantID]struct{}, len(members))
	for i := range members {
		present[members[i].Participant] = struct{}{}
	}
	for id := range in.members {
		if _, ok := present[id]; !ok {
			v.leave(in, id, now)
		}
	}
	for i := range members {
		v.enter(in, &members[i])
	}
	pending := in.pending
	in.pending = nil
	slices.SortFunc(pending, func(a, b cluster.Delta) int { return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Seq, b.Seq)) })
	for _, d := range pending {
		if !v.apply(d, now) {
			return false
		}
	}
	return true
}

func (v *view) enter(in *instance, p *cluster.Presence) {
	in.members[p.Participant] = struct{}{}
	w := in.world
	old, _, was := w.people.Get(p.Participant)
	s := Sighting{Participant: p.Participant, World: in.name, Instance: in.id, Node: p.Node, Position: p.Position, Flags: p.Flags, HLC: p.HLC, State: p.State}
	if !w.people.Put(p.Participant, p.Stamp(), s) {
		return
	}
	cell := CellOf(p.Position)
	if was {
		if CellOf(old.Position) == cell {
			return
		}
		w.leaveCell(old)
	}
	if w.cells[cell] == nil {
		w.cells[cell] = map[earshot.ParticipantID]struct{}{}
	}
	w.cells[cell][p.Participant] = struct{}{}
}

// leave notes that somebody is not in an instance any more. They may be in
// another.
func (v *view) leave(in *instance, id earshot.ParticipantID, now time.Time) {
	delete(in.members, id)
	if s, _, ok := in.world.people.Get(id); ok && s.Instance == in.id {
		in.world.leaveCell(s)
		in.world.people.Remove(id, now)
	}
}

func (w *world) leaveCell(s Sighting) {
	cell := CellOf(s.Position)
	delete(w.cells[cell], s.Participant)
	if len(w.cells[cell]) == 0 {
		delete(w.cells, cell)
	}
}

// unread reports whether an instance that somebody owns is to be read.
func (v *view) unread(id earshot.InstanceID) bool {
	in := v.instances[id]
	return in != nil && in.live && !in.known
}

// whole reports whether of every instance of a world it is known who is there.
func (v *view) whole(name string) bool {
	w := v.worlds[name]
	if w == nil || !w.listed {
		return false
	}
	for i := range v.listed {
		if rec := &v.listed[i]; rec.World == name && rec.State != cluster.Closed {
			if in := v.instances[rec.Instance]; in == nil || !in.live || !in.known {
				return false
			}
		}
	}
	return true
}

// sweep forgets who left long ago.
func (v *view) sweep(now time.Time) {
	for _, w := range v.worlds {
		w.people.Sweep(now)
	}
}
