package agent

import (
	"slices"
	"time"

	"earshot/gateway/livekit/wire"
)

// room is one that is open.
type room struct {
	info       *wire.Room
	dispatches []*dispatch
	jobs       []*job // that are not over
	people     map[string]*person
	arrivals   []*person
}

// person is somebody whom jobs may be for.
type person struct {
	info      *wire.ParticipantInfo
	publishes bool
	gone      bool
}

// Open is a room that opens, with the agents that it is to have: without any,
// one of those that have no name, as LiveKit has it.
func (p *Pool) Open(info *wire.Room, agents []*wire.RoomAgentDispatch, now time.Time) []Effect {
	if p.rooms == nil {
		p.rooms = make(map[string]*room)
	}
	if p.rooms[info.Name] != nil {
		return nil
	}
	r := &room{info: info, people: make(map[string]*person)}
	p.rooms[info.Name] = r
	if len(agents) == 0 {
		agents = []*wire.RoomAgentDispatch{{}}
	}
	for _, a := range agents[:min(len(agents), MaxDispatches)] {
		p.launch(r, p.dispatch(r, wire.AgentDispatch{
			AgentName: a.AgentName, Metadata: a.Metadata, RestartPolicy: a.RestartPolicy,
			Deployment: a.Deployment, Attributes: a.Attributes,
		}, now), nil, now)
	}
	return p.done()
}

// Close is a room that closes: its jobs end, and their agents are sent out.
func (p *Pool) Close(name string, now time.Time) []Effect {
	r := p.rooms[name]
	if r == nil {
		return nil
	}
	for _, j := range slices.Clone(r.jobs) {
		p.terminate(j)
		if j.present {
			p.remove(j)
		}
		p.end(j, wire.JobSuccess, "", now)
	}
	delete(p.rooms, name)
	return p.done()
}

// Simulate makes a job in a room that is open, for the worker that asks.
func (p *Pool) Simulate(id string, s *wire.SimulateJob, now time.Time) []Effect {
	w := p.workers[id]
	if w == nil || s.Room == nil || p.rooms[s.Room.Name] == nil {
		return nil
	}
	g := w.group
	g.kind = s.Type
	if j := p.job(p.rooms[s.Room.Name], nil, g, &person{info: s.Participant}, now); j != nil {
		j.group = w.group // whatever it plays, one like this does it
		p.offer(j, now)
	}
	return p.done()
}

// Enter is somebody who came. An agent makes its job one that is seen; others
// may have jobs made for them. Somebody who was there is only described anew.
func (p *Pool) Enter(name string, info *wire.ParticipantInfo, agent bool, now time.Time) []Effect {
	r := p.rooms[name]
	if r == nil {
		return nil
	}
	if agent {
		if j := r.jobOf(info.Identity); j != nil {
			j.present = true
			if j.phase == leaving {
				j.phase, j.until = running, time.Time{}
			}
		}
		return nil
	}
	if here := r.people[info.Identity]; here != nil {
		here.info = info
		return nil
	}
	who := &person{info: info}
	r.people[info.Identity] = who
	r.arrivals = append(r.arrivals, who)
	for _, d := range r.dispatches {
		p.launch(r, d, []*person{who}, now)
	}
	return p.done()
}

// Publish is somebody who publishes: the first time counts.
func (p *Pool) Publish(name string, info *wire.ParticipantInfo, now time.Time) []Effect {
	r := p.rooms[name]
	if r == nil || r.people[info.Identity] == nil || r.people[info.Identity].publishes {
		return nil
	}
	who := r.people[info.Identity]
	who.publishes, who.info = true, info
	for _, d := range r.dispatches {
		p.launch(r, d, []*person{who}, now)
	}
	return p.done()
}

// Leave is somebody who left. sent: by order, so that an agent's job does not
// begin again.
func (p *Pool) Leave(name, identity string, agent, sent bool, now time.Time) []Effect {
	r := p.rooms[name]
	switch {
	case r == nil:
	case agent:
		if j := r.jobOf(identity); j != nil && j.present {
			j.present = false
			p.left(j, sent, now)
		}
	case r.people[identity] != nil:
		who := r.people[identity]
		who.gone = true
		delete(r.people, identity)
		r.arrivals = slices.DeleteFunc(r.arrivals, func(p *person) bool { return p == who })
		for _, d := range r.dispatches {
			for w := range d.made {
				if w.target == identity {
					delete(d.made, w)
				}
			}
		}
		for _, j := range slices.Clone(r.jobs) {
			if j.target == who && (j.phase == waiting || j.phase == offered) {
				p.end(j, wire.JobFailed, "who it was for has left", now)
			}
		}
	}
	return p.done()
}

// left is what becomes of j when its agent left.
func (p *Pool) left(j *job, sent bool, now time.Time) {
	switch {
	case sent:
		p.terminate(j)
		p.end(j, wire.JobFailed, "the agent was removed from the room", now)
	case j.phase == ending:
		p.end(j, wire.JobSuccess, "", now)
	case j.phase == lost && j.until.IsZero():
		p.fail(j, "the worker vanished", now)
	case j.phase == running:
		j.phase, j.until = leaving, now.Add(Farewell)
	}
}

// job makes one, or nil where there are too many.
func (p *Pool) job(r *room, d *dispatch, g group, target *person, now time.Time) *job {
	if len(r.jobs) >= MaxJobs {
		return nil
	}
	id := p.id("AJ_", now)
	j := &job{number: p.made, group: g, room: r, of: d, target: target, wire: wire.Job{
		ID: id, Type: g.kind, Room: r.info, Namespace: g.namespace, AgentName: g.name,
		Deployment: g.deployment, State: &wire.JobState{},
	}}
	if target != nil {
		j.wire.Participant = target.info
	}
	if d != nil {
		j.wire.DispatchID, j.wire.Metadata, j.wire.Attributes = d.about.ID, d.about.Metadata, d.about.Attributes
	}
	r.jobs = append(r.jobs, j)
	return j
}

// jobOf returns the job whose agent has this identity.
func (r *room) jobOf(identity string) *job {
	for _, j := range r.jobs {
		if j.phase >= running && j.wire.State.ParticipantIdentity == identity {
			return j
		}
	}
	return nil
}

func (r *room) drop(j *job) {
	r.jobs = slices.DeleteFunc(r.jobs, func(other *job) bool { return other == j })
}
