package policy

import (
	"math"
	"slices"
	"time"
)

// Age is what is known of a person's age.
type Age string

// The ages; "" is not known.
const (
	Minor Age = "minor"
	Adult Age = "adult"
)

// Strike is what stays of a violation. Its weight fades by the half-life of
// the policy.
type Strike struct {
	Weight   float64   `json:"weight"`
	Category Category  `json:"category"`
	Rule     string    `json:"rule"`
	At       time.Time `json:"at"`
	// Incident links it to the journal; Decide leaves it empty.
	Incident string `json:"incident,omitempty"`
}

// Sanction is an action in force.
type Sanction struct {
	Action   Action    `json:"action"`
	Until    time.Time `json:"until"` // zero: until lifted
	Incident string    `json:"incident,omitempty"`
}

// Record is what is known of a person in a world, before the event that is
// decided. Where a later tier judges an event again, it is the record Without
// that event: the new decision takes the place of the old.
type Record struct {
	Strikes  []Strike   `json:"strikes,omitempty"`
	InForce  []Sanction `json:"in_force,omitempty"`
	Age      Age        `json:"age,omitempty"`
	Language string     `json:"language,omitempty"` // BCP 47; "": that of the policy
}

// Sanctioned returns whether an action is in force, and until when; the zero
// time where it stays until lifted.
func (r *Record) Sanctioned(a Action, now time.Time) (until time.Time, ok bool) {
	if r == nil {
		return time.Time{}, false
	}
	for _, s := range r.InForce {
		if s.Action != a || !s.Until.IsZero() && !s.Until.After(now) {
			continue
		}
		if s.Until.IsZero() {
			return time.Time{}, true
		}
		if !ok || s.Until.After(until) {
			until, ok = s.Until, true
		}
	}
	return until, ok
}

// With returns the record after a decision: its strike, and its lasting
// actions. What has ended is left out. r itself is not changed.
func (r *Record) With(d Decision, incident string, now time.Time) *Record {
	out := r.copy()
	out.InForce = slices.DeleteFunc(out.InForce, func(s Sanction) bool { return !s.Until.IsZero() && !s.Until.After(now) })
	if d.Strike != nil {
		s := *d.Strike
		s.Incident = incident
		out.Strikes = append(out.Strikes, s)
	}
	for _, a := range d.Actions {
		switch {
		case !a.Action.lasts(), a.Action == Mask && a.For == 0:
		case a.For == 0:
			out.InForce = append(out.InForce, Sanction{Action: a.Action, Incident: incident})
		default:
			out.InForce = append(out.InForce, Sanction{Action: a.Action, Until: now.Add(a.For), Incident: incident})
		}
	}
	return out
}

// Without returns the record as if an incident had not been: for undoing it,
// and for judging it again.
func (r *Record) Without(incident string) *Record {
	out := r.copy()
	out.Strikes = slices.DeleteFunc(out.Strikes, func(s Strike) bool { return s.Incident == incident })
	out.InForce = slices.DeleteFunc(out.InForce, func(s Sanction) bool { return s.Incident == incident })
	return out
}

func (r *Record) copy() *Record {
	if r == nil {
		return &Record{}
	}
	out := *r
	out.Strikes = slices.Clone(r.Strikes)
	out.InForce = slices.Clone(r.InForce)
	return &out
}

// decayed returns what is left of a strike.
func (s Strike) decayed(half, forget time.Duration, now time.Time) float64 {
	age := max(now.Sub(s.At), 0)
	if !(s.Weight > 0) || forget > 0 && age >= forget {
		return 0
	}
	weight := min(s.Weight, maxWeight)
	if half <= 0 {
		return weight
	}
	return weight * math.Exp2(-float64(age)/float64(half))
}
