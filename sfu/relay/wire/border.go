package wire

import "earshot"

// What two nodes say of people near a border between two worlds. Such a person is
// no member of the other instance: only a name, a root and whether they speak go
// over, never media.

// Coast says that the sender runs an instance that has borders, or with Over not
// any more; people near those are shown there. Incarnation is that of Open.
type Coast struct {
	Channel     uint16             `json:"channel"` // of the coast, on the sending node
	Instance    earshot.InstanceID `json:"instance"`
	Incarnation uint64             `json:"incarnation,string"`
	Over        bool               `json:"over,omitempty"`
}

// Visitors describes people who have come near a border of a coast.
type Visitors struct {
	Channel  uint16             `json:"channel"`  // of this instance at that coast, on the sending node
	To       uint16             `json:"to"`       // the channel of the coast
	Instance earshot.InstanceID `json:"instance"` // where they are
	People   []Visitor          `json:"people"`
}

// Visitor is somebody near a border.
type Visitor struct {
	ID     earshot.ParticipantID   `json:"id"`
	Index  uint16                  `json:"index"` // in roots, on this link
	Name   string                  `json:"name"`
	Kind   string                  `json:"kind"`
	Blocks []earshot.ParticipantID `json:"blocks,omitempty"`
	Root   []byte                  `json:"root"` // as in a KindVisitor record
}

// Gone says that people are not near the border any more, or with All that the
// whole channel has ended.
type Gone struct {
	Channel uint16                  `json:"channel"`
	People  []earshot.ParticipantID `json:"people,omitempty"`
	All     bool                    `json:"all,omitempty"`
}

// Shun says that somebody near a border blocks another, or no more. With an Order
// it is answered by Ack once it holds.
type Shun struct {
	Channel uint16                `json:"channel"`
	By      earshot.ParticipantID `json:"by"`
	Other   earshot.ParticipantID `json:"other"`
	On      bool                  `json:"on"`
	Order   uint64                `json:"order,omitempty,string"`
}

// VisitorBytes is the length of the payload of a KindVisitor record: a root of
// presence/pose and flags.
const VisitorBytes = 11

// VisitorTalks is the flag of one who speaks just now.
const VisitorTalks = 1

func (v *Visitors) check() error {
	if !v.Instance.Valid() {
		return malformed("visitors: %.64q is no instance id", v.Instance)
	}
	err := count("visitors.people", len(v.People), MaxPeople)
	for i := range v.People {
		p := &v.People[i]
		err = first(err, person("visitors", p.ID), text("name", p.Name, MaxName), text("kind", p.Kind, 64), count("blocks", len(p.Blocks), MaxBlocks), count("root", len(p.Root), VisitorBytes))
		for _, b := range p.Blocks {
			err = first(err, person("blocks", b))
		}
	}
	return err
}

func (g *Gone) check() error {
	err := count("gone.people", len(g.People), MaxTold)
	for _, id := range g.People {
		err = first(err, person("gone", id))
	}
	return err
}
