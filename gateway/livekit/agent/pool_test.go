package agent

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot/gateway/livekit/wire"
)

// A worker without a name gets the job of a room that opens; the token is of its
// key, and its agent has an identity where it chose none.
func TestRoomJob(t *testing.T) {
	s := newStage(t)
	w := s.worker("")
	s.open()
	to, job := s.offer()
	if to != w || job.Room.Name != "plaza" || job.DispatchID == "" || job.Type != wire.JobRoom || job.State.Status != wire.JobRunning {
		t.Fatalf("offered to %s: %+v", to, job)
	}
	s.status(wire.JobPending)
	a := s.take(w, job)
	if a.Key != "key" || a.Identity != "agent-"+job.ID || !a.Permissions.CanPublish || a.Job.State.WorkerID != w {
		t.Errorf("assigned %+v", a)
	}
	s.enter("ada") // a room has one such job
	s.none("a room's job is there")
	s.status(wire.JobRunning)
	s.did(s.Update(w, &wire.UpdateJobStatus{JobID: job.ID, Status: wire.JobSuccess}, s.now))
	s.leave(a.Identity, true, false)
	s.status(wire.JobSuccess)
	s.pass(time.Hour)
	s.none("it was done")
}

// Names, namespaces, deployments and kinds choose workers: one job for each
// namespace, none for workers of another name.
func TestWho(t *testing.T) {
	s := newStage(t)
	for _, space := range []string{"red", "blue", "blue"} {
		s.worker("", func(r *wire.RegisterWorker) { r.Namespace = space })
	}
	s.worker("guide")
	s.worker("", func(r *wire.RegisterWorker) { r.Deployment = "next" })
	s.open()
	var spaces []string
	for _, e := range s.offered() {
		spaces = append(spaces, e.Message.Availability.Job.Namespace)
	}
	if slices.Sort(spaces); !slices.Equal(spaces, []string{"blue", "red"}) {
		t.Errorf("offers in %v", spaces)
	}
	d, effects, err := s.Dispatch(&wire.CreateAgentDispatchRequest{Room: "plaza", AgentName: "guide", Metadata: "m", Attributes: map[string]string{"a": "b"}}, s.now)
	if err != nil || len(d.State.Jobs) != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	s.did(effects)
	if _, job := s.offer(); job.AgentName != "guide" || job.Metadata != "m" || job.Attributes["a"] != "b" || job.DispatchID != d.ID {
		t.Errorf("offered %+v", job)
	}
}

// A job for each who comes, and for each who publishes; agents are neither.
// Somebody who comes again is somebody new.
func TestPeople(t *testing.T) {
	s := newStage(t)
	s.worker("", kind(wire.JobParticipant))
	s.worker("", kind(wire.JobPublisher))
	s.open()
	s.enter("ada")
	if _, job := s.offer(); job.Type != wire.JobParticipant || job.Participant.Identity != "ada" {
		t.Errorf("offered %+v", job)
	}
	for range 2 {
		s.did(s.Publish("plaza", &wire.ParticipantInfo{Identity: "ada"}, s.now))
	}
	if _, job := s.offer(); job.Type != wire.JobPublisher {
		t.Errorf("offered %+v", job)
	}
	s.did(s.Enter("plaza", &wire.ParticipantInfo{Identity: "agent"}, true, s.now))
	s.enter("ada") // a session that was replaced
	s.none("nobody new")
	s.leave("ada", false, false)
	s.status(wire.JobFailed, wire.JobFailed) // which nobody had taken
	s.enter("ada")
	s.offer()
}

// The least busy worker is asked; what was given counts until it says how busy
// it is; full ones and those that said no are not asked.
func TestLeastBusy(t *testing.T) {
	s := newStage(t)
	part := kind(wire.JobParticipant)
	a, b, c := s.worker("", part), s.worker("", part), s.worker("", part)
	full := wire.WorkerFull
	s.did(s.Status(a, &wire.UpdateWorkerStatus{Load: 0.5}, s.now))
	s.did(s.Status(b, &wire.UpdateWorkerStatus{Load: 0.25}, s.now))
	s.did(s.Status(c, &wire.UpdateWorkerStatus{Status: &full}, s.now))
	s.open()
	var order []string
	for i := range 5 {
		s.enter(fmt.Sprint("p", i))
		to, job := s.offer()
		order = append(order, to)
		s.take(to, job)
	}
	if want := []string{b, b, b, a, b}; !slices.Equal(order, want) {
		t.Errorf("asked %v, want %v", order, want)
	}
	s.did(s.Status(b, &wire.UpdateWorkerStatus{Load: 0.3}, s.now))
	s.enter("next")
	to, job := s.offer()
	s.decline(to, job)
	if other, _ := s.offer(); to != b || other != a {
		t.Errorf("asked %s, then %s", to, other)
	}
}

