package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"earshot"
)

// decode reads a file into fields, strictly. The root is nil where there is
// nothing to check further; else what could be read is in spec, and the
// problems are those of the fields that could not.
func decode(text []byte) (spec *Spec, root *yaml.Node, problems earshot.Problems) {
	if len(text) > MaxYAML {
		return nil, nil, earshot.Problems{{Message: fmt.Sprintf("%d bytes, at most %d are read", len(text), MaxYAML)}}
	}
	root, problems = parseNode(text)
	if len(problems) > 0 {
		return nil, nil, problems
	}
	spec = new(Spec)
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(spec); err != nil {
		problems = yamlProblems(err, root)
		var wrong *yaml.TypeError
		if !errors.As(err, &wrong) {
			return nil, nil, problems
		}
	}
	return spec, root, problems
}

// parseNode checks the structure before anything is decoded into fields.
func parseNode(text []byte) (*yaml.Node, earshot.Problems) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := d.Decode(&document); errors.Is(err, io.EOF) {
		return nil, earshot.Problems{{Message: "the file is empty; earshot policy default prints one to begin with"}}
	} else if err != nil {
		return nil, yamlProblems(err, nil)
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, earshot.Problems{{Line: second.Line, Message: "a second document: one policy per file"}}
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, earshot.Problems{{Line: root.Line, Message: "want a mapping with version, categories, ladder and so on"}}
	}
	return root, checkNode(root, 1)
}

// checkNode refuses aliases and merges, which can make a small file very
// large or hide what is in force, and deep nesting.
func checkNode(n *yaml.Node, depth int) earshot.Problems {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return earshot.Problems{{Line: n.Line, Message: "anchors and aliases are not allowed: write it out"}}
	case n.Tag == "!!merge":
		return earshot.Problems{{Line: n.Line, Message: "merging with << is not allowed: write it out"}}
	case depth > MaxDepth:
		return earshot.Problems{{Line: n.Line, Message: "nested too deep"}}
	}
	for _, child := range n.Content {
		if problems := checkNode(child, depth+1); len(problems) > 0 {
			return problems
		}
	}
	return nil
}

var (
	lineInError    = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	typeInError    = regexp.MustCompile("^cannot unmarshal (!!\\S+)(?: `.*`)? into (\\S+)$")
	textType       = regexp.MustCompile(`^policy\.(Action|Age|Category|Doubt|Kind|Severity|Source)$`)
	unknownInError = regexp.MustCompile(`^field (\S+) not found in type \S+$`)
)

// yamlProblems reads lines and fields out of the texts of the YAML package,
// which has them nowhere else.
func yamlProblems(err error, root *yaml.Node) (problems earshot.Problems) {
	texts := []string{err.Error()}
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		texts = wrong.Errors
	}
	for _, text := range texts {
		p := earshot.Problem{Message: strings.TrimPrefix(text, "yaml: ")}
		if m := lineInError.FindStringSubmatch(text); m != nil {
			p.Line, _ = strconv.Atoi(m[1])
			p.Message = m[2]
			p.Field = fieldAt(root, p.Line)
		}
		if m := typeInError.FindStringSubmatch(p.Message); m != nil {
			p.Message = fmt.Sprintf("cannot be %s, want %s", shapeOf(m[1]), shapeOf(m[2]))
		}
		if m := unknownInError.FindStringSubmatch(p.Message); m != nil {
			p.Message = fmt.Sprintf("there is no field %q", m[1])
		}
		problems = append(problems, p)
	}
	return problems
}

// shapeOf says in words what a YAML tag or a Go type looks like in a file.
func shapeOf(name string) string {
	switch {
	case name == "!!seq" || strings.HasPrefix(name, "[]"):
		return "a list"
	case name == "!!int" || name == "!!float" || name == "int" || name == "float64":
		return "a number"
	case name == "!!bool" || name == "bool":
		return "true or false"
	case name == "!!null":
		return "empty"
	case name == "!!str" || name == "string" || textType.MatchString(name):
		return "text"
	}
	return "a mapping"
}

// lineOf returns where a field like ladder[1].at is, or the nearest that is
// there of what it is in.
func lineOf(root *yaml.Node, field string) int {
	line := root.Line
	for _, step := range strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		key, next := child(root, step)
		if next == nil {
			break
		}
		root, line = next, key.Line
	}
	return line
}

func child(n *yaml.Node, step string) (key, value *yaml.Node) {
	if i, err := strconv.Atoi(step); err == nil && n.Kind == yaml.SequenceNode && i < len(n.Content) {
		return n.Content[i], n.Content[i]
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == step {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// fieldAt returns the field that a line is part of, down to the first that
// begins on it.
func fieldAt(n *yaml.Node, line int) string {
	path := ""
	for n != nil && n.Kind != yaml.ScalarNode {
		step, next := childAt(n, line)
		path += step
		if next == nil || next.Line > line {
			break
		}
		n = next
	}
	return strings.TrimPrefix(path, ".")
}

// childAt returns the last child that begins at or before a line, but the
// first of those on it.
func childAt(n *yaml.Node, line int) (step string, found *yaml.Node) {
	width := 1
	if n.Kind == yaml.MappingNode {
		width = 2
	}
	foundLine := 0
	for i := 0; i+width <= len(n.Content) && n.Content[i].Line <= line && foundLine < line; i += width {
		foundLine, found = n.Content[i].Line, n.Content[i+width-1]
		step = fmt.Sprintf("[%d]", i)
		if width == 2 {
			step = "." + n.Content[i].Value
		}
	}
	return step, found
}
