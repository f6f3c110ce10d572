package agent

import (
	"slices"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
)

// keptEnded is how many jobs that ended a dispatch still shows.
const keptEnded = 32

// dispatch is a wish for an agent.
type dispatch struct {
	about wire.AgentDispatch // State is made by describe
	since time.Time
	jobs  []*job
	made  map[want]struct{} // what it has, or had, a job for
}

// want is what a dispatch makes one job for.
type want struct {
	group  group
	target string
}

// Dispatch adds a dispatch to a room that is open, and returns it.
func (p *Pool) Dispatch(c *wire.CreateAgentDispatchRequest, now time.Time) (*wire.AgentDispatch, []Effect, error) {
	r := p.rooms[c.Room]
	switch {
	case r == nil:
		return nil, nil, notOpen(c.Room)
	case len(c.AgentName) > MaxNameBytes || len(c.Deployment) > MaxNameBytes:
		return nil, nil, earshot.Errorf(earshot.CodeInvalidArgument, "agent name and deployment have at most %d bytes each", MaxNameBytes)
	case len(r.dispatches) >= MaxDispatches:
		return nil, nil, earshot.Errorf(earshot.CodeResourceExhausted, "room %s has %d dispatches, and no more may be; delete one first", c.Room, MaxDispatches)
	}
	about := wire.AgentDispatch{
		AgentName: c.AgentName, Metadata: c.Metadata, RestartPolicy: c.RestartPolicy, Deployment: c.Deployment, Attributes: c.Attributes,
	}
	if text, said := placeOf(&about); said {
		if _, ok := livekit.ParsePlace([]byte(text)); !ok {
			return nil, nil, earshot.Errorf(earshot.CodeInvalidArgument, `%s of the dispatch is no pose; it is JSON such as {"p":[0,0,0],"q":[0,0,0,1]}, with metres in p`, AttributePose)
		}
	}
	d := p.dispatch(r, about, now)
	p.launch(r, d, r.arrivals, now)
	return d.describe(), p.done(), nil
}

// Undispatch takes a dispatch back. Its agents have a moment to leave.
func (p *Pool) Undispatch(name, id string, now time.Time) (*wire.AgentDispatch, []Effect, error) {
	r := p.rooms[name]
	if r == nil {
		return nil, nil, notOpen(name)
	}
	i := slices.IndexFunc(r.dispatches, func(d *dispatch) bool { return d.about.ID == id })
	if i < 0 {
		return nil, nil, earshot.Errorf(earshot.CodeNotFound, "room %s has no dispatch %.64q; ListDispatch says which it has", name, id)
	}
	d := r.dispatches[i]
	r.dispatches = slices.Delete(r.dispatches, i, i+1)
	for _, j := range slices.Clone(r.jobs) {
		if j.of != d {
			continue
		}
		p.terminate(j)
		if j.phase == waiting || j.phase == offered {
			p.end(j, wire.JobSuccess, "", now)
		} else {
			j.phase, j.until = ending, now.Add(Farewell)
		}
	}
	about := d.describe()
	about.State.DeletedAt = now.UnixNano()
	return about, p.done(), nil
}

// Dispatches returns the dispatches of a room, or the one with id.
func (p *Pool) Dispatches(name, id string) ([]*wire.AgentDispatch, error) {
	r := p.rooms[name]
	if r == nil {
		return nil, notOpen(name)
	}
	var all []*wire.AgentDispatch
	for _, d := range r.dispatches {
		if id == "" || d.about.ID == id {
			all = append(all, d.describe())
		}
	}
	return all, nil
}

// dispatch adds one to r.
func (p *Pool) dispatch(r *room, about wire.AgentDispatch, now time.Time) *dispatch {
	about.ID, about.Room = p.id("AD_", now), r.info.Name
	d := &dispatch{about: about, since: now, made: make(map[want]struct{})}
	r.dispatches = append(r.dispatches, d)
	return d
}

// launch makes the jobs that d wants for the room and for people, and has not
// had: one for each namespace of workers that there is.
func (p *Pool) launch(r *room, d *dispatch, people []*person, now time.Time) {
	for _, c := range p.crews {
		if c.group.name != d.about.AgentName || c.group.deployment != d.about.Deployment {
			continue
		}
		if c.group.kind == wire.JobRoom {
			p.want(r, d, c.group, nil, now)
			continue
		}
		for _, who := range people {
			if c.group.kind == wire.JobParticipant || who.publishes {
				p.want(r, d, c.group, who, now)
			}
		}
	}
}

func (p *Pool) want(r *room, d *dispatch, g group, target *person, now time.Time) {
	key := want{group: g}
	if target != nil {
		key.target = target.info.Identity
	}
	if _, made := d.made[key]; made {
		return
	}
	if j := p.job(r, d, g, target, now); j != nil {
		d.made[key] = struct{}{}
		d.jobs = append(d.jobs, j)
		p.offer(j, now)
	}
}

// forget drops the oldest of too many jobs that ended.
func (d *dispatch) forget() {
	ended := 0
	for _, j := range d.jobs {
		if j.phase == over {
			ended++
		}
	}
	d.jobs = slices.DeleteFunc(d.jobs, func(j *job) bool {
		if j.phase != over || ended <= keptEnded {
			return false
		}
		ended--
		return true
	})
}

// describe returns d as others are shown it.
func (d *dispatch) describe() *wire.AgentDispatch {
	about := d.about
	about.State = &wire.AgentDispatchState{CreatedAt: d.since.UnixNano()}
	for _, j := range d.jobs {
		about.State.Jobs = append(about.State.Jobs, j.describe())
	}
	return &about
}

func notOpen(name string) error {
	return earshot.Errorf(earshot.CodeNotFound, "room %.64s is not open: nobody is there; CreateRoom opens it", name)
}
