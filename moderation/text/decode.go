package text

import "unicode/utf8"

// decode reads text into s.in: letters folded to lower-case Latin where they
// mean that, everything invisible left out but covered by the span of what
// stands before it, so that a mask hides it too.
func (l *letters) decode(text string, s *Scratch) {
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		f := l.form(r)
		from, to := uint16(i), uint16(i+size)
		i += size
		if f.class == dropped {
			if n := len(s.in); n > 0 && s.in[n-1].class != space {
				s.in[n-1].to = to
			}
			continue
		}
		c := cell{r: r, from: from, to: to, class: f.class, alike: f.alike, run: 1}
		switch {
		case f.n > 0:
			for _, b := range f.to[:f.n] {
				c.r = rune(b)
				s.in = append(s.in, c)
			}
			continue
		case f.lower != 0:
			c.r = f.lower
		case f.class == space:
			if n := len(s.in); n > 0 && s.in[n-1].class == space {
				s.in[n-1].wide = true
				s.in[n-1].to = to
				continue
			}
			c.r, c.wide = ' ', r == '\n' || r == '\r'
		}
		s.in = append(s.in, c)
	}
}
