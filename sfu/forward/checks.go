package forward

import "encoding/binary"

// A STUN message (RFC 8489, section 5): type, length, cookie, transaction id.
const (
	stunHeader  = 20
	stunIDAt    = 8
	stunRequest = 0x0001 // Binding
	checksKept  = 8192
)

// Checks tells a connection check of ICE from a copy of it. A check proves that
// who made it knows the session's password, not that whoever sent the packet
// does: one who overhears it could send it again from elsewhere, and ICE would
// move the session there (RFC 8445 has no protection against replays). Clients
// make a new transaction id for each check, so one that is known from another
// address is a copy.
//
// The last few thousand checks are remembered; of a node with a thousand
// sessions those of about twenty seconds. Fresh neither allocates nor waits.
type Checks struct {
	seed uint64
	seen []check
}

type check struct{ id, from uint64 }

// NewChecks returns a Checks; seed keeps others from choosing ids that share a
// place in it.
func NewChecks(seed uint64) *Checks {
	return &Checks{seed: seed | 1, seen: make([]check, checksKept)}
}

// Fresh reports whether a datagram from an address (as a number) may be taken:
// it is no check, or not one that came from another address.
func (c *Checks) Fresh(b []byte, from uint64) bool {
	if len(b) < stunHeader || binary.BigEndian.Uint16(b) != stunRequest {
		return true
	}
	id := c.hash(b[stunIDAt:stunHeader])
	e := &c.seen[id%checksKept]
	if e.id == id {
		return e.from == from
	}
	*e = check{id, from}
	return true
}

// hash makes a number of a transaction id of 12 bytes.
func (c *Checks) hash(id []byte) uint64 {
	h := (binary.BigEndian.Uint64(id) ^ c.seed) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	h = (h ^ uint64(binary.BigEndian.Uint32(id[8:]))) * (c.seed | 1)
	h ^= h >> 32
	return h | 1<<63 // so that it is never 0, which an empty place has
}
