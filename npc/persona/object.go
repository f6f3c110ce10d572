package persona

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"earshot"
)

// Cards are changed by splicing new values into their text: all other bytes,
// order and white space included, stay as they were. The functions here find
// the places. They take text that checkJSON has passed.

// checkJSON refuses what is too large, too deep, not UTF-8 or not JSON.
func checkJSON(text []byte, maxSize int) error {
	switch {
	case len(text) > maxSize:
		return earshot.Errorf(earshot.CodeResourceExhausted, "JSON of %d bytes, at most %d are read", len(text), maxSize)
	case !utf8.Valid(text):
		return earshot.Errorf(earshot.CodeInvalidArgument, "JSON is not UTF-8")
	case depth(text) > MaxDepth:
		return earshot.Errorf(earshot.CodeInvalidArgument, "JSON is nested deeper than %d", MaxDepth)
	case !json.Valid(text):
		var v any
		return earshot.Errorf(earshot.CodeInvalidArgument, "not JSON: %v", json.Unmarshal(text, &v))
	}
	return nil
}

// depth returns how deep the brackets outside strings nest.
func depth(text []byte) (deepest int) {
	now := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = skipString(text, i) - 1
		case '{', '[':
			now++
			deepest = max(deepest, now)
		case '}', ']':
			now--
		}
	}
	return deepest
}

// member is one of an object: its name, and where in the text its value is.
type member struct {
	name       string
	start, end int
}

// members lists those of an object in order; false if text is none.
func members(text []byte) ([]member, bool) {
	i := skipSpace(text, 0)
	if i >= len(text) || text[i] != '{' {
		return nil, false
	}
	var all []member
	for i = skipSpace(text, i+1); i < len(text) && text[i] == '"'; {
		nameEnd := skipString(text, i)
		var m member
		if json.Unmarshal(text[i:nameEnd], &m.name) != nil {
			return nil, false
		}
		m.start = skipSpace(text, skipSpace(text, nameEnd)+1) // over the colon
		m.end = skipValue(text, m.start)
		all = append(all, m)
		i = nextItem(text, m.end)
	}
	return all, true
}

// elements lists the values of an array; false if text is none.
func elements(text []byte) ([][]byte, bool) {
	i := skipSpace(text, 0)
	if i >= len(text) || text[i] != '[' {
		return nil, false
	}
	var all [][]byte
	for i = skipSpace(text, i+1); i < len(text) && text[i] != ']'; {
		end := skipValue(text, i)
		all = append(all, text[i:end])
		i = nextItem(text, end)
	}
	return all, true
}

// lookup follows names through objects. As everywhere in JSON, of members with
// the same name the last counts.
func lookup(text []byte, path ...string) ([]byte, bool) {
	for _, name := range path {
		m, ok := lastMember(text, name)
		if !ok {
			return nil, false
		}
		text = text[m.start:m.end]
	}
	return text, true
}

func lastMember(text []byte, name string) (found member, ok bool) {
	all, _ := members(text)
	for _, m := range all {
		if m.name == name {
			found, ok = m, true
		}
	}
	return found, ok
}

// set returns text with the value at path replaced, or added at the end of its
// object. What stands in the way of the path and is no object is replaced.
func set(text, value []byte, path ...string) []byte {
	if len(path) == 0 {
		return value
	}
	if _, isObject := members(text); !isObject {
		text = []byte("{}")
	}
	if m, ok := lastMember(text, path[0]); ok {
		inner := set(text[m.start:m.end], value, path[1:]...)
		return join(text[:m.start], inner, text[m.end:])
	}
	added := join(encode(path[0]), []byte(":"), set([]byte("{}"), value, path[1:]...))
	all, _ := members(text)
	if len(all) == 0 {
		at := bytes.IndexByte(text, '{') + 1
		return join(text[:at], added, text[at:])
	}
	at := all[len(all)-1].end
	return join(text[:at], []byte(","), added, text[at:])
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// encode is json.Marshal without the escapes for HTML, of values that cannot
// fail.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the place after the string that begins at i.
func skipString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// skipValue returns the place after the value that begins at i.
func skipValue(text []byte, i int) int {
	nested := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			i = skipString(text, i)
		case '{', '[':
			nested++
			i++
		case '}', ']':
			if nested == 0 {
				return i // of what is around a number
			}
			nested--
			i++
		case ',', ' ', '\t', '\n', '\r':
			if nested == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			continue
		}
		if nested == 0 {
			return i
		}
	}
	return i
}

// nextItem returns where the next member or element begins, or the bracket
// that ends them.
func nextItem(text []byte, i int) int {
	i = skipSpace(text, i)
	if i < len(text) && text[i] == ',' {
		return skipSpace(text, i+1)
	}
	return i
}
