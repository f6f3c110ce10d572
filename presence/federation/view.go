package federation

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"earshot"
)

// View is what one node of a peer has said: who is in its worlds.
type View struct {
	operator string // whose it must be
	region   string // ours, where it is shown
	names    bool   // names are taken in

	cursor string
	worlds []World
	people map[Ref]*standing
	round  uint64 // of the last full telling
	full   bool   // one is under way
	from   string // their region
	until  time.Time
}

type standing struct {
	Person
	round uint64
}

// NewView returns one that knows nobody. region is the one in which it is shown.
func NewView(operator, region string, names bool) *View {
	return &View{operator: operator, region: region, names: names, people: make(map[Ref]*standing)}
}

// Cursor is what to ask with.
func (v *View) Cursor() string { return v.cursor }

// Apply takes a page in that was checked. The *earshot.Error is permission_denied
// where it may not be shown here, failed_precondition where it is not of this
// peer or tells of too many: all that was known is forgotten then.
func (v *View) Apply(p *Page, now time.Time) error {
	switch {
	case p.Operator != v.operator:
		v.Forget()
		return earshot.Errorf(earshot.CodeFailedPrecondition, "federation: %s answered where %s was asked: look at peers in the configuration", p.Operator, v.operator)
	case !p.Policy.Permits(v.region):
		v.Forget()
		return earshot.Errorf(earshot.CodePermissionDenied, "federation: what %s says may be shown in %v, not in region %q: ask them to export to it, or take the peer out", p.Operator, p.Policy.Regions, v.region)
	}
	if p.Full {
		v.round++
		v.full = true
	}
	for _, ref := range p.Gone {
		delete(v.people, ref)
	}
	for i := range p.Set {
		s := &standing{Person: p.Set[i], round: v.round}
		if !v.names {
			s.Name = ""
		}
		v.people[s.ref()] = s
	}
	if v.full && !p.More {
		v.full = false
		maps.DeleteFunc(v.people, func(_ Ref, s *standing) bool { return s.round != v.round })
	}
	if len(v.people) > 2*MaxTold { // a telling under way may hold the one before, too
		v.Forget()
		return earshot.Errorf(earshot.CodeFailedPrecondition, "federation: %s tells of more than %d people", p.Operator, MaxTold)
	}
	v.cursor, v.worlds, v.from = p.Cursor, slices.Clone(p.Worlds), p.Region
	v.until = now.Add(time.Duration(p.Policy.Retain) * time.Second)
	return nil
}

// Forget drops everything.
func (v *View) Forget() {
	clear(v.people)
	v.cursor, v.worlds, v.full = "", nil, false
}

// Expire forgets what may not be kept any longer.
func (v *View) Expire(now time.Time) {
	if now.After(v.until) && (v.cursor != "" || len(v.people) > 0) {
		v.Forget()
	}
}

// Worlds are those of the peer, and Region where these people are. The slice is
// to be read only.
func (v *View) Worlds() (worlds []World, region string) { return v.worlds, v.from }

// People appends who is in the peer's worlds, sorted by world and id.
func (v *View) People(to []Person) []Person {
	start := len(to)
	for _, s := range v.people {
		to = append(to, s.Person)
	}
	slices.SortFunc(to[start:], func(a, b Person) int { return cmp.Or(cmp.Compare(a.World, b.World), cmp.Compare(a.ID, b.ID)) })
	return to
}
