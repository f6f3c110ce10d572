package director

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// PieceKind is what a Piece of an answer is.
type PieceKind uint8

// The kinds of pieces.
const (
	PieceSentence PieceKind = iota // to be spoken
	PieceGesture                   // a stage direction that has a gesture: Text is its name
	PieceAction                    // a line of the protocol of persona.FindProposal, whole
)

// Piece is a part of an answer that can be carried out by itself.
type Piece struct {
	Kind PieceKind
	Text string
}

// Limits of a Splitter. What is longer is cut, or dropped where it would not
// be spoken anyway.
const (
	DefaultSentence = 240      // runes of a sentence
	maxDirection    = 160      // bytes of a stage direction
	maxActionLine   = 4 << 10  // bytes
	maxThought      = 64 << 10 // bytes of a model's thinking
)

// Splitter takes an answer apart while it is being written: sentences as soon
// as they are certain to have ended, stage directions (*waves*) as gestures or
// left out, the line that proposes an action whole and never among the words.
// It drops what a model says that is not for ears: its thinking, marks of
// Markdown, its own name in front, and everything from where it begins to
// speak for others.
//
// It holds back no more than one sentence, or one line of action.
type Splitter struct {
	own, others []string // "mara:" in lower case
	max         int

	raw     []byte // not looked at yet
	cur     []byte // words of the sentence under way
	runes   int    // of cur
	bol     bool   // raw begins a line
	eof     bool
	done    bool
	thought int // bytes of thinking skipped so far; 0: it does not think
	out     []Piece
}

// NewSplitter returns a Splitter for an answer of a character that is called
// one of own, to somebody called one of others. Sentences have at most max
// runes, 0 means DefaultSentence.
func NewSplitter(own, others []string, max int) *Splitter {
	if max <= 0 {
		max = DefaultSentence
	}
	return &Splitter{own: labels(own), others: labels(others), max: max, bol: true}
}

func labels(names []string) (all []string) {
	for _, n := range names {
		if n = strings.ToLower(strings.TrimSpace(n)); n != "" && len(n) <= 64 {
			all = append(all, n+":")
		}
	}
	return all
}

// Write takes the next piece of text from the model, and returns what became
// certain by it. The slice is valid until the next call.
func (s *Splitter) Write(text string) []Piece {
	s.out = s.out[:0]
	if s.done {
		return nil
	}
	s.raw = append(s.raw, text...)
	s.run()
	return s.out
}

// End says that nothing more comes. Unless the answer is whole, the sentence
// under way is dropped: half a sentence may say the opposite.
func (s *Splitter) End(whole bool) []Piece {
	s.out = s.out[:0]
	if s.done {
		return nil
	}
	if whole {
		s.eof = true
		s.run()
		s.sentence()
	}
	s.stop()
	return s.out
}

// Pending is what is certain of the sentence under way, for captions that are
// shown while it grows.
func (s *Splitter) Pending() string { return strings.TrimSpace(string(s.cur)) }

// Done reports whether nothing more of the answer will be used, so that the
// model can be told to stop.
func (s *Splitter) Done() bool { return s.done }

func (s *Splitter) stop() { s.done, s.raw, s.cur, s.runes = true, nil, nil, 0 }

// need is how a step ended that has to see more text first.
const need = -1

func (s *Splitter) run() {
	at := 0
	for at < len(s.raw) && !s.done {
		n := s.step(s.raw[at:])
		if n == need {
			break
		}
		at += n
	}
	if !s.done {
		s.raw = append(s.raw[:0], s.raw[at:]...)
	}
}

// step returns how many bytes of raw it used, or need.
func (s *Splitter) step(raw []byte) int {
	if s.thought > 0 {
		return s.think(raw)
	}
	if s.bol {
		if n := s.lineStart(raw); n != 0 {
			return n
		}
		s.bol = false
	}
	if !utf8.FullRune(raw) && !s.eof {
		return need
	}
	r, size := utf8.DecodeRune(raw)
	switch {
	case r == utf8.RuneError && size == 1:
		return 1
	case r == '\n':
		s.sentence()
		s.bol = true
		return 1
	case r == '*':
		return s.asterisk(raw)
	case (r == '(' || r == '[') && len(s.cur) == 0:
		return s.bracket(raw)
	case r == '@' && (len(s.cur) == 0 || s.cur[len(s.cur)-1] == ' '):
		return s.inline(raw)
	case r == '`':
		return 1
	case unicode.IsSpace(r) || unicode.IsControl(r):
		s.space()
		return size
	case terminal(r):
		return s.terminal(raw)
	}
	s.add(raw[:size])
	return size
}

// lineStart handles what has a meaning only at the beginning of a line, and
// returns 0 if there is nothing of it.
func (s *Splitter) lineStart(raw []byte) int {
	switch c := raw[0]; {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		return 1
	case c == '<':
		if n := s.begins(raw, "<think>"); n != 0 {
			if n > 0 {
				s.thought = 1
			}
			return n
		}
	case c == '@':
		return s.action(raw)
	case c == '#' || c == '>':
		return 1
	case c == '-' || c == '*':
		if len(raw) < 2 && !s.eof {
			return need
		}
		if len(raw) > 1 && raw[1] == ' ' {
			return 2
		}
	}
	return s.label(raw)
}

