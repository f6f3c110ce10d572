package cluster

import (
	"slices"
	"time"

	"earshot"
)

// The bounds of what one record may hold. What is larger is refused where it
// comes in, never cut.
const (
	MaxSnapshotBytes = 256 << 10 // of an instance: session chat, NPC state
	MaxStateBytes    = 4 << 10   // of a participant: position, publications
	MaxParty         = 32        // participants of one reservation
	MaxOrders        = 1024      // in force on one participant, blocks included
	MaxMembers       = 4096      // of one instance
)

// Load is what a node measures of itself.
type Load struct {
	CPU      float64 // share of the cores in use, 0 to 1
	Egress   float64 // share of the uplink in use, 0 to 1
	Packets  float64 // forwarded per second
	People   int     // connected
	Headroom int     // how many more it could take, by what those here cost

	Queued []string `json:",omitempty"` // worlds whose queue it leads and has somebody in
}

// NodeRecord is what a node says of itself, for as long as it lives. A process
// that starts again is another node.
type NodeRecord struct {
	Node         earshot.NodeID
	Region       string
	URL          string // where clients join, an origin
	Relay        string // where other nodes connect, host:port
	Capabilities []string
	Cost         float64 // per hour, in the operator's currency
	Load         Load
	Draining     bool
	HLC          HLC // when it was written; a record never replaces a later one
}

// Kind is what an instance is for.
type Kind uint8

// The kinds.
const (
	KindPublic  Kind = iota // anybody; people are spread over as many as it takes
	KindFriends             // friends of who is in
	KindPrivate             // who was invited
	KindGroup               // members of a group
	KindEvent               // an audience, one stage
	KindDev                 // whoever has the id; not listed
)

// State is how far an instance's life has come.
//
//	Requested -> Starting -> Open <-> SoftFull <-> HardFull
//	Open, SoftFull, HardFull -> Draining -> Closed
//	any but Closed -> Orphaned (no owner) -> Claimed (epoch+1) -> Open
//
// Requested and Starting are of an instance that some node has been asked to
// open; with the Claim it is Open. Orphaned is never written: it is what a
// record means whose lease has run out.
type State uint8

// The states.
const (
	Requested State = iota // wanted, no owner yet
	Starting               // an owner prepares it
	Open                   // anybody of its kind may enter
	SoftFull               // only the invited may: friends, parties, who comes back
	HardFull               // nobody may
	Draining               // those in are asked to move on
	Closed                 // gone for good
	Orphaned               // its owner is gone
	Claimed                // a new owner restores it: who was in may enter, and the invited
)

var stateNames = [...]string{"requested", "starting", "open", "soft_full", "hard_full", "draining", "closed", "orphaned", "claimed"}

// String is the state's name on the wire.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// Admits reports whether somebody may be let in, invited or not.
func (s State) Admits(invited bool) bool {
	return s == Open || invited && (s == SoftFull || s == Claimed)
}

// Full reports whether whoever is in may come in again, and nobody may in their
// place: they take no more room than they have.
func (s State) Full() bool { return s == SoftFull || s == HardFull }

// InstanceRecord is what the directory says of an instance. Only its owner
// writes it.
type InstanceRecord struct {
	Instance earshot.InstanceID
	World    string
	Kind     Kind
	Region   string
	State    State
	Into     earshot.InstanceID    // of one that is Draining: where its people are offered to go on; empty: nowhere
	Host     earshot.ParticipantID // whose it is: of kinds friends and private
	Group    string                // of kind group
	Title    string                // what people read, where it has a name of its own
	Invited  []earshot.ParticipantID
	Key      string // what proves an invitation, the gateway's
	Soft     int    // members from which only the invited enter
	Hard     int    // members from which nobody does
	Owner    earshot.NodeID
	Epoch    Epoch
	Rev      uint64 // grows with every write of one owner
	Count    int    // members, as of the last write
	Reserved int    // places reserved; a Survey may fill it in, nobody writes it
}

// Supersedes reports whether r is a later word than o.
func (r *InstanceRecord) Supersedes(o *InstanceRecord) bool {
	if r.Epoch != o.Epoch {
		return r.Epoch > o.Epoch
	}
	return r.Rev > o.Rev
}

// Presence is a member of an instance as the others need it: where, and what of
// theirs can be received.
type Presence struct {
	Participant earshot.ParticipantID
	Epoch       Epoch // of Whereabouts
	HLC         HLC   // when it was so
	Node        earshot.NodeID
	Cell        [2]int16     // of 32 m
	Position    earshot.Vec3 // m; written anew after some metres, not with each pose
	Flags       uint8        // speaking and the like; the gateway's
	State       []byte       // what it takes to go on elsewhere, the gateway's; at most MaxStateBytes
}

// Stamp orders p among the words about the same participant.
func (p *Presence) Stamp() Stamp { return Stamp{p.Epoch, p.HLC, p.Node} }

// Whereabouts is the one place a participant is at. Its Epoch grows with each
// change of place, so whoever holds an older one knows that it is over.
type Whereabouts struct {
	Participant earshot.ParticipantID
	Instance    earshot.InstanceID // empty: nowhere
	Node        earshot.NodeID
	Epoch       Epoch
	Key         Key // of the attempt that brought them there
}

// Stamp orders w among the words about the same participant.
func (w *Whereabouts) Stamp() Stamp { return Stamp{w.Epoch, w.Key.HLC, w.Node} }

// Reservation keeps places in an instance for a while, all or none.
type Reservation struct {
	Key          Key // of who asked
	Participants []earshot.ParticipantID
	Invited      bool          // may enter a softly full instance
	TTL          time.Duration // from when the store wrote it
}

// Clone shares nothing with p.
func (p Presence) Clone() Presence {
	p.State = slices.Clone(p.State)
	return p
}
