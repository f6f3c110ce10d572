package journal

import (
	"cmp"
	"context"
	"slices"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// Item is an incident and all that was written about it, in that order.
type Item struct {
	Incident               // as decided at first; Judgement is the newest
	Revisions  []Revision  `json:"revisions,omitempty"`
	Orders     []Order     `json:"orders,omitempty"` // all that were given because of it
	Applied    []Applied   `json:"applied,omitempty"`
	Reports    []Report    `json:"reports,omitempty"`
	Appeal     *Appeal     `json:"appeal,omitempty"`
	Judgements []Judgement `json:"judgements,omitempty"`
	Undo       *Undo       `json:"undo,omitempty"`
	Accesses   []Access    `json:"accesses,omitempty"`
	// Waits says whether a moderator is to judge it.
	Waits bool `json:"waits,omitempty"`
	// Shredded says that some of what was said can no longer be read.
	Shredded bool `json:"shredded,omitempty"`
	// Elsewhere are the nodes that have words that belong to it and are not here.
	Elsewhere []string `json:"elsewhere,omitempty"`
}

// Now returns the signal and the decision that hold: those of the newest
// revision.
func (it *Item) Now() (policy.Signal, policy.Decision) {
	if n := len(it.Revisions); n > 0 {
		return it.Revisions[n-1].Signal, it.Revisions[n-1].Decision
	}
	return it.Signal, it.Decision
}

// Standing is what is in force for a person in a world, or counts against
// them.
type Standing struct {
	World  string                `json:"world"`
	Who    earshot.ParticipantID `json:"who"`
	Record policy.Record         `json:"record"`
}

// OpenOrders returns the orders that were given and not written as applied, in
// the order they were given.
func (j *Journal) OpenOrders(context.Context) ([]Order, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	out := make([]Order, len(j.state.open))
	for i, o := range j.state.open {
		out[i] = *o
		out[i].Who = j.ring.name(o.Who)
	}
	return out, nil
}

// Record returns what is known of a person in a world, without what has ended.
// Age and Language are not kept here.
func (j *Journal) Record(_ context.Context, world string, who earshot.ParticipantID, now time.Time) (policy.Record, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if id, ok := j.ring.person(who); ok && j.state.people[id] != nil {
		return current(j.state.people[id].records[world], now), nil
	}
	return policy.Record{}, nil
}

func current(r *policy.Record, now time.Time) policy.Record {
	return *r.With(policy.Decision{}, "", now)
}

// Standings returns everybody against whom something is in force, by world and
// name: for a node that begins.
func (j *Journal) Standings(_ context.Context, now time.Time) (out []Standing, err error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	for id, p := range j.state.people {
		for world, r := range p.records {
			if c := current(r, now); len(c.InForce) > 0 {
				out = append(out, Standing{world, j.ring.name(id.alias()), c})
			}
		}
	}
	slices.SortFunc(out, func(a, b Standing) int { return cmp.Or(cmp.Compare(a.World, b.World), cmp.Compare(a.Who, b.Who)) })
	return out, nil
}

// Item returns an incident without what anybody said; Read has that. Errors
// are not_found.
func (j *Journal) Item(_ context.Context, id string) (Item, error) {
	j.mu.RLock()
	it, refs, waits := j.refs(id)
	j.mu.RUnlock()
	if it == nil {
		return Item{}, errNoIncident(id)
	}
	return j.item(refs, waits, false)
}

// Described returns the newest incident about a part of the description of an
// NPC, without its words. Errors are not_found.
func (j *Journal) Described(ctx context.Context, part earshot.EventID) (Item, error) {
	j.mu.RLock()
	id := j.state.described[part]
	j.mu.RUnlock()
	return j.Item(ctx, id)
}

// Read returns an incident with what was said, after writing who asked for it
// and what for.
func (j *Journal) Read(ctx context.Context, a Access) (Item, error) {
	j.mu.RLock()
	it, _, _ := j.refs(a.Incident)
	j.mu.RUnlock()
	if it == nil {
		return Item{}, errNoIncident(a.Incident)
	}
	if err := j.Accessed(ctx, a); err != nil {
		return Item{}, err
	}
	j.mu.RLock()
	_, refs, waits := j.refs(a.Incident)
	j.mu.RUnlock()
	return j.item(refs, waits, true)
}

// refs is called with mu held.
func (j *Journal) refs(id string) (it *item, refs []ref, waits bool) {
	if it = j.state.items[id]; it == nil {
		return nil, nil, false
	}
	return it, slices.Clone(it.refs), it.waits()
}

// Queue returns what waits for a moderator, the most severe first, at most
// limit, and how many there are. An empty world is all worlds.
func (j *Journal) Queue(_ context.Context, world string, limit int) (items []Item, total int, err error) {
	j.mu.RLock()
	waiting := j.state.queue(world)
	ids := make([]string, 0, min(len(waiting), max(limit, 0)))
	for _, it := range waiting[:cap(ids)] {
		ids = append(ids, it.id)
	}
	j.mu.RUnlock()
	items, err = j.items(ids)
	return items, len(waiting), err
}

// Recent returns the newest incidents of a world, newest first, at most limit.
func (j *Journal) Recent(_ context.Context, world string, limit int) ([]Item, error) {
	j.mu.RLock()
	var all []*item
	for _, it := range j.state.items {
		if it.world == world {
			all = append(all, it)
		}
	}
	slices.SortFunc(all, func(a, b *item) int { return cmp.Or(b.decided.Compare(a.decided), cmp.Compare(b.id, a.id)) })
	ids := make([]string, 0, min(len(all), max(limit, 0)))
	for _, it := range all[:cap(ids)] {
		ids = append(ids, it.id)
	}
	j.mu.RUnlock()
	return j.items(ids)
}

// History returns the incidents about a person, newest first, at most limit.
func (j *Journal) History(_ context.Context, who earshot.ParticipantID, limit int) ([]Item, error) {
	j.mu.RLock()
	var ids []string
	if id, ok := j.ring.person(who); ok && j.state.people[id] != nil {
		all := j.state.people[id].items
		ids = slices.Clone(all[max(0, len(all)-max(limit, 0)):])
		slices.Reverse(ids)
	}
	j.mu.RUnlock()
	return j.items(ids)
}

func (j *Journal) items(ids []string) ([]Item, error) {
	out := make([]Item, 0, len(ids))
	for _, id := range ids {
		j.mu.RLock()
		it, refs, waits := j.refs(id)
		j.mu.RUnlock()
		if it == nil {
			continue // swept meanwhile
		}
		item, err := j.item(refs, waits, false)
		if earshot.CodeOf(err) == earshot.CodeNotFound {
			continue // too old for a journal in memory
		}
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, nil
}

// Reporter is what became of somebody's reports.
type Reporter struct {
	Reports, Confirmed, Rejected int
}

// Reporter returns what moderators found of the incidents that somebody
// reported.
func (j *Journal) Reporter(_ context.Context, who earshot.ParticipantID) (out Reporter, err error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	id, ok := j.ring.person(who)
	if !ok || j.state.people[id] == nil {
		return out, nil
	}
	made := j.state.people[id].made
	out.Reports = len(made)
	seen := map[string]bool{}
	for _, incident := range made {
		it := j.state.items[incident]
		if it == nil || seen[incident] {
			continue
		}
		seen[incident] = true
		switch g := it.last(); {
		case g == nil && !it.undone:
		case it.undone || g.Verdict == policy.Wrong:
			out.Rejected++
		default:
			out.Confirmed++
		}
	}
	return out, nil
}

// Reports returns the reports about a person, newest first, at most limit,
// without what was said.
func (j *Journal) Reports(_ context.Context, who earshot.ParticipantID, limit int) ([]Report, error) {
	j.mu.RLock()
	var refs []ref
	if id, ok := j.ring.person(who); ok && j.state.people[id] != nil {
		all := j.state.people[id].reports
		refs = slices.Clone(all[max(0, len(all)-max(limit, 0)):])
	}
	j.mu.RUnlock()
	slices.Reverse(refs)
	item, err := j.item(refs, false, false)
	return item.Reports, err
}

// HasEvidence says whether an incident names a piece of evidence: what none
// names was left by a crash.
func (j *Journal) HasEvidence(id string) bool {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.state.sounds[id] > 0
}

// Incidents calls do with the incidents decided from a time on, oldest first,
// as policy.DecodeIncident reads them: the newest signal and decision. With
// words the texts come along, and people by name; otherwise by alias.
func (j *Journal) Incidents(ctx context.Context, from time.Time, withWords bool, do func(policy.Incident) error) error {
	j.mu.RLock()
	var all []*item
	for _, it := range j.state.items {
		if !it.decided.Before(from) {
			all = append(all, it)
		}
	}
	slices.SortFunc(all, func(a, b *item) int { return cmp.Or(a.decided.Compare(b.decided), cmp.Compare(a.id, b.id)) })
	ids := make([]string, len(all))
	aliases := make([]earshot.ParticipantID, len(all))
	for i, it := range all {
		ids[i], aliases[i] = it.id, it.who.alias()
	}
	j.mu.RUnlock()
	for i, id := range ids {
		if err := ctx.Err(); err != nil {
			return err
		}
		j.mu.RLock()
		it, refs, waits := j.refs(id)
		j.mu.RUnlock()
		if it == nil {
			continue
		}
		item, err := j.item(refs, waits, withWords)
		if earshot.CodeOf(err) == earshot.CodeNotFound {
			continue
		}
		if err != nil {
			return err
		}
		out := item.Incident.Incident
		out.Signal, out.Decision = item.Now()
		if !withWords {
			out.Who = aliases[i]
		}
		if err := do(out); err != nil {
			return err
		}
	}
	return nil
}
