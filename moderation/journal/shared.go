package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// MaxShared bounds an encoded Shared, in bytes. What is longer stays with the
// node that wrote it.
const MaxShared = 40 << 10

// Shared is what one node writes for the others: an entry with people by name
// and without anybody's words, which stay where they were written.
type Shared struct {
	// ID is the entry's, the same on every node.
	ID string `json:"id"`
	// From is the node that wrote it, and has the words and the sound that belong
	// to it, if Words says that there are any.
	From  string `json:"from"`
	Words bool   `json:"words,omitempty"`
	// Until is how long others need it.
	Until time.Time `json:"until"`
	// Ongoing says that it stays in force until lifted: Until is as far away as it
	// goes, and has to be said again before.
	Ongoing bool `json:"-"`
	entry
}

// heard is what an entry says that another node wrote.
type heard struct {
	ID    keyID  `json:"id"`
	From  string `json:"from"`
	Words bool   `json:"words,omitempty"`
}

// How long others need what they are told: as long as it can be in force, and
// afterwards longer than anybody who took it in can go on without its end.
const (
	sharedAfter = day      // after the last end of what it put in force
	sharedLift  = 30 * day // after Records, where something stayed until lifted
	maxAct      = 10 * 366 * day
	maxActs     = 32
	maxOrigin   = 256 // bytes
	recordKept  = 16  // strikes of the record that goes along
)

// Share has do called with each entry that others need, as soon as it is on the
// disk and in that order. do must not wait. origin names this node. It is called
// once, before anything is written.
func (j *Journal) Share(origin string, do func(Shared)) {
	j.disk.Lock()
	defer j.disk.Unlock()
	j.origin, j.share = origin, do
}

// Knows reports whether an entry is in this journal, be it its own or heard.
func (j *Journal) Knows(id string) bool {
	var k keyID
	if k.UnmarshalText([]byte(id)) != nil {
		return false
	}
	j.mu.RLock()
	defer j.mu.RUnlock()
	_, known := j.state.known[k]
	return known
}

// Sharing calls do with all that others need at a time, incident by incident and
// of each in the order it was taken in, what was heard as well as what is its own.
func (j *Journal) Sharing(now time.Time, do func(Shared)) error {
	j.mu.RLock()
	var due []string
	for id, it := range j.state.items {
		if j.until(it, now).After(now) {
			due = append(due, id)
		}
	}
	j.mu.RUnlock()
	slices.Sort(due)
	for _, id := range due {
		j.mu.RLock()
		_, refs, _ := j.refs(id)
		j.mu.RUnlock()
		for _, r := range refs {
			raw, err := j.lines.read(r.at)
			if earshot.CodeOf(err) == earshot.CodeNotFound {
				continue // too old for a journal in memory
			}
			if err != nil {
				return err
			}
			l, err := j.decode(raw)
			if err != nil {
				return err
			}
			var sum Sum
			if r.entry >= len(l.Entries) || sum.UnmarshalText(raw[:sumDigits]) != nil {
				continue
			}
			j.mu.RLock()
			s, ok := j.shared(&l.Entries[r.entry], sum, r.entry, now)
			j.mu.RUnlock()
			if ok {
				do(s)
			}
		}
	}
	return nil
}

// sharedID names an entry by its place in the chain.
func sharedID(sum Sum, index int) (id keyID) {
	whole := sha256.Sum256(binary.BigEndian.AppendUint32(sum[:], uint32(index)))
	copy(id[:], whole[:])
	return id
}

// subject returns the incident that an entry is about and when it was written,
// "" for what is not shared.
func (e *entry) subject() (incident string, at time.Time) {
	switch {
	case e.Incident != nil:
		return e.Incident.ID, e.Incident.At
	case e.Revision != nil:
		return e.Revision.Incident, e.Revision.At
	case e.Report != nil:
		return e.Report.Incident, e.Report.At
	case e.Appeal != nil:
		return e.Appeal.Incident, e.Appeal.At
	case e.Judgement != nil:
		return e.Judgement.Incident, e.Judgement.At
	case e.Undo != nil:
		return e.Undo.Incident, e.Undo.At
	}
	return "", time.Time{}
}

