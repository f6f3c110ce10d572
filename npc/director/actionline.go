package director

import "strings"

// action handles a line that begins with @: the protocol of
// persona.FindProposal. It returns 0 if the line is only words, as in
// "@everybody, listen".
func (s *Splitter) action(raw []byte) int {
	name := 1
	for name < len(raw) && nameByte(raw[name]) {
		name++
	}
	if name > 65 || name == 1 && len(raw) > 1 {
		return 0
	}
	at := name
	for at < len(raw) && (raw[at] == ' ' || raw[at] == '\t' || raw[at] == '\r') {
		at++
	}
	switch {
	case at == len(raw) && !s.eof:
		return need
	case at == len(raw) || raw[at] == '\n':
		s.act(string(raw[:name]), "")
		return at
	case raw[at] == '{':
		return s.arguments(raw, name, at)
	}
	return 0
}

// inline handles the same protocol where a model puts it behind its words. It
// must have arguments there: otherwise it may be words.
func (s *Splitter) inline(raw []byte) int {
	name := 1
	for name < len(raw) && nameByte(raw[name]) {
		name++
	}
	at := name
	for at < len(raw) && raw[at] == ' ' {
		at++
	}
	switch {
	case at == len(raw) && !s.eof && at < 80:
		return need
	case name > 1 && at < len(raw) && raw[at] == '{':
		return s.arguments(raw, name, at)
	}
	s.add(raw[:1])
	return 1
}

// arguments looks for the end of a JSON object that begins at from. One that
// never ends is dropped with its line: it is no speech.
func (s *Splitter) arguments(raw []byte, name, from int) int {
	end := closing(raw[from:])
	switch {
	case end > 0:
		s.sentence()
		s.act(string(raw[:name]), string(raw[from:from+end]))
		s.bol = true
		return from + end
	case len(raw) > maxActionLine:
		s.stop()
		return len(raw)
	case s.eof:
		s.sentence()
		return len(raw)
	}
	return need
}

func (s *Splitter) act(name, arguments string) {
	line := name
	if arguments != "" {
		line += " " + oneLine.Replace(arguments) // white space of JSON: a string cannot hold a raw line end
	}
	s.out = append(s.out, Piece{PieceAction, line})
}

var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

func nameByte(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' }

// closing returns the length of the JSON object that text begins with, 0 if it
// does not end.
func closing(text []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}
