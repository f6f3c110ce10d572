package persona

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

// Parse reads a persona file strictly: an unknown field, a wrong type, a
// second document, an alias, and whatever Validate refuses are errors. The
// error is Problems, each with file (the name is only for that), line and
// field. Nothing is returned of a broken file.
func Parse(file string, text []byte) (*Persona, error) {
	p, problems := parse(text)
	for i := range problems {
		problems[i].File = file
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return p, nil
}

func parse(text []byte) (*Persona, earshot.Problems) {
	if len(text) > MaxYAML {
		return nil, earshot.Problems{{Message: fmt.Sprintf("%d bytes, at most %d are read", len(text), MaxYAML)}}
	}
	root, problems := parseNode(text)
	if len(problems) > 0 {
		return nil, problems
	}
	var p Persona
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		return nil, yamlProblems(err, root)
	}
	problems = p.Validate()
	for i, problem := range problems {
		problems[i].Line = lineOf(root, problem.Field)
	}
	return &p, problems
}

// parseNode checks the structure before anything is decoded into fields.
func parseNode(text []byte) (*yaml.Node, earshot.Problems) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := d.Decode(&document); errors.Is(err, io.EOF) {
		return nil, earshot.Problems{{Message: "the file is empty"}}
	} else if err != nil {
		return nil, yamlProblems(err, nil)
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, earshot.Problems{{Line: second.Line, Message: "a second document: one persona per file"}}
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, earshot.Problems{{Line: root.Line, Message: "want a mapping with name, description and so on"}}
	}
	return root, checkNode(root, 1)
}

// checkNode refuses aliases, which can make a small file very large, and deep
// nesting.
func checkNode(n *yaml.Node, depth int) (problems earshot.Problems) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return earshot.Problems{{Line: n.Line, Message: "anchors and aliases are not allowed"}}
	}
	if depth > MaxDepth {
		return earshot.Problems{{Line: n.Line, Message: "nested too deep"}}
	}
	for _, child := range n.Content {
		if problems = checkNode(child, depth+1); len(problems) > 0 {
			return problems
		}
	}
	return nil
}

var (
	lineInError    = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
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
		if m := unknownInError.FindStringSubmatch(p.Message); m != nil {
			p.Message = fmt.Sprintf("there is no field %q", m[1])
		}
		problems = append(problems, p)
	}
	return problems
}

// lineOf returns where a field like goals[1].instruction is, or the nearest
// that is there of what it is in.
func lineOf(root *yaml.Node, field string) int {
	line := root.Line
	if field == "" {
		return line
	}
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

// fieldAt returns the first field that begins on a line.
func fieldAt(n *yaml.Node, line int) string {
	path := ""
	for n != nil {
		step, next := childAt(n, line)
		path += step
		if next == nil || next.Line > line || next.Kind == yaml.ScalarNode {
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
	for i := 0; i+width <= len(n.Content) && n.Content[i].Line <= line; i += width {
		if foundLine == line {
			break
		}
		foundLine, found = n.Content[i].Line, n.Content[i+width-1]
		step = fmt.Sprintf("[%d]", i)
		if width == 2 {
			step = "." + n.Content[i].Value
		}
	}
	return step, found
}
