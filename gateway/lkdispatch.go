package gateway

import (
	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/agent"
	"earshot/gateway/livekit/wire"
)

const dispatchService = "livekit.AgentDispatchService"

// routeDispatch calls the method of the service by which applications ask for
// agents.
func (call *roomCall) routeDispatch(method string) (any, error) {
	switch method {
	case "CreateDispatch":
		return respond(call, call.createDispatch)
	case "DeleteDispatch":
		return respond(call, call.deleteDispatch)
	case "ListDispatch":
		return respond(call, call.listDispatch)
	}
	return nil, earshot.Errorf(livekit.BadRoute, "there is no call %.64q of %s", method, dispatchService)
}

// createDispatch asks for an agent in a room, which it opens.
func (call *roomCall) createDispatch(r *wire.CreateAgentDispatchRequest) (*wire.AgentDispatch, error) {
	if err := call.by.AdminOf(r.Room); err != nil {
		return nil, err
	}
	if err := livekit.CheckAbout(r.Metadata, r.Attributes); err != nil {
		return nil, err
	}
	id := earshot.InstanceID(instancePrefix + r.Room)
	_, ok := call.g.worldConfig(worldOf(id))
	if !ok {
		return nil, noRoom(r.Room)
	}
	in, err := call.g.host(id, worldOf(id))
	if err != nil {
		return nil, err
	}
	in.mu.Lock()
	in.openRoom(nil, call.now)
	in.mu.Unlock()
	return dispatching(call.g, func(p *agent.Pool) (*wire.AgentDispatch, []agent.Effect, error) {
		return p.Dispatch(r, call.now)
	})
}

func (call *roomCall) deleteDispatch(r *wire.DeleteAgentDispatchRequest) (*wire.AgentDispatch, error) {
	if _, err := call.administered(r.Room); err != nil {
		return nil, err
	}
	return dispatching(call.g, func(p *agent.Pool) (*wire.AgentDispatch, []agent.Effect, error) {
		return p.Undispatch(r.Room, r.DispatchID, call.now)
	})
}

func (call *roomCall) listDispatch(r *wire.ListAgentDispatchRequest) (*wire.ListAgentDispatchResponse, error) {
	if _, err := call.administered(r.Room); err != nil {
		return nil, err
	}
	call.g.agents.mu.Lock()
	defer call.g.agents.mu.Unlock()
	all, err := call.g.agents.pool.Dispatches(r.Room, r.DispatchID)
	if err != nil {
		return nil, err
	}
	return &wire.ListAgentDispatchResponse{AgentDispatches: all}, nil
}

// dispatching has a dispatch changed and does what comes of it.
func dispatching(g *Gateway, change func(*agent.Pool) (*wire.AgentDispatch, []agent.Effect, error)) (*wire.AgentDispatch, error) {
	g.agents.mu.Lock()
	defer g.agents.mu.Unlock()
	d, effects, err := change(&g.agents.pool)
	g.doAgents(effects)
	return d, err
}
