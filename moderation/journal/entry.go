package journal

import (
	"encoding/json"
	"time"

	"earshot"
)

// line is what one append writes, under one sum.
type line struct {
	N       uint64  `json:"n"`
	Entries []entry `json:"entries"`
}

// entry is what one call wrote: one of the pointers. People in it are aliases,
// what they said is in Parts.
type entry struct {
	Incident  *Incident  `json:"incident,omitempty"`
	Revision  *Revision  `json:"revision,omitempty"`
	Applied   *Applied   `json:"applied,omitempty"`
	Report    *Report    `json:"report,omitempty"`
	Appeal    *Appeal    `json:"appeal,omitempty"`
	Judgement *Judgement `json:"judgement,omitempty"`
	Undo      *Undo      `json:"undo,omitempty"`
	Order     *Order     `json:"order,omitempty"` // one without an incident
	Access    *Access    `json:"access,omitempty"`
	Erasure   *erasure   `json:"erasure,omitempty"`
	Shredding *shredding `json:"shredding,omitempty"`
	Parts     []part     `json:"parts,omitempty"`
	// Heard says that another node wrote it.
	Heard *heard `json:"heard,omitempty"`
}

// people returns the aliases in an entry.
func (e *entry) people() (out []earshot.ParticipantID) {
	order := func(o *Order) {
		if o != nil {
			out = append(out, o.Who)
		}
	}
	switch {
	case e.Incident != nil:
		out = append(out, e.Incident.Who)
		order(e.Incident.Order)
	case e.Revision != nil:
		order(e.Revision.Order)
	case e.Report != nil:
		out = append(out, e.Report.About, e.Report.By)
	case e.Appeal != nil:
		out = append(out, e.Appeal.Who)
	case e.Judgement != nil:
		order(e.Judgement.Order)
	case e.Undo != nil:
		order(e.Undo.Order)
	}
	order(e.Order)
	for _, p := range e.Parts {
		out = append(out, p.Owner)
	}
	return out
}

// erasure says that all keys of a person that were in use before it are gone.
type erasure struct {
	Who earshot.ParticipantID `json:"who"` // alias
	By  string                `json:"by,omitempty"`
	At  time.Time             `json:"at"`
}

// shredding says that keys whose time was over were destroyed.
type shredding struct {
	At   time.Time `json:"at"`
	Keys int       `json:"keys"`
	// People is how many names were forgotten.
	People int `json:"people,omitempty"`
}

// words are what is encrypted. Texts are bytes there: as JSON strings, control
// characters would take six bytes each, and what somebody sends must not decide
// whether it can be kept.
type words struct {
	Name    []byte `json:"name,omitempty"`
	Text    []byte `json:"text,omitempty"`
	Context []said `json:"context,omitempty"`
}

// said is a Line.
type said struct {
	Who  earshot.ParticipantID `json:"who,omitempty"`
	Name []byte                `json:"name,omitempty"`
	Text []byte                `json:"text,omitempty"`
	At   time.Time             `json:"at"`
}

// part is words under a key.
type part struct {
	Owner earshot.ParticipantID `json:"owner,omitempty"` // alias of whose words these are
	Key   keyID                 `json:"key"`
	Data  []byte                `json:"data"` // AES-256-GCM: nonce and sealed JSON
}

func decodeLine(body []byte) (line, error) {
	var l line
	if err := json.Unmarshal(body, &l); err != nil {
		return line{}, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: a line with a right sum is no line of this version (%v): a newer Earshot may have written it", err)
	}
	return l, nil
}

// clip returns at most n bytes of s that end at a whole rune.
func clip(s string, n int) []byte { return []byte(cut(s, n)) }

// cut is clip for strings.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
