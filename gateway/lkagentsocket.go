package gateway

import (
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/agent"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

const (
	pathAgent = "/agent"
	// agentProtocol is the version of the workers' protocol.
	agentProtocol = 1
	// agentRegister is how long a worker may take to say what it is: LiveKit's.
	agentRegister = 10 * time.Second
	// The rate of a worker's messages, a second and at once: many jobs may end,
	// or be taken, at one time.
	agentPerSecond, agentBurst = 100, 1000
)

// agentRoutes serves the door for workers of LiveKit's agents.
func (g *Gateway) agentRoutes(app fiber.Router) {
	app.Get(pathAgent, g.upgradeAgent, g.serveAgent())
}

// upgradeAgent verifies the token of a worker: one of an API key that grants
// agent.
func (g *Gateway) upgradeAgent(c *fiber.Ctx) error {
	if !websocket.IsWebSocketUpgrade(c) {
		return fiber.ErrUpgradeRequired
	}
	now := time.Now()
	if err := g.mayKnock(c.IP(), now); err != nil {
		return err
	}
	token := c.Query("access_token")
	if scheme, bearer, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " "); token == "" && strings.EqualFold(scheme, "Bearer") {
		token = bearer
	}
	if token == "" {
		return unauthenticated("send an access token of LiveKit's form: Authorization: Bearer <token>")
	}
	claims, err := livekit.Verify(strings.Clone(token), g.keys.livekitSecret, now)
	if err != nil {
		return err
	}
	if !claims.Video.Agent {
		return denied("the token does not grant agent; issue it with video: {agent: true}")
	}
	c.Locals("key", claims.Key)
	return c.Next()
}

func (g *Gateway) serveAgent() fiber.Handler {
	return websocket.New(func(conn *websocket.Conn) {
		key, _ := conn.Locals("key").(string)
		conn.SetReadLimit(lkSignal)
		socket := newLKSocket(conn)
		defer socket.close()
		if id := g.registerAgent(key, socket); id != "" {
			g.attendAgent(id, socket)
		}
	}, websocket.Config{RecoverHandler: func(conn *websocket.Conn) {
		if fault := recover(); fault != nil {
			g.log.Error("a connection of a LiveKit agents' worker failed", "error", fault)
			_ = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseInternalServerErr, http.StatusText(http.StatusInternalServerError)))
		}
	}})
}

// registerAgent waits for a worker to say what it is, and returns its id, or ""
// where it does not or may not be.
func (g *Gateway) registerAgent(key string, socket *lkSocket) string {
	_ = socket.conn.SetReadDeadline(time.Now().Add(agentRegister))
	for rate := agentBurst; rate > 0; rate-- {
		kind, data, err := socket.conn.ReadMessage()
		if err != nil {
			return ""
		}
		var m wire.WorkerMessage
		if kind != websocket.BinaryMessage || wire.Unmarshal(data, &m) != nil {
			continue
		}
		if m.Ping != nil {
			socket.send(wire.Marshal(pong(m.Ping)))
		}
		if m.Register != nil {
			return g.addAgent(key, socket, m.Register)
		}
	}
	return ""
}

// addAgent makes a worker known. It is told so before it is offered anything.
func (g *Gateway) addAgent(key string, socket *lkSocket, r *wire.RegisterWorker) string {
	g.agents.mu.Lock()
	defer g.agents.mu.Unlock()
	id, effects, err := g.agents.pool.Register(key, r, time.Now())
	if err != nil {
		_, e := wireError(err)
		text := e.Message
		if len(text) > 120 { // a close frame holds 123 bytes
			text = text[:120]
		}
		socket.goodbye = websocket.FormatCloseMessage(websocket.ClosePolicyViolation, text)
		return ""
	}
	if g.agents.sockets == nil {
		g.agents.sockets = make(map[string]*lkSocket)
	}
	g.agents.sockets[id] = socket
	server := lkServer()
	server.AgentProtocol = agentProtocol
	g.tellWorker(id, &wire.ServerMessage{Register: &wire.WorkerRegistered{WorkerID: id, ServerInfo: server}})
	g.doAgents(effects)
	g.log.Info("livekit worker registered", "worker", id, "agent", r.AgentName, "namespace", r.Namespace, "type", r.Type, "key", key)
	return id
}

// attendAgent serves a worker until its connection ends.
func (g *Gateway) attendAgent(id string, socket *lkSocket) {
	rate := protocol.NewLimiter(agentPerSecond, agentBurst)
	socket.read(func(data []byte) {
		now := time.Now()
		if !rate.Allow(now) {
			_ = socket.conn.Close()
			return
		}
		var m wire.WorkerMessage
		if wire.Unmarshal(data, &m) != nil {
			return
		}
		if m.Ping != nil {
			socket.send(wire.Marshal(pong(m.Ping)))
			return
		}
		g.agent(func(p *agent.Pool) []agent.Effect { return p.Take(id, &m, now) })
	})
	g.agents.mu.Lock()
	defer g.agents.mu.Unlock()
	delete(g.agents.sockets, id)
	g.doAgents(g.agents.pool.Gone(id, time.Now()))
	g.log.Info("livekit worker gone", "worker", id)
}

func pong(p *wire.WorkerPing) *wire.ServerMessage {
	return &wire.ServerMessage{Pong: &wire.WorkerPong{LastTimestamp: p.Timestamp, Timestamp: time.Now().UnixMilli()}}
}

// mayReplace refuses an agent in the name of somebody who is there and is none:
// identities of agents are chosen by workers, whose tokens name nobody.
func (in *Instance) mayReplace(claims *Claims) error {
	old := in.live.Load().byID[claims.Participant()]
	if claims.Kind == KindNPC && old != nil && old.claims.Kind != KindNPC {
		return earshot.Errorf(earshot.CodeAlreadyExists, "identity %q is that of somebody who is here and is no agent; let the agent have another", clip(claims.Subject))
	}
	return nil
}
