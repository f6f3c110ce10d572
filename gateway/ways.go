package gateway

// shut reports whether nothing may pass between a and b.
func (in *Instance) shut(a, b *session) bool {
	in.mu.Lock()
	isolated := a.sanctions.isolated || b.sanctions.isolated
	in.mu.Unlock()
	return isolated || in.space.Blocked(a.participant, b.participant)
}

// part opens or closes the way of media between a and b, each way, as
// everything that is in force has it. in.policy is held.
func (in *Instance) part(a, b *session) {
	a.deny(b.participant, in.closed(b, a))
	b.deny(a.participant, in.closed(a, b))
}

// closed reports whether nothing that from publishes may get to to, walls apart.
func (in *Instance) closed(from, to *session) bool {
	return in.shut(from, to) || in.withholds(from, to) || !to.hears() || handed(from, to)
}
