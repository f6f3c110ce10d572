package sfu

// numbersKept is how many packets of a slot keep their number on the downlink,
// more than a publication keeps of its packets.
const numbersKept = 1024

// numbers remembers the downlink's number of each packet a slot sent. A repair
// has to carry the number of the packet that was lost: the number is part of
// what AES-GCM authenticates, and one nonce (here SSRC and sequence number)
// must never see two texts (RFC 7714, section 8.4).
type numbers struct{ of []numbered }

type numbered struct {
	seq, number uint16
	ok          bool
}

func (n *numbers) put(seq, number uint16) {
	if n.of == nil {
		n.of = make([]numbered, numbersKept)
	}
	n.of[seq%numbersKept] = numbered{seq, number, true}
}

// get reports false where the packet is forgotten.
func (n *numbers) get(seq uint16) (uint16, bool) {
	if n.of == nil {
		return 0, false
	}
	e := n.of[seq%numbersKept]
	return e.number, e.ok && e.seq == seq
}
