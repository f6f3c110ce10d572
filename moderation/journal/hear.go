package journal

import (
	"context"
	"slices"

	"earshot"
)

// Heard is what of another node's entries was new here, and has to be followed.
type Heard struct {
	Shared
	World string
	Who   earshot.ParticipantID // whom it is about; "": nobody
	// Order is what it orders, nil for nothing.
	Order *Order
	// First says that nobody had judged or undone the incident before.
	First bool
}

// About returns the incident that it belongs to.
func (h *Heard) About() string {
	incident, _ := h.subject()
	return incident
}

// Bounds of what is heard before the incident that it is about.
const (
	maxOrphans     = 1000 // incidents
	maxOrphansEach = 64
)

// Hear takes in what other nodes wrote, in that order, as lines of this chain,
// and returns what was not known. What is about an incident that is not known
// waits in memory for that: a store that lost something is told again by several
// nodes, each in its own order. Erasures are not for it: see HearErasure. After an
// error some may have been taken in; the same may be said again.
func (j *Journal) Hear(ctx context.Context, list []Shared) ([]Heard, error) {
	news, err := j.hear(ctx, list)
	for i := range news {
		if err != nil || news[i].Incident == nil {
			continue
		}
		var more []Heard
		more, err = j.hear(ctx, j.orphansOf(news[i].Incident.ID))
		news = append(news, more...)
	}
	return news, err
}

func (j *Journal) hear(ctx context.Context, list []Shared) (news []Heard, err error) {
	requests := make([]*request, 0, len(list))
	found := make([]*Heard, 0, len(list))
	for i := range list {
		s := &list[i]
		if s.Erasure != nil || j.Knows(s.ID) {
			continue
		}
		h := &Heard{Shared: *s}
		requests, found = append(requests, j.hearing(h)), append(found, h)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := j.commitAll(requests); err != nil {
		return nil, err
	}
	for i, h := range found {
		if requests[i].entry != nil {
			news = append(news, *h)
		} else if h.Incident == nil && !j.Knows(h.ID) {
			j.orphan(&h.Shared)
		}
	}
	return news, nil
}

// orphan keeps an entry until its incident comes.
func (j *Journal) orphan(s *Shared) {
	incident, _ := s.subject()
	j.orphanMu.Lock()
	defer j.orphanMu.Unlock()
	of := j.orphans[incident]
	if len(of) >= maxOrphansEach || of == nil && len(j.orphans) >= maxOrphans || slices.ContainsFunc(of, func(o Shared) bool { return o.ID == s.ID }) {
		return
	}
	j.orphans[incident] = append(of, *s)
}

func (j *Journal) orphansOf(incident string) []Shared {
	j.orphanMu.Lock()
	defer j.orphanMu.Unlock()
	of := j.orphans[incident]
	delete(j.orphans, incident)
	return of
}

// hearing is the request that takes in one entry.
func (j *Journal) hearing(h *Heard) *request {
	incident, _ := h.subject()
	touches := []string{h.ID, incident}
	people := h.people()
	for _, who := range people {
		touches = append(touches, string(who))
	}
	var after func() error
	if a := h.Appeal; a != nil { // what belongs to it here is kept longer
		after = func() error { return j.ring.extend(groupOf(incident), a.At.Add(j.cfg.Appealed)) }
	}
	return &request{
		after:   after,
		touches: slices.DeleteFunc(touches, func(t string) bool { return t == "" }),
		plan: func(p *plan) (*entry, error) {
			it := p.j.state.items[incident]
			id, _ := parseKeyID(h.ID)
			if _, known := p.j.state.known[id]; known || (it == nil) == (h.Incident == nil) {
				return nil, nil
			}
			if it != nil {
				h.First = len(it.judged) == 0 && !it.undone
				h.World, h.Who = it.world, j.ring.name(it.who.alias())
			}
			e := p.localised(h)
			e.Heard = &heard{ID: id, From: h.From, Words: h.Words}
			return e, nil
		},
	}
}

// localised is an entry of another node with the aliases of this journal.
func (p *plan) localised(h *Heard) *entry {
	h.Order = h.ordered()
	if c := h.Incident; c != nil {
		h.World, h.Who = c.World, c.Who
	}
	e := h.mapped(func(who earshot.ParticipantID) earshot.ParticipantID { return p.alias(who).alias() })
	return &e
}

// ordered returns a copy of what an entry orders, nil for nothing.
func (e *entry) ordered() *Order {
	var o *Order
	switch {
	case e.Incident != nil:
		o = e.Incident.Order
	case e.Revision != nil:
		o = e.Revision.Order
	case e.Judgement != nil:
		o = e.Judgement.Order
	case e.Undo != nil:
		o = e.Undo.Order
	}
	if o == nil {
		return nil
	}
	given := *o
	return &given
}

// commitAll writes what several calls plan, in few lines.
func (j *Journal) commitAll(list []*request) error {
	j.queueMu.Lock()
	if j.closed {
		j.queueMu.Unlock()
		return earshot.Errorf(earshot.CodeFailedPrecondition, "journal: it is closed")
	}
	j.queue = append(j.queue, list...)
	j.queueMu.Unlock()
	j.disk.Lock()
	defer j.disk.Unlock()
	for _, r := range list {
		for !r.done {
			j.round()
		}
	}
	for _, r := range list {
		if r.err != nil {
			return r.err
		}
	}
	return nil
}

// HearErasure is Erase on the word of another node. It does nothing where that
// has been heard before.
func (j *Journal) HearErasure(ctx context.Context, s *Shared) (fresh bool, err error) {
	id, ok := parseKeyID(s.ID)
	if !ok || s.Erasure == nil {
		return false, errNotShared
	}
	if j.Knows(s.ID) {
		return false, nil
	}
	_, err = j.erase(ctx, s.Erasure.Who, s.Erasure.By, s.Erasure.At, &heard{ID: id, From: s.From})
	return err == nil, err
}

func parseKeyID(text string) (id keyID, ok bool) {
	err := id.UnmarshalText([]byte(text))
	return id, err == nil
}
