package scenario

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"earshot"
)

// misplaced finds fields that were written where they have no meaning, such as
// a speed of people who stand: they would be ignored, which is worse than an
// error.
func (d *decoder) misplaced(s *Scenario) (problems earshot.Problems) {
	for i := range s.Groups {
		g := &s.Groups[i]
		at := fmt.Sprintf("groups[%d]", i)
		problems = append(problems, d.misplacedIn(reflect.ValueOf(g.Talk), at+".talk", g.Talk.Kind)...)
		problems = append(problems, d.misplacedIn(reflect.ValueOf(g.Move), at+".move", g.Move.Kind)...)
	}
	return problems
}

func (d *decoder) misplacedIn(v reflect.Value, at, kind string) (problems earshot.Problems) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		kinds := strings.Fields(f.Tag.Get("for"))
		path := join(at, nameOf(f))
		line, given := d.lines[path]
		if given && kind != "" && len(kinds) > 0 && !slices.Contains(kinds, kind) {
			problems = append(problems, earshot.Problem{Line: line, Field: path,
				Message: fmt.Sprintf("means nothing to kind %.32s, only to %s: remove it or change the kind", kind, list(kinds))})
		}
	}
	return problems
}
