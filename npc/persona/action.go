package persona

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"unicode/utf8"

	"earshot"
)

// Action is one thing the character may do besides talking. The model only
// proposes; CheckAction and then the world decide.
type Action struct {
	Name        string      `yaml:"name" json:"name"` // lower-case letters, digits and _
	Description string      `yaml:"description" json:"description"`
	Parameters  []Parameter `yaml:"parameters,omitempty" json:"parameters,omitempty"`

	// What the world asks before it happens, and what then changes. The model
	// is told nothing of it; npc/action decides by it.
	Kind     Kind        `yaml:"kind,omitempty" json:"kind,omitempty"`         // empty: custom
	Requires []Condition `yaml:"requires,omitempty" json:"requires,omitempty"` // all must hold
	Effects  []Effect    `yaml:"effects,omitempty" json:"effects,omitempty"`   // in order, all or none
	Cooldown Cooldown    `yaml:"cooldown,omitempty" json:"cooldown,omitzero"`
	Once     bool        `yaml:"once,omitempty" json:"once,omitempty"` // for each player
}

// Parameter describes one argument in the words of JSON Schema. There are no
// nested objects: small models get those wrong.
type Parameter struct {
	Name        string   `yaml:"name" json:"name"`
	Type        string   `yaml:"type" json:"type"` // string, number, integer or boolean
	Description string   `yaml:"description,omitempty" json:"description,omitempty"`
	Enum        []string `yaml:"enum,omitempty" json:"enum,omitempty"` // of a string
	Minimum     *float64 `yaml:"minimum,omitempty" json:"minimum,omitempty"`
	Maximum     *float64 `yaml:"maximum,omitempty" json:"maximum,omitempty"`
	MaxLength   int      `yaml:"max_length,omitempty" json:"max_length,omitempty"` // runes of a string; 0: 256
	Required    bool     `yaml:"required,omitempty" json:"required,omitempty"`
}

const (
	defaultMaxLength = 256
	maxArguments     = 16 << 10 // bytes
)

// Schema returns the JSON Schema of the action's arguments, as the tools of
// chat APIs want it. Equal actions give equal bytes.
func (a *Action) Schema() json.RawMessage {
	properties := map[string]map[string]any{}
	required := []string{}
	for _, p := range a.Parameters {
		properties[p.Name] = p.schema()
		if p.Required {
			required = append(required, p.Name)
		}
	}
	return encode(map[string]any{
		"type": "object", "properties": properties, "required": required, "additionalProperties": false,
	})
}

func (p *Parameter) schema() map[string]any {
	s := map[string]any{"type": p.Type}
	if p.Description != "" {
		s["description"] = p.Description
	}
	if p.Type == "string" && len(p.Enum) == 0 {
		s["maxLength"] = p.maxLength()
	}
	if len(p.Enum) > 0 {
		s["enum"] = p.Enum
	}
	if p.Minimum != nil {
		s["minimum"] = *p.Minimum
	}
	if p.Maximum != nil {
		s["maximum"] = *p.Maximum
	}
	return s
}

func (p *Parameter) maxLength() int {
	if p.MaxLength == 0 {
		return defaultMaxLength
	}
	return p.MaxLength
}

// CheckAction checks what a model proposed against what the persona allows:
// the name must be on the list and the arguments, a JSON object (empty: {}),
// must be exactly as described, none unknown, none twice. It returns them as
// string, float64, int64 or bool. Whether the world permits it now is not
// asked here. Errors are permission_denied or invalid_argument.
func (p *Persona) CheckAction(name string, arguments []byte) (map[string]any, error) {
	at := slices.IndexFunc(p.Actions, func(a Action) bool { return a.Name == name })
	if at < 0 {
		return nil, earshot.Errorf(earshot.CodePermissionDenied, "%s may not do %.64q", p.Name, name)
	}
	if len(bytes.TrimSpace(arguments)) == 0 {
		arguments = []byte("{}")
	}
	if err := checkJSON(arguments, maxArguments); err != nil {
		return nil, err
	}
	return p.Actions[at].check(arguments)
}

func (a *Action) check(arguments []byte) (map[string]any, error) {
	given, ok := members(arguments)
	if !ok {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "%s: arguments are no JSON object", a.Name)
	}
	values := map[string]any{}
	for _, m := range given {
		at := slices.IndexFunc(a.Parameters, func(p Parameter) bool { return p.Name == m.name })
		if _, twice := values[m.name]; at < 0 || twice {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "%s: argument %.64q is unknown or given twice", a.Name, m.name)
		}
		value, problem := a.Parameters[at].check(arguments[m.start:m.end])
		if problem != "" {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "%s: %s %s", a.Name, m.name, problem)
		}
		values[m.name] = value
	}
	for _, p := range a.Parameters {
		if _, ok := values[p.Name]; p.Required && !ok {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "%s: %s is missing", a.Name, p.Name)
		}
	}
	return values, nil
}

func (p *Parameter) check(raw []byte) (value any, problem string) {
	var decoded any
	if json.Unmarshal(raw, &decoded) != nil {
		return nil, "cannot be read"
	}
	switch v := decoded.(type) {
	case string:
		return v, p.checkString(v)
	case bool:
		if p.Type == "boolean" {
			return v, ""
		}
	case float64:
		return p.checkNumber(v)
	}
	return nil, "is not of type " + p.Type
}

func (p *Parameter) checkString(v string) string {
	switch {
	case p.Type != "string":
		return "is not of type " + p.Type
	case len(p.Enum) > 0 && !slices.Contains(p.Enum, v):
		return "is none of the allowed values"
	case len(p.Enum) == 0 && utf8.RuneCountInString(v) > p.maxLength():
		return "is too long"
	}
	return ""
}

func (p *Parameter) checkNumber(v float64) (any, string) {
	switch {
	case p.Type != "number" && p.Type != "integer":
		return nil, "is not of type " + p.Type
	case p.Minimum != nil && v < *p.Minimum || p.Maximum != nil && v > *p.Maximum:
		return nil, "is out of range"
	case p.Type == "number":
		return v, ""
	case v != math.Trunc(v) || math.Abs(v) > 1<<53:
		return nil, "is not a whole number"
	}
	return int64(v), ""
}
