package gateway

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/agent"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/loadtest"
)

// lkWorker is a worker of LiveKit's agents that does what a test says.
type lkWorker struct {
	n  *node
	ws *websocket.Conn
	id string
}

// worker connects and registers one whose agents are called name.
func (n *node) worker(name string, kind wire.JobType) *lkWorker {
	n.t.Helper()
	ws, res, err := n.dialAgent(n.livekitToken("", func(c *livekit.Claims) { c.Video = livekit.VideoGrant{Agent: true} }))
	if err != nil {
		n.t.Fatalf("%v: %v", err, res)
	}
	w := &lkWorker{n: n, ws: ws}
	n.t.Cleanup(func() { _ = ws.Close() })
	w.send(&wire.WorkerMessage{Ping: &wire.WorkerPing{Timestamp: 7}})
	w.send(&wire.WorkerMessage{Register: &wire.RegisterWorker{AgentName: name, Type: kind}})
	if pong := w.next(); pong.Pong == nil || pong.Pong.LastTimestamp != 7 {
		n.t.Fatalf("to a ping: %+v", pong)
	}
	is := w.next()
	if is.Register == nil || is.Register.WorkerID == "" || is.Register.ServerInfo.AgentProtocol != agentProtocol {
		n.t.Fatalf("to a registration: %+v", is)
	}
	w.id = is.Register.WorkerID
	return w
}

func (n *node) dialAgent(token string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	return websocket.DefaultDialer.Dial("ws"+n.url[len("http"):]+pathAgent, header)
}

func (w *lkWorker) send(m *wire.WorkerMessage) {
	w.n.t.Helper()
	if err := w.ws.WriteMessage(websocket.BinaryMessage, wire.Marshal(m)); err != nil {
		w.n.t.Fatal(err)
	}
}

// next is what the server says next.
func (w *lkWorker) next() *wire.ServerMessage {
	w.n.t.Helper()
	_ = w.ws.SetReadDeadline(time.Now().Add(patience))
	_, data, err := w.ws.ReadMessage()
	if err != nil {
		w.n.t.Fatal(err)
	}
	m := new(wire.ServerMessage)
	if err := wire.Unmarshal(data, m); err != nil {
		w.n.t.Fatal(err)
	}
	return m
}

// take takes the job that is offered next, for an agent with this identity, and
// returns the assignment.
func (w *lkWorker) take(identity string) *wire.JobAssignment {
	w.n.t.Helper()
	offer := w.next().Availability
	if offer == nil {
		w.n.t.Fatal("no job was offered")
	}
	w.send(&wire.WorkerMessage{Availability: &wire.AvailabilityResponse{
		JobID: offer.Job.ID, Available: true, ParticipantIdentity: identity, ParticipantName: "Guide",
	}})
	assignment := w.next().Assignment
	if assignment == nil || assignment.Job.ID != offer.Job.ID {
		w.n.t.Fatalf("assigned %+v", assignment)
	}
	return assignment
}

// enterAs joins with a token, and speaks.
func (n *node) enterAs(token string) *lkClient {
	n.t.Helper()
	c := n.livekitClient("", nil)
	c.token = token
	c.lines(3)
	c.ws = c.dial(&wire.JoinRequest{ConnectionSettings: &wire.ConnectionSettings{AutoSubscribe: true}})
	c.enter()
	c.speak()
	return c
}

// dispatch is call for the service of dispatches.
func dispatch[Answer any](a *admin, method string, request any) *Answer {
	a.t.Helper()
	status, reply, _ := a.do("POST", "/twirp/"+dispatchService+"/"+method, a.bearer(), "application/protobuf", wire.Marshal(request))
	answer := new(Answer)
	if err := wire.Unmarshal(reply, answer); status != http.StatusOK || err != nil {
		a.t.Fatalf("%s: %d %s %v", method, status, reply, err)
	}
	return answer
}

