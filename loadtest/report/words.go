package report

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FormatValue writes a figure of a unit of Catalogue for people: 0.9931 of
// "share" is "99.31 %", 1234 of "ms" is "1.23 s". What is no number is "–".
func FormatValue(unit string, v float64) string {
	if !isNumber(v) {
		return "–"
	}
	switch unit {
	case "share":
		return percent(v*100) + " %"
	case "percent":
		return percent(v) + " %"
	case "ms":
		return scaled(v, 1000, "ms", "s")
	case "mm":
		return scaled(v, 1000, "mm", "m")
	case "kbps":
		return scaled(v, 1000, "kbit/s", "Mbit/s")
	case "mb":
		return scaled(v, 1024, "MB", "GB")
	case "kb":
		return scaled(v, 1024, "KB", "MB")
	case "hz":
		return digits(v) + " Hz"
	case "per_s":
		return grouped(v) + "/s"
	case "per_min":
		return digits(v) + "/min"
	case "mos":
		return strconv.FormatFloat(v, 'f', 2, 64)
	case "count":
		return grouped(v)
	}
	return digits(v)
}

// FormatFigure writes the value of a figure by its name.
func FormatFigure(name string, v float64) string {
	m, _ := Describe(name)
	return FormatValue(m.Unit, v)
}

// percent keeps what is missing to 100 visible.
func percent(p float64) string {
	if p >= 99 && p < 100 {
		s := strconv.FormatFloat(p, 'f', 2, 64)
		if s == "100.00" {
			return "99.99" // not everything, and it must not look like it
		}
		return trimZeros(s)
	}
	if math.Abs(p) < 10 {
		return digits(p)
	}
	return trimZeros(strconv.FormatFloat(p, 'f', 1, 64))
}

func scaled(v, step float64, small, large string) string {
	if math.Abs(v) >= step*.9995 {
		return digits(v/step) + " " + large
	}
	return digits(v) + " " + small
}

// digits writes about three digits, thousands in full.
func digits(v float64) string {
	a := math.Abs(v)
	switch {
	case a >= 100:
		return grouped(v)
	case a >= 9.995:
		return trimZeros(strconv.FormatFloat(v, 'f', 1, 64))
	case a >= .0995:
		return trimZeros(strconv.FormatFloat(v, 'f', 2, 64))
	case v == 0:
		return "0"
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

func trimZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func grouped(v float64) string {
	if math.Abs(v) >= 1e15 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	if math.Abs(v) < 100 && v != math.Trunc(v) {
		return digits(v)
	}
	s := strconv.FormatFloat(math.Abs(math.Round(v)), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if v < 0 {
		return "-" + s
	}
	return s
}

// clip makes a foreign text fit for a line: no control or direction-changing
// characters, at most n bytes.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r == utf8.RuneError || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	if len(s) <= n {
		return s
	}
	cut := max(n-len("…"), 0)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// plural is "1 target", "2 targets".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(float64(n)) + " " + many
}

// sentence begins with a capital and ends with a stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(r)) + s[n:]
	if !strings.HasSuffix(s, "…") && !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}
