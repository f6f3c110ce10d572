package near

import (
	"encoding/json"
	"math"
	"unicode/utf8"

	"earshot"
)

// Parse reads a client's message. Unknown members are ignored, names are compared
// exactly, and of a member given twice the last counts. The *earshot.Error is
// invalid_argument and says what to do.
func Parse(data []byte) (ClientMessage, error) {
	if len(data) > MaxMessageBytes {
		return nil, invalid("the message has %d bytes, at most %d are accepted", len(data), MaxMessageBytes)
	}
	if !utf8.Valid(data) {
		return nil, invalid("the message is not UTF-8: encode it as UTF-8 text")
	}
	var f fields
	if err := json.Unmarshal(data, &f); err != nil || f == nil {
		return nil, invalid(`the message is not one JSON object: send {"type":"watch", …}`)
	}
	kind, err := f.text("type", 16)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "auth":
		token, err := f.text("token", MaxTokenBytes)
		return &Auth{Token: token}, err
	case "watch":
		return f.watch()
	case "unwatch":
		id, err := f.id()
		return &Unwatch{ID: id}, err
	case "resync":
		id, err := f.id()
		return &Resync{ID: id}, err
	}
	return nil, invalid("unknown message type %q: there are auth, watch, unwatch and resync", kind)
}

// fields are the members of one message, not yet decoded: encoding/json would
// match names in any case and take null for "not given".
type fields map[string]json.RawMessage

func (f fields) watch() (ClientMessage, error) {
	w := &Watch{}
	var err error
	if w.ID, err = f.id(); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(f["radius"], &w.Radius); err != nil || !(w.Radius > 0 && w.Radius <= MaxRadius) {
		return nil, invalid("radius must be a number of metres above 0 and up to %d", MaxRadius)
	}
	if raw, given := f["friends"]; given {
		switch string(raw) {
		case "true", "false":
			w.Friends = string(raw) == "true"
		default:
			return nil, invalid("friends must be true or false")
		}
	}
	if _, given := f["stage"]; given {
		if w.Stage, err = f.text("stage", MaxStageBytes); err != nil {
			return nil, err
		}
	}
	if raw, given := f["at"]; given {
		if w.Stage != "" {
			return nil, invalid("stage and at are both given: a watch has one middle")
		}
		if w.At, err = place(raw); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func place(raw json.RawMessage) (*earshot.Vec3, error) {
	var list []*float64
	ok := json.Unmarshal(raw, &list) == nil && len(list) == 3
	var v [3]float32
	for i := 0; ok && i < 3; i++ {
		if ok = list[i] != nil && math.Abs(*list[i]) <= MaxCoordinate; ok {
			v[i] = float32(*list[i])
		}
	}
	if !ok {
		return nil, invalid("at must be a list of three numbers, metres from -%d to %d", MaxCoordinate, MaxCoordinate)
	}
	return &earshot.Vec3{X: v[0], Y: v[1], Z: v[2]}, nil
}

func (f fields) id() (string, error) {
	id, err := f.text("id", MaxIDBytes)
	for i := 0; err == nil && i < len(id); i++ {
		if c := id[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return "", invalid("id is %q; it names the watch in 1 to %d of a-z, 0-9, - and _", id, MaxIDBytes)
		}
	}
	return id, err
}

// text reads a string that is there and not empty.
func (f fields) text(name string, most int) (string, error) {
	var s *string
	if err := json.Unmarshal(f[name], &s); err != nil || s == nil || *s == "" || len(*s) > most {
		return "", invalid("%s must be a string of 1 to %d bytes", name, most)
	}
	return *s, nil
}

func invalid(format string, args ...any) *earshot.Error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}
