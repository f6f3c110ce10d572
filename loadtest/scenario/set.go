package scenario

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"earshot"
)

// Set changes one value, as -set KEY=VALUE on a command line does. The value
// is YAML: 50, 30s, wifi, or {codec: vp8, layers: 1}. The key is
//
//	duration            a field of the scenario
//	count               of the largest group
//	slots, talk.kind    any other field of a group: of all groups
//	groups.0.count      of one group by number, from 0, or by name:
//	groups.band.slots
//
// A key into a part that a group lacks, like camera.fps, changes those groups
// that have it. The error is invalid_argument and says what there is; a value
// that makes the scenario invalid changes nothing.
func (s *Scenario) Set(key, value string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(value), &doc); err != nil || len(doc.Content) != 1 || len(value) > MaxYAML {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%s=%.64s: want a value, like count=50 or network=wifi", key, value)
	}
	if problems := checkNode(doc.Content[0], 1); len(problems) > 0 {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %s", key, problems[0].Message)
	}
	changed := s.clone()
	targets, err := changed.targets(strings.Split(key, "."))
	if err != nil {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %v", key, err)
	}
	for _, v := range targets {
		d := decoder{lines: map[string]int{}}
		if d.value(doc.Content[0], v, key); len(d.problems) > 0 {
			p := d.problems[0]
			return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %s", p.Field, p.Message)
		}
	}
	changed.fill()
	if problems := changed.validate(); len(problems) > 0 {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%s=%.64s: %s: %s", key, value, problems[0].Field, problems[0].Message)
	}
	*s = *changed
	return nil
}

// complaint is an error whose text is put after the key it is about.
type complaint string

// Error implements error.
func (c complaint) Error() string { return string(c) }

// targets returns the fields that a key means.
func (s *Scenario) targets(steps []string) ([]reflect.Value, error) {
	whole := reflect.ValueOf(s).Elem()
	if steps[0] == "groups" && len(steps) > 2 {
		g, err := s.group(steps[1])
		if err != nil {
			return nil, err
		}
		v, err := into(reflect.ValueOf(g).Elem(), steps[2:], true)
		return []reflect.Value{v}, err
	}
	// Every group has its own chat by now, whoever said it.
	if _, ok := fieldNamed(whole, steps[0]); ok && steps[0] != "chat" {
		v, err := into(whole, steps, true)
		return []reflect.Value{v}, err
	}
	if steps[0] == "count" && len(steps) == 1 && len(s.Groups) > 0 {
		return []reflect.Value{reflect.ValueOf(&s.Groups[s.Main()].Count).Elem()}, nil
	}
	return s.everywhere(steps)
}

// everywhere returns a field of all groups that have what it is in.
func (s *Scenario) everywhere(steps []string) (all []reflect.Value, err error) {
	known := append(fieldNames(reflect.TypeFor[Scenario]()), fieldNames(reflect.TypeFor[Group]())...)
	if !slices.Contains(known, steps[0]) {
		return nil, complaint("there is no such setting; " + suggest(steps[0], known))
	}
	for i := range s.Groups {
		v, err := into(reflect.ValueOf(&s.Groups[i]).Elem(), steps, false)
		if err != nil {
			return nil, err
		}
		if v.IsValid() {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return nil, complaint("no group has a " + steps[0] + ": give one all of it, like camera={codec: vp8}")
	}
	return all, nil
}

func (s *Scenario) group(name string) (*Group, error) {
	names := make([]string, len(s.Groups))
	for i := range s.Groups {
		names[i] = s.Groups[i].Name
		if name == names[i] || name == strconv.Itoa(i) {
			return &s.Groups[i], nil
		}
	}
	return nil, complaint("there is no group " + strconv.Quote(name) + "; " + suggest(name, names))
}

// into follows a key to its field. Where it leads through a part that is
// absent that part is made, or else the answer is no value.
func into(v reflect.Value, steps []string, create bool) (reflect.Value, error) {
	for i, step := range steps {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() && !create {
				return reflect.Value{}, nil
			}
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		if network, ok := v.Addr().Interface().(*Network); ok {
			*network = Network{Path: network.Resolve()}
			v = reflect.ValueOf(&network.Path).Elem()
		}
		if v.Kind() != reflect.Struct {
			return v, complaint(strings.Join(steps[:i], ".") + " has no parts")
		}
		next, ok := fieldNamed(v, step)
		if !ok {
			names := fieldNames(v.Type())
			return v, complaint("there is no such setting; " + suggest(step, names))
		}
		v = next
	}
	return v, nil
}