// until is how long others need what was written about an incident. mu is held.
func (j *Journal) until(it *item, now time.Time) time.Time {
	end := it.latest.Add(j.cfg.Contents)
	switch {
	case it.forever && it.ongoing():
		end = now.Add(j.cfg.Records)
	case it.forever:
		end = it.latest.Add(j.cfg.Records + sharedLift)
	}
	if last := it.lasts.Add(sharedAfter); !it.lasts.IsZero() && last.After(end) {
		end = last
	}
	return end
}

// shared returns an entry for others; not ok for what is not for them, or about
// somebody who was erased. mu is held.
func (j *Journal) shared(e *entry, sum Sum, index int, now time.Time) (s Shared, ok bool) {
	incident, _ := e.subject()
	it := j.state.items[incident]
	if it == nil {
		return s, false
	}
	words := len(e.Parts) > 0 || e.Incident != nil && len(e.Incident.Evidence) > 0 || e.Revision != nil && len(e.Revision.Evidence) > 0
	s = Shared{ID: sharedID(sum, index).String(), From: j.origin, Words: words, Until: j.until(it, now), Ongoing: it.ongoing()}
	if h := e.Heard; h != nil {
		s.ID, s.From, s.Words = h.ID.String(), h.From, h.Words
	}
	gone := false
	name := func(who earshot.ParticipantID) earshot.ParticipantID {
		n := j.ring.name(who)
		gone = gone || strings.HasPrefix(string(n), aliasPrefix)
		return n
	}
	s.entry = e.mapped(name)
	if c := s.Incident; c != nil {
		c.Record.Strikes = c.Record.Strikes[max(0, len(c.Record.Strikes)-recordKept):]
	}
	return s, !gone
}

// mapped returns a copy of what of an entry is shared, with everybody called what
// name calls them.
func (e *entry) mapped(name func(earshot.ParticipantID) earshot.ParticipantID) (to entry) {
	order := func(o *Order) *Order {
		if o == nil {
			return nil
		}
		c := *o
		c.Who = name(o.Who)
		return &c
	}
	switch {
	case e.Incident != nil:
		c := *e.Incident
		c.Who, c.Order = name(c.Who), order(c.Order)
		to.Incident = &c
	case e.Revision != nil:
		c := *e.Revision
		c.Order = order(c.Order)
		to.Revision = &c
	case e.Report != nil:
		c := *e.Report
		c.About, c.By = name(c.About), name(c.By)
		to.Report = &c
	case e.Appeal != nil:
		c := *e.Appeal
		c.Who = name(c.Who)
		to.Appeal = &c
	case e.Judgement != nil:
		c := *e.Judgement
		c.Order = order(c.Order)
		to.Judgement = &c
	case e.Undo != nil:
		c := *e.Undo
		c.Order = order(c.Order)
		to.Undo = &c
	}
	return to
}

// NewErasure returns the word that a person was erased, for all nodes.
func NewErasure(from string, who earshot.ParticipantID, by string, at time.Time) Shared {
	return Shared{
		ID: newKeyID().String(), From: from, Until: at.Add(365 * day), entry: entry{Erasure: &erasure{Who: who, By: by, At: at}},
	}
}

// Erased returns whom an entry says to erase, and who said so.
func (s *Shared) Erased() (who earshot.ParticipantID, by string, ok bool) {
	if s.Erasure == nil {
		return "", "", false
	}
	return s.Erasure.Who, s.Erasure.By, true
}

// Encode returns the entry as JSON. Errors are invalid_argument for one that is
// too long.
func (s *Shared) Encode() ([]byte, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "journal: %v", err)
	}
	if len(b) > MaxShared {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "journal: an entry of %d bytes for other nodes, at most %d go there", len(b), MaxShared)
	}
	return b, nil
}

