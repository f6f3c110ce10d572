package cluster

import "earshot"

// MessageKind says what a Message is.
type MessageKind uint8

// The kinds of messages. Each may be lost, come twice, late, or out of order.
const (
	// Prepare asks the owner of Instance to expect a participant: Key, At
	// (where they are), Member, Orders.
	Prepare MessageKind = iota
	// Prepared answers it: Code empty if a place is kept.
	Prepared
	// Abort takes Prepare back, unless the target has begun to commit.
	Abort
	// Committed says that the participant of Key has arrived: At.
	Committed
	// Superseded says that a participant is at At, and not where they were.
	Superseded
	// Inherit asks a node to claim Instance, which was released to it.
	Inherit
	// OrderSet passes an Order on to where its participant is; Version as of
	// the store.
	OrderSet
	// OrderHeard answers it.
	OrderHeard
	// LetGo says to whom the participant of Key came from that they are gone
	// from here, too.
	LetGo
	// Propose asks To for what the review of a world wants: Proposal.
	Propose
	// Tell is Payload for the gateway of To, the Number-th that From tells it;
	// what is before First has been given up.
	Tell
	// Heard answers it: all before Number has been heard.
	Heard
)

// Message is what one node tells another. It carries what its kind names.
type Message struct {
	Kind     MessageKind
	From, To earshot.NodeID
	HLC      HLC

	Key      Key
	Instance earshot.InstanceID
	At       Whereabouts
	Member   Presence
	Orders   Orders
	Order    Order
	Version  uint64
	Offer    bool           // of Prepare: it may be declined, for they need not go
	Proposal *Proposal      `json:",omitempty"`
	Number   uint64         `json:",omitempty"`
	First    uint64         `json:",omitempty"`
	Payload  []byte         `json:",omitempty"`
	Code     earshot.Code   // why not
	Owner    earshot.NodeID // of Instance, as far as the sender knows
}

// Sane reports whether m is within bounds, as its receiver must check.
func (m *Message) Sane() bool {
	return m.Kind <= Heard && len(m.Payload) <= MaxTold && (m.Kind == Propose) == (m.Proposal != nil) && (m.Proposal == nil || m.Proposal.sane()) && len(m.Orders) <= MaxOrders && len(m.Member.State) <= MaxStateBytes &&
		len(m.Instance) <= earshot.MaxIDBytes && len(m.Key.Participant) <= earshot.MaxIDBytes
}
