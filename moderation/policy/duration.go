package policy

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Duration is a time.Duration that is written like 50ms, 10m, 1h30m or 30d.
type Duration time.Duration

const day = 24 * time.Hour

var (
	durationPattern = regexp.MustCompile(`^(?:[0-9]{1,9}(?:w|d|h|ms|m|s)){1,6}$`)
	durationPart    = regexp.MustCompile(`([0-9]+)(w|d|h|ms|m|s)`)
)

// unit returns a unit of a duration.
func unit(name string) time.Duration {
	switch name {
	case "w":
		return 7 * day
	case "d":
		return day
	case "h":
		return time.Hour
	case "m":
		return time.Minute
	case "s":
		return time.Second
	}
	return time.Millisecond
}

// ParseDuration reads a Duration: numbers with a unit of w, d, h, m, s, ms.
func ParseDuration(s string) (Duration, error) {
	if !durationPattern.MatchString(s) {
		return 0, fmt.Errorf("%.32q is no duration like 50ms, 10m, 1h30m or 30d", s)
	}
	const most = 100 * 365 * day
	var sum time.Duration
	for _, m := range durationPart.FindAllStringSubmatch(s, -1) {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		if n > int64(most/unit(m[2])) {
			return 0, fmt.Errorf("%.32q is longer than a hundred years", s)
		}
		sum += time.Duration(n) * unit(m[2])
	}
	return Duration(sum), nil
}

// UnmarshalYAML reads what ParseDuration reads.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := ParseDuration(n.Value) // of a list or mapping "" is
	if err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %v", n.Line, err)}}
	}
	*d = v
	return nil
}

// MarshalYAML writes what UnmarshalYAML reads.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// String is the shortest that ParseDuration reads, without weeks.
func (d Duration) String() string {
	if d <= 0 {
		return "0s"
	}
	var b strings.Builder
	rest := time.Duration(d)
	for _, name := range []string{"d", "h", "m", "s", "ms"} {
		if n := rest / unit(name); n > 0 {
			fmt.Fprintf(&b, "%d%s", n, name)
			rest -= n * unit(name)
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}
