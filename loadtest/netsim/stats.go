package netsim

import (
	"math"
	"time"
)

// Stats is what one direction did. Packets is Arrived, plus what was lost in
// one way or another.
type Stats struct {
	Packets, Bytes int64 // sent into it; bytes of payload
	Arrived        int64 // or still on the way; duplicates count once
	Lost           int64 // by Loss
	Dropped        int64 // the queue of the bottleneck was full
	Dark           int64 // sent in a blackout
	Overflow       int64 // no room to hold it, or longer than can be held
	Reordered      int64
	Duplicated     int64

	// Delivered counts what left the line of a shell, and Late is how much
	// later than decided that was, together and at worst: the machine's doing.
	Delivered       int64
	Late, WorstLate time.Duration

	sum, squares float64 // of the delays decided on, s
}

// observe notes the delay of a packet that arrives.
func (s *Stats) observe(delay time.Duration) {
	s.Arrived++
	d := delay.Seconds()
	s.sum += d
	s.squares += d * d
}

func (s *Stats) delivered(late time.Duration) {
	s.Delivered++
	s.Late += late
	s.WorstLate = max(s.WorstLate, late)
}

// Delay returns mean and standard deviation of the delays decided on, of
// packets that arrive: waiting at the bottleneck and reordering included.
func (s *Stats) Delay() (mean, deviation time.Duration) {
	if s.Arrived == 0 {
		return 0, 0
	}
	m := s.sum / float64(s.Arrived)
	v := max(0, s.squares/float64(s.Arrived)-m*m)
	return time.Duration(m * float64(time.Second)), time.Duration(math.Sqrt(v) * float64(time.Second))
}

// LossShare returns which share of the packets did not arrive, for whatever
// reason.
func (s *Stats) LossShare() float64 {
	if s.Packets == 0 {
		return 0
	}
	return 1 - float64(s.Arrived)/float64(s.Packets)
}

// Add adds those of o, of another link.
func (s *Stats) Add(o *Stats) {
	s.Packets += o.Packets
	s.Bytes += o.Bytes
	s.Arrived += o.Arrived
	s.Lost += o.Lost
	s.Dropped += o.Dropped
	s.Dark += o.Dark
	s.Overflow += o.Overflow
	s.Reordered += o.Reordered
	s.Duplicated += o.Duplicated
	s.Delivered += o.Delivered
	s.Late += o.Late
	s.WorstLate = max(s.WorstLate, o.WorstLate)
	s.sum += o.sum
	s.squares += o.squares
}
