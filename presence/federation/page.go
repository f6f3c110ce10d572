package federation

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"earshot"
)

// The bounds of a page.
const (
	MaxPageBytes = 1 << 20
	MaxPeople    = 500 // in one page, set and gone together
	MaxTold      = 20_000
	MaxName      = 32 // characters
	MaxTitle     = 120
	MaxCursor    = 128
	MaxRegions   = 32
	MaxRetain    = 300 // seconds
)

// Page is an answer: what changed since a cursor, or everything.
type Page struct {
	Version  int     `json:"version"`
	Operator string  `json:"operator"` // who answers
	Region   string  `json:"region"`   // where these people are connected
	At       int64   `json:"at"`       // Unix milliseconds
	Policy   Policy  `json:"policy"`
	Worlds   []World `json:"worlds"` // all that the token reaches, sorted by name
	// Full: forget what was said before; this page and those that follow it while
	// More is true have everything.
	Full   bool     `json:"full"`
	Set    []Person `json:"set"`
	Gone   []Ref    `json:"gone"`
	Cursor string   `json:"cursor"` // for the next question
	More   bool     `json:"more"`   // there is another page: ask at once
	Poll   int      `json:"poll_s"` // seconds to wait before asking otherwise
}

// Policy binds who is told.
type Policy struct {
	Regions []string `json:"regions"`  // only there it may be kept and shown; "*": anywhere
	Retain  int      `json:"retain_s"` // seconds it may be kept without a newer word, 1 to 300
	Onward  bool     `json:"onward"`   // it may be passed on; always false in this version
}

// World is a world of the answering operator.
type World struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	People int    `json:"people"` // who is exported; others are not counted
}

// Person is somebody who is in a world.
type Person struct {
	// ID is a pseudonym: the same person has another one for each peer.
	ID       string             `json:"id"`
	World    string             `json:"world"`
	Instance earshot.InstanceID `json:"instance"`
	Name     string             `json:"name,omitempty"` // where the operator exports names
	Cell     *[2]int16          `json:"cell,omitempty"` // 32 m, x and z, where it exports places
}

// Ref names a person who is not there any more.
type Ref struct {
	World string `json:"world"`
	ID    string `json:"id"`
}

func (p *Person) ref() Ref { return Ref{p.World, p.ID} }

func (p *Person) equal(q *Person) bool {
	same := p.Cell == nil && q.Cell == nil || p.Cell != nil && q.Cell != nil && *p.Cell == *q.Cell
	return same && p.ID == q.ID && p.World == q.World && p.Instance == q.Instance && p.Name == q.Name
}

// Decode reads a page and checks every bound. Fields it does not know are of
// later minor versions, and ignored. The *earshot.Error is invalid_argument.
func Decode(data []byte) (*Page, error) {
	if len(data) > MaxPageBytes {
		return nil, malformed("%d bytes, at most %d", len(data), MaxPageBytes)
	}
	p := &Page{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, malformed("not JSON of a page")
	}
	return p, p.Check()
}

// Check says what is wrong with a page. The *earshot.Error is invalid_argument.
func (p *Page) Check() error {
	switch {
	case p.Version != Version:
		return malformed("version %d, this is %d", p.Version, Version)
	case !ValidOperator(p.Operator):
		return malformed("operator %.64q", p.Operator)
	case !ValidRegion(p.Region):
		return malformed("region %.64q", p.Region)
	case len(p.Policy.Regions) == 0 || len(p.Policy.Regions) > MaxRegions:
		return malformed("policy.regions names %d, 1 to %d", len(p.Policy.Regions), MaxRegions)
	case p.Policy.Retain < 1 || p.Policy.Retain > MaxRetain:
		return malformed("policy.retain_s is %d, 1 to %d", p.Policy.Retain, MaxRetain)
	case p.Policy.Onward:
		return malformed("policy.onward is true, which this version does not know")
	case len(p.Worlds) > MaxWorlds:
		return malformed("%d worlds, at most %d", len(p.Worlds), MaxWorlds)
	case len(p.Set)+len(p.Gone) > MaxPeople:
		return malformed("%d people, at most %d", len(p.Set)+len(p.Gone), MaxPeople)
	case p.Cursor == "" || len(p.Cursor) > MaxCursor || !printable(p.Cursor):
		return malformed("cursor has %d bytes, 1 to %d printable ones", len(p.Cursor), MaxCursor)
	case p.Poll < 1 || p.Poll > 3600:
		return malformed("poll_s is %d, 1 to 3600", p.Poll)
	}
	for _, r := range p.Policy.Regions {
		if r != "*" && !ValidRegion(r) {
			return malformed("policy.regions has %.64q", r)
		}
	}
	return p.checkPeople()
}

func (p *Page) checkPeople() error {
	known := make(map[string]bool, len(p.Worlds))
	for i := range p.Worlds {
		w := &p.Worlds[i]
		if !ValidWorld(w.Name) || known[w.Name] || w.People < 0 || !text(w.Title, MaxTitle) {
			return malformed("worlds[%d]", i)
		}
		known[w.Name] = true
	}
	for i := range p.Set {
		s := &p.Set[i]
		if !ValidID(s.ID) || !known[s.World] || !s.Instance.Valid() || !text(s.Name, MaxName) {
			return malformed("set[%d]", i)
		}
	}
	for i := range p.Gone {
		if !ValidID(p.Gone[i].ID) || !ValidWorld(p.Gone[i].World) {
			return malformed("gone[%d]", i)
		}
	}
	return nil
}

// Permits reports whether what a policy covers may be shown in a region.
func (p *Policy) Permits(region string) bool {
	return slices.Contains(p.Regions, "*") || slices.Contains(p.Regions, region)
}

func malformed(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, "federation: malformed page: "+format, args...)
}

// ValidOperator reports whether s can be the name of an operator: 1 to 24 of a-z,
// 0-9 and -.
func ValidOperator(s string) bool { return word(s, 24) }

// ValidRegion reports whether s can be the name of a region: as of operators.
func ValidRegion(s string) bool { return word(s, 24) }

// ValidWorld reports whether s can be the name of a world: 1 to 32 of the same.
func ValidWorld(s string) bool { return word(s, 32) }

// ValidID reports whether s can be a pseudonym: 16 of a-z and 2-7.
func ValidID(s string) bool {
	return len(s) == 16 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

func word(s string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func text(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
