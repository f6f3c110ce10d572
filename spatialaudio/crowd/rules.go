package crowd

// ID is a person: a small number that the caller gives them, below
// Config.People. One that was somebody's is for another only after Rules.Forget
// and a plan without them.
type ID int32

// Rules is who may not hear whom: blocks in either direction, isolation, zones
// and what listeners have turned down to nothing.
type Rules struct {
	people     int
	words      int      // of a listener's row
	forbidden  []uint64 // a bit for each talker, listener by listener
	generation uint64
}

// NewRules returns rules for IDs below people that forbid nothing.
func NewRules(people int) *Rules {
	words := (people + 63) / 64
	return &Rules{people: people, words: words, forbidden: make([]uint64, people*words)}
}

// Generation changes with every Forbid.
func (r *Rules) Generation() uint64 { return r.generation }

// Forbid makes the listener not hear the talker. IDs outside are not heard by
// or of anybody anyway.
func (r *Rules) Forbid(listener, talker ID) {
	if r.has(listener) && r.has(talker) {
		r.forbidden[int(listener)*r.words+int(talker)/64] |= 1 << (talker % 64)
		r.generation++
	}
}

// Allow takes Forbid back.
func (r *Rules) Allow(listener, talker ID) {
	if r.has(listener) && r.has(talker) {
		r.forbidden[int(listener)*r.words+int(talker)/64] &^= 1 << (talker % 64)
	}
}

// Forget allows all that was forbidden to and of a person who has left.
func (r *Rules) Forget(id ID) {
	if !r.has(id) {
		return
	}
	clear(r.forbidden[int(id)*r.words : (int(id)+1)*r.words])
	for i := int(id) / 64; i < len(r.forbidden); i += r.words {
		r.forbidden[i] &^= 1 << (id % 64)
	}
}

// CopyFrom makes r what other is; both are for as many people. A plan is made by
// a copy while orders go on.
func (r *Rules) CopyFrom(other *Rules) {
	copy(r.forbidden, other.forbidden)
	r.generation = other.generation
}

// MayHear reports whether the listener may hear the talker: never themselves.
func (r *Rules) MayHear(listener, talker ID) bool {
	return r.has(listener) && r.has(talker) && listener != talker &&
		r.forbidden[int(listener)*r.words+int(talker)/64]>>(talker%64)&1 == 0
}

func (r *Rules) has(id ID) bool { return id >= 0 && int(id) < r.people }
