package gateway

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/livekit/wire"
	"earshot/presence/cluster"
)

// listRooms lists the rooms that are open: on all nodes, unless another node asks
// for those that are here.
func (call *roomCall) listRooms(r *wire.ListRoomsRequest) (*wire.ListRoomsResponse, error) {
	if !call.by.Video.RoomList {
		return nil, denied("the token does not grant roomList; issue it with video: {roomList: true}")
	}
	list := call.g.openRooms(r.Names)
	if call.g.fleet != nil && !call.passed {
		more, err := call.roomsElsewhere(r)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	byName := func(a, b *wire.Room) int { return strings.Compare(a.Name, b.Name) }
	slices.SortStableFunc(list, byName)
	// Of a room that spans nodes what is said here counts: it is first.
	list = slices.CompactFunc(list, func(a, b *wire.Room) bool { return byName(a, b) == 0 })
	return &wire.ListRoomsResponse{Rooms: list}, nil
}

// openRooms are the rooms that are open here, of those named where any are. One
// that goes on on another node while its people follow is listed there.
func (g *Gateway) openRooms(names []string) (list []*wire.Room) {
	for _, in := range g.running() {
		if len(names) > 0 && !slices.Contains(names, in.roomName()) || in.onward.passed.Load() {
			continue
		}
		in.mu.Lock()
		if in.room.open {
			list = append(list, in.describeRoom())
		}
		in.mu.Unlock()
	}
	return list
}

// roomsElsewhere asks all other nodes at once, in the name of who asks here. A
// list without the rooms of one that does not answer would say that they are
// closed, so there is none then.
func (call *roomCall) roomsElsewhere(r *wire.ListRoomsRequest) (list []*wire.Room, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	body := wire.Marshal(r)
	var (
		mu     sync.Mutex
		asking sync.WaitGroup
	)
	for _, n := range call.g.fleet.Nodes() {
		if n.Node == call.g.fleet.ID() || n.URL == "" {
			continue
		}
		asking.Go(func() {
			rooms, e := call.roomsOf(ctx, &n, body)
			mu.Lock()
			defer mu.Unlock()
			list = append(list, rooms...)
			if e != nil {
				err = e
			}
		})
	}
	asking.Wait()
	return list, err
}

func (call *roomCall) roomsOf(ctx context.Context, n *cluster.NodeRecord, body []byte) ([]*wire.Room, error) {
	away := &misdirected{url: n.URL}
	silent := func(why any) error {
		call.g.log.Warn("a node does not say which rooms it has", "url", n.URL, "error", why)
		return earshot.Errorf(earshot.CodeUnavailable, "node %s does not say which rooms it has; try again in a few seconds", n.Node)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL+"/twirp/"+roomService+"/ListRooms", bytes.NewReader(body))
	if err != nil {
		return nil, silent(err)
	}
	req.Header = call.header(call.g, away, call.now)
	req.Header.Set(fiber.HeaderContentType, typeProtobuf)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, silent(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxLKDown))
	var there wire.ListRoomsResponse
	if err == nil && resp.StatusCode == http.StatusOK {
		if err = wire.Unmarshal(data, &there); err == nil {
			return there.Rooms, nil
		}
	}
	if err == nil {
		err = refusalOf(&http.Response{StatusCode: resp.StatusCode, Body: io.NopCloser(bytes.NewReader(data))})
	}
	return nil, silent(err)
}