// A load that is no number is that of a worker which takes nothing.
func TestLoadIsNoNumber(t *testing.T) {
	s := newStage(t)
	w := s.worker("")
	var zero float32
	for _, load := range []float32{zero / zero, 1 / zero, -1, 1} {
		s.did(s.Status(w, &wire.UpdateWorkerStatus{Load: load}, s.now))
		s.open()
		s.none(fmt.Sprint("a load of ", load))
		s.did(s.Close("plaza", s.now))
	}
}

// Nobody who takes a job: all are asked again, ever more seldom; a worker that
// comes or gets free is asked at once.
func TestWaits(t *testing.T) {
	s := newStage(t)
	s.open("guide") // before there is any
	s.none("no worker")
	w := s.worker("guide")
	for i, wait := range []time.Duration{5, 10, 20} {
		to, job := s.offer()
		if to != w {
			t.Fatalf("asked %s", to)
		}
		if i == 1 { // no answer is no
			s.pass(OfferTimeout)
			s.did(s.Answer(w, &wire.AvailabilityResponse{JobID: job.ID, Available: true}, s.now))
		} else {
			s.decline(to, job)
		}
		s.pass(wait*time.Second - time.Second)
		s.none("too early")
		s.pass(time.Second)
	}
	_, job := s.offer()
	s.decline(w, job)
	other := s.worker("guide")
	if to, _ := s.offer(); to != other {
		t.Errorf("asked %s, want the new one", to)
	}
}

// A worker says that a job is not to be done at all.
func TestTerminate(t *testing.T) {
	s := newStage(t)
	w := s.worker("")
	s.open()
	_, job := s.offer()
	s.did(s.Answer(w, &wire.AvailabilityResponse{JobID: job.ID, Terminate: true}, s.now))
	s.status(wire.JobSuccess)
	s.pass(time.Hour)
	s.none("it is not wanted")
}

// Answers and updates of others than who was asked change nothing.
func TestForged(t *testing.T) {
	s := newStage(t)
	w, other := s.worker(""), s.worker("guide")
	s.open()
	_, job := s.offer()
	s.did(s.Answer(other, &wire.AvailabilityResponse{JobID: job.ID, Available: true}, s.now))
	s.did(s.Answer("AW_none", &wire.AvailabilityResponse{JobID: job.ID, Available: true}, s.now))
	s.did(s.Update(other, &wire.UpdateJobStatus{JobID: job.ID, Status: wire.JobSuccess}, s.now))
	if len(s.seen) != 0 {
		t.Fatalf("what came of it: %+v", s.seen)
	}
	s.take(w, job)
	s.did(s.Update(other, &wire.UpdateJobStatus{JobID: job.ID, Status: wire.JobSuccess}, s.now))
	s.did(s.Migrate(other, &wire.MigrateJob{JobIDs: []string{job.ID}}, s.now))
	s.did(s.Answer(w, &wire.AvailabilityResponse{JobID: job.ID, Available: true}, s.now)) // twice
	if got := s.jobs()[0]; got.WorkerID != w || got.Status != wire.JobRunning {
		t.Errorf("the job is %+v", got)
	}
}

