package gateway

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// Rooms are listed on whichever node is asked, each once, and calls about them
// come to the node that has them.
func TestListRoomsOfAllNodes(t *testing.T) {
	t.Parallel()
	list := nodesOf(t, store.NewMemory(), 2, nil)
	owner, other := ownerOf(t, list, "in_plaza")
	owner.guest("ada", nil)
	other.guest("bob", of("in_plaza_party"))
	eventually(t, "the other node has the party", func() bool { return owner.fleet.ownerOf("in_plaza_party") == other.fleet.ID() })
	for _, n := range list {
		a := n.admin()
		got := must[wire.ListRoomsResponse](a, "ListRooms", &wire.ListRoomsRequest{})
		var names []string
		for _, r := range got.Rooms {
			names = append(names, r.Name)
			if r.NumParticipants != 1 {
				t.Errorf("%s has %d participants", r.Name, r.NumParticipants)
			}
		}
		if !slices.Equal(names, []string{"plaza", "plaza_party"}) {
			t.Errorf("rooms %v, want both", names)
		}
		one := must[wire.ListRoomsResponse](a, "ListRooms", &wire.ListRoomsRequest{Names: []string{"plaza_party"}})
		if len(one.Rooms) != 1 || one.Rooms[0].Name != "plaza_party" {
			t.Errorf("by name: %+v", one.Rooms)
		}
		a.grant.RoomList = false
		if _, e := call[wire.ListRoomsResponse](a, "ListRooms", &wire.ListRoomsRequest{}); e == nil || e.Code != "permission_denied" {
			t.Errorf("without roomList: %+v", e)
		}
		party := &admin{n, livekit.VideoGrant{RoomAdmin: true, Room: "plaza_party"}}
		people := must[wire.ListParticipantsResponse](party, "ListParticipants", &wire.ListParticipantsRequest{Room: "plaza_party"})
		if len(people.Participants) != 1 || people.Participants[0].Name != "bob" {
			t.Errorf("in the party: %+v", people.Participants)
		}
	}

	// What another node asks is of this node alone.
	a := other.admin()
	req, err := http.NewRequestWithContext(t.Context(), "POST", other.url+"/twirp/livekit.RoomService/ListRooms", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + a.bearer()}, "Content-Type": {"application/json"}, headerForwarded: {"x.y"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var own wire.ListRoomsResponse
	if err := json.NewDecoder(resp.Body).Decode(&own); err != nil || len(own.Rooms) != 1 || own.Rooms[0].Name != "plaza_party" {
		t.Errorf("asked by another node: %+v, %v", own.Rooms, err)
	}
}

// A room that is handed to another node is told of as if nothing had happened.
func TestWebhooksInAHandoff(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e wire.WebhookEvent
		if err := json.Unmarshal(body, &e); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		line := e.Event + " " + e.Room.Name
		if e.Participant != nil {
			line += " " + e.Participant.Name
		}
		if e.Track != nil {
			line += " " + e.Track.Name
		}
		mu.Lock()
		defer mu.Unlock()
		told = append(told, line)
	}))
	t.Cleanup(server.Close)
	lines := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(told)
	}
	shared := store.NewMemory()
	list := nodesOf(t, shared, 2, func(c *Config) { c.Fleet.Drain, c.LiveKit.Webhooks.URLs = 20*time.Second, []string{server.URL} })
	from, to := ownerOf(t, list, "in_plaza")
	w := walks(t, from, 1)
	before := []string{"room_started plaza", "participant_joined plaza bot 1", "track_published plaza bot 1 microphone"}
	eventually(t, "the application knows", func() bool { return slices.Equal(lines(), before) })
	must[wire.Room](from.admin(), "UpdateRoomMetadata", &wire.UpdateRoomMetadataRequest{Room: "plaza", Metadata: "blue"})
	eventually(t, "the store knows of the room and of what was told", func() bool {
		in := from.plaza()
		in.mu.Lock()
		kept := in.onward.kept.Metadata == "blue"
		in.mu.Unlock()
		r, err := shared.Do(t.Context(), cluster.ReadInstance{Instance: "in_plaza"})
		return kept && err == nil && len(r.Members) == 1 && strings.Contains(string(r.Members[0].State), `"t":`)
	})
	from.drains()
	eventually(t, "they are there", w.settled)
	rooms := must[wire.ListRoomsResponse](to.admin(), "ListRooms", &wire.ListRoomsRequest{})
	if len(rooms.Rooms) != 1 || rooms.Rooms[0].Metadata != "blue" {
		t.Errorf("after the handoff: %+v, want the room with its metadata", rooms.Rooms)
	}
	from.stop()
	_ = w.bot().Close()
	want := append(before, "track_unpublished plaza bot 1 microphone", "participant_left plaza bot 1")
	eventually(t, "they left", func() bool { return len(lines()) >= len(want) })
	if got := lines(); !slices.Equal(got, want) {
		t.Errorf("told of\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