// TestAgentIsAnNPC: an application asks for an agent, which stands where it was
// put, is heard and seen as one by both doors, keeps no room open, and is silent
// to who blocks it. A kick is the end of its job.
func TestAgentIsAnNPC(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	a, w := n.admin(), n.worker("guide", wire.JobRoom)
	bot, eve := n.talker(1, func(c *loadtest.Config) { c.Slots = 4 }), n.guest("eve", nil)
	d := dispatch[wire.AgentDispatch](a, "CreateDispatch", &wire.CreateAgentDispatchRequest{
		Room: "plaza", AgentName: "guide", Metadata: "be kind", Attributes: map[string]string{agent.AttributePose: `{"p":[2,0,1]}`},
	})
	given := w.take("guide-1")
	if given.Job.Metadata != "be kind" || given.Job.DispatchID != d.ID || given.Job.Room.Name != "plaza" {
		t.Errorf("the job is %+v", given.Job)
	}
	npc := n.enterAs(given.Token)
	joined := expect[*protocol.Joined](eve)
	for len(joined.Participants) != 1 || joined.Participants[0].ID != npc.id() {
		joined = expect[*protocol.Joined](eve)
	}
	if got := joined.Participants[0]; got.Kind != protocol.KindNPC || got.Name != "Guide" {
		t.Errorf("joined as %+v", got)
	}
	if got := a.seen("guide-1"); got.Kind != wire.KindAgent || got.Attributes["lk.agent_name"] != "guide" || !got.Permission.Agent {
		t.Errorf("seen as %+v", got)
	}
	if list := must[wire.ListRoomsResponse](a, "ListRooms", &wire.ListRoomsRequest{}); list.Rooms[0].NumParticipants != 2 {
		t.Errorf("%d participants, want the bot and eve alone", list.Rooms[0].NumParticipants)
	}
	eventually(t, "where it was put", func() bool {
		pose, ok := n.plaza().space.Pose(npc.id())
		return ok && pose.Root == earshot.Vec3{X: 2, Z: 1}
	})
	eventually(t, "its voice", func() bool { return bot.Heard()[lkBot] > 20 })

	if err := bot.Send(&protocol.Block{Participant: npc.id(), Blocked: true}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the block", func() bool { return n.plaza().space.Blocked(bot.Welcome().You.ID, npc.id()) })
	pause(200 * time.Millisecond) // what was under way
	before := bot.Heard()[lkBot]
	pause(300 * time.Millisecond)
	if got := bot.Heard()[lkBot]; got != before {
		t.Errorf("%d packets of an agent that is blocked", got-before)
	}

	must[wire.Empty](a, "RemoveParticipant", &wire.RoomParticipantIdentity{Room: "plaza", Identity: "guide-1"})
	if end := w.next().Termination; end == nil || end.JobID != given.Job.ID {
		t.Errorf("told %+v, want the end of the job", end)
	}
	list := dispatch[wire.ListAgentDispatchResponse](a, "ListDispatch", &wire.ListAgentDispatchRequest{Room: "plaza", DispatchID: d.ID})
	if len(list.AgentDispatches) != 1 || list.AgentDispatches[0].State.Jobs[0].State.Status != wire.JobFailed {
		t.Errorf("ListDispatch = %+v", list.AgentDispatches)
	}
	if gone := dispatch[wire.AgentDispatch](a, "DeleteDispatch", &wire.DeleteAgentDispatchRequest{Room: "plaza", DispatchID: d.ID}); gone.ID != d.ID {
		t.Errorf("DeleteDispatch = %+v", gone)
	}
}

// TestAgentsOfARoom: without a word of whom it wants, a room that opens gets
// agents without a name; a token, or CreateRoom, may name others. When the last
// of the people is gone the agent's job ends with the room.
func TestAgentsOfARoom(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	plain, people, guides := n.worker("", wire.JobRoom), n.worker("", wire.JobParticipant), n.worker("guide", wire.JobRoom)
	ada := n.livekit("ada", nil)
	if job := plain.take("npc").Job; job.Type != wire.JobRoom || job.Participant != nil {
		t.Errorf("the room's job is %+v", job)
	}
	if job := people.next().Availability.Job; job.Participant == nil || job.Participant.Identity != "ada" || job.Participant.SID != ada.join.Participant.SID {
		t.Errorf("ada's job is %+v", job)
	}
	n.plaza().live.Load().byID[ada.id()].leave()
	eventually(t, "nobody in the room", func() bool { return n.plaza().live.Load().people == 0 })
	n.plaza().closeIdle(time.Now().Add(departedFor + time.Second))
	if end := plain.next().Termination; end == nil {
		t.Error("the job of a room that closed goes on")
	}

	n.livekit("bob", func(c *livekit.Claims) {
		c.RoomConfig = &wire.RoomConfiguration{Metadata: "tour", Agents: []*wire.RoomAgentDispatch{{AgentName: "guide", Metadata: "m"}}}
	})
	if job := guides.next().Availability.Job; job.Metadata != "m" || job.Room.Metadata != "tour" {
		t.Errorf("the guide's job is %+v", job)
	}
}

// TestAgentsDoor: a worker needs a token that says so; what it sends besides
// messages is ignored, and it cannot have an agent take somebody's place.
func TestAgentsDoor(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	for name, token := range map[string]string{
		"none": "", "a participant's": n.livekitToken("ada", nil), "our own": n.token(nil),
	} {
		_, res, err := n.dialAgent(token)
		if err == nil || res == nil || !slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden}, res.StatusCode) {
			t.Errorf("%s: %v %v", name, res, err)
		}
	}
	w := n.worker("", wire.JobRoom)
	for _, frame := range []string{"", "\xff\xff\xff", "\x0a\x00", "\x12\x80"} {
		if err := w.ws.WriteMessage(websocket.BinaryMessage, []byte(frame)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.ws.WriteMessage(websocket.TextMessage, []byte(`{"ping":{}}`)); err != nil {
		t.Fatal(err)
	}
	ada := n.livekit("ada", nil)
	given := w.take("ada")
	c := n.livekitClient("", nil)
	c.token = given.Token
	c.lines(1)
	ws := c.dial(&wire.JoinRequest{})
	defer ws.Close()
	_, data, err := ws.ReadMessage()
	var answer wire.SignalResponse
	if err != nil || wire.Unmarshal(data, &answer) != nil || answer.Leave == nil {
		t.Errorf("an agent in ada's name: %+v, %v", answer, err)
	}
	if n.plaza().live.Load().byID[ada.id()].isAgent() {
		t.Error("ada was replaced by an agent")
	}
	w.send(&wire.WorkerMessage{Register: &wire.RegisterWorker{Type: 9}}) // again, and no type
	w.send(&wire.WorkerMessage{Ping: &wire.WorkerPing{}})
	if w.next().Pong == nil {
		t.Error("the worker is served no more")
	}
}
