package agent

import (
	"slices"
	"strconv"
	"time"

	"earshot"
	"earshot/gateway/livekit/wire"
)

const (
	// MaxWorkers is how many workers may be registered at once.
	MaxWorkers = 512
	// MaxDispatches is how many dispatches a room may have.
	MaxDispatches = 64
	// MaxJobs is how many jobs of a room may wait or be done at once; what more
	// would want one gets none.
	MaxJobs = 512
	// MaxNameBytes bounds the name, namespace and deployment of an agent each.
	MaxNameBytes = 128

	// OfferTimeout is how long a worker may think about a job.
	OfferTimeout = 10 * time.Second
	// Grace is how long a worker that vanished may take to come back and say
	// that it still does its jobs.
	Grace = 15 * time.Second
	// Farewell is how long a worker may take to say how a job ended whose agent
	// left, and an agent to leave whose dispatch was deleted.
	Farewell = 5 * time.Second
	// FirstWait is how long a job waits that nobody took until all are asked
	// again; twice as long each time, up to LongestWait.
	FirstWait   = 5 * time.Second
	LongestWait = 5 * time.Minute
	// MaxTries is how often a job is given to a worker.
	MaxTries = 4

	// pressure is what a job adds to a worker's load until the worker says what
	// it does: without it, all who come at once would go to the same one.
	pressure = 0.1
)

// Effect is something to be done: a message to the worker To, an assignment to
// it, or the removal of an agent from a room.
type Effect struct {
	To      string
	Message *wire.ServerMessage
	Assign  *Assignment
	Remove  *Removal
}

// Assignment gives a job to the worker Effect.To, which becomes a JobAssignment
// when it is joined by a token. The token is signed with the worker's own key.
type Assignment struct {
	Job         *wire.Job
	Key         string // id of the API key
	Identity    string
	Name        string
	Metadata    string
	Attributes  map[string]string
	Permissions *wire.ParticipantPermission
}

// Removal asks that an agent be sent out of a room.
type Removal struct{ Room, Identity string }

// Pool has the workers, and the rooms that are open.
type Pool struct {
	workers map[string]*worker
	crews   []*crew // of workers, none empty
	rooms   map[string]*room
	out     []Effect
	made    uint64 // ids
}

// group is what a worker has to be for a job to be its.
type group struct {
	name, namespace, deployment string
	kind                        wire.JobType
}

// crew are the workers of a group, as they registered.
type crew struct {
	group   group
	workers []*worker
}

type worker struct {
	id, key     string
	group       group
	permissions *wire.ParticipantPermission
	full        bool
	load        float32
	since       int             // jobs given since the load was said
	offers      map[string]*job // that it thinks about
	jobs        map[string]*job // that it does
}

// Register adds a worker whose token was signed by key, and returns its id. What
// it is offered then is among the effects: they come after the answer to it.
func (p *Pool) Register(key string, r *wire.RegisterWorker, now time.Time) (string, []Effect, error) {
	switch {
	case r.Type < wire.JobRoom || r.Type > wire.JobParticipant:
		return "", nil, earshot.Errorf(earshot.CodeInvalidArgument, "job type %d is none of room, publisher and participant", r.Type)
	case len(r.AgentName) > MaxNameBytes || len(r.Namespace) > MaxNameBytes || len(r.Deployment) > MaxNameBytes:
		return "", nil, earshot.Errorf(earshot.CodeInvalidArgument, "agent name, namespace and deployment have at most %d bytes each", MaxNameBytes)
	case len(p.workers) >= MaxWorkers:
		return "", nil, earshot.Errorf(earshot.CodeResourceExhausted, "%d agents' workers are registered, and no more may be; try again later", MaxWorkers)
	}
	permissions := r.AllowedPermissions
	if permissions == nil {
		permissions = &wire.ParticipantPermission{CanSubscribe: true, CanPublish: true, CanPublishData: true, CanUpdateMetadata: true}
	}
	w := &worker{
		id: p.id("AW_", now), key: key, permissions: permissions,
		group:  group{r.AgentName, r.Namespace, r.Deployment, r.Type},
		offers: make(map[string]*job), jobs: make(map[string]*job),
	}
	if p.workers == nil {
		p.workers = make(map[string]*worker)
	}
	p.workers[w.id] = w
	if c := p.crew(w.group); c != nil {
		c.workers = append(c.workers, w)
	} else {
		p.crews = append(p.crews, &crew{group: w.group, workers: []*worker{w}})
		for _, r := range p.rooms {
			for _, d := range r.dispatches {
				p.launch(r, d, r.arrivals, now)
			}
		}
	}
	p.call(w, now)
	return w.id, p.done(), nil
}

// Workers returns how many are registered.
func (p *Pool) Workers() int { return len(p.workers) }

