package gateway

import (
	"context"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/agent"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
)

const (
	// agentTick is how often it is looked at what of agents' work has run out.
	agentTick = time.Second
	// agentToken is how long an agent may take to join: LiveKit's.
	agentToken = time.Hour
)

// agents are the workers of LiveKit's agents that are connected, and their
// jobs. What happens in rooms is told to it under an instance's mu, so its own
// lock is the last of all: it is held while effects are queued to WebSockets,
// and never across a call into an instance.
type agents struct {
	mu      sync.Mutex
	pool    agent.Pool
	sockets map[string]*lkSocket // of workers, by id
}

// followAgents lets time pass for agents until ctx ends.
func (g *Gateway) followAgents(ctx context.Context) {
	ticker := time.NewTicker(agentTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			g.agent(func(p *agent.Pool) []agent.Effect { return p.Tick(now) })
		}
	}
}

// agent has the pool changed and does what comes of it.
func (g *Gateway) agent(change func(*agent.Pool) []agent.Effect) {
	g.agents.mu.Lock()
	defer g.agents.mu.Unlock()
	g.doAgents(change(&g.agents.pool))
}

// doAgents does effects. agents.mu is held.
func (g *Gateway) doAgents(effects []agent.Effect) {
	for _, e := range effects {
		switch {
		case e.Message != nil:
			g.tellWorker(e.To, e.Message)
		case e.Assign != nil:
			g.assign(e.To, e.Assign)
		case e.Remove != nil:
			remove := *e.Remove
			g.work.Go(func() { g.sendOut(remove) })
		}
	}
}

// tellWorker queues a message. A worker that is too slow to read is let go: its
// reader then tells the pool. agents.mu is held.
func (g *Gateway) tellWorker(id string, m *wire.ServerMessage) {
	if socket := g.agents.sockets[id]; socket != nil && !socket.send(wire.Marshal(m)) {
		_ = socket.conn.Close()
	}
}

// assign signs the token of an agent and gives the job to its worker. What no
// token can say fails the job. agents.mu is held.
func (g *Gateway) assign(id string, a *agent.Assignment) {
	now := time.Now()
	token, err := g.agentToken(a, now)
	if err != nil {
		_, e := wireError(err)
		g.log.Warn("livekit agent not assigned", "job", a.Job.ID, "agent", a.Job.AgentName, "error", e.Message)
		g.doAgents(g.agents.pool.Update(id, &wire.UpdateJobStatus{JobID: a.Job.ID, Status: wire.JobFailed, Error: e.Message}, now))
		return
	}
	g.log.Info("livekit agent assigned", "job", a.Job.ID, "agent", a.Job.AgentName, "worker", id, "room", a.Job.Room.Name)
	g.tellWorker(id, &wire.ServerMessage{Assignment: &wire.JobAssignment{Job: a.Job, Token: token}})
}

// agentToken is what an agent joins with: what its worker asked for, but never
// unseen, since who hears is seen.
func (g *Gateway) agentToken(a *agent.Assignment, now time.Time) (string, error) {
	secret, known := g.keys.livekitSecret(a.Key)
	if !known {
		return "", unauthenticated("key %q is gone", a.Key)
	}
	if err := livekit.CheckAbout(a.Metadata, a.Attributes); err != nil {
		return "", err
	}
	p := a.Permissions
	grant := livekit.VideoGrant{
		RoomJoin: true, Agent: true, Room: a.Job.Room.Name,
		CanPublish: &p.CanPublish, CanSubscribe: &p.CanSubscribe, CanPublishData: &p.CanPublishData,
		CanUpdateOwnMetadata: &p.CanUpdateMetadata,
	}
	for _, source := range p.CanPublishSources {
		if name := livekit.TokenSource(source); name != "" {
			grant.CanPublishSources = append(grant.CanPublishSources, name)
		}
	}
	return livekit.Sign(a.Key, secret, livekit.Claims{
		Identity: a.Identity, Name: a.Name, Kind: livekit.KindAgent, Metadata: a.Metadata, Attributes: a.Attributes,
		Video: grant, Expires: now.Add(agentToken),
	}, now)
}

// sendOut ends the session of an agent whose work is over.
func (g *Gateway) sendOut(r agent.Removal) {
	in, err := g.room(r.Room)
	if err != nil || in == nil {
		return
	}
	for _, s := range in.live.Load().all {
		in.mu.Lock()
		is := s.isAgent() && s.identity() == r.Identity
		in.mu.Unlock()
		if is {
			s.end(protocol.ReasonKicked, &protocol.Bye{Code: earshot.CodeAborted, Message: "the agent's job is over"})
		}
	}
}

// closeAgents ends the connections of all workers, which then look for another
// server.
func (g *Gateway) closeAgents() {
	g.agents.mu.Lock()
	defer g.agents.mu.Unlock()
	for _, socket := range g.agents.sockets {
		_ = socket.conn.Close()
	}
}

// isAgent reports whether s is an agent of LiveKit's: it is no reason to keep a
// room open, and has no agents of its own.
func (s *session) isAgent() bool { return s.resident == nil && s.claims.Kind == KindNPC }

// agentsOpen, agentsEnter, agentsPublish and agentsLeave tell the pool what
// happens in the room. in.mu is held.
func (in *Instance) agentsOpen(wanted []*wire.RoomAgentDispatch, now time.Time) {
	room := in.describeRoom()
	in.g.agent(func(p *agent.Pool) []agent.Effect { return p.Open(room, wanted, now) })
}

func (in *Instance) agentsEnter(s *session, now time.Time) {
	info := s.info()
	in.g.agent(func(p *agent.Pool) []agent.Effect { return p.Enter(in.roomName(), info, s.isAgent(), now) })
}

func (in *Instance) agentsPublish(s *session, now time.Time) {
	if s.isAgent() {
		return
	}
	if info := s.info(); len(info.Tracks) > 0 {
		in.g.agent(func(p *agent.Pool) []agent.Effect { return p.Publish(in.roomName(), info, now) })
	}
}

func (in *Instance) agentsLeave(s *session, reason string, now time.Time) {
	identity, ordered := s.identity(), reason == protocol.ReasonKicked
	in.g.agent(func(p *agent.Pool) []agent.Effect {
		return p.Leave(in.roomName(), identity, s.isAgent(), ordered, now)
	})
}

func (in *Instance) agentsClose(now time.Time) {
	in.g.agent(func(p *agent.Pool) []agent.Effect { return p.Close(in.roomName(), now) })
}
