package persona

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is what sort of thing an action is: clients show it by that.
type Kind string

// The kinds.
const (
	KindEmote  Kind = "emote"  // a gesture
	KindLook   Kind = "look"   // at the player
	KindMove   Kind = "move"   // to the waypoint named by the parameter waypoint; without that parameter, to the player
	KindGive   Kind = "give"   // something to the player
	KindOpen   Kind = "open"   // a door, a chest
	KindCustom Kind = "custom" // the game knows
)

// kinds are all of them; empty means custom.
var kinds = []Kind{"", KindEmote, KindLook, KindMove, KindGive, KindOpen, KindCustom}

// WaypointParameter is the parameter of a move that names where to go.
const WaypointParameter = "waypoint"

// Condition is one thing that must hold for an action to happen: about a
// variable, about the distance of the player, or about the stock. Exactly one
// of Variable, Within and Item or ItemFrom is set.
type Condition struct {
	Variable string   `yaml:"variable,omitempty" json:"variable,omitempty"`
	Equals   *string  `yaml:"equals,omitempty" json:"equals,omitempty"`     // to the letter; a variable that is not there is ""
	AtLeast  *float64 `yaml:"at_least,omitempty" json:"at_least,omitempty"` // as a number; one that is none never holds
	AtMost   *float64 `yaml:"at_most,omitempty" json:"at_most,omitempty"`

	Within float64 `yaml:"within,omitempty" json:"within,omitempty"` // metres from the player

	Item      string `yaml:"item,omitempty" json:"item,omitempty"`           // that the character still has
	ItemFrom  string `yaml:"item_from,omitempty" json:"item_from,omitempty"` // the parameter that names it
	Count     int    `yaml:"count,omitempty" json:"count,omitempty"`         // 0: 1
	CountFrom string `yaml:"count_from,omitempty" json:"count_from,omitempty"`
}

// Effect is one change that an action makes: to a variable, or to the stock.
type Effect struct {
	Variable string   `yaml:"variable,omitempty" json:"variable,omitempty"`
	Set      *string  `yaml:"set,omitempty" json:"set,omitempty"`
	Add      *float64 `yaml:"add,omitempty" json:"add,omitempty"` // to a variable that is a number, or not there and so 0

	Take      string `yaml:"take,omitempty" json:"take,omitempty"`           // an item out of the stock; refused where it is not there
	TakeFrom  string `yaml:"take_from,omitempty" json:"take_from,omitempty"` // the parameter that names it
	Count     int    `yaml:"count,omitempty" json:"count,omitempty"`         // 0: 1
	CountFrom string `yaml:"count_from,omitempty" json:"count_from,omitempty"`
}

// Cooldown is how long an action rests after it happened, in seconds.
type Cooldown struct {
	Player float64 `yaml:"player,omitempty" json:"player,omitempty"` // for the same player
	All    float64 `yaml:"all,omitempty" json:"all,omitempty"`       // for everybody
}

const (
	maxCount    = 1_000_000
	maxNumber   = 1e12      // of a variable that rules count with
	maxCooldown = 7 * 86400 // seconds
)

// rules checks what the world asks of an action.
func (c *checker) rules(a *Action, at string) {
	c.that(slices.Contains(kinds, a.Kind), at+".kind", "must be emote, look, move, give, open or custom, is %.32q", string(a.Kind))
	if a.Kind == KindMove {
		way := a.parameter(WaypointParameter)
		c.that(way == nil || way.Type == "string" && way.Required, at+".parameters", "%s of a move must be a required string", WaypointParameter)
	}
	c.list(len(a.Requires), at+".requires")
	for i := range a.Requires {
		c.condition(a, &a.Requires[i], fmt.Sprintf("%s.requires[%d]", at, i))
	}
	c.list(len(a.Effects), at+".effects")
	for i := range a.Effects {
		c.effect(a, &a.Effects[i], fmt.Sprintf("%s.effects[%d]", at, i))
	}
	c.between(a.Cooldown.Player, 0, maxCooldown, at+".cooldown.player")
	c.between(a.Cooldown.All, 0, maxCooldown, at+".cooldown.all")
}

