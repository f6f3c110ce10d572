package scenario

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"earshot"
)

// decoder reads YAML into fields and notes everything that does not fit, with
// line and field, where the YAML package stops at a line number.
type decoder struct {
	problems earshot.Problems
	lines    map[string]int // of every field that was given
}

// noField begins what is said of a field that is not in the format.
const noField = "there is no field"

func (d *decoder) complain(n *yaml.Node, path, format string, args ...any) {
	d.problems = append(d.problems, earshot.Problem{Line: n.Line, Field: path, Message: fmt.Sprintf(format, args...)})
}

// value reads n into v, which is at path.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	d.lines[path] = n.Line
	if network, ok := v.Addr().Interface().(*Network); ok {
		d.network(n, network, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		d.mapping(n, v, path)
	case reflect.Slice:
		d.sequence(n, v, path)
	case reflect.Array:
		d.place(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

// network reads the name of one or what it is like.
func (d *decoder) network(n *yaml.Node, network *Network, path string) {
	*network = Network{}
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		network.Name = n.Value
		return
	}
	d.mapping(n, reflect.ValueOf(&network.Path).Elem(), path)
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.complain(n, path, "is %s, want a mapping with %s", shape(n), list(fieldNames(v.Type())))
		return
	}
	v.SetZero()
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, ok := fieldNamed(v, key.Value)
		at := join(path, key.Value)
		switch _, twice := d.lines[at]; {
		case !ok:
			d.complain(key, path, noField+" %.64q; %s", key.Value, suggest(key.Value, fieldNames(v.Type())))
		case twice:
			d.complain(key, at, "is there twice: keep one")
		default:
			d.value(value, field, at)
		}
	}
}

func (d *decoder) sequence(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.complain(n, path, "is %s, want a list: one entry a line, each after a dash", shape(n))
		return
	}
	if most := 1000; len(n.Content) > most {
		d.complain(n, path, "has %d entries, at most %d", len(n.Content), most)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, entry := range n.Content {
		d.value(entry, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

func (d *decoder) place(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode || len(n.Content) != v.Len() {
		d.complain(n, path, "want x, y and z in metres, like [4, 0, -2]")
		return
	}
	for i, entry := range n.Content {
		d.scalar(entry, v.Index(i), path)
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	want := wants(v)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" && v.Kind() != reflect.String {
		d.complain(n, path, "is %s, want %s", shape(n), want)
		return
	}
	var err error
	switch field := v.Addr().Interface().(type) {
	case *time.Duration:
		*field, err = time.ParseDuration(n.Value)
	case *string:
		*field = n.Value
	default:
		err = n.Decode(field)
	}
	if err != nil {
		d.complain(n, path, "is %.64q, want %s", n.Value, want)
	}
}

// wants says in words what a scalar field takes.
func wants(v reflect.Value) string {
	if _, ok := v.Interface().(time.Duration); ok {
		return "a time with its unit, like 300ms, 20s or 1h30m"
	}
	switch v.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	case reflect.Uint64:
		return "a whole number, not below 0"
	}
	return "a whole number"
}

func shape(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null" || n.Value == "":
		return "empty"
	}
	return strconv.Quote(n.Value)
}

// fieldNames returns what a struct's fields are called in YAML.
func fieldNames(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		if name := nameOf(t.Field(i)); name != "-" {
			names = append(names, name)
		}
	}
	return names
}

func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func fieldNamed(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if nameOf(v.Type().Field(i)) == name && name != "-" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
