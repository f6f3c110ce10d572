package agent

import (
	"time"

	"earshot/gateway/livekit/wire"
)

// phase is how far a job has come.
type phase uint8

const (
	waiting phase = iota // for a worker; all are asked again at until
	offered              // to a worker, who answers before until
	running              // its worker has it
	lost                 // its worker vanished; others get it at until, or once its agent is gone
	leaving              // its agent left the room; its worker says by until how it ended
	ending               // its dispatch was deleted; its agent is sent out at until
	over
)

type job struct {
	wire   wire.Job // State included, which is replaced and never changed
	number uint64
	group  group
	room   *room
	of     *dispatch // nil: simulated
	target *person   // whom it is for; nil: the room

	phase   phase
	until   time.Time           // zero: nothing is due
	after   time.Time           // not to be offered before
	worker  *worker             // in offered and, but for those whose worker vanished, after
	key     string              // of the worker that had it last
	asked   map[string]struct{} // workers that did not take it, since all were asked
	wait    time.Duration       // until all are asked again
	tries   int                 // how often a worker took it, of late
	began   time.Time           // when one took it last
	present bool                // its agent is in the room
}

// offer asks the least busy worker that was not asked yet, or lets the job wait.
func (p *Pool) offer(j *job, now time.Time) {
	j.release()
	var best *worker
	if c := p.crew(j.group); c != nil {
		for _, w := range c.workers {
			if _, asked := j.asked[w.id]; !asked && w.free() && (best == nil || w.busyness() < best.busyness()) {
				best = w
			}
		}
	}
	if best == nil {
		j.wait = min(max(2*j.wait, FirstWait), LongestWait)
		j.phase, j.until = waiting, now.Add(j.wait)
		return
	}
	j.phase, j.until, j.worker = offered, now.Add(OfferTimeout), best
	best.offers[j.wire.ID] = j
	j.note(wire.JobRunning, "", now) // which LiveKit's workers are shown already
	j.wire.State.WorkerID = best.id
	j.wire.State.StartedAt = now.UnixNano()
	p.send(best, &wire.ServerMessage{Availability: &wire.AvailabilityRequest{Job: j.describe(), Resuming: j.tries > 0}})
	j.note(wire.JobPending, "", now)
}

// decline asks others than the worker that j was offered to.
func (p *Pool) decline(j *job, now time.Time) {
	if j.asked == nil {
		j.asked = make(map[string]struct{})
	}
	j.asked[j.worker.id] = struct{}{}
	p.offer(j, now)
}

// Answer is a worker's to an offer. One that comes late, or to what it was not
// offered, is ignored: its agent has no token.
func (p *Pool) Answer(id string, a *wire.AvailabilityResponse, now time.Time) []Effect {
	w := p.workers[id]
	if w == nil || w.offers[a.JobID] == nil {
		return nil
	}
	j := w.offers[a.JobID]
	switch {
	case a.Terminate:
		p.end(j, wire.JobSuccess, "", now)
	case !a.Available:
		p.decline(j, now)
	default:
		j.tries, j.began = j.tries+1, now
		p.give(j, w, now)
		w.since++
		j.wire.State.ParticipantIdentity = a.ParticipantIdentity
		if a.ParticipantIdentity == "" {
			j.wire.State.ParticipantIdentity = "agent-" + j.wire.ID
		}
		p.out = append(p.out, Effect{To: w.id, Assign: &Assignment{
			Job: j.describe(), Key: w.key, Identity: j.wire.State.ParticipantIdentity,
			Name: a.ParticipantName, Metadata: a.ParticipantMetadata,
			Attributes: j.attributes(a.ParticipantAttributes), Permissions: w.permissions,
		}})
	}
	return p.done()
}

// give makes j a job of w.
func (p *Pool) give(j *job, w *worker, now time.Time) {
	j.release()
	j.phase, j.until, j.worker, j.key = running, time.Time{}, w, w.key
	j.asked, j.wait = nil, 0
	w.jobs[j.wire.ID] = j
	identity := j.wire.State.ParticipantIdentity
	j.note(wire.JobRunning, "", now)
	j.wire.State.WorkerID, j.wire.State.ParticipantIdentity = w.id, identity
	if j.wire.State.StartedAt == 0 {
		j.wire.State.StartedAt = now.UnixNano()
	}
}