func (a *Action) parameter(name string) *Parameter {
	if at := slices.IndexFunc(a.Parameters, func(p Parameter) bool { return p.Name == name }); at >= 0 {
		return &a.Parameters[at]
	}
	return nil
}

func (c *checker) condition(a *Action, r *Condition, at string) {
	about := count(r.Variable != "", r.Within != 0, r.Item != "" || r.ItemFrom != "")
	c.that(about == 1, at, "must be about one thing: variable, within, or item")
	compared := r.Equals != nil || r.AtLeast != nil || r.AtMost != nil
	c.that(compared == (r.Variable != ""), at, "variable needs equals, at_least or at_most, and they need it")
	c.variable(r.Variable, at)
	if r.Equals != nil {
		c.text(*r.Equals, at+".equals", maxVariable)
	}
	c.amount(r.AtLeast, at+".at_least")
	c.amount(r.AtMost, at+".at_most")
	c.between(r.Within, 0, 1000, at+".within")
	c.item(a, stockRule{r.Item, r.ItemFrom, r.Count, r.CountFrom}, at, "item")
}

func (c *checker) effect(a *Action, e *Effect, at string) {
	about := count(e.Variable != "", e.Take != "" || e.TakeFrom != "")
	c.that(about == 1, at, "must be about one thing: variable, or take")
	changes := count(e.Set != nil, e.Add != nil)
	c.that(changes <= 1 && (changes == 1) == (e.Variable != ""), at, "variable needs one of set and add, and they need it")
	c.variable(e.Variable, at)
	if e.Set != nil {
		c.text(*e.Set, at+".set", maxVariable)
	}
	c.amount(e.Add, at+".add")
	c.item(a, stockRule{e.Take, e.TakeFrom, e.Count, e.CountFrom}, at, "take")
}

func (c *checker) variable(name, at string) {
	c.that(name == "" || variablePattern.MatchString(name), at+".variable", "%.64q is no name: letters, digits, _, . and -", name)
}

func (c *checker) amount(v *float64, at string) {
	if v != nil {
		c.between(*v, -maxNumber, maxNumber, at)
	}
}

// stockRule is what conditions and effects say of an item.
type stockRule struct {
	item, itemFrom string
	count          int
	countFrom      string
}

func (c *checker) item(a *Action, r stockRule, at, word string) {
	none := r.item == "" && r.itemFrom == ""
	c.that(r.item == "" || r.itemFrom == "", at, "has both %s and %s_from: give one", word, word)
	c.that(!none || r.count == 0 && r.countFrom == "", at, "count belongs to %s", word)
	c.label(r.item, at+"."+word)
	c.that(r.count >= 0 && r.count <= maxCount, at+".count", "must be from 1 to %d, is %d", maxCount, r.count)
	c.that(r.count == 0 || r.countFrom == "", at, "has both count and count_from: give one")
	if r.itemFrom != "" {
		p := a.parameter(r.itemFrom)
		c.that(p != nil && p.Required && len(p.Enum) > 0, at+"."+word+"_from", "%.64q must be a required parameter with an enum", r.itemFrom)
	}
	if r.countFrom != "" {
		p := a.parameter(r.countFrom)
		c.that(p != nil && p.Type == "integer" && p.Minimum != nil && *p.Minimum >= 1 && p.Maximum != nil && *p.Maximum <= maxCount,
			at+".count_from", "%.64q must be an integer parameter with a minimum of 1 or more and a maximum of at most %d", r.countFrom, maxCount)
	}
}

func (c *checker) stock(stock map[string]int) {
	c.list(len(stock), "stock")
	for _, name := range sortedKeys(stock) {
		at := "stock." + name
		c.that(strings.TrimSpace(name) != "", "stock", "has an item without a name")
		c.label(name, at)
		c.that(stock[name] >= 0 && stock[name] <= maxCount, at, "must be from 0 to %d, is %d", maxCount, stock[name])
	}
}

func count(all ...bool) (n int) {
	for _, yes := range all {
		if yes {
			n++
		}
	}
	return n
}
