package moderation

import (
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// Limits of what is kept in memory. All of it can be had from the journal
// again, but for reports of the last hour.
const maxPeople = 50_000

// person is what the pipeline knows of somebody in a world: their record with
// decisions that are still on their way to the journal.
type person struct {
	record   *policy.Record
	used     time.Time
	reports  []policy.Reporter
	reported string    // incident that gathers reports about them, "" for none
	since    time.Time // of that incident
	review   bool      // a moderator was asked
	kept     time.Time // when sound of theirs was last kept for a report
}

// people are those that were heard of lately.
type people struct {
	mu    sync.Mutex
	known map[subject]*person
	ends  map[subject]time.Time // when the next sanction in force ends

	makers    map[earshot.ParticipantID][]time.Time // of reports, when
	instances map[earshot.InstanceID][]policy.Reporter
}

func newPeople() *people {
	return &people{
		known: map[subject]*person{}, ends: map[subject]time.Time{},
		makers: map[earshot.ParticipantID][]time.Time{}, instances: map[earshot.InstanceID][]policy.Reporter{},
	}
}

// get returns a person, with the record that load gives if they are not known.
// The caller holds mu.
func (ps *people) get(s subject, now time.Time, load func(subject) *policy.Record) *person {
	q := ps.known[s]
	if q == nil {
		if len(ps.known) >= maxPeople {
			ps.evict(now)
		}
		q = &person{}
		ps.known[s] = q
		ps.set(s, q, load(s))
	}
	q.used = now
	return q
}

// set replaces a record. The caller holds mu.
func (ps *people) set(s subject, q *person, r *policy.Record) {
	age, language := policy.Age(""), ""
	if q.record != nil {
		age, language = q.record.Age, q.record.Language
	}
	copied := *r
	if copied.Age == "" {
		copied.Age = age
	}
	if copied.Language == "" {
		copied.Language = language
	}
	q.record = &copied
	delete(ps.ends, s)
	for _, a := range copied.InForce {
		if next, ok := ps.ends[s]; !a.Until.IsZero() && (!ok || a.Until.Before(next)) {
			ps.ends[s] = a.Until
		}
	}
}

// describe takes what an event says of a person. The caller holds mu.
func (q *person) describe(age policy.Age, language string) {
	if age != "" && age != q.record.Age || language != "" && language != q.record.Language {
		r := *q.record
		if age != "" {
			r.Age = age
		}
		if language != "" {
			r.Language = language
		}
		q.record = &r
	}
}

// evict forgets people, about one in eight: the journal has what matters. Those
// with something in force stay, unless there are only such.
func (ps *people) evict(now time.Time) {
	type candidate struct {
		s    subject
		used time.Time
	}
	var all []candidate
	for s, q := range ps.known {
		if _, held := ps.ends[s]; !held {
			all = append(all, candidate{s, q.used})
		}
	}
	if len(all) == 0 {
		for s := range ps.known {
			delete(ps.known, s)
			delete(ps.ends, s)
			if len(ps.known) < maxPeople*7/8 {
				return
			}
		}
	}
	slices.SortFunc(all, func(a, b candidate) int { return a.used.Compare(b.used) })
	for _, c := range all[:min(len(all), maxPeople/8)] {
		delete(ps.known, c.s)
	}
}

// next returns when the next sanction ends; ok is false if none does.
func (ps *people) next() (at time.Time, ok bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, end := range ps.ends {
		if !ok || end.Before(at) {
			at, ok = end, true
		}
	}
	return at, ok
}

// expire takes what has ended out of the records and returns whose that was.
func (ps *people) expire(now time.Time) (ended []subject) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for s, end := range ps.ends {
		if end.After(now) {
			continue
		}
		q := ps.known[s]
		r := *q.record
		r.InForce = inForce(&r, now)
		ps.set(s, q, &r)
		ended = append(ended, s)
	}
	return ended
}

// inForce returns what of a record is in force at a time.
func inForce(r *policy.Record, now time.Time) (out []policy.Sanction) {
	if r == nil {
		return nil
	}
	for _, a := range r.InForce {
		if a.Until.IsZero() || a.Until.After(now) {
			out = append(out, a)
		}
	}
	return out
}
