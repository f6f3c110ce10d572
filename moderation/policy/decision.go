package policy

import "strings"

// Decision is what the policy says about a signal.
type Decision struct {
	// Actions are what is to be done, mildest first; none where nothing is.
	// Where an action is in force already, the later end holds.
	Actions []Act `json:"actions,omitempty"`
	// Proposed is what the ladder would do beyond what may be automatic: for
	// a person to decide.
	Proposed []Act `json:"proposed,omitempty"`
	// Strike goes into the record.
	Strike *Strike `json:"strike,omitempty"`
	// Rule is the id of the rule in the file, "" where nothing was found.
	Rule     string   `json:"rule,omitempty"`
	Category Category `json:"category,omitempty"`
	// Sum is the weight of all strikes, this one with them.
	Sum float64 `json:"sum,omitempty"`
	// Rung is the rung of the ladder that was reached, from 1; 0: none.
	Rung int `json:"rung,omitempty"`
	// Automatic is false where a person decided.
	Automatic bool `json:"automatic,omitempty"`
	// Review puts it before a person.
	Review bool `json:"review,omitempty"`
	// Unverified says that what should have judged this did not.
	Unverified bool      `json:"unverified,omitempty"`
	Statement  Statement `json:"statement,omitzero"`
}

// Harshest returns the harshest action; None where there is none.
func (d *Decision) Harshest() Act {
	most := Act{Action: None}
	for _, a := range d.Actions {
		if harsher(a, most) > 0 {
			most = a
		}
	}
	return most
}

// Has returns the act of an action.
func (d *Decision) Has(a Action) (Act, bool) {
	for _, act := range d.Actions {
		if act.Action == a {
			return act, true
		}
	}
	return Act{}, false
}

// harsher compares by rank, then by duration: above 0 if a is the harsher.
func harsher(a, b Act) int {
	if d := a.Action.Rank() - b.Action.Rank(); d != 0 {
		return d
	}
	switch {
	case !a.Action.lasts() || a.For == b.For:
		return 0
	case a.endless() || !b.endless() && a.For > b.For:
		return 1
	}
	return -1
}

// Statement is the statement of reasons: what Article 17 of the Digital
// Services Act asks for, in plain words and without quoting anybody. Empty
// where nothing was done.
type Statement struct {
	Language   string `json:"language,omitempty"`   // BCP 47, of all that follows
	What       string `json:"what,omitempty"`       // what is done, and for how long
	Facts      string `json:"facts,omitempty"`      // what it is about
	Automation string `json:"automation,omitempty"` // what found it, what decided
	Rule       string `json:"rule,omitempty"`       // the rule in words for people
	Redress    string `json:"redress,omitempty"`    // how to appeal
}

// String joins the parts, a line each.
func (s Statement) String() string {
	parts := make([]string, 0, 5)
	for _, p := range []string{s.What, s.Facts, s.Automation, s.Rule, s.Redress} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "\n")
}
