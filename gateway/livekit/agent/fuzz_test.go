package agent

import (
	"fmt"
	"testing"
	"time"

	"earshot/gateway/livekit/wire"
)

// FuzzPool gives a pool frames of workers, whatever they say, between people who
// come and go and workers that vanish: what it knows of a job is one thing
// wherever one looks, and nothing is left of a room that closed.
//
// A script is steps of two bytes, what and who; a frame follows the step that
// says so, after its length.
func FuzzPool(f *testing.F) {
	frame := func(m *wire.WorkerMessage) []byte {
		data := wire.Marshal(m)
		return append([]byte{8, 0, byte(len(data))}, data...)
	}
	load := wire.WorkerFull
	first := new(Pool) // ids are the same where the same is done at the same time
	_, _, err := first.Register("key", &wire.RegisterWorker{}, fuzzTime)
	if err != nil {
		f.Fatal(err)
	}
	job := first.Open(&wire.Room{Name: "plaza"}, nil, fuzzTime)[0].Message.Availability.Job.ID
	f.Add([]byte{0, 0, 2, 0, 3, 1})
	f.Add(append([]byte{0, 0, 2, 0}, frame(&wire.WorkerMessage{Availability: &wire.AvailabilityResponse{JobID: job, Available: true}})...))
	f.Add(append([]byte{0, 0, 2, 0, 3, 0}, frame(&wire.WorkerMessage{UpdateWorker: &wire.UpdateWorkerStatus{Status: &load, Load: 0.5}})...))
	f.Add(append([]byte{0, 0, 0, 1, 2, 0}, frame(&wire.WorkerMessage{SimulateJob: &wire.SimulateJob{Type: 9, Room: &wire.Room{Name: "plaza"}}})...))
	f.Add(append([]byte{0, 0, 2, 0, 1, 0, 0, 0}, frame(&wire.WorkerMessage{MigrateJob: &wire.MigrateJob{JobIDs: []string{job}}})...))
	f.Fuzz(func(t *testing.T, script []byte) {
		p, now, workers := new(Pool), fuzzTime, [4]string{}
		for step := 0; len(script) >= 2 && step < 200; step++ {
			what, who := script[0]%9, int(script[1]%4)
			script = script[2:]
			identity := fmt.Sprint("p", who)
			var effects []Effect
			switch what {
			case 0:
				if workers[who] == "" {
					var err error
					workers[who], effects, err = p.Register("key", &wire.RegisterWorker{Type: wire.JobType(who % 3)}, now)
					if err != nil {
						t.Fatal(err)
					}
				}
			case 1:
				effects = p.Gone(workers[who], now)
				workers[who] = ""
			case 2:
				effects = p.Open(&wire.Room{Name: "plaza"}, nil, now)
			case 3:
				effects = p.Enter("plaza", &wire.ParticipantInfo{Identity: identity}, false, now)
			case 4:
				effects = p.Publish("plaza", &wire.ParticipantInfo{Identity: identity}, now)
			case 5:
				effects = p.Leave("plaza", identity, false, who == 3, now)
			case 6:
				for _, r := range p.rooms {
					for _, j := range r.jobs { // an agent comes, or goes
						id := j.wire.State.ParticipantIdentity
						if effects = p.Leave("plaza", id, true, who == 3, now); who%2 == 0 {
							effects = append(effects, p.Enter("plaza", &wire.ParticipantInfo{Identity: id}, true, now)...)
						}
						break
					}
				}
			case 7:
				now = now.Add(time.Duration(1+who*who) * time.Second)
				effects = p.Tick(now)
			case 8:
				if len(script) == 0 {
					return
				}
				n := min(int(script[0]), len(script)-1)
				var m wire.WorkerMessage
				if wire.Unmarshal(script[1:1+n], &m) == nil {
					effects = p.Take(workers[who], &m, now)
				}
				script = script[1+n:]
			}
			check(t, p, effects)
		}
		check(t, p, p.Close("plaza", now))
		for _, w := range p.workers {
			if len(w.offers)+len(w.jobs) != 0 {
				t.Fatalf("a worker has %d offers and %d jobs of a room that closed", len(w.offers), len(w.jobs))
			}
		}
	})
}

var fuzzTime = time.Unix(1795262400, 0)

// check says whether p is of one mind.
func check(t *testing.T, p *Pool, effects []Effect) {
	t.Helper()
	of := make(map[*job]bool)
	for _, r := range p.rooms {
		if len(r.jobs) > MaxJobs || len(r.people) != len(r.arrivals) {
			t.Fatalf("%d jobs; %d people of whom %d arrived", len(r.jobs), len(r.people), len(r.arrivals))
		}
		for _, j := range r.jobs {
			of[j] = true
			id := j.wire.ID
			switch j.phase {
			case waiting, lost:
				if j.worker != nil {
					t.Fatalf("a job in phase %d has a worker", j.phase)
				}
			case offered:
				if j.worker == nil || j.worker.offers[id] != j || j.worker.jobs[id] != nil {
					t.Fatal("a job is offered to nobody, or done besides")
				}
			case over:
				t.Fatal("a job that is over is kept")
			default:
				if j.worker != nil && (j.worker.jobs[id] != j || j.worker.offers[id] != nil) {
					t.Fatal("a job is done by another than its worker")
				}
			}
		}
	}
	for _, w := range p.workers {
		for _, some := range []map[string]*job{w.offers, w.jobs} {
			for _, j := range some {
				if !of[j] || j.worker != w {
					t.Fatal("a worker has a job that is not its, or of no room")
				}
			}
		}
	}
	n := 0
	for _, c := range p.crews {
		n += len(c.workers)
	}
	if n != len(p.workers) {
		t.Fatalf("%d workers in crews, %d in all", n, len(p.workers))
	}
	for _, e := range effects {
		if e.Remove == nil && e.Assign == nil && e.Message == nil {
			t.Fatalf("an effect that is none: %+v", e)
		}
	}
}
