package gateway

import (
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

// maxIdle bounds how long a room may stay open with nobody in it.
const maxIdle = 24 * time.Hour

// createRoom opens the room of a world, which need not wait for somebody to
// come. A room that is open already is returned as it is, but for metadata.
func (call *roomCall) createRoom(r *wire.CreateRoomRequest) (*wire.Room, error) {
	if !call.by.Video.RoomCreate {
		return nil, denied("the token does not grant roomCreate; issue it with video: {roomCreate: true}")
	}
	world, ok := call.g.worldConfig(r.Name)
	switch {
	case !ok:
		return nil, noRoom(r.Name)
	case r.Egress != nil:
		return nil, unimplemented("CreateRoom: egress: record the instance with Earshot's recordings (docs/recording.md)")
	case len(r.Agents) > 0:
		return nil, unimplemented("CreateRoom: agents: an NPC lives in a world by its configuration (docs/npcs.md), and an agent may join with a token of its own")
	}
	if err := livekit.CheckAbout(r.Metadata, nil); err != nil {
		return nil, err
	}
	in, err := call.g.open(earshot.InstanceID("in_"+r.Name), r.Name, world)
	if err != nil {
		return nil, err
	}
	in.populate()
	in.mu.Lock()
	defer in.mu.Unlock()
	fresh := !in.room.open
	open := in.openRoom(call.now)
	if fresh {
		if r.MaxParticipants > 0 {
			open.most = int(min(r.MaxParticipants, 1<<20))
		}
		if r.EmptyTimeout > 0 {
			open.empty = min(time.Duration(r.EmptyTimeout)*time.Second, maxIdle)
		}
		if r.DepartureTimeout > 0 {
			open.departed = min(time.Duration(r.DepartureTimeout)*time.Second, maxIdle)
		}
	}
	if r.Metadata != "" {
		in.setRoomMetadata(r.Metadata)
	}
	return in.describeRoom(), nil
}

// listRooms lists the rooms that are open.
func (call *roomCall) listRooms(r *wire.ListRoomsRequest) (*wire.ListRoomsResponse, error) {
	if !call.by.Video.RoomList {
		return nil, denied("the token does not grant roomList; issue it with video: {roomList: true}")
	}
	list := &wire.ListRoomsResponse{}
	for _, in := range call.g.running() {
		if len(r.Names) > 0 && !slices.Contains(r.Names, in.world) {
			continue
		}
		in.mu.Lock()
		if in.room.open {
			list.Rooms = append(list.Rooms, in.describeRoom())
		}
		in.mu.Unlock()
	}
	slices.SortFunc(list.Rooms, func(a, b *wire.Room) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// deleteRoom sends everybody out. The world stays: who comes again opens the
// room anew.
func (call *roomCall) deleteRoom(r *wire.DeleteRoomRequest) (*wire.Empty, error) {
	if !call.by.Video.RoomCreate {
		return nil, denied("the token does not grant roomCreate; issue it with video: {roomCreate: true}")
	}
	in, err := call.g.room(r.Room)
	if err != nil {
		return nil, err
	}
	if in == nil || !in.evacuate(call.now) {
		return nil, earshot.Errorf(earshot.CodeNotFound, "room %s is not open; ListRooms lists those that are", r.Room)
	}
	return &wire.Empty{}, nil
}

// evacuate ends the sessions of all but NPCs and closes the room. It reports
// whether the room was open.
func (in *Instance) evacuate(now time.Time) bool {
	in.mu.Lock()
	was := in.room.open
	in.room.closing = was
	all := in.live.Load().all
	in.mu.Unlock()
	if !was {
		return false
	}
	for _, s := range all {
		if s.resident == nil {
			s.end(protocol.ReasonKicked, &protocol.Bye{Code: earshot.CodePermissionDenied, Message: "the room was closed"})
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.room.open {
		in.closeRoom()
	}
	if in.live.Load().clients > 0 { // who came meanwhile is in the next room
		r := in.openRoom(now)
		r.visited, r.idle = true, time.Time{}
	}
	return true
}

func (call *roomCall) updateRoomMetadata(r *wire.UpdateRoomMetadataRequest) (*wire.Room, error) {
	if err := livekit.CheckAbout(r.Metadata, nil); err != nil {
		return nil, err
	}
	in, err := call.administered(r.Room)
	if err != nil {
		return nil, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.room.open {
		return nil, notOpen(r.Room)
	}
	in.setRoomMetadata(r.Metadata)
	return in.describeRoom(), nil
}

// administered returns a running room that the caller may administer.
func (call *roomCall) administered(name string) (*Instance, error) {
	if err := call.by.AdminOf(name); err != nil {
		return nil, err
	}
	in, err := call.g.room(name)
	if err == nil && in == nil {
		err = notOpen(name)
	}
	return in, err
}

// room returns the instance of the world called name, nil where it does not
// run.
func (g *Gateway) room(name string) (*Instance, error) {
	if _, ok := g.worldConfig(name); !ok {
		return nil, noRoom(name)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.instances[earshot.InstanceID("in_"+name)], nil
}

func noRoom(name string) error {
	return earshot.Errorf(earshot.CodeNotFound, "there is no room %.64q: rooms are the worlds of the configuration, which GET /v1/worlds lists", name)
}

func notOpen(name string) error {
	return earshot.Errorf(earshot.CodeNotFound, "room %.64s is not open: nobody is there; CreateRoom opens it", name)
}