// Gone forgets a worker whose connection ended. What it was asked goes to
// others; what it does goes on if it comes back in time.
func (p *Pool) Gone(id string, now time.Time) []Effect {
	w := p.workers[id]
	if w == nil {
		return nil
	}
	delete(p.workers, id)
	c := p.crew(w.group)
	c.workers = slices.DeleteFunc(c.workers, func(other *worker) bool { return other == w })
	if len(c.workers) == 0 {
		p.crews = slices.DeleteFunc(p.crews, func(other *crew) bool { return other == c })
	}
	for _, j := range sorted(w.offers) {
		j.worker = nil
		p.offer(j, now)
	}
	for _, j := range sorted(w.jobs) {
		j.worker = nil
		switch j.phase {
		case leaving:
			p.fail(j, "the agent left the room", now)
		case ending:
			j.until = now // its agent hears nothing of it any more
		default:
			j.phase, j.until = lost, now.Add(Grace)
		}
	}
	return p.done()
}

// Take is a message of a worker that is registered. What is not known is
// ignored, as is another registration; pings are the gateway's.
func (p *Pool) Take(id string, m *wire.WorkerMessage, now time.Time) []Effect {
	switch {
	case m.Availability != nil:
		return p.Answer(id, m.Availability, now)
	case m.UpdateWorker != nil:
		return p.Status(id, m.UpdateWorker, now)
	case m.UpdateJob != nil:
		return p.Update(id, m.UpdateJob, now)
	case m.SimulateJob != nil:
		return p.Simulate(id, m.SimulateJob, now)
	case m.MigrateJob != nil:
		return p.Migrate(id, m.MigrateJob, now)
	}
	return nil
}

// Status is what a worker says of itself.
func (p *Pool) Status(id string, u *wire.UpdateWorkerStatus, now time.Time) []Effect {
	w := p.workers[id]
	if w == nil {
		return nil
	}
	busy := !w.free()
	if u.Status != nil {
		w.full = *u.Status != wire.WorkerAvailable
	}
	w.load, w.since = 1, 0
	if u.Load >= 0 { // and a number
		w.load = u.Load
	}
	if busy && w.free() {
		p.call(w, now)
	}
	return p.done()
}

// Migrate gives jobs back to a worker that returned, or whose like did, and that
// still does them.
func (p *Pool) Migrate(id string, m *wire.MigrateJob, now time.Time) []Effect {
	w := p.workers[id]
	if w == nil {
		return nil
	}
	for _, r := range p.rooms {
		for _, j := range r.jobs {
			if j.phase == lost && j.key == w.key && j.group == w.group && slices.Contains(m.JobIDs, j.wire.ID) {
				p.give(j, w, now)
			}
		}
	}
	return p.done()
}

// Tick does what is due at now.
func (p *Pool) Tick(now time.Time) []Effect {
	for _, r := range p.rooms {
		for _, j := range slices.Clone(r.jobs) {
			if !j.until.IsZero() && !now.Before(j.until) {
				p.expire(j, now)
			}
		}
	}
	return p.done()
}

// crew returns the workers of a group, nil where there are none.
func (p *Pool) crew(g group) *crew {
	for _, c := range p.crews {
		if c.group == g {
			return c
		}
	}
	return nil
}

// free reports whether w takes jobs.
func (w *worker) free() bool { return !w.full && w.load < 1 }

// busyness orders workers that are free.
func (w *worker) busyness() float32 { return w.load + pressure*float32(w.since+len(w.offers)) }

// call offers w the jobs that wait for one like it.
func (p *Pool) call(w *worker, now time.Time) {
	for _, r := range p.rooms {
		for _, j := range slices.Clone(r.jobs) {
			if _, asked := j.asked[w.id]; j.phase == waiting && j.group == w.group && !asked && j.after.Before(now) {
				p.offer(j, now)
			}
		}
	}
}

// done returns the effects that were collected.
func (p *Pool) done() []Effect {
	out := p.out
	p.out = nil
	return out
}

func (p *Pool) send(w *worker, m *wire.ServerMessage) {
	p.out = append(p.out, Effect{To: w.id, Message: m})
}

// id makes one that this pool has not given before, nor one of another time.
func (p *Pool) id(prefix string, now time.Time) string {
	p.made++
	return prefix + strconv.FormatInt(now.UnixMilli(), 36) + strconv.FormatUint(p.made, 36)
}

// sorted returns jobs in the order in which they were made: effects come in the
// same order for the same calls.
func sorted(jobs map[string]*job) []*job {
	all := make([]*job, 0, len(jobs))
	for _, j := range jobs {
		all = append(all, j)
	}
	slices.SortFunc(all, func(a, b *job) int { return int(a.number) - int(b.number) })
	return all
}
