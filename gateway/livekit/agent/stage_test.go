package agent

import (
	"slices"
	"testing"
	"time"

	"earshot/gateway/livekit/wire"
)

// stage is a pool with what came of it, and a clock that only moves when told.
type stage struct {
	*testing.T
	Pool
	now  time.Time
	seen []Effect
}

func newStage(t *testing.T) *stage { return &stage{T: t, now: time.Unix(1795262400, 0)} }

func (s *stage) did(effects []Effect) { s.seen = append(s.seen, effects...) }

// pass lets time pass, with a Tick each second as the gateway has it.
func (s *stage) pass(d time.Duration) {
	for range int(d / time.Second) {
		s.now = s.now.Add(time.Second)
		s.did(s.Tick(s.now))
	}
}

// worker registers one that is called name.
func (s *stage) worker(name string, change ...func(*wire.RegisterWorker)) string {
	s.Helper()
	r := &wire.RegisterWorker{AgentName: name}
	for _, f := range change {
		f(r)
	}
	id, effects, err := s.Register("key", r, s.now)
	if err != nil {
		s.Fatal(err)
	}
	s.did(effects)
	return id
}

func kind(k wire.JobType) func(*wire.RegisterWorker) {
	return func(r *wire.RegisterWorker) { r.Type = k }
}

// open opens the room plaza for agents of these names.
func (s *stage) open(names ...string) {
	var wanted []*wire.RoomAgentDispatch
	for _, name := range names {
		wanted = append(wanted, &wire.RoomAgentDispatch{AgentName: name})
	}
	s.did(s.Open(&wire.Room{Name: "plaza"}, wanted, s.now))
}

func (s *stage) enter(identity string) {
	s.did(s.Enter("plaza", &wire.ParticipantInfo{Identity: identity}, false, s.now))
}

// offered takes the offers that were made so far.
func (s *stage) offered() (offers []Effect) {
	for _, e := range s.seen {
		if e.Message != nil && e.Message.Availability != nil {
			offers = append(offers, e)
		}
	}
	s.seen = slices.DeleteFunc(s.seen, func(e Effect) bool { return e.Message != nil && e.Message.Availability != nil })
	return offers
}

// offer is the only offer so far.
func (s *stage) offer() (to string, job *wire.Job) {
	s.Helper()
	all := s.offered()
	if len(all) != 1 {
		s.Fatalf("%d offers, want one", len(all))
	}
	return all[0].To, all[0].Message.Availability.Job
}

func (s *stage) none(what string) {
	s.Helper()
	if all := s.offered(); len(all) != 0 {
		s.Fatalf("%s: %d offers, want none", what, len(all))
	}
}

// take has the worker take a job, and its agent join.
func (s *stage) take(worker string, job *wire.Job) *Assignment {
	s.Helper()
	s.did(s.Answer(worker, &wire.AvailabilityResponse{JobID: job.ID, Available: true}, s.now))
	last := s.seen[len(s.seen)-1]
	if last.Assign == nil || last.To != worker {
		s.Fatalf("no assignment after the job was taken: %+v", s.seen)
	}
	s.did(s.Enter("plaza", &wire.ParticipantInfo{Identity: last.Assign.Identity}, true, s.now))
	return last.Assign
}

func (s *stage) decline(worker string, job *wire.Job) {
	s.did(s.Answer(worker, &wire.AvailabilityResponse{JobID: job.ID}, s.now))
}

func (s *stage) leave(identity string, agent, sent bool) {
	s.did(s.Leave("plaza", identity, agent, sent, s.now))
}

// jobs are the states of all jobs of the room, as ListDispatch has them.
func (s *stage) jobs() (states []*wire.JobState) {
	s.Helper()
	all, err := s.Dispatches("plaza", "")
	if err != nil {
		s.Fatal(err)
	}
	for _, d := range all {
		for _, j := range d.State.Jobs {
			states = append(states, j.State)
		}
	}
	return states
}

func (s *stage) status(want ...wire.JobStatus) {
	s.Helper()
	var got []wire.JobStatus
	for _, j := range s.jobs() {
		got = append(got, j.Status)
	}
	if !slices.Equal(got, want) {
		s.Fatalf("jobs are %v, want %v", got, want)
	}
}

// terminated and removed are those that were told to end, and sent out.
func (s *stage) terminated() (jobs []string) {
	for _, e := range s.seen {
		if e.Message != nil && e.Message.Termination != nil {
			jobs = append(jobs, e.Message.Termination.JobID)
		}
	}
	return jobs
}

func (s *stage) removed() (identities []string) {
	for _, e := range s.seen {
		if e.Remove != nil {
			identities = append(identities, e.Remove.Identity)
		}
	}
	return identities
}
