package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"earshot"
)

// Parse reads a scenario strictly: an unknown field, a wrong type, a second
// document, an alias and whatever Validate refuses are errors. The error is
// Problems, all there are, each with the file (its name is only for that), the
// line, the field and what to write instead. Nothing is returned of a broken
// file.
func Parse(file string, text []byte) (*Scenario, error) {
	s, problems := parse(text)
	if len(problems) == 0 {
		return s, nil
	}
	for i := range problems {
		problems[i].File = file
	}
	slices.SortStableFunc(problems, func(a, b earshot.Problem) int { return a.Line - b.Line })
	return nil, problems
}

func parse(text []byte) (*Scenario, earshot.Problems) {
	root, problems := document(text)
	if len(problems) > 0 {
		return nil, problems
	}
	s := new(Scenario)
	d := decoder{lines: map[string]int{}}
	d.value(root, reflect.ValueOf(s).Elem(), "")
	given := func(path string) bool { _, ok := d.lines[path]; return ok }
	s.fillAbsent(given)
	s.fill()
	problems = append(d.problems, d.misplaced(s)...)
	for _, p := range s.validate() {
		if !d.unread(p.Field) {
			p.Line = d.lineOf(p.Field, root.Line)
			problems = append(problems, p)
		}
	}
	return s, problems
}

// unread reports whether a field, or what it is in, could not be read: that it
// is then not as it should be goes without saying.
func (d *decoder) unread(field string) bool {
	for _, p := range d.problems {
		rest, within := strings.CutPrefix(field, p.Field)
		if within && p.Field != "" && (rest == "" || rest[0] == '.' || rest[0] == '[') && !strings.HasPrefix(p.Message, noField) {
			return true
		}
	}
	return false
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)

// document reads the one document of a file and checks its structure.
func document(text []byte) (*yaml.Node, earshot.Problems) {
	if len(text) > MaxYAML {
		return nil, earshot.Problems{{Message: fmt.Sprintf("has %d bytes, at most %d are read", len(text), MaxYAML)}}
	}
	if !utf8.Valid(text) {
		return nil, earshot.Problems{{Message: "is not UTF-8"}}
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, earshot.Problems{{Message: "is empty; earshot loadtest -list shows the scenarios that come with Earshot"}}
	} else if err != nil {
		return nil, earshot.Problems{yamlProblem(err)}
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, earshot.Problems{{Line: max(second.Line, 1), Message: "a second document: one scenario per file"}}
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, earshot.Problems{{Line: root.Line, Message: "want a mapping with name, groups, slo and so on"}}
	}
	return root, checkNode(root, 1)
}

func yamlProblem(err error) earshot.Problem {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		return earshot.Problem{Line: line, Message: m[2]}
	}
	return earshot.Problem{Message: strings.TrimPrefix(err.Error(), "yaml: ")}
}

// checkNode refuses aliases and merges, which can make a small file very
// large, and deep nesting.
func checkNode(n *yaml.Node, depth int) earshot.Problems {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return earshot.Problems{{Line: n.Line, Message: "anchors and aliases are not allowed: write it out"}}
	case n.Tag == "!!merge":
		return earshot.Problems{{Line: n.Line, Message: "merging with << is not allowed: write it out"}}
	case depth > maxDepth:
		return earshot.Problems{{Line: n.Line, Message: "nested too deep"}}
	}
	for _, child := range n.Content {
		if problems := checkNode(child, depth+1); len(problems) > 0 {
			return problems
		}
	}
	return nil
}

// lineOf returns the line of a field, or of the nearest it is in.
func (d *decoder) lineOf(field string, root int) int {
	for field != "" {
		if line, ok := d.lines[field]; ok {
			return line
		}
		field = field[:max(0, strings.LastIndexAny(field, ".["))]
	}
	return root
}
