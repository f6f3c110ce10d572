package egress

// Limits of one message that the kernel splits (UDP_SEGMENT): of Linux before
// 6.9, and of IPv4.
const (
	maxSegments     = 64
	maxMessageBytes = 65507
)

// run returns how many of the packets, from the first on, can leave as one
// message: to one address, all of one size but for the last, which may be
// smaller.
func run(packets []packet) int {
	first := &packets[0]
	size, total := len(first.data), len(first.data)
	n := 1
	for n < len(packets) && n < maxSegments {
		p := &packets[n]
		total += len(p.data)
		if p.to != first.to || len(p.data) > size || total > maxMessageBytes {
			break
		}
		n++
		if len(p.data) < size {
			break
		}
	}
	return n
}
