package policy

import "strings"

// effects are what one finding leads to, a bit each in the order of the
// thresholds.
type effects uint8

const (
	toNudge effects = 1 << iota
	toMask
	toHold
	toStrike
	toReview
)

// effectNames returns their names in files, in the order of their bits.
func effectNames() [5]string { return [5]string{"nudge", "mask", "hold", "strike", "review"} }

// effectNamed returns the effect of a name, 0 if there is none.
func effectNamed(name string) effects {
	for i, n := range effectNames() {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// String is like "mask, strike".
func (e effects) String() string {
	var names []string
	for i, n := range effectNames() {
		if e&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
