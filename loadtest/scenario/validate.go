package scenario

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"earshot"
)

var (
	namePattern = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$`)
	rulePattern = regexp.MustCompile(`^([a-z][a-z0-9_.]{0,79})\s*(<=|>=|<|>|==)\s*(-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?)\s*(?:#.*)?$`)
)

// Validate returns everything that is wrong with a scenario, as Problems, or
// nil.
func (s *Scenario) Validate() error {
	if problems := s.validate(); len(problems) > 0 {
		return problems
	}
	return nil
}

// checker collects what is wrong.
type checker struct{ problems earshot.Problems }

func (c *checker) complain(field, format string, args ...any) {
	c.problems = append(c.problems, earshot.Problem{Field: field, Message: fmt.Sprintf(format, args...)})
}

func (s *Scenario) validate() earshot.Problems {
	var c checker
	c.value(reflect.ValueOf(s).Elem(), "", "")
	if !namePattern.MatchString(s.Name) {
		c.complain("name", "is %.64q, want lower-case letters, digits and -, like my-plaza", s.Name)
	}
	if strings.TrimSpace(s.Title) == "" || strings.Contains(s.Title, "\n") {
		c.complain("title", "want one line that says what it is")
	}
	for field, text := range map[string]string{"title": s.Title, "about": s.About, "world": s.World} {
		if len(text) > maxText {
			c.complain(field, "has %d bytes, at most %d", len(text), maxText)
		}
	}
	s.validateGroups(&c)
	for i, rule := range s.SLO {
		if !rulePattern.MatchString(strings.TrimSpace(rule)) {
			c.complain(fmt.Sprintf("slo[%d]", i), "is %.80q, want METRIC OP NUMBER with <=, >=, <, > or ==, like voice.latency_ms.p99 <= 150", rule)
		}
	}
	if len(s.SLO) > MaxRules {
		c.complain("slo", "has %d rules, at most %d", len(s.SLO), MaxRules)
	}
	// A map was walked: one order for the same problems.
	slices.SortStableFunc(c.problems, func(a, b earshot.Problem) int { return strings.Compare(a.Field, b.Field) })
	return c.problems
}

func (s *Scenario) validateGroups(c *checker) {
	if len(s.Groups) == 0 {
		c.complain("groups", "nobody takes part: add a group with count, talk and move")
	}
	if len(s.Groups) > MaxGroups {
		c.complain("groups", "there are %d, at most %d", len(s.Groups), MaxGroups)
		return
	}
	if n := s.People(); n > MaxPeople {
		c.complain("groups", "%d people in all, at most %d", n, MaxPeople)
	}
	names := map[string]bool{}
	for i := range s.Groups {
		g := &s.Groups[i]
		at := fmt.Sprintf("groups[%d]", i)
		if !namePattern.MatchString(g.Name) {
			c.complain(at+".name", "is %.64q, want lower-case letters, digits and -", g.Name)
		} else if names[g.Name] {
			c.complain(at+".name", "another group is called %s too: give each its own name", g.Name)
		}
		names[g.Name] = true
		g.validate(c, at)
	}
}

func (g *Group) validate(c *checker, at string) {
	ways := 0
	for _, set := range []bool{g.Join.Over > 0, g.Join.Rate > 0, g.Join.Storm} {
		if set {
			ways++
		}
	}
	if ways > 1 {
		c.complain(at+".join", "has more than one of over, rate and storm: keep one")
	}
	if g.Move.Kind == "flow" && g.Move.Far < g.Move.Near {
		c.complain(at+".move.far", "is %v, nearer to the stage than near, %v", g.Move.Far, g.Move.Near)
	}
	if g.Mixed() && g.Slots == 0 {
		c.complain(at+".slots", "is 0, and a binaural mix comes in a voice slot: want 1")
	}
	if v := g.Camera; v != nil && v.Layers >= 1 && v.Layers <= 3 {
		switch {
		case !slices.Contains([]int{320, 640, 1280}, v.Width):
			c.complain(at+".camera.width", "is %d, want 320, 640 or 1280", v.Width)
		case v.Width>>(v.Layers-1) < smallest:
			c.complain(at+".camera.layers", "%d layers of which the top is %d wide: the lowest would be under %d; take fewer", v.Layers, v.Width, smallest)
		}
	}
	if g.VisitNPC != nil && (g.VisitNPC.Name == "" || len(g.VisitNPC.Name) > 64) {
		c.complain(at+".visit_npc.name", "want the id of a character of the world, like mara of the demo world")
	}
	g.Network.validate(c, at+".network")
}

// value checks range and oneof of every field in v.
func (c *checker) value(v reflect.Value, path string, tag reflect.StructTag) {
	if _, ok := v.Interface().(Network); ok {
		return // netsim checks it
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c.value(v.Elem(), path, "")
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			absent := v.Field(i).IsZero() && strings.HasSuffix(f.Tag.Get("yaml"), ",omitempty")
			if name := nameOf(f); name != "-" && !absent {
				c.value(v.Field(i), join(path, name), f.Tag)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			c.value(v.Index(i), fmt.Sprintf("%s[%d]", path, i), "")
		}
	case reflect.Array:
		for i := range v.Len() {
			c.bounds(v.Index(i), path, tag)
		}
	case reflect.String:
		if kinds := strings.Fields(tag.Get("oneof")); len(kinds) > 0 && !slices.Contains(kinds, v.String()) {
			c.complain(path, "there is no %.64q; %s", v.String(), suggest(v.String(), kinds))
		}
	default:
		c.bounds(v, path, tag)
	}
}

// bounds checks the range of a number or a time.
func (c *checker) bounds(v reflect.Value, path string, tag reflect.StructTag) {
	low, high, ok := strings.Cut(tag.Get("range"), " ")
	if !ok {
		return
	}
	var got, least, most float64
	var said any = v.Interface()
	switch n := said.(type) {
	case time.Duration:
		l, _ := time.ParseDuration(low)
		h, _ := time.ParseDuration(high)
		got, least, most = float64(n), float64(l), float64(h)
	case int:
		got, least, most = float64(n), number(low), number(high)
	case float64:
		got, least, most = n, number(low), number(high)
	}
	if math.IsNaN(got) || got < least || got > most {
		c.complain(path, "is %v, want %s to %s", said, low, high)
	}
}

func number(s string) float64 {
	n, _ := strconv.ParseFloat(s, 64)
	return n
}
