package journal

import (
	"cmp"
	"slices"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// state is what the lines add up to. It holds no words: those are read when
// somebody asks.
type state struct {
	items   map[string]*item
	orders  map[string]given     // all ids
	open    []*Order             // in the order they were given
	reports map[string]time.Time // all ids, when they were made
	people  map[keyID]*person    // by alias
	sounds  map[string]int       // ids of evidence, in how many incidents
	// described are the incidents about parts of descriptions of NPCs, by what
	// moderation calls the part.
	described map[earshot.EventID]string
	known     map[keyID]time.Time // entries that are shared, own and heard, when they were made
	keep      time.Duration       // how long incidents count
}

// given is an order.
type given struct {
	at   time.Time
	open bool
}

// ref is an entry of a line.
type ref struct {
	at    place
	entry int
}

// item is an incident.
type item struct {
	id, world string
	who       keyID // zero: nobody, as with a persona
	happened  time.Time
	decided   time.Time
	severity  float64
	review    bool
	acted     bool // something was done at once
	automatic bool
	refs      []ref
	base      ruling // before any judgement
	judged    []policy.Judgement
	appealed  time.Time // zero: not
	undone    bool
	undoneAt  time.Time
	undoneBy  string
	latest    time.Time // of all that was written about it
	lasts     time.Time // when the last thing ends that it ever put in force
	forever   bool      // some of that stays until lifted
	applied   time.Time // when the first order was carried out
	reporters []keyID
	evidence  []string
	by        string // the moderator whose own act it was
}

// appealOpen says whether an appeal waits for a decision.
func (it *item) appealOpen() bool {
	return !it.appealed.IsZero() && !slices.ContainsFunc(it.judged, func(j policy.Judgement) bool { return j.Appeal })
}

// waits says whether it belongs into the queue.
func (it *item) waits() bool {
	return it.appealOpen() || it.review && len(it.judged) == 0 && !it.undone
}

// last returns the judgement that holds, nil where nobody judged.
func (it *item) last() *policy.Judgement {
	if len(it.judged) == 0 {
		return nil
	}
	j := it.judged[len(it.judged)-1]
	return &j
}

// person is what counts about a person.
type person struct {
	records map[string]*policy.Record // by world
	items   []string                  // incidents about them
	reports []ref                     // reports about them
	made    []string                  // incidents they reported; "": none yet
	latest  time.Time
	erased  bool // since then nothing was added
}

func newState(keep time.Duration) *state {
	return &state{keep: keep, items: map[string]*item{}, orders: map[string]given{}, reports: map[string]time.Time{}, people: map[keyID]*person{}, sounds: map[string]int{}, described: map[earshot.EventID]string{}, known: map[keyID]time.Time{}}
}

// apply takes in an entry. It was checked before it was written.
func (s *state) apply(e *entry, at ref) {
	switch {
	case e.Incident != nil:
		s.incident(e.Incident, at, e.Heard)
	case e.Revision != nil:
		s.revision(e.Revision, at, e.Heard)
	case e.Applied != nil:
		s.applied(e.Applied, at)
	case e.Report != nil:
		s.report(e.Report, at)
	case e.Appeal != nil:
		if it := s.refer(e.Appeal.Incident, at); it != nil {
			if it.appealed.IsZero() || e.Appeal.At.Before(it.appealed) {
				it.appealed = e.Appeal.At
			}
			it.saw(e.Appeal.At)
			s.touch(it.who, e.Appeal.At)
		}
	case e.Judgement != nil:
		s.judgement(e.Judgement, at, e.Heard)
	case e.Undo != nil:
		s.undo(e.Undo, at)
		s.order(e.Undo.Order, e.Heard)
	case e.Order != nil:
		s.order(e.Order, e.Heard)
	case e.Access != nil:
		s.refer(e.Access.Incident, at)
	case e.Erasure != nil:
		s.erase(e.Erasure)
	case e.Shredding != nil:
		s.forget(e.Shredding.At)
	}
}

func (s *state) incident(in *Incident, at ref, from *heard) {
	who, _ := parseAlias(in.Who)
	it := &item{id: in.ID, world: in.World, who: who, refs: []ref{at}, happened: in.Signal.At, by: in.By}
	if it.happened.IsZero() {
		it.happened = in.At
	}
	s.items[in.ID] = it
	if in.Signal.Kind == policy.Persona && in.Event != "" {
		s.described[in.Event] = in.ID
	}
	it.decide(in.At, in.Severity, &in.Decision)
	s.heard(it, in.Evidence)
	if p := s.touch(who, in.At); p != nil {
		p.items, p.erased = append(p.items, in.ID), false
	}
	it.found(&in.Decision, in.At)
	s.count(it)
	s.order(in.Order, from)
}

// heard notes the evidence of an incident.
func (s *state) heard(it *item, ids []string) {
	it.evidence = append(it.evidence, ids...)
	for _, id := range ids {
		s.sounds[id]++
	}
}

func (it *item) decide(at time.Time, severity float64, d *policy.Decision) {
	it.decided, it.severity, it.review = at, severity, d.Review
	it.acted, it.automatic = len(d.Actions) > 0, d.Automatic
}

func (s *state) revision(r *Revision, at ref, from *heard) {
	it := s.refer(r.Incident, at)
	if it == nil {
		return
	}
	it.decide(r.At, r.Severity, &r.Decision)
	s.heard(it, r.Evidence)
	it.found(&r.Decision, r.At)
	s.count(it)
	s.order(r.Order, from)
}

func (s *state) applied(a *Applied, at ref) {
	s.orders[a.Order] = given{at: a.At}
	i := slices.IndexFunc(s.open, func(o *Order) bool { return o.ID == a.Order })
	if i < 0 {
		return
	}
	if it := s.refer(s.open[i].Incident, at); it != nil && it.applied.IsZero() && a.GivenUp == "" {
		it.applied = a.At
	}
	s.open = slices.Delete(s.open, i, i+1)
}

func (s *state) report(r *Report, at ref) {
	s.reports[r.ID] = r.At
	by, _ := parseAlias(r.By)
	about, _ := parseAlias(r.About)
	if it := s.refer(r.Incident, at); it != nil {
		it.reporters = append(it.reporters, by)
		it.saw(r.At)
	}
	if p := s.touch(by, r.At); p != nil {
		p.made = newest(append(p.made, r.Incident))
	}
	if p := s.touch(about, r.At); p != nil {
		p.reports = newest(append(p.reports, at))
	}
}

func (s *state) judgement(j *Judgement, at ref, from *heard) {
	s.order(j.Order, from)
	if it := s.refer(j.Incident, at); it != nil {
		it.judge(j.Judgement)
		s.count(it)
	}
}

func (s *state) undo(u *Undo, at ref) {
	it := s.refer(u.Incident, at)
	if it == nil {
		return
	}
	if !it.undone || u.At.Before(it.undoneAt) {
		it.undone, it.undoneAt, it.undoneBy = true, u.At, u.By
	}
	it.saw(u.At)
	s.count(it)
}

// erase forgets what counts against a person, but for what is in force: to be
// erased is no way out of a mute.
func (s *state) erase(e *erasure) {
	who, _ := parseAlias(e.Who)
	p := s.people[who]
	if p == nil {
		return
	}
	p.erased = true
	for _, id := range p.items {
		if it := s.items[id]; it != nil {
			it.base.strike = nil
		}
	}
	for world, r := range p.records {
		p.records[world] = &policy.Record{InForce: r.InForce}
	}
}

// order notes an order. One of another node is carried out by who takes it in.
func (s *state) order(o *Order, from *heard) {
	if o != nil {
		s.orders[o.ID] = given{o.At, from == nil}
		if from == nil {
			s.open = append(s.open, o)
		}
	}
}

// refer notes that an entry belongs to an incident.
func (s *state) refer(id string, at ref) *item {
	it := s.items[id]
	if it != nil {
		it.refs = append(it.refs, at)
	}
	return it
}

func (s *state) touch(who keyID, at time.Time) *person {
	if who == (keyID{}) {
		return nil
	}
	p := s.people[who]
	if p == nil {
		p = &person{records: map[string]*policy.Record{}}
		s.people[who] = p
	}
	if at.After(p.latest) {
		p.latest = at
	}
	return p
}

// count has an incident count in the person's record as what was written about
// it says by now.
func (s *state) count(it *item) {
	if p := s.people[it.who]; p != nil {
		p.records[it.world] = bounded(it.in(p.records[it.world]))
	}
}

// Bounds of a record: nobody gets out of being written down by having done too
// much. Of what is in force, the newest of each action stay and the one that
// lasts longest.
const (
	maxStrikes  = 64
	maxSameActs = 4
)

func bounded(r *policy.Record) *policy.Record {
	out := *r
	out.Strikes = slices.Clone(r.Strikes[max(0, len(r.Strikes)-maxStrikes):])
	longest := map[policy.Action]int{}
	for i, s := range r.InForce {
		if at, ok := longest[s.Action]; !ok || outlasts(s, r.InForce[at]) {
			longest[s.Action] = i
		}
	}
	out.InForce = nil
	count := map[policy.Action]int{}
	for i, s := range slices.Backward(r.InForce) {
		if count[s.Action]++; count[s.Action] <= maxSameActs || longest[s.Action] == i {
			out.InForce = append(out.InForce, s)
		}
	}
	slices.Reverse(out.InForce)
	return &out
}

func outlasts(a, b policy.Sanction) bool {
	return !b.Until.IsZero() && (a.Until.IsZero() || a.Until.After(b.Until))
}

// held says whether something is in force against a person, or about to be.
func (s *state) held(who keyID, now time.Time) bool {
	if p := s.people[who]; p != nil {
		for _, r := range p.records {
			for _, a := range r.InForce {
				if a.Until.IsZero() || a.Until.After(now) {
					return true
				}
			}
		}
	}
	alias := who.alias()
	return slices.ContainsFunc(s.open, func(o *Order) bool { return o.Who == alias })
}

// forget drops what no longer counts at a time.
func (s *state) forget(now time.Time) {
	before := now.Add(-s.keep)
	for id, it := range s.items {
		if it.decided.Before(before) && it.appealed.Before(before) {
			delete(s.items, id)
			for _, e := range it.evidence {
				if s.sounds[e]--; s.sounds[e] == 0 {
					delete(s.sounds, e)
				}
			}
		}
	}
	for event, id := range s.described {
		if s.items[id] == nil {
			delete(s.described, event)
		}
	}
	for id, o := range s.orders {
		if !o.open && o.at.Before(before) {
			delete(s.orders, id)
		}
	}
	for id, at := range s.known {
		if at.Before(before) {
			delete(s.known, id)
		}
	}
	for id, at := range s.reports {
		if at.Before(before) {
			delete(s.reports, id)
		}
	}
	for _, p := range s.people {
		p.items = slices.DeleteFunc(p.items, func(id string) bool { return s.items[id] == nil })
		for _, r := range p.records {
			r.Strikes = slices.DeleteFunc(r.Strikes, func(st policy.Strike) bool { return st.At.Before(before) })
		}
		p.made = slices.DeleteFunc(p.made, func(id string) bool { return id != "" && s.items[id] == nil })
	}
}

// maxNewest bounds what is remembered of the reports by and about a person.
const maxNewest = 1000

func newest[T any](list []T) []T { return list[max(0, len(list)-maxNewest):] }

// queue returns the incidents that wait, the most severe first, of those the
// oldest.
func (s *state) queue(world string) (out []*item) {
	for _, it := range s.items {
		if it.waits() && (world == "" || it.world == world) {
			out = append(out, it)
		}
	}
	slices.SortFunc(out, func(a, b *item) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), a.happened.Compare(b.happened), cmp.Compare(a.id, b.id))
	})
	return out
}

// errNoIncident is what asking for one that is not there gives.
func errNoIncident(id string) error {
	return earshot.Errorf(earshot.CodeNotFound, "there is no incident %.40q, or its time is over", id)
}