// DecodeShared reads what Encode wrote on another node. Errors are
// invalid_argument.
func DecodeShared(data []byte) (s Shared, err error) {
	if len(data) > MaxShared {
		return s, earshot.Errorf(earshot.CodeInvalidArgument, "journal: an entry of %d bytes", len(data))
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, earshot.Errorf(earshot.CodeInvalidArgument, "journal: an entry of another node is none: %v", err)
	}
	if err := s.check(); err != nil {
		return Shared{}, err
	}
	return s, nil
}

func (s *Shared) check() error {
	var id keyID
	kinds, errs := 0, []error{id.UnmarshalText([]byte(s.ID))}
	add := func(err ...error) { errs = append(errs, err...) }
	if s.From == "" || len(s.From) > maxOrigin || s.Applied != nil || s.Access != nil || s.Shredding != nil || s.Order != nil || s.Parts != nil || s.Heard != nil {
		add(errNotShared)
	}
	if c := s.Incident; c != nil {
		kinds++
		add(checkID("id", c.ID), checkAt("at", c.At), checkOrder(c.Order), checkActs(c.Decision.Actions), checkActs(c.Decision.Proposed), optionalWho(c.Who))
		if c.Text != "" || c.Name != "" || c.Context != nil || c.Judgement != nil || len(c.World) > maxOrigin || !s.sameSubject(c.Who, c.Order) {
			add(errNotShared)
		}
	}
	if c := s.Revision; c != nil {
		kinds++
		add(checkID("incident", c.Incident), checkAt("at", c.At), checkOrder(c.Order), checkActs(c.Decision.Actions), checkActs(c.Decision.Proposed))
	}
	if c := s.Report; c != nil {
		kinds++
		add(checkID("id", c.ID), checkID("incident", c.Incident), checkAt("at", c.At), checkWho("about", c.About), checkWho("by", c.By))
		if c.Text != "" || c.Name != "" || c.Context != nil {
			add(errNotShared)
		}
	}
	if c := s.Appeal; c != nil {
		kinds++
		add(checkID("incident", c.Incident), checkAt("at", c.At), checkWho("who", c.Who))
		if c.Text != "" {
			add(errNotShared)
		}
	}
	if c := s.Judgement; c != nil {
		kinds++
		add(checkID("incident", c.Incident), checkID("by", c.By), checkAt("at", c.At), checkOrder(c.Order), checkActs(c.Actions))
		if !slices.Contains([]policy.Verdict{policy.Right, policy.Wrong, policy.TooHarsh, policy.TooMild}, c.Verdict) || c.Note != "" {
			add(errNotShared)
		}
	}
	if c := s.Undo; c != nil {
		kinds++
		add(checkID("incident", c.Incident), checkID("by", c.By), checkAt("at", c.At), checkOrder(c.Order))
		if c.Note != "" {
			add(errNotShared)
		}
	}
	if c := s.Erasure; c != nil {
		kinds++
		add(checkWho("who", c.Who), checkID("by", c.By), checkAt("at", c.At))
	}
	if kinds != 1 {
		add(errNotShared)
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// sameSubject: an order about somebody else than the incident would count for
// neither.
func (s *Shared) sameSubject(who earshot.ParticipantID, o *Order) bool {
	return o == nil || o.Who == who
}

var errNotShared = earshot.Errorf(earshot.CodeInvalidArgument, "journal: an entry of another node says what none writes for others: do all nodes run the same version?")

func optionalWho(who earshot.ParticipantID) error {
	if who == "" {
		return nil
	}
	return checkWho("who", who)
}

func checkOrder(o *Order) error {
	if o == nil {
		return nil
	}
	for _, err := range []error{checkID("order.id", o.ID), checkWho("order.who", o.Who), checkAt("order.at", o.At), checkActs(o.Acts)} {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkActs(acts []policy.Act) error {
	if len(acts) > maxActs {
		return errNotShared
	}
	for _, a := range acts {
		if a.For < 0 || a.For > maxAct {
			return errNotShared
		}
	}
	return nil
}
