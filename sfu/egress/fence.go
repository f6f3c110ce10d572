package egress

import "sync"

// Fence tells when all packets of one slot that were given to a Burst before
// some moment have left, or will not leave any more.
//
// Its owner has a mutex under which packets are added and what may be added
// changes. It calls Turn under that mutex with the change, and Wait after it,
// without the mutex; Lock and Unlock around both keep two changes apart.
type Fence struct {
	sync.Mutex
	leaving [2]sync.WaitGroup
	turn    int // which of the two counts what is added now; guarded by the owner's mutex
}

// Turn separates what was added from what will be, and returns what to wait for.
func (f *Fence) Turn() *sync.WaitGroup {
	before := &f.leaving[f.turn]
	f.turn = 1 - f.turn
	return before
}

// add counts a packet and returns whom to tell when it has left.
func (f *Fence) add() *sync.WaitGroup {
	f.leaving[f.turn].Add(1)
	return &f.leaving[f.turn]
}
