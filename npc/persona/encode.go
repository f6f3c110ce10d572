package persona

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"earshot"
)

// Encode writes the persona as a file that Parse reads back the same. Texts
// must be UTF-8, as Validate demands.
func (p *Persona) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(yamlNode(reflect.ValueOf(p).Elem())); err != nil {
		return nil, earshot.Errorf(earshot.CodeInternal, "%s: %v", p.Name, err)
	}
	if err := e.Close(); err != nil {
		return nil, earshot.Errorf(earshot.CodeInternal, "%s: %v", p.Name, err)
	}
	return b.Bytes(), nil
}

// yamlNode does what the YAML package does by itself, but for texts: that
// writes some in the literal style in a way that it cannot read back (one that
// begins with a tab, say), and there is no way to choose the style of a string
// in a struct.
func yamlNode(v reflect.Value) *yaml.Node {
	switch v.Kind() {
	case reflect.Pointer:
		return yamlNode(v.Elem())
	case reflect.Struct:
		return structNode(v)
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			n.Content = append(n.Content, yamlNode(v.Index(i)))
		}
		return n
	case reflect.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			n.Content = append(n.Content, textNode(key.String()), yamlNode(v.MapIndex(key)))
		}
		return n
	case reflect.String:
		return textNode(v.String())
	}
	n := &yaml.Node{}
	if err := n.Encode(v.Interface()); err != nil {
		panic(err) // numbers and booleans cannot fail
	}
	return n
}

func structNode(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		name, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		field := v.Field(i)
		if option == "omitempty" && field.IsZero() {
			continue
		}
		value := yamlNode(field)
		if isList := value.Kind != yaml.ScalarNode; isList && option == "omitempty" && len(value.Content) == 0 {
			continue
		}
		n.Content = append(n.Content, textNode(name), value)
	}
	return n
}

func textNode(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	if strings.Contains(s, "\n") && !literal(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// literal reports whether the literal style gives s back: no odd beginning and
// nothing but printable characters, spaces and line feeds.
func literal(s string) bool {
	odd := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	return !strings.HasPrefix(s, " ") && !strings.HasPrefix(s, "\n") && !strings.ContainsFunc(s, odd)
}