// Update is how a job goes, by the worker that does it.
func (p *Pool) Update(id string, u *wire.UpdateJobStatus, now time.Time) []Effect {
	w := p.workers[id]
	if w == nil || w.jobs[u.JobID] == nil {
		return nil
	}
	j := w.jobs[u.JobID]
	switch {
	case u.Status == wire.JobFailed && j.phase != ending:
		p.fail(j, clip(u.Error), now)
	case u.Status.Ended():
		p.end(j, u.Status, clip(u.Error), now)
	}
	return p.done()
}

// expire does what is due for j.
func (p *Pool) expire(j *job, now time.Time) {
	switch j.phase {
	case waiting:
		j.asked = nil
		p.offer(j, now)
	case offered:
		p.decline(j, now)
	case lost:
		j.until = time.Time{}
		if !j.present {
			p.fail(j, "the worker vanished", now)
		}
	case leaving:
		p.terminate(j)
		p.fail(j, "the agent left the room", now)
	case ending:
		if j.present {
			p.remove(j)
		}
		p.end(j, wire.JobSuccess, "", now)
	}
}

// fail begins a job again, or ends it where that was tried often enough, is not
// wanted, or is for nobody any more.
func (p *Pool) fail(j *job, reason string, now time.Time) {
	if now.Sub(j.began) >= LongestWait {
		j.tries = 1 // it went well for a while
	}
	if j.of == nil || j.of.about.RestartPolicy == wire.RestartNever || j.tries >= MaxTries || j.target != nil && j.target.gone {
		p.end(j, wire.JobFailed, reason, now)
		return
	}
	crashed := j.phase != lost
	j.release()
	j.present, j.asked = false, nil
	j.phase, j.until = waiting, now
	j.note(wire.JobPending, reason, now)
	if crashed { // whatever it is, it may take a moment to get better
		j.after = now.Add(FirstWait << (j.tries - 1))
		j.until = j.after
		return
	}
	p.offer(j, now)
}

// end is the end of a job.
func (p *Pool) end(j *job, status wire.JobStatus, reason string, now time.Time) {
	j.release()
	j.phase, j.until = over, time.Time{}
	j.note(status, reason, now)
	j.wire.State.EndedAt = now.UnixNano()
	j.room.drop(j)
	if j.of != nil {
		j.of.forget()
	}
}

// terminate tells the worker of j, if it has one, to end it.
func (p *Pool) terminate(j *job) {
	if j.worker != nil {
		p.send(j.worker, &wire.ServerMessage{Termination: &wire.JobTermination{JobID: j.wire.ID}})
	}
}

// remove has the agent of j sent out.
func (p *Pool) remove(j *job) {
	p.out = append(p.out, Effect{Remove: &Removal{Room: j.room.info.Name, Identity: j.wire.State.ParticipantIdentity}})
}

// release takes j from its worker.
func (j *job) release() {
	if j.worker != nil {
		delete(j.worker.offers, j.wire.ID)
		delete(j.worker.jobs, j.wire.ID)
		j.worker = nil
	}
}

// note changes the state that others are shown.
func (j *job) note(status wire.JobStatus, reason string, now time.Time) {
	s := *j.wire.State
	s.Status, s.Error, s.UpdatedAt = status, reason, now.UnixNano()
	j.wire.State = &s
}

// describe returns j as others are shown it, which does not change with it.
func (j *job) describe() *wire.Job {
	copied := j.wire
	state := *j.wire.State
	copied.State = &state
	return &copied
}

// clip bounds what a worker says of an error.
func clip(s string) string {
	const most = 256
	if len(s) > most {
		s = s[:most]
		for len(s) > 0 && s[len(s)-1]&0xC0 == 0x80 { // not in the middle of a letter
			s = s[:len(s)-1]
		}
		return s[:max(len(s)-1, 0)] + "…"
	}
	return s
}