// A worker that loses its connection keeps its job if it comes back with it, and
// if its agent stays in the room; else another gets it.
func TestVanished(t *testing.T) {
	s := newStage(t)
	w := s.worker("")
	s.open()
	_, job := s.offer()
	a := s.take(w, job)

	s.did(s.Gone(w, s.now))
	s.pass(Grace / 2)
	back := s.worker("")
	s.none("the worker may come back with it")
	s.did(s.Migrate(back, &wire.MigrateJob{JobIDs: []string{job.ID}}, s.now))
	s.pass(time.Minute)
	s.none("it is back")
	if got := s.jobs()[0].WorkerID; got != back {
		t.Errorf("the job is %s's, want %s's", got, back)
	}

	s.did(s.Gone(back, s.now))
	third := s.worker("")
	s.pass(time.Hour)
	s.none("the agent is in the room")
	s.leave(a.Identity, true, false)
	all := s.offered()
	if len(all) != 1 || all[0].To != third || !all[0].Message.Availability.Resuming || all[0].Message.Availability.Job.ID != job.ID {
		t.Fatalf("offered %+v", all)
	}

	s.did(s.Gone(third, s.now)) // while it thinks
	fourth := s.worker("")
	if to, _ := s.offer(); to != fourth {
		t.Errorf("asked %s", to)
	}
}

// A job that fails begins again a few times, ever later, unless its dispatch
// says never, or who it was for has left.
func TestFails(t *testing.T) {
	s := newStage(t)
	w := s.worker("")
	s.open()
	for try, wait := range []time.Duration{5, 10, 20, 0} {
		_, job := s.offer()
		a := s.take(w, job)
		s.did(s.Update(w, &wire.UpdateJobStatus{JobID: job.ID, Status: wire.JobFailed, Error: "crashed"}, s.now))
		s.leave(a.Identity, true, false)
		if wait == 0 {
			break
		}
		s.pass(wait*time.Second - time.Second)
		s.none(fmt.Sprint("too early after try ", try+1))
		other := s.worker("") // nor does another worker get it sooner
		s.did(s.Gone(other, s.now))
		s.pass(time.Second)
	}
	s.pass(time.Hour)
	s.none("four times are enough")
	s.status(wire.JobFailed)
	if got := s.jobs()[0].Error; got != "crashed" {
		t.Errorf("error %q", got)
	}

	s.did(s.Close("plaza", s.now))
	s.did(s.Open(&wire.Room{Name: "plaza"}, []*wire.RoomAgentDispatch{{RestartPolicy: wire.RestartNever}}, s.now))
	_, job := s.offer()
	s.take(w, job)
	s.did(s.Update(w, &wire.UpdateJobStatus{JobID: job.ID, Status: wire.JobFailed}, s.now))
	s.pass(time.Minute)
	s.none("never")
}

// An agent that leaves: its worker says how its job ended, or else it failed.
// One that comes back in time goes on; one that was sent out does not.
func TestAgentLeaves(t *testing.T) {
	s := newStage(t)
	w := s.worker("")
	s.open()
	_, job := s.offer()
	a := s.take(w, job)
	s.leave(a.Identity, true, false)
	s.pass(Farewell - time.Second)
	s.did(s.Enter("plaza", &wire.ParticipantInfo{Identity: a.Identity}, true, s.now))
	s.pass(time.Minute)
	s.status(wire.JobRunning)

	s.leave(a.Identity, true, false)
	s.pass(Farewell)
	if got := s.terminated(); !slices.Equal(got, []string{job.ID}) {
		t.Errorf("terminated %v", got)
	}
	s.pass(FirstWait)
	_, job = s.offer()
	a = s.take(w, job)
	s.leave(a.Identity, true, true)
	s.pass(time.Hour)
	s.none("it was sent out")
	s.status(wire.JobFailed)
}

// A dispatch that is deleted ends its jobs; an agent that does not leave is sent
// out. So is every agent of a room that closes.
func TestDeleted(t *testing.T) {
	s := newStage(t)
	w := s.worker("guide")
	s.open("guide", "guide")
	offers := s.offered()
	for _, e := range offers {
		s.take(w, e.Message.Availability.Job)
	}
	all, _ := s.Dispatches("plaza", "")
	d, effects, err := s.Undispatch("plaza", all[0].ID, s.now)
	if err != nil || d.State.DeletedAt == 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	s.did(effects)
	first := offers[0].Message.Availability.Job.ID
	if got := s.terminated(); !slices.Equal(got, []string{first}) {
		t.Errorf("terminated %v", got)
	}
	s.pass(Farewell - time.Second)
	if len(s.removed()) != 0 {
		t.Error("sent out before it could leave")
	}
	s.pass(time.Second)
	if got := s.removed(); !slices.Equal(got, []string{"agent-" + first}) {
		t.Errorf("sent out %v", got)
	}
	s.did(s.Close("plaza", s.now))
	if got := s.removed(); len(got) != 2 || len(s.terminated()) != 2 {
		t.Errorf("sent out %v, terminated %v", got, s.terminated())
	}
	if _, err := s.Dispatches("plaza", ""); err == nil {
		t.Error("a closed room has dispatches")
	}
	if _, _, err := s.Undispatch("plaza", d.ID, s.now); err == nil {
		t.Error("a closed room has a dispatch")
	}
}

