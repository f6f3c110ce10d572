package persona

import (
	"strconv"
	"strings"
)

// decorated is the content of a lorebook entry without its decorators, the
// lines at its top that begin with @@ (Character Card V3, "Decorators"), and
// what those that are understood here say: activate, dont_activate,
// scan_depth, additional_keys and exclude_keys. Others are ignored; a line
// with @@@ counts where the one above it was not understood.
type decorated struct {
	content             string
	always, off         bool
	scanDepth           int // 0: the lorebook's
	additional, exclude []string
}

func undecorate(content string) (d decorated) {
	seen := map[string]bool{}
	understood := true
	rest := content
	for {
		line, after, _ := strings.Cut(rest, "\n")
		text := strings.TrimSpace(line)
		if text == "" && after != "" {
			rest = after
			continue
		}
		if !strings.HasPrefix(text, "@@") {
			break
		}
		fallback := strings.HasPrefix(text, "@@@")
		name, value, _ := strings.Cut(strings.TrimLeft(text, "@"), " ")
		if (!fallback || !understood) && !seen[name] {
			understood = d.decorate(name, strings.TrimSpace(value))
			seen[name] = understood
		}
		rest = after
	}
	if d.always {
		d.off = false
	}
	d.content = strings.TrimSpace(rest)
	return d
}

// decorate reports whether it understood.
func (d *decorated) decorate(name, value string) bool {
	switch name {
	case "activate":
		d.always = true
	case "dont_activate":
		d.off = true
	case "scan_depth":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > maxList {
			return false
		}
		d.scanDepth = n
	case "additional_keys":
		d.additional = strings.Split(value, ",")
	case "exclude_keys":
		d.exclude = strings.Split(value, ",")
	default:
		return false
	}
	return true
}
