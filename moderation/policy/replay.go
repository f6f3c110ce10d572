package policy

import (
	"cmp"
	"slices"
)

// Change is how a decision differs under another policy.
type Change string

// The changes. Harsher and milder compare what happens to people and messages,
// by rank and duration; where that is the same, Asked and Unasked say that a
// person is now asked, or no longer.
const (
	Same    Change = "same"
	Added   Change = "added"   // nothing was done, now something is
	Removed Change = "removed" // something was done, now nothing is
	Harsher Change = "harsher"
	Milder  Change = "milder"
	Asked   Change = "asked"
	Unasked Change = "unasked"
)

// Changes returns all changes in the order of reports.
func Changes() []Change { return []Change{Added, Removed, Harsher, Milder, Asked, Unasked, Same} }

// Redecided is one incident under another policy.
type Redecided struct {
	Incident Incident
	Now      Decision
	Change   Change
	// Better says what moderators' judgement makes of it: 1 the new decision
	// is nearer to it, -1 it is farther, 0 neither, or nobody judged.
	Better int
}

// Redecide asks the policy about a recorded incident, with the signal, the
// record and the time of then. What a different decision would have led to
// later is not followed: each incident stands for itself. What moderators did
// themselves stays as it was.
func (p *Policy) Redecide(in Incident) Redecided {
	r := Redecided{Incident: in, Now: in.Decision, Change: Same}
	if in.Signal.Source == ByModerator {
		return r
	}
	r.Now = p.Decide(in.Signal, &in.Record, in.At)
	r.Change = compare(&in.Decision, &r.Now)
	if in.Judgement != nil {
		r.Better = in.Judgement.favours(r.Change)
	}
	return r
}

func compare(was, now *Decision) Change {
	a, b := sortedActs(was), sortedActs(now)
	switch {
	case len(a) == 0 && len(b) > 0:
		return Added
	case len(a) > 0 && len(b) == 0:
		return Removed
	}
	if d := slices.CompareFunc(a, b, harsher); d != 0 {
		if d > 0 {
			return Milder
		}
		return Harsher
	}
	switch {
	case now.Review && !was.Review:
		return Asked
	case was.Review && !now.Review:
		return Unasked
	}
	return Same
}

// sortedActs returns what is done, harshest first.
func sortedActs(d *Decision) []Act {
	acts := slices.DeleteFunc(slices.Clone(d.Actions), func(a Act) bool { return a.Action.Rank() <= 0 })
	slices.SortFunc(acts, func(a, b Act) int { return harsher(b, a) })
	return acts
}

// favours says whether a moderator would have liked a change: whoever called
// a decision right wants it kept, who called it wrong or too harsh wants less.
func (j *Judgement) favours(c Change) int {
	less := c == Removed || c == Milder
	more := c == Added || c == Harsher
	switch {
	case !less && !more:
		return 0
	case j.Verdict == Right:
		return -1
	case j.Verdict == Wrong, j.Verdict == TooHarsh:
		return sign(less)
	case j.Verdict == TooMild:
		return sign(more)
	}
	return 0
}

func sign(good bool) int {
	if good {
		return 1
	}
	return -1
}

// Replay counts what another policy would have decided. Memory is bounded,
// however many incidents there are.
type Replay struct {
	Policy   *Policy
	Examples int // kept of each change

	Incidents int
	Counts    map[Change]int
	Better    int // nearer to what moderators said
	Worse     int // farther
	Judged    int // by moderators
	Kept      map[Change][]Redecided
	Shifts    map[Shift]int // how often an action became another
}

// Shift is from which harshest action to which.
type Shift struct{ From, To Action }

// NewReplay returns a Replay under p that keeps so many examples of each
// change.
func NewReplay(p *Policy, examples int) *Replay {
	return &Replay{Policy: p, Examples: examples, Counts: map[Change]int{}, Kept: map[Change][]Redecided{}, Shifts: map[Shift]int{}}
}

// Add decides an incident again.
func (r *Replay) Add(in Incident) Redecided {
	again := r.Policy.Redecide(in)
	r.Incidents++
	r.Counts[again.Change]++
	if in.Judgement != nil {
		r.Judged++
	}
	switch again.Better {
	case 1:
		r.Better++
	case -1:
		r.Worse++
	}
	if again.Change == Same {
		return again
	}
	if len(r.Kept[again.Change]) < r.Examples {
		r.Kept[again.Change] = append(r.Kept[again.Change], again)
	}
	was, now := known(in.Decision.Harshest().Action), known(again.Now.Harshest().Action)
	if was != now {
		r.Shifts[Shift{was, now}]++
	}
	return again
}

// known keeps Shifts small whatever a file says.
func known(a Action) Action {
	if a.Rank() < 0 {
		return None
	}
	return a
}

// Sorted returns the shifts, the most frequent first.
func (r *Replay) Sorted() []Shift {
	shifts := make([]Shift, 0, len(r.Shifts))
	for s := range r.Shifts {
		shifts = append(shifts, s)
	}
	slices.SortFunc(shifts, func(a, b Shift) int {
		return cmp.Or(r.Shifts[b]-r.Shifts[a], a.From.Rank()-b.From.Rank(), a.To.Rank()-b.To.Rank())
	})
	return shifts
}
