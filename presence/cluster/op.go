package cluster

import (
	"time"

	"earshot"
)

// Op is one atomic step at the store: in Valkey one script over the keys of one
// hash tag. What each does is said at its type, and reference.Store does it.
//
// Every Op may be applied twice, in any order with others and long after its
// sender gave up: whoever gets no answer sends the same Op again. The store's
// own clock times leases, reservations and records; a lease that has run out is
// as good as none.
type Op interface {
	// Tag is the hash tag of all keys it touches.
	Tag() string
	// Durable reports whether its answer must not be forgotten by a fail-over:
	// with replicas the store waits (WAIT) until one has it.
	Durable() bool
}

type (
	// Claim makes Node the owner of an instance that has none.
	//
	// OK: the epoch is max(last+1, Seed). The record there becomes Claimed; if
	// there is none, Record is it. With it come snapshot, members and Seq. Asked again by the same Node
	// with the same Nonce while it is the last owner: the same answer, the
	// lease renewed. Fresh: the store knew no owner before that claim.
	// Held: another owns it, or it is promised to an Heir; Epoch, Node and Left
	// say whose and how long. Shut: it is closed.
	Claim struct {
		Instance earshot.InstanceID
		Node     earshot.NodeID
		Nonce    HLC
		Seed     Epoch
		TTL      time.Duration
		Record   InstanceRecord
	}
	// Renew keeps a lease for TTL from now.
	//
	// OK if (Epoch, Node) is the last owner, also if the lease has run out
	// since nobody claimed it meanwhile. OK also if the last owner that the
	// store knows is a lesser (Epoch, Node), or none: the store has forgotten,
	// and takes this for true; it says Fresh then, and to every Renew in the
	// TTL after. Fenced otherwise, with the owner.
	Renew struct {
		Instance earshot.InstanceID
		Node     earshot.NodeID
		Epoch    Epoch
		TTL      time.Duration
	}
	// Write replaces an instance's record, unless the one there supersedes it,
	// which is OK too. It lists the instance, or takes it off the lists when it
	// is Closed. Fenced if (Epoch, Node) is not the last owner; the lease need
	// not run.
	Write struct{ Record InstanceRecord }
	// Put writes what changed among the members: Set and Gone, or with Full
	// everything. Of each participant the later by Stamp stays. It publishes
	// the same as a Delta. Fenced as Write; Seq of an earlier Put than the last
	// is OK without effect.
	Put struct {
		Instance earshot.InstanceID
		Node     earshot.NodeID
		Epoch    Epoch
		Seq      uint64
		Full     bool
		Set      []Presence
		Gone     []earshot.ParticipantID
	}
	// Save keeps a snapshot of at most MaxSnapshotBytes, unless one with a
	// later (Epoch, Rev) is there. Fenced as Write.
	Save struct {
		Instance earshot.InstanceID
		Node     earshot.NodeID
		Epoch    Epoch
		Rev      uint64
		Snapshot []byte
	}
	// ReadInstance reads an instance: record, members, Seq; Node and Left of its
	// lease. No snapshot.
	// Missing if there is none.
	ReadInstance struct{ Instance earshot.InstanceID }
	// Release ends a lease. Heir alone may claim for HeirTTL; then anybody.
	// OK also if (Epoch, Node) is not the last owner any more.
	//
	// With Forget the instance is taken off the lists, and of it nothing stays
	// but an epoch above Epoch, by which later words of its owner are Fenced:
	// the next Claim begins it anew, also where it was Closed. Conflict,
	// without effect, where somebody has a place reserved.
	Release struct {
		Instance earshot.InstanceID
		Node     earshot.NodeID
		Epoch    Epoch
		Heir     earshot.NodeID
		HeirTTL  time.Duration
		Forget   bool
	}
	// Reserve keeps a place for each participant, all or none.
	//
	// Counted are members and places reserved, each participant once. OK if
	// the record's State admits them and with them there are at most Soft
	// (Hard if invited) of them. The same Key again: OK while the reservation
	// runs. Full, Shut (the state admits nobody), Missing.
	Reserve struct {
		Instance earshot.InstanceID
		Reservation
	}
	// Cancel gives back the places of a reservation, or of these participants
	// in it. Always OK.
	Cancel struct {
		Instance     earshot.InstanceID
		Key          Key
		Participants []earshot.ParticipantID // empty: all
	}
	// Take turns a reserved place into a member: the step that admits.
	//
	// OK if the lease of (Epoch, Node) runs and Reservation has a place for the
	// participant, or they are a member already; the place is used up and the
	// member written as by Put, without a Delta: the owner puts it
	// once more. Fenced if the lease does not run. Missing if
	// there is no such place.
	Take struct {
		Instance    earshot.InstanceID
		Node        earshot.NodeID
		Epoch       Epoch
		Reservation Key
		Member      Presence
	}

	// Commit places a participant: compare-and-set of Whereabouts.
	//
	// OK if To.Key is that of the record (the same answer again), or if Expect
	// is the record's epoch, or if Any. The new epoch is max(last+1, Seed).
	// The answer has the record, Before (the one it replaced) and the Orders.
	// The record lasts for TTL; one that has run out counts as epoch 0.
	// Conflict otherwise, with the record that stands.
	Commit struct {
		To     Whereabouts // Epoch is ignored
		Expect Epoch
		Any    bool
		Seed   Epoch
		TTL    time.Duration
	}
	// Touch says that a participant is still there, for TTL.
	//
	// OK if At is the record, or later than it by Stamp, or there is none: then
	// At is written. Version counts the changes to the participant's orders.
	// Fenced if the record is later, with the record.
	Touch struct {
		At  Whereabouts
		TTL time.Duration
	}
	// Leave says that a participant is nowhere: the record loses Instance,
	// keeps the rest, and lasts for TTL: a Touch with the same Stamp is Fenced. Without effect if the record is
	// later by Stamp. Always OK.
	Leave struct {
		At  Whereabouts
		TTL time.Duration
	}
	// SetOrder takes an order in as Orders.Merge does. OK with the record of
	// whereabouts, if there is one, and Version. Full at MaxOrders.
	SetOrder struct{ Order Order }
	// Find reads whereabouts, Orders and Version of a participant.
	Find struct{ Participant earshot.ParticipantID }

	// Announce replaces a node's record, for TTL. Without effect if the record
	// there has a later HLC. Always OK.
	Announce struct {
		Record NodeRecord
		TTL    time.Duration
	}
	// Withdraw removes a node's record.
	Withdraw struct{ Node earshot.NodeID }
	// Survey reads all nodes that live and all instances that are listed, with
	// those whose lease has run out as Orphaned. In a cluster of stores it is
	// several reads, none of which need be of the same moment.
	Survey struct{}
)
