package text

import (
	_ "embed"
	"strings"
	"unicode"

	"earshot"
)

//go:embed letters.txt
var lettersFile string

// masked stands for a masked rune. It counts as a letter that is in no term,
// so that what is left and right of a mask never grows together to a new term.
const masked = '◼'

// class is what a rune is good for in a line of chat.
type class uint8

const (
	dropped class = iota // invisible: zero width, bidi controls, combining marks, invalid bytes
	space
	punct
	emoji
	digit
	letter
)

// form says how to read a rune.
type form struct {
	class class
	lower rune    // in lower case, when it is neither same nor only alike
	to    [3]byte // the letters or digits it always means
	n     uint8   // of them
	alike byte    // the Latin letter it looks like, or 0; with resembling set, only faintly
}

const resembling = 0x80

// forms below this index are the classes themselves: a rune that stays as it is.
const plainForms = int(letter) + 1

// tableEnd is where the direct table ends. Above are rare ideographs (letters),
// tags and variation selectors (dropped), and private planes.
const tableEnd = 0x20000

// letters maps every rune to its form. It never changes after newLetters.
type letters struct {
	index []uint16 // by rune, into forms
	forms []form
}

// newLetters reads the table of look-alikes and fills in the rest from
// package unicode.
func newLetters(file string) (*letters, error) {
	l := &letters{index: make([]uint16, tableEnd), forms: make([]form, plainForms, 4096)}
	for c := range l.forms {
		l.forms[c].class = class(c)
	}
	for r := rune(0); r < tableEnd; r++ {
		c := classOf(r)
		l.index[r] = uint16(c)
		if lower := unicode.ToLower(r); c == letter && lower != r {
			l.set(r, form{class: letter, lower: lower})
		}
	}
	section := ""
	for n, line := range strings.Split(file, "\n") {
		switch {
		case line == "" || line[0] == '#':
			continue
		case line == "[same]", line == "[alike]", line == "[resembling]":
			section = line
			continue
		}
		meant, runes, ok := strings.Cut(line, " ")
		alike := section != "[same]"
		if !ok || section == "" || len(meant) > 3 || alike && len(meant) > 1 {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, "letters.txt:%d: want 1 to 3 letters, a space and runes under [same], [alike] or [resembling]", n+1)
		}
		for _, r := range runes {
			if r >= tableEnd {
				return nil, earshot.Errorf(earshot.CodeInvalidArgument, "letters.txt:%d: U+%04X is above the table", n+1, r)
			}
			f := form{class: letter, lower: unicode.ToLower(r)}
			switch section {
			case "[alike]":
				f.alike = meant[0]
			case "[resembling]":
				f.alike = meant[0] | resembling
			default:
				f.n = uint8(copy(f.to[:], meant))
				if meant[0] <= '9' {
					f.class = digit
				}
			}
			l.set(r, f)
		}
	}
	l.agree()
	return l, nil
}

// agree gives a capital the meaning of its small letter where it has none or a
// fainter one: lower case must not look more Latin than upper case did.
func (l *letters) agree() {
	for i := range l.forms {
		f := &l.forms[i]
		if f.lower == 0 || f.n > 0 {
			continue
		}
		if s := l.form(f.lower); s.n > 0 {
			f.to, f.n = s.to, s.n
			continue
		}
		small := l.form(f.lower).alike
		if f.alike == 0 || f.alike&resembling != 0 && small != 0 && small&resembling == 0 {
			f.alike = small
		}
	}
}

func (l *letters) set(r rune, f form) {
	if i := int(l.index[r]); i >= plainForms {
		l.forms[i] = f
		return
	}
	l.index[r] = uint16(len(l.forms))
	l.forms = append(l.forms, f)
}

// form returns how to read r.
func (l *letters) form(r rune) *form {
	if uint32(r) < tableEnd {
		return &l.forms[l.index[r]]
	}
	if r < 0xE0000 {
		return &l.forms[letter]
	}
	return &l.forms[dropped]
}

func classOf(r rune) class {
	switch {
	case r == '\t' || r == '\n' || r == '\r' || r == '\v' || r == '\f' || unicode.Is(unicode.Zs, r) || r == 0x2028 || r == 0x2029:
		return space
	case r == 0xFFFD, r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0, r == 0x2800:
		return dropped // fillers that are drawn as nothing
	case r >= '0' && r <= '9':
		return digit
	case r == masked:
		return letter
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cc, unicode.Cf):
		return dropped
	case unicode.In(r, unicode.L, unicode.Mc, unicode.N):
		return letter
	case r >= 0x1F3FB && r <= 0x1F3FF, r >= 0x2190 && unicode.Is(unicode.S, r), unicode.Is(unicode.So, r):
		return emoji
	}
	return punct
}