// Where an agent stands: by the attribute of its dispatch, a member of its
// metadata, or its worker's own word.
func TestPlace(t *testing.T) {
	const pose = `{"p":[1,0,2]}`
	for name, c := range map[string]struct {
		dispatch wire.RoomAgentDispatch
		worker   map[string]string
		want     string
	}{
		"nowhere":   {wire.RoomAgentDispatch{Metadata: "plain text"}, nil, ""},
		"attribute": {wire.RoomAgentDispatch{Attributes: map[string]string{AttributePose: pose, "other": "x"}}, nil, pose},
		"metadata":  {wire.RoomAgentDispatch{Metadata: `{"x":1,"earshot.pose":` + pose + `}`}, nil, pose},
		"as text":   {wire.RoomAgentDispatch{Metadata: `{"earshot.pose":"{\"p\":[1,0,2]}"}`}, nil, pose},
		"worker":    {wire.RoomAgentDispatch{Attributes: map[string]string{AttributePose: "x"}}, map[string]string{AttributePose: pose}, pose},
	} {
		s := newStage(t)
		w := s.worker("guide")
		c.dispatch.AgentName = "guide"
		s.did(s.Open(&wire.Room{Name: "plaza"}, []*wire.RoomAgentDispatch{&c.dispatch}, s.now))
		_, job := s.offer()
		s.did(s.Answer(w, &wire.AvailabilityResponse{JobID: job.ID, Available: true, ParticipantAttributes: c.worker}, s.now))
		got := s.seen[len(s.seen)-1].Assign.Attributes
		if got[AttributePose] != c.want || got["other"] != "" || got[attributeName] != "guide" {
			t.Errorf("%s: attributes %v", name, got)
		}
	}
	s := newStage(t)
	s.open()
	if _, _, err := s.Dispatch(&wire.CreateAgentDispatchRequest{Room: "plaza", Attributes: map[string]string{AttributePose: "here"}}, s.now); err == nil {
		t.Error("a place that is none was taken")
	}
}

// What may be, may be only so often.
func TestBounds(t *testing.T) {
	s := newStage(t)
	for range MaxWorkers {
		s.worker("", kind(wire.JobParticipant))
	}
	if _, _, err := s.Register("key", &wire.RegisterWorker{}, s.now); err == nil {
		t.Error("one worker too many")
	}
	s.open()
	for range MaxDispatches - 1 {
		if _, _, err := s.Dispatch(&wire.CreateAgentDispatchRequest{Room: "plaza", AgentName: "other"}, s.now); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Dispatch(&wire.CreateAgentDispatchRequest{Room: "plaza"}, s.now); err == nil {
		t.Error("one dispatch too many")
	}
	for i := range MaxJobs + 10 {
		s.enter(fmt.Sprint("p", i))
	}
	if got := len(s.rooms["plaza"].jobs); got != MaxJobs {
		t.Errorf("%d jobs, want %d", got, MaxJobs)
	}
	for i := range MaxJobs {
		s.leave(fmt.Sprint("p", i), false, false)
	}
	if got := len(s.jobs()); got > keptEnded+1 {
		t.Errorf("%d jobs that ended are kept", got)
	}
	for _, r := range []*wire.RegisterWorker{{Type: 3}, {Type: -1}, {AgentName: strings.Repeat("a", MaxNameBytes+1)}} {
		if _, _, err := new(Pool).Register("key", r, s.now); err == nil {
			t.Errorf("%+v was registered", r)
		}
	}
}
