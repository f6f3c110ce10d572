package journal

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
	"time"

	"earshot"
)

// plan gathers what an entry needs: aliases of people, keys of their words.
type plan struct {
	j     *Journal
	slots []*slot // new ones
	parts []part
}

// alias returns how lines name a person, new if nobody spoke of them before.
func (p *plan) alias(who earshot.ParticipantID) keyID {
	if who == "" {
		return keyID{}
	}
	if id, ok := p.j.ring.person(who); ok {
		return id
	}
	for _, s := range p.slots {
		if s.person && s.name == who {
			return s.id
		}
	}
	s := &slot{person: true, id: newKeyID(), name: who}
	p.slots = append(p.slots, s)
	return s.id
}

// seal encrypts what owner said, for as long as contents are kept. It goes when
// owner or about is erased.
func (p *plan) seal(owner, about keyID, group string, until time.Time, name, text string) error {
	return p.sealed(owner, about, group, until, words{Name: clip(name, MaxName), Text: clip(text, MaxText)})
}

func (p *plan) sealed(owner, about keyID, group string, until time.Time, w words) error {
	if len(w.Name)+len(w.Text)+len(w.Context) == 0 {
		return nil
	}
	if about == owner {
		about = keyID{}
	}
	s := &slot{id: newKeyID(), expires: until.UnixMilli(), owner: owner, about: about, group: groupOf(group)}
	rand.Read(s.key[:])
	sealed, err := seal(s, w)
	if err != nil {
		return err
	}
	p.slots, p.parts = append(p.slots, s), append(p.parts, sealed)
	return nil
}

// context encrypts the lines of each person with a key of theirs.
func (p *plan) context(lines []Line, about keyID, group string, until time.Time) error {
	by := map[earshot.ParticipantID][]said{}
	var order []earshot.ParticipantID
	for _, l := range lines[max(0, len(lines)-MaxContext):] {
		if by[l.Who] == nil {
			order = append(order, l.Who)
		}
		by[l.Who] = append(by[l.Who], said{l.Who, clip(l.Name, MaxName), clip(l.Text, MaxOf), l.At})
	}
	for _, who := range order {
		if err := p.sealed(p.alias(who), about, group, until, words{Context: by[who]}); err != nil {
			return err
		}
	}
	return nil
}

// order returns an order as it is written.
func (p *plan) order(o *Order, incident, world string) (*Order, error) {
	if o == nil {
		return nil, nil
	}
	c := *o
	if c.ID == "" {
		c.ID = newID("or_")
	}
	if _, known := p.j.state.orders[c.ID]; known {
		return nil, earshot.Errorf(earshot.CodeAlreadyExists, "the order %.40q was given already", c.ID)
	}
	if err := checkWho("order.who", c.Who); err != nil {
		return nil, err
	}
	if c.World == "" {
		c.World = world
	}
	c.Incident, c.Who = incident, p.alias(c.Who).alias()
	o.ID, o.Incident, o.World = c.ID, c.Incident, c.World // the caller carries it out by these
	return &c, nil
}

// about returns an incident that an entry belongs to.
func (p *plan) about(id string) (*item, error) {
	if it := p.j.state.items[id]; it != nil {
		return it, nil
	}
	return nil, errNoIncident(id)
}

// until is how long words of a group are kept that come now.
func (p *plan) until(it *item, at time.Time) time.Time {
	if it != nil && !it.appealed.IsZero() {
		return it.appealed.Add(p.j.cfg.Appealed)
	}
	return at.Add(p.j.cfg.Contents)
}

const maxID = 64 // bytes of an id that a caller gives

// checkID makes sure that an id is short, and given.
func checkID(field, id string) error {
	if id == "" || len(id) > maxID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %.40q is no id of 1 to %d printed ASCII characters", field, id, maxID)
	}
	return nil
}

// checkWho makes sure that an id of a person fits a slot and is no alias.
func checkWho(field string, who earshot.ParticipantID) error {
	if err := checkID(field, string(who)); err != nil {
		return err
	}
	if strings.HasPrefix(string(who), aliasPrefix) {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %s was erased: nothing is written about them under that name", field, who)
	}
	return nil
}

func checkAt(field string, at time.Time) error {
	if at.Year() < 1970 || at.Year() > 9000 {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%s: %v is no time after 1970", field, at)
	}
	return nil
}

// newID returns a random id of 80 bits.
func newID(prefix string) string {
	var b [10]byte
	rand.Read(b[:])
	return prefix + strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// NewIncidentID returns an id for an incident.
func NewIncidentID() string { return newID("ic_") }

// NewOrderID returns an id for an order.
func NewOrderID() string { return newID("or_") }
