package action

import (
	"errors"
	"math"
	"strconv"
	"unicode/utf8"

	"earshot"
)

// maxNumber bounds the variables that effects count with: far below where
// float64 loses whole numbers.
const maxNumber = 1e12

var errNoNumber = errors.New("no number")

// number reads a variable as a decimal number. Words such as NaN and Inf, which
// ParseFloat takes, are none: they would make comparisons lie.
func number(value string) (float64, error) {
	if len(value) > 32 {
		return 0, errNoNumber
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(n) || math.Abs(n) > maxNumber {
		return 0, errNoNumber
	}
	return n, nil
}

func checkVariable(name, value string) error {
	if !variableName(name) {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%.64q is no variable: a letter, then letters, digits, _, . and -, at most 64", name)
	}
	if len(value) > MaxVariable || !utf8.ValidString(value) {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%s: the value must be UTF-8 of at most %d bytes", name, MaxVariable)
	}
	return nil
}

func variableName(name string) bool {
	if len(name) == 0 || len(name) > 64 {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		other := c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return true
}
