package cluster

import (
	"time"

	"earshot"
)

// Status is how an Op ended.
type Status uint8

// The statuses.
const (
	// Unknown: no answer came, or the store is away. The Op may have been
	// applied, and may be later.
	Unknown Status = iota
	OK
	Held     // somebody else owns the instance
	Fenced   // the sender's epoch is over
	Conflict // the record is not the one expected
	Full     // no place
	Shut     // the state admits nobody, or the instance is closed
	Missing  // there is no such thing
)

var statusNames = [...]string{"unknown", "ok", "held", "fenced", "conflict", "full", "shut", "missing"}

// String is the status in a word.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "invalid"
}

// Reply is the answer to an Op. What of it is set is said at the Op. Slices are
// the receiver's to read, not to write.
type Reply struct {
	Status Status
	Epoch  Epoch
	Node   earshot.NodeID
	Left   time.Duration // of the lease
	Fresh  bool          // the store did not know an earlier owner

	Record   InstanceRecord
	Members  []Presence
	Seq      uint64
	Snapshot []byte

	At      Whereabouts
	Before  Whereabouts
	Orders  Orders
	Version uint64

	Nodes     []NodeRecord
	Instances []InstanceRecord
}

// Delta is what Put publishes to all who follow an instance: Seq is one
// more than that of the last, or something was lost. Full: all members, and
// nobody else.
type Delta struct {
	Instance earshot.InstanceID
	Node     earshot.NodeID
	Epoch    Epoch
	Seq      uint64
	Full     bool
	Set      []Presence
	Gone     []earshot.ParticipantID
}
