package presence

import (
	"math"
	"time"
)

const (
	// restart is after how much silence a sequence number out of order, and
	// after how large a step a sender's clock, are taken as a new beginning.
	restart = time.Second

	// drift is how fast the offset of a sender's clock may grow, in ms per ms:
	// ten times what two crystals differ by.
	drift = 1e-3
)

// uplink orders the datagrams of one participant and maps their clock to the
// server's.
type uplink struct {
	seen   bool
	seq    uint16
	at     time.Time // arrival of the last datagram accepted
	time   uint32    // its time, sender's ms
	sender int64     // the same, not cut to 32 bits
	offset float64   // ms: server clock minus sender's clock
}

// accepts reports whether a datagram is newer than the last one, and how many
// are missing between the two.
func (u *uplink) accepts(seq uint16, now time.Time) (missing int, ok bool) {
	step := int16(seq - u.seq)
	switch {
	case !u.seen:
		return 0, true
	case step > 0:
		return int(step) - 1, true
	default:
		return 0, step != 0 && now.Sub(u.at) > restart
	}
}

// capture takes an accepted datagram and maps its time to the server clock,
// both in ms. The offset is the least arrival minus sending that was seen, the
// one with the least queueing; it rises slowly, so that a sender whose clock
// runs slow is followed. The result is never later than clock, the arrival.
func (u *uplink) capture(seq uint16, sent uint32, clock int64, now time.Time) int64 {
	step := int64(int32(sent - u.time))
	u.sender += step
	measured := float64(clock - u.sender)
	u.offset += drift * float64(max(step, 0))
	if !u.seen || measured < u.offset || measured-u.offset > float64(restart.Milliseconds()) {
		u.offset = measured
	}
	u.seen, u.seq, u.at, u.time = true, seq, now, sent
	return min(u.sender+int64(math.Floor(u.offset)), clock)
}
