package gateway

import (
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

// maxIdle bounds how long a room may stay open with nobody in it.
const maxIdle = 24 * time.Hour

// createRoom opens the room of a world or a copy of it, which need not wait for somebody to
// come. A room that is open already is returned as it is, but for metadata.
func (call *roomCall) createRoom(r *wire.CreateRoomRequest) (*wire.Room, error) {
	if !call.by.Video.RoomCreate {
		return nil, denied("the token does not grant roomCreate; issue it with video: {roomCreate: true}")
	}
	id := earshot.InstanceID(instancePrefix + r.Name)
	_, ok := call.g.worldConfig(worldOf(id))
	switch {
	case !ok:
		return nil, noRoom(r.Name)
	case r.Egress != nil:
		return nil, unimplemented("CreateRoom: egress: record the instance with Earshot's recordings (docs/recording.md)")
	}
	if err := livekit.CheckAbout(r.Metadata, nil); err != nil {
		return nil, err
	}
	in, err := call.g.host(id, worldOf(id))
	if err != nil {
		return nil, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.openRoom(&wire.RoomConfiguration{
		EmptyTimeout: r.EmptyTimeout, DepartureTimeout: r.DepartureTimeout, MaxParticipants: r.MaxParticipants, Agents: r.Agents,
	}, call.now)
	if r.Metadata != "" {
		in.setRoomMetadata(r.Metadata)
	}
	return in.describeRoom(), nil
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
		in.closeRoom(now)
	}
	if in.live.Load().people > 0 { // who came meanwhile is in the next room
		r := in.openRoom(nil, now)
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

// room returns the instance that LiveKit's SDKs call name, nil where it does
// not run.
func (g *Gateway) room(name string) (*Instance, error) {
	id := earshot.InstanceID(instancePrefix + name)
	if _, ok := g.worldConfig(worldOf(id)); !ok {
		return nil, noRoom(name)
	}
	return g.hosted(id, worldOf(id))
}

func noRoom(name string) error {
	return earshot.Errorf(earshot.CodeNotFound, "there is no room %.64q: rooms are the worlds of the configuration, which GET /v1/worlds lists, and their copies, WORLD_COPY", name)
}

func notOpen(name string) error {
	return earshot.Errorf(earshot.CodeNotFound, "room %.64s is not open: nobody is there; CreateRoom opens it", name)
}
