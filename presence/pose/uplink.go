package pose

import "earshot"

// Uplink writes the datagrams a participant sends: the current pose and, so
// that a single loss costs nothing, the one before it. The zero Uplink is
// ready; it belongs to one goroutine.
type Uplink struct {
	packer   Packer
	seq      uint16
	last     uint32
	sent     bool
	current  []byte
	previous []byte
}

// Next returns the datagram for p captured at time (ms of the sender's own
// clock, which only has to be steady). It is valid until the following Next.
func (u *Uplink) Next(p *earshot.Pose, time uint32) []byte {
	u.current, u.previous = u.previous, u.current
	u.current = AppendSnapshot(u.current[:0], p)
	u.packer.Reset()
	u.packer.Begin(u.seq, time)
	u.packer.Add(Block{Kind: KindSnapshot, Payload: u.current})
	if age := time - u.last; u.sent && age <= 255 {
		u.packer.Add(Block{Kind: KindSnapshot, Payload: u.previous, Age: uint8(age)})
	}
	u.seq, u.last, u.sent = u.seq+1, time, true
	return u.packer.End()
}
