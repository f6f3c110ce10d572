package cluster

import "earshot"

// CallID pairs an answer of the store with its Call. The same Op sent again has
// the same one; the first answer counts.
type CallID uint64

// Call is an Op to send to the store.
type Call struct {
	ID CallID
	Op Op
}

// EventKind says what an Event is.
type EventKind uint8

// The kinds of events: what the gateway is to do or to know.
const (
	// Granted: this node owns Instance now, at Epoch. Record, Members and
	// Snapshot are what there was: to be restored before anybody is admitted.
	Granted EventKind = iota
	// Suspended: the lease could not be renewed. Nobody is admitted to
	// Instance; media go on. Resumed: it could.
	Suspended
	Resumed
	// Lost: Node owns Instance now (empty: nobody, or not known). Media go on
	// while its members are moved there.
	Lost
	// Admitted: the participant of Key is in Instance; Orders are in force
	// before anything of theirs passes; Member has the State they bring.
	Admitted
	// Refused: the participant of Key is not let in; Code says why, Node where
	// to ask instead.
	Refused
	// Ended: the session of Key's participant in Instance is over; Code is
	// aborted if they are elsewhere by now, unavailable if they should go on at
	// Node (empty: where placement says).
	Ended
	// Enforce: Order is in force on a participant who is here, or lifted.
	Enforce
	// Kept: Order is in the store. NotKept: there is no room for it.
	Kept
	NotKept
	// Expect: the participant of Key may connect for a handoff, with Member.
	Expect
	// Invite: ask the participant of Key to open a connection to Node for
	// Instance, while this one goes on.
	Invite
	// Moved: they have arrived there, and are no member here any more. Their
	// connection goes on for those who have not gone over yet, until Released.
	// Stayed: they have not, and stay.
	Moved
	Stayed
	// Drained: nobody is here and nothing is owned any more.
	Drained
	// Released: the session that came by Key, which has Moved, is to end.
	Released
	// Proposed: the review of a world wants Proposal of this node.
	Proposed
	// Told: Node's gateway says Payload.
	Told
)

// Event is what the gateway is to do or to know. It carries what its kind names.
type Event struct {
	Kind     EventKind
	Instance earshot.InstanceID
	Epoch    Epoch
	Key      Key
	Node     earshot.NodeID
	Code     earshot.Code
	Record   InstanceRecord
	Members  []Presence
	Snapshot []byte
	Member   Presence
	Orders   Orders
	Order    Order
	Proposal Proposal
	From     earshot.InstanceID // of Expect: where they come from
	Payload  []byte
}

// Output is what an input brought about. Events come in order; calls and
// messages may be sent in any.
type Output struct {
	Calls    []Call
	Messages []Message
	Events   []Event
}