// begins returns the length of a word that raw begins with, 0 if it does not,
// need if that is open.
func (s *Splitter) begins(raw []byte, word string) int {
	n := min(len(raw), len(word))
	if !strings.EqualFold(string(raw[:n]), word[:n]) {
		return 0
	}
	if n == len(word) {
		return n
	}
	if s.eof {
		return 0
	}
	return need
}

// label drops the character's own name in front of its words, and everything
// from where another's name stands there.
func (s *Splitter) label(raw []byte) int {
	wait := false
	for _, l := range s.own {
		if n := s.begins(raw, l); n > 0 {
			return n
		} else if n == need {
			wait = true
		}
	}
	for _, l := range s.others {
		if n := s.begins(raw, l); n > 0 {
			s.sentence()
			s.stop()
			return n
		} else if n == need {
			wait = true
		}
	}
	if wait {
		return need
	}
	return 0
}

func (s *Splitter) think(raw []byte) int {
	const end = "</think>"
	if at := bytes.Index(raw, []byte(end)); at >= 0 {
		s.thought = 0
		return at + len(end)
	}
	n := len(raw) - len(end)
	if n <= 0 && !s.eof {
		return need
	}
	if s.eof {
		n = len(raw)
	}
	if s.thought += n; s.thought > maxThought {
		s.stop()
	}
	return n
}

// asterisk tells stage directions from emphasis: who *really* means something
// does so in the middle of a sentence and with one word.
func (s *Splitter) asterisk(raw []byte) int {
	if len(raw) < 2 && !s.eof {
		return need
	}
	if len(raw) > 1 && raw[1] == '*' {
		return 2
	}
	inside, n := s.enclosed(raw, '*')
	switch {
	case n == need:
		return need
	case n == 0: // never closed
		return 1
	case len(s.cur) > 0 && !strings.ContainsAny(inside, " \t") && gestureOf(inside) == "":
		for _, r := range inside {
			if unicode.IsPrint(r) && r != '`' {
				s.add([]byte(string(r)))
			}
		}
		return n
	}
	s.direct(inside)
	return n
}

// bracket tells (smiles) at the beginning of a sentence from words in
// brackets.
func (s *Splitter) bracket(raw []byte) int {
	closer := byte(')')
	if raw[0] == '[' {
		closer = ']'
	}
	inside, n := s.enclosed(raw, closer)
	if n == need {
		return need
	}
	words := strings.Fields(inside)
	if n > 0 && len(words) > 0 && len(words) <= 8 && (gestureOf(inside) != "" || thirdPerson(words[0])) {
		s.direct(inside)
		return n
	}
	s.add(raw[:1])
	return 1
}

// enclosed returns what stands between the first byte and the closer, and the
// length with both; 0 if it is not closed, need if that is open.
func (s *Splitter) enclosed(raw []byte, closer byte) (string, int) {
	end := bytes.IndexByte(raw[1:], closer)
	if line := bytes.IndexByte(raw[1:], '\n'); end < 0 || line >= 0 && line < end {
		if end < 0 && line < 0 && len(raw) <= maxDirection && !s.eof {
			return "", need
		}
		return "", 0
	}
	if end > maxDirection {
		return "", 0
	}
	return string(raw[1 : 1+end]), end + 2
}

func (s *Splitter) direct(text string) {
	if g := gestureOf(text); g != "" {
		s.out = append(s.out, Piece{PieceGesture, g})
	}
	s.space()
}

// add puts the bytes of one rune to the sentence, which is cut when it gets
// too long.
func (s *Splitter) add(r []byte) {
	s.cur = append(s.cur, r...)
	if s.runes++; s.runes > s.max {
		s.cut()
	}
}

func (s *Splitter) space() {
	if n := len(s.cur); n > 0 && s.cur[n-1] != ' ' {
		s.add([]byte{' '})
	}
}

// cut ends a sentence that is too long where a breath may be taken, else
// between words, else between letters.
func (s *Splitter) cut() {
	text := string(s.cur)
	at := -1
	for _, mark := range []string{", ", "; ", ": ", " – ", " — ", "，", "、", "；"} {
		if i := strings.LastIndex(text, mark); i >= 0 && i >= len(text)/3 {
			at = max(at, i+len(mark))
		}
	}
	if at < 0 {
		at = strings.LastIndexByte(strings.TrimRight(text, " "), ' ') + 1
	}
	if at <= 0 {
		_, last := utf8.DecodeLastRuneInString(text)
		at = len(text) - last
	}
	s.say(text[:at])
	s.cur = append(s.cur[:0], strings.TrimLeft(text[at:], " ")...)
	s.runes = utf8.RuneCount(s.cur)
}

// sentence ends the sentence under way.
func (s *Splitter) sentence() {
	s.say(string(s.cur))
	s.cur, s.runes = s.cur[:0], 0
}

func (s *Splitter) say(text string) {
	text = strings.TrimSpace(text)
	if strings.IndexFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r > 0x2600 }) < 0 {
		return // nothing to pronounce
	}
	s.out = append(s.out, Piece{PieceSentence, text})
}
