package cluster

import (
	"slices"
	"strings"

	"earshot"
)

// OrderKind is what an order does.
type OrderKind uint8

// The kinds of orders.
const (
	Mute      OrderKind = iota // may not speak
	Isolation                  // neither heard nor seen by anybody
	Ban                        // may not be in Scope
	Block                      // Of and Against get nothing of each other
)

// Order is something in force on a participant wherever they go. It is kept in
// the store beside their whereabouts, and each node that has them enforces it.
//
// An order is lifted by the same order with Lifts set to the HLC of the one that
// is lifted: one that was given afterwards, or that whoever lifts has not heard
// of, stays, however their clocks differ. Those of moderators carry an ID.
type Order struct {
	Kind    OrderKind
	Of      earshot.ParticipantID // on whose record it is; of a block: who blocks
	Against earshot.ParticipantID // who is blocked
	ID      earshot.EventID       // of a moderator's
	Scope   string                // a world; empty: everywhere
	Until   HLC                   // 0: until lifted
	HLC     HLC                   // when it was given
	Lifts   HLC                   // the latest of its name that was lifted; 0: none
	Node    earshot.NodeID        // who wrote it
}

// Name tells orders on the same participant apart.
func (o *Order) Name() string {
	return strings.Join([]string{string('0' + rune(o.Kind)), string(o.Against), string(o.ID), o.Scope}, "/")
}

// Stamp orders o among those of the same name.
func (o *Order) Stamp() Stamp { return Stamp{HLC: o.HLC, Node: o.Node} }

// InForce reports whether o holds at a reading.
func (o *Order) InForce(at HLC) bool { return o.HLC > o.Lifts && (o.Until == 0 || at < o.Until) }

// merge is what both say: the later order, lifted as far as either knows.
func (o Order) merge(p Order) Order {
	lifts := max(o.Lifts, p.Lifts)
	if o.Stamp().Before(p.Stamp()) {
		o = p
	}
	o.Lifts = lifts
	return o
}

// Orders are those on one participant, sorted by name, with what was lifted
// until it is forgotten. The zero Orders is none.
type Orders []Order

// Merge takes o in and reports whether that changed anything. Of two of a name
// the later one stays, with the later Lifts of both, in whichever order they
// come. At MaxOrders the oldest that is lifted, or over by o's HLC, makes room;
// full reports that there was none.
func (os *Orders) Merge(o Order) (changed, full bool) {
	at, found := slices.BinarySearchFunc(*os, o.Name(), func(have Order, name string) int {
		return strings.Compare(have.Name(), name)
	})
	if found {
		o = (*os)[at].merge(o)
		if o == (*os)[at] {
			return false, false
		}
		*os = slices.Clone(*os) // replies and messages may hold the old one
		(*os)[at] = o
		return true, false
	}
	if len(*os) >= MaxOrders {
		oldest := -1
		for i := range *os {
			if h := &(*os)[i]; !h.InForce(o.HLC) && (oldest < 0 || h.HLC < (*os)[oldest].HLC) {
				oldest = i
			}
		}
		if oldest < 0 {
			return false, true
		}
		*os = slices.Delete(slices.Clone(*os), oldest, oldest+1)
		return os.Merge(o)
	}
	*os = slices.Insert(slices.Clip(*os), at, o)
	return true, false
}

// have reports whether o would change nothing.
func (os Orders) have(o Order) bool {
	i := slices.IndexFunc(os, func(have Order) bool { return have.Name() == o.Name() })
	return i >= 0 && os[i].merge(o) == os[i]
}
