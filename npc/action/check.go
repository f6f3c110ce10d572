package action

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	"earshot"
	"earshot/npc/persona"
)

// Check says whether the world permits an action now, and what it would
// change. It changes nothing itself. args are those that persona.CheckAction
// returned; they are checked again, so that a caller that forgot cannot widen
// what is allowed. Equal input gives equal output.
//
// Errors are permission_denied for an action that is not the persona's,
// invalid_argument for arguments that it does not take, failed_precondition
// where the world does not permit it, and resource_exhausted while it rests.
func Check(p *persona.Persona, s *State, at Situation, name string, args map[string]any, now time.Time) (Deed, Changes, error) {
	raw, err := json.Marshal(args)
	if err != nil { // NaN, infinite, or of a type that no argument has
		return Deed{}, Changes{}, earshot.Errorf(earshot.CodeInvalidArgument, "%.64q: arguments cannot be written as JSON", name)
	}
	if args == nil {
		raw = nil
	}
	checked, err := p.CheckAction(name, raw)
	if err != nil {
		return Deed{}, Changes{}, err
	}
	c := check{p: p, s: s, a: find(p, name), at: at, args: checked, now: now}
	if err := c.permitted(); err != nil {
		return Deed{}, Changes{}, err
	}
	changes, err := c.changes()
	if err != nil {
		return Deed{}, Changes{}, err
	}
	return Deed{Name: name, Kind: kindOf(c.a), Args: checked, To: at.Player}, changes, nil
}

func find(p *persona.Persona, name string) *persona.Action {
	if i := slices.IndexFunc(p.Actions, func(a persona.Action) bool { return a.Name == name }); i >= 0 {
		return &p.Actions[i]
	}
	return nil
}

// check is one question.
type check struct {
	p    *persona.Persona
	s    *State
	a    *persona.Action
	at   Situation
	args map[string]any
	now  time.Time
}

func (c *check) permitted() error {
	if c.at.Player == "" {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%s: for no player", c.a.Name)
	}
	if err := c.rested(); err != nil {
		return err
	}
	if way, ok := c.args[persona.WaypointParameter].(string); ok && c.a.Kind == persona.KindMove && !slices.Contains(c.at.Waypoints, way) {
		return c.refused("there is no waypoint %.64q", way)
	}
	for i := range c.a.Requires {
		if err := c.holds(&c.a.Requires[i]); err != nil {
			return err
		}
	}
	return nil
}

// rested looks at cool-downs and onces. A clock that went back counts as no
// time.
func (c *check) rested() error {
	if at, done := c.s.last[c.a.Name]; done && c.now.Sub(at) < seconds(c.a.Cooldown.All) {
		return earshot.Errorf(earshot.CodeResourceExhausted, "%s rests for a while", c.a.Name)
	}
	at, done := c.s.uses[use{c.at.Player, c.a.Name}]
	switch {
	case done && c.a.Once:
		return c.refused("it happens once for each player")
	case done && c.now.Sub(at) < seconds(c.a.Cooldown.Player):
		return earshot.Errorf(earshot.CodeResourceExhausted, "%s rests for a while for this player", c.a.Name)
	case !done && len(c.s.uses) >= maxUses && c.keep():
		return earshot.Errorf(earshot.CodeResourceExhausted, "%s has been done for %d players, who are all remembered", c.a.Name, maxUses)
	}
	return nil
}

// keep reports whether who it was done for matters later.
func (c *check) keep() bool { return c.a.Once || c.a.Cooldown.Player > 0 }

func (c *check) holds(r *persona.Condition) error {
	switch {
	case r.Variable != "":
		return c.variableHolds(r)
	case r.Within > 0:
		if !(c.at.Distance >= 0 && c.at.Distance <= r.Within) {
			return c.refused("the player is not within %g m", r.Within)
		}
		return nil
	}
	item, count := c.item(r.Item, r.ItemFrom), c.count(r.Count, r.CountFrom)
	if held := c.s.Held(c.p, item); held < count {
		return c.refused("%d of %.64q are left, %d are needed", held, item, count)
	}
	return nil
}

func (c *check) variableHolds(r *persona.Condition) error {
	value := c.value(r.Variable)
	if r.Equals != nil && value != *r.Equals {
		return c.refused("%s is not %.64q", r.Variable, *r.Equals)
	}
	if r.AtLeast == nil && r.AtMost == nil {
		return nil
	}
	n, err := number(value)
	switch {
	case err != nil:
		return c.refused("%s is no number", r.Variable)
	case r.AtLeast != nil && n < *r.AtLeast:
		return c.refused("%s is below %g", r.Variable, *r.AtLeast)
	case r.AtMost != nil && n > *r.AtMost:
		return c.refused("%s is above %g", r.Variable, *r.AtMost)
	}
	return nil
}

// value is that of a variable; one that is not there is "".
func (c *check) value(name string) string {
	for _, layer := range []map[string]string{c.s.Variables, c.p.Worlds[c.s.World], c.p.Variables} {
		if value, ok := layer[name]; ok {
			return value
		}
	}
	return ""
}

func (c *check) item(item, from string) string {
	if from == "" {
		return item
	}
	named, _ := c.args[from].(string)
	return named
}

func (c *check) count(count int, from string) int {
	if given, ok := c.args[from].(int64); ok && from != "" {
		return int(max(1, given))
	}
	return max(1, count)
}

// changes works out the effects in order, each on what those before it left.
func (c *check) changes() (Changes, error) {
	next := Changes{Variables: map[string]string{}, Stock: map[string]int{}, keep: c.keep()}
	for i := range c.a.Effects {
		e := &c.a.Effects[i]
		var err error
		switch {
		case e.Set != nil:
			next.Variables[e.Variable] = *e.Set
		case e.Add != nil:
			err = c.add(&next, e)
		default:
			err = c.take(&next, e)
		}
		if err != nil {
			return Changes{}, err
		}
	}
	fresh := 0
	for name := range next.Variables {
		if _, known := c.s.Variables[name]; !known {
			fresh++
		}
	}
	if len(c.s.Variables)+fresh > MaxVariables {
		return Changes{}, earshot.Errorf(earshot.CodeResourceExhausted, "%s: an NPC has at most %d live variables", c.a.Name, MaxVariables)
	}
	return next, nil
}

func (c *check) add(next *Changes, e *persona.Effect) error {
	value, changed := next.Variables[e.Variable]
	if !changed {
		value = c.value(e.Variable)
	}
	n := 0.0
	if value != "" {
		var err error
		if n, err = number(value); err != nil {
			return c.refused("%s is no number", e.Variable)
		}
	}
	n += *e.Add
	if math.Abs(n) > maxNumber {
		return c.refused("%s would be beyond %g", e.Variable, maxNumber)
	}
	next.Variables[e.Variable] = strconv.FormatFloat(n, 'f', -1, 64)
	return nil
}

func (c *check) take(next *Changes, e *persona.Effect) error {
	item, count := c.item(e.Take, e.TakeFrom), c.count(e.Count, e.CountFrom)
	left, changed := next.Stock[item]
	if !changed {
		left = c.s.Held(c.p, item)
	}
	if left < count {
		return c.refused("%d of %.64q are left, %d are needed", left, item, count)
	}
	next.Stock[item] = left - count
	return nil
}

func (c *check) refused(format string, args ...any) error {
	args = append([]any{c.a.Name}, args...)
	return earshot.Errorf(earshot.CodeFailedPrecondition, "%s: "+format, args...)
}
